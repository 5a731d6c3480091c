//! The sockets that a process listens on. They are opened before anything else starts, so that a
//! port in use ends the process with an exit code of its own.

use std::{net::SocketAddr, process::ExitCode};

use anyhow::Context;
use serving::{
    listener,
    tls::{self, Acceptor},
};
use tokio::net::TcpListener;

use crate::{
    WRONG_OPTIONS, fail,
    options::{LISTEN, Listener, OPS_LISTEN, Row},
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
    /// For clients; only a gateway has it.
    pub clients: Option<Socket>,
    /// For health checks and metrics.
    pub ops: Socket,
}

/// An open socket, plain or with TLS.
pub struct Socket {
    /// The listening socket.
    pub listener: TcpListener,
    /// TLS; plain TCP without it.
    pub tls: Option<Acceptor>,
}

impl Sockets {
    /// Opens them, after the certificates have been read: a fault there is one of the options.
    ///
    /// # Errors
    /// The exit code of the process. The reason has been printed.
    pub fn open(clients: Option<&Listener>, ops: &Listener) -> Result<Self, ExitCode> {
        let clients_tls = clients.map(acceptor).transpose()?;
        let ops_tls = acceptor(ops)?;
        let clients = clients.map(|clients| bind(&LISTEN, clients.address)).transpose()?;
        Ok(Self {
            clients: clients.map(|listener| Socket { listener, tls: clients_tls.flatten() }),
            ops: Socket { listener: bind(&OPS_LISTEN, ops.address)?, tls: ops_tls },
        })
    }
}

fn acceptor(listener: &Listener) -> Result<Option<Acceptor>, ExitCode> {
    let acceptor = listener.tls.as_ref().map(tls::acceptor).transpose();
    acceptor.map_err(|error| fail(&error.into(), WRONG_OPTIONS))
}

fn bind(option: &dyn Row, address: SocketAddr) -> Result<TcpListener, ExitCode> {
    let bound = listener::bind(address);
    let bound = bound.with_context(|| format!("cannot listen on {} {address}", option.flag()));
    bound.map_err(|error| fail(&error, CANNOT_LISTEN))
}
