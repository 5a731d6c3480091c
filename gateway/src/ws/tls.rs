//! The TLS layer of one connection on the relay path: bytes in, bytes out, no socket.

use std::io::{self, Read, Write};

use rustls::ServerConnection;

/// A finished handshake, and sealed records that the socket has not taken.
pub(super) struct Tls {
    connection: ServerConnection,
    sealed: Vec<u8>,
}

impl Tls {
    pub(super) fn new(mut connection: ServerConnection) -> Self {
        // What waits is bounded before it is sealed.
        connection.set_buffer_limit(None);
        Self { connection, sealed: Vec::new() }
    }

    /// Opens records into `plain`; returns how many of the sealed bytes were used and how many plain ones came. To be called until
    /// all sealed bytes are used and nothing comes.
    pub(super) fn open(&mut self, mut sealed: &[u8], plain: &mut [u8]) -> io::Result<(usize, usize)> {
        let given = sealed.len();
        let mut came = self.read_plain(plain)?;
        while came < plain.len() && !sealed.is_empty() {
            if self.connection.read_tls(&mut sealed)? == 0 {
                break;
            }
            self.connection.process_new_packets().map_err(io::Error::other)?;
            came += self.read_plain(&mut plain[came..])?;
        }
        self.collect()?;
        Ok((given - sealed.len(), came))
    }

    fn read_plain(&mut self, plain: &mut [u8]) -> io::Result<usize> {
        match self.connection.reader().read(plain) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            read => read,
        }
    }

    /// Seals bytes into records, which join those that wait.
    pub(super) fn seal(&mut self, plain: &[u8]) -> io::Result<()> {
        self.connection.writer().write_all(plain)?;
        self.collect()
    }

    fn collect(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.sealed)?;
        }
        Ok(())
    }

    /// Says that nothing follows.
    pub(super) fn say_goodbye(&mut self) -> io::Result<()> {
        self.connection.send_close_notify();
        self.collect()
    }

    /// Takes the records that wait for the socket.
    pub(super) fn take_sealed(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.sealed)
    }

    /// Puts back what the socket did not take, before what came meanwhile.
    pub(super) fn put_back(&mut self, mut rest: Vec<u8>) {
        rest.append(&mut self.sealed);
        self.sealed = rest;
    }

    /// Bytes that wait for the socket.
    pub(super) fn waiting(&self) -> usize {
        self.sealed.len()
    }
}
