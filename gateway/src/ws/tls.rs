//! The TLS layer of one connection on the relay path: bytes in, bytes out, no socket.

use std::io::{self, Read, Write};

use rustls::ServerConnection;

use super::buffers;

/// Plain bytes that are sealed at once: two records. What they become fits a pooled buffer.
const SEAL_BYTES: usize = 32 * 1024;

/// A finished handshake, and sealed records that the socket has not taken.
pub(super) struct Tls {
    connection: ServerConnection,
    sealed: Vec<u8>,
}

/// What opening has brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Opened {
    /// Sealed bytes that were used.
    pub(super) used: usize,
    /// Plain bytes that came. While any come, more may be there.
    pub(super) came: usize,
    /// Whether the client has said that nothing follows.
    pub(super) end: bool,
}

impl Tls {
    /// Takes over a connection with what it has read and not told, and what it was told and has not written.
    pub(super) fn new(mut connection: ServerConnection) -> Self {
        // What is sealed is bounded here, by `seal_some`.
        connection.set_buffer_limit(None);
        let mut tls = Self { connection, sealed: Vec::new() };
        tls.collect();
        tls
    }

    /// Opens records into `plain`. To be called until all sealed bytes are used and nothing comes.
    ///
    /// # Errors
    /// If the client has broken TLS. What it is to be told waits to be written.
    pub(super) fn open(&mut self, mut sealed: &[u8], plain: &mut [u8]) -> io::Result<Opened> {
        let given = sealed.len();
        let mut came = self.read_plain(plain)?;
        let mut end = false;
        while came < plain.len() && !sealed.is_empty() && !end {
            self.connection.read_tls(&mut sealed)?;
            let state = self.connection.process_new_packets();
            self.collect();
            end = state.map_err(io::Error::other)?.peer_has_closed();
            came += self.read_plain(&mut plain[came..])?;
        }
        Ok(Opened { used: given - sealed.len(), came, end })
    }

    fn read_plain(&mut self, plain: &mut [u8]) -> io::Result<usize> {
        match self.connection.reader().read(plain) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            read => read,
        }
    }

    /// Seals some of the bytes, unless records wait already; returns how many.
    pub(super) fn seal_some(&mut self, plain: &[u8]) -> usize {
        if self.waits() || plain.is_empty() {
            return 0;
        }
        let some = plain.len().min(SEAL_BYTES);
        // Writing to memory without a limit fails only after a fatal alert; the reading half has met it then.
        let _ = self.connection.writer().write_all(&plain[..some]);
        self.collect();
        some
    }

    fn collect(&mut self) {
        if self.connection.wants_write() && self.sealed.capacity() == 0 {
            self.sealed = buffers::spare();
        }
        while self.connection.wants_write() && self.connection.write_tls(&mut self.sealed).is_ok() {}
    }

    /// Says that nothing follows.
    pub(super) fn say_goodbye(&mut self) {
        self.connection.send_close_notify();
        self.collect();
    }

    /// Whether records wait for the socket.
    pub(super) fn waits(&self) -> bool {
        !self.sealed.is_empty()
    }

    /// Takes the records that wait for the socket.
    pub(super) fn take_sealed(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.sealed)
    }

    /// Puts back what the socket did not take, before what came meanwhile.
    pub(super) fn put_back(&mut self, mut sealed: Vec<u8>, taken: usize) {
        sealed.drain(..taken);
        sealed.append(&mut self.sealed);
        self.sealed = sealed;
    }
}
