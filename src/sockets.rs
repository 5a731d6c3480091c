//! The sockets that a process listens on. They are opened before anything else starts, so that a
//! port in use ends the process with an exit code of its own.

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use anyhow::{Context, anyhow};
use serving::{
    listener::{Door, Tls},
    reload::Certificates,
    socket::{Address, Family, Listening},
};

use crate::{
    WRONG_OPTIONS, fail,
    options::{LISTEN, Listener, OPS_LISTEN, Row},
    passed::{Passed, PassedSocket},
};

/// An address is in use, or not of this machine.
const CANNOT_LISTEN: u8 = 3;

/// Open files that are kept for whatever clients do not bring: health checks and metrics
/// ([`serving::watchers::WATCHERS`]), the bus, listeners, threads, certificates that are read.
const RESERVE: u64 = 96;

const _: () = assert!(RESERVE as usize >= 2 * serving::watchers::WATCHERS);

/// How many connections clients can have before this process has no files left to open.
pub fn room_for_clients() -> u32 {
    // A system that does not tell gets the least that any has.
    let (_, most) = rlimit::getrlimit(rlimit::Resource::NOFILE).unwrap_or((256, 256));
    u32::try_from(most.saturating_sub(RESERVE).max(1)).unwrap_or(u32::MAX)
}

/// All sockets of a process.
pub struct Sockets {
    /// For clients; only a gateway has them.
    pub clients: Vec<Door>,
    /// For health checks and metrics.
    pub ops: Vec<Door>,
    /// The certificates of all of them, those of clients first.
    pub certificates: Vec<Arc<Certificates>>,
}

impl Sockets {
    /// Opens them, after the certificates have been read: a fault there is one of the options. A
    /// socket that was passed to this process is taken for the address that it listens on.
    ///
    /// # Errors
    /// The exit code of the process. The reason has been printed.
    pub fn open(clients: &[Listener], ops: &[Listener], mut passed: Passed) -> Result<Self, ExitCode> {
        let mut certificates = Vec::new();
        let clients = with_certificates(clients, &mut certificates)?;
        let ops = with_certificates(ops, &mut certificates)?;
        let all: Vec<_> = clients.iter().chain(&ops).map(|(address, _)| address.clone()).collect();
        let mut open = |option: &dyn Row, listeners: Vec<(Address, Option<Tls>)>| {
            let door = |(address, tls): (Address, Option<Tls>)| {
                let listening = listening(option, &address, &all, &mut passed)?;
                Ok(Door { listening, tls })
            };
            listeners.into_iter().map(door).collect::<Result<Vec<_>, ExitCode>>()
        };
        let sockets = Self { clients: open(&LISTEN, clients)?, ops: open(&OPS_LISTEN, ops)?, certificates };
        match passed.left() {
            None => Ok(sockets),
            Some(address) => {
                let (listen, ops) = (LISTEN.flag(), OPS_LISTEN.flag());
                let fault = format!(
                    "a socket was passed that listens on {address}: neither {listen} nor {ops} names it"
                );
                Err(fail(&anyhow!(fault), WRONG_OPTIONS))
            }
        }
    }
}

/// Reads the certificates of listeners. Those that show the same share it.
fn with_certificates(
    listeners: &[Listener],
    all: &mut Vec<Arc<Certificates>>,
) -> Result<Vec<(Address, Option<Tls>)>, ExitCode> {
    let mut with = Vec::new();
    for Listener { address, tls } in listeners {
        let certificates = match tls {
            None => None,
            Some(files) => match all.iter().find(|certificates| certificates.files() == files) {
                Some(shared) => Some(shared.clone()),
                None => {
                    let opened = Certificates::open(files.clone());
                    let opened = opened.map_err(|error| fail(&error.into(), WRONG_OPTIONS))?;
                    all.push(Arc::new(opened));
                    all.last().cloned()
                }
            },
        };
        let tls = certificates.map(|certificates| -> Tls { Arc::new(move || certificates.acceptor()) });
        with.push((address.clone(), tls));
    }
    Ok(with)
}

fn listening(
    option: &dyn Row,
    address: &Address,
    all: &[Address],
    passed: &mut Passed,
) -> Result<Listening, ExitCode> {
    let opened = match passed.take(address) {
        Some(PassedSocket::Tcp(listener)) => Listening::from_tcp(listener),
        Some(PassedSocket::Unix(listener)) => Listening::from_unix(listener),
        None => Listening::open(address, family(address, all)),
    };
    let opened = opened.with_context(|| format!("cannot listen on {} {address}", option.flag()));
    opened.map_err(|error| fail(&error, CANNOT_LISTEN))
}

/// Without a listener for IPv4 on the same port, one for IPv6 takes the clients of both.
fn family(address: &Address, all: &[Address]) -> Family {
    let Address::Tcp(own) = address else { return Family::Both };
    let is_beside = |other: &SocketAddr| other.is_ipv4() && other.port() == own.port() && own.port() != 0;
    let beside = |other: &Address| matches!(other, Address::Tcp(other) if is_beside(other));
    if all.iter().any(beside) { Family::Own } else { Family::Both }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_takes_the_clients_of_ipv4_unless_they_have_a_listener_of_their_own() {
        let family = |address: &str, others: &[&str]| {
            let others: Vec<_> = others.iter().map(|other| other.parse().unwrap()).collect();
            family(&address.parse().unwrap(), &others)
        };
        assert_eq!(family("[::]:443", &["[::]:443", "127.0.0.1:9090"]), Family::Both);
        assert_eq!(family("[::]:443", &["0.0.0.0:443", "[::]:443"]), Family::Own);
        assert_eq!(family("[::]:0", &["0.0.0.0:0"]), Family::Both, "two ports");
    }
}
