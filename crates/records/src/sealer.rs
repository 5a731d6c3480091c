//! The writing half of the record layer.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use parking_lot::Mutex;
use rustls::{
    AlertDescription, ContentType, Error,
    crypto::cipher::{MessageDecrypter, MessageEncrypter},
    kernel::KernelConnection,
    server::ServerConnectionData,
};

use crate::{
    keys::{decrypter, encrypter},
    wire::{CONTENT_BYTES, FATAL, KEY_UPDATE, UPDATE_NOT_REQUESTED, UPDATE_REQUESTED, WARNING, message},
};

/// Records that are sealed at once. What one read of a peer brings is then written by one system
/// call; no more than this waits sealed for a client that does not read.
const RECORDS_AT_ONCE: usize = 4;
/// What sealing adds to a record, with the suites that there are: header, nonce, type and tag. Only
/// a guess for the buffer's size.
const RECORD_OVERHEAD: usize = 64;

/// The writing half, for all who write.
pub struct SharedSealer {
    sealer: Mutex<Sealer>,
    /// Whether [`Sealer::sealed`] holds anything. Outside the lock: it is asked after each write,
    /// and hardly ever so.
    waits: AtomicBool,
}

impl SharedSealer {
    /// `seq` is the number of the next record; a key may seal `limit` of them.
    pub(crate) fn new(
        encrypter: Box<dyn MessageEncrypter>,
        seq: u64,
        limit: u64,
        updates: Option<Box<KernelConnection<ServerConnectionData>>>,
    ) -> Self {
        let (last, sealed) = (LastRecord::NotSealed, Vec::new());
        let sealer = Sealer { encrypter, seq, limit, updates, update_owed: false, last, sealed };
        Self { sealer: Mutex::new(sealer), waits: AtomicBool::new(false) }
    }

    /// Takes what waits to be written; if nothing does, seals some of the bytes. Returns how many
    /// were sealed, and what to write.
    pub fn seal(&self, plain: &[u8]) -> (usize, Vec<u8>) {
        let mut sealer = self.sealer.lock();
        if !sealer.sealed.is_empty() {
            self.waits.store(false, Relaxed);
            return (0, std::mem::take(&mut sealer.sealed));
        }
        sealer.seal_some(plain)
    }

    /// Whether records wait to be written.
    pub fn waits(&self) -> bool {
        self.waits.load(Relaxed)
    }

    /// Puts back what the socket did not take, before what came meanwhile.
    pub fn put_back(&self, mut sealed: Vec<u8>, taken: usize) {
        let mut sealer = self.sealer.lock();
        // A buffer that is empty is not kept.
        if taken < sealed.len() {
            sealed.drain(..taken);
            sealed.append(&mut sealer.sealed);
            sealer.sealed = sealed;
        }
        self.waits.store(!sealer.sealed.is_empty(), Relaxed);
    }

    /// The client's next key. If it has `asked` for ours too, that changes with what is sealed
    /// next: once, however often it asks until then.
    pub(crate) fn next_decrypter(&self, asked: bool) -> Result<Box<dyn MessageDecrypter>, Error> {
        let mut sealer = self.sealer.lock();
        sealer.update_owed |= asked;
        let updates = sealer.updates.as_mut().ok_or(Error::HandshakeNotComplete)?;
        let (_, secrets) = updates.update_rx_secret()?;
        decrypter(updates.negotiated_cipher_suite(), secrets)
    }

    /// Seals `close_notify`. Nothing follows it.
    pub fn close(&self) {
        self.alert(WARNING, AlertDescription::CloseNotify, LastRecord::Sealed);
    }

    /// Seals what the client has done wrong. Nothing follows it.
    pub(crate) fn fail(&self, alert: AlertDescription) {
        self.alert(FATAL, alert, LastRecord::Sealed);
    }

    pub(crate) fn refuse_renegotiation(&self) {
        self.alert(WARNING, AlertDescription::NoRenegotiation, LastRecord::NotSealed);
    }

