//! Sockets that whoever started this process has opened for it: `LISTEN_FDS`, as systemd passes
//! those of its `.socket` units. Clients that come during a restart wait in them, and a port below
//! 1024 needs no right of this process.

use std::{net::TcpListener, os::unix::net::UnixListener};

use anyhow::Context;
use listenfd::ListenFd;
use serving::socket::Address;

/// The sockets that were passed and have not been taken, with where they listen.
#[derive(Default)]
pub struct Passed(Vec<(Address, PassedSocket)>);

/// One of them.
pub enum PassedSocket {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket with a path.
    Unix(UnixListener),
}

impl Passed {
    /// Those that the environment names for this process. To be called while it has one thread, and
    /// once: they are in nobody else's environment then.
    ///
    /// # Errors
    /// If one of them is no socket that could serve clients.
    pub fn receive() -> anyhow::Result<Self> {
        let mut passed = ListenFd::from_env();
        (0..passed.len()).map(|number| socket(&mut passed, number)).collect::<Result<_, _>>().map(Self)
    }

    /// Takes the one that listens on this address.
    pub fn take(&mut self, address: &Address) -> Option<PassedSocket> {
        let number = self.0.iter().position(|(listens, _)| listens == address)?;
        Some(self.0.swap_remove(number).1)
    }

    /// Where one listens that nobody has taken.
    pub fn left(&self) -> Option<&Address> {
        self.0.first().map(|(address, _)| address)
    }
}

fn socket(passed: &mut ListenFd, number: usize) -> anyhow::Result<(Address, PassedSocket)> {
    // Of another kind, it stays where it is.
    if let Ok(Some(listener)) = passed.take_tcp_listener(number) {
        let address = listener.local_addr().context("a socket that was passed has no address")?;
        return Ok((Address::Tcp(address), PassedSocket::Tcp(listener)));
    }
    let listener = passed.take_unix_listener(number).ok().flatten();
    let listener = listener.with_context(|| {
        format!("socket {} of those that were passed is neither of TCP nor a Unix stream socket", number + 1)
    })?;
    let address = listener.local_addr().ok();
    let path = address.as_ref().and_then(|address| address.as_pathname());
    let path = path.context("a Unix socket that was passed has no path")?;
    Ok((Address::Unix(path.to_owned()), PassedSocket::Unix(listener)))
}