    fn alert(&self, level: u8, alert: AlertDescription, last: LastRecord) {
        let mut sealer = self.sealer.lock();
        if sealer.last == LastRecord::Sealed {
            return;
        }
        let record = sealer.seal_record(ContentType::Alert, &[level, alert.into()]);
        sealer.sealed.extend(record);
        if last == LastRecord::Sealed {
            sealer.last = last;
        }
        self.waits.store(!sealer.sealed.is_empty(), Relaxed);
    }
}

/// Whether the last record of the connection has been sealed: `close_notify`, or why it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastRecord {
    NotSealed,
    Sealed,
}

struct Sealer {
    encrypter: Box<dyn MessageEncrypter>,
    /// The number of the next record.
    seq: u64,
    /// So many records may be sealed with one key.
    limit: u64,
    /// Derives the next keys; TLS 1.2 has none.
    updates: Option<Box<KernelConnection<ServerConnectionData>>>,
    /// Whether the client has asked for our next key.
    update_owed: bool,
    last: LastRecord,
    /// Records that nobody has written yet: what the socket has not taken, and alerts.
    sealed: Vec<u8>,
}

impl Sealer {
    /// Seals some records of the application. After the last record all is taken and nothing
    /// sealed, as by a broken socket.
    fn seal_some(&mut self, plain: &[u8]) -> (usize, Vec<u8>) {
        if plain.is_empty() || self.last == LastRecord::Sealed {
            return (plain.len(), Vec::new());
        }
        let mut records = Vec::new();
        if self.update_owed {
            records = self.next_encrypter(UPDATE_NOT_REQUESTED);
        } else if self.seq >= self.limit {
            // TLS 1.2 has no other way to protect what follows than to end.
            records = match self.updates {
                Some(_) => self.next_encrypter(UPDATE_REQUESTED),
                None => {
                    let close = [WARNING, AlertDescription::CloseNotify.into()];
                    self.last = LastRecord::Sealed;
                    return (plain.len(), self.seal_record(ContentType::Alert, &close));
                }
            };
        }
        if self.last == LastRecord::Sealed {
            // There was no next key.
            return (plain.len(), records);
        }
        if plain.len() <= CONTENT_BYTES && records.is_empty() {
            return (plain.len(), self.seal_record(ContentType::ApplicationData, plain));
        }
        let some = &plain[..plain.len().min(RECORDS_AT_ONCE * CONTENT_BYTES)];
        records.reserve_exact(some.len() + RECORDS_AT_ONCE * RECORD_OVERHEAD);
        let mut taken = 0;
        for content in some.chunks(CONTENT_BYTES) {
            if taken > 0 && (self.seq >= self.limit || self.last == LastRecord::Sealed) {
                break;
            }
            records.extend(self.seal_record(ContentType::ApplicationData, content));
            taken += content.len();
        }
        (taken, records)
    }

    /// Seals a record. If it cannot be done nothing is ever sealed again.
    fn seal_record(&mut self, kind: ContentType, content: &[u8]) -> Vec<u8> {
        let sealed = self.encrypter.encrypt(message(kind, content), self.seq);
        self.seq += 1;
        sealed.map_or_else(
            |_| {
                self.last = LastRecord::Sealed;
                Vec::new()
            },
            |sealed| sealed.encode(),
        )
    }

    /// Changes to the next key, and announces it.
    fn next_encrypter(&mut self, answer: u8) -> Vec<u8> {
        let record = self.seal_record(ContentType::Handshake, &[KEY_UPDATE, 0, 0, 1, answer]);
        let next = self.updates.as_mut().map(|updates| {
            let (seq, secrets) = updates.update_tx_secret()?;
            Ok::<_, Error>((seq, encrypter(updates.negotiated_cipher_suite(), secrets)?))
        });
        match next {
            Some(Ok((seq, encrypter))) => (self.seq, self.encrypter) = (seq, encrypter),
            None | Some(Err(_)) => self.last = LastRecord::Sealed,
        }
        self.update_owed = false;
        record
    }
}

#[cfg(test)]
impl SharedSealer {
    /// The size of the buffer for what waits.
    pub(crate) fn kept(&self) -> usize {
        self.sealer.lock().sealed.capacity()
    }

    /// Lets no key seal more than so many records.
    pub(crate) fn wear_out_after(&self, records: u64) {
        self.sealer.lock().limit = records;
    }
}
