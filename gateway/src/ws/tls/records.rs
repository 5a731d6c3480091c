//! The records of a connection whose handshake is over (RFC 8446, section 5; RFC 5246, section 6.2): bytes in, bytes out, no socket.
//!
//! rustls shakes hands, derives every key, and seals and opens each record. It would also keep 3.5 KB for an idle connection: a state for
//! the handshake, buffers and queues. Here is what remains to be done without them: finding records, counting them, and heeding alerts
//! and key updates.

use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use parking_lot::Mutex;
use rustls::{
    AlertDescription, ConnectionTrafficSecrets, ContentType, Error, ExtractedSecrets, ProtocolVersion,
    SupportedCipherSuite,
    crypto::cipher::{
        AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, MessageDecrypter, MessageEncrypter,
        OutboundChunks, OutboundPlainMessage,
    },
    kernel::KernelConnection,
    server::ServerConnectionData,
};

/// The content type, a version, and the length of what follows.
pub(super) const HEADER_BYTES: usize = 5;
/// The content of one record.
const CONTENT_BYTES: usize = 16 * 1024;
/// By how much sealing may lengthen it, in TLS 1.3 and 1.2.
const OVERHEAD_13: usize = 256;
const OVERHEAD_12: usize = 2048;
/// Empty records in a row, and key updates with nothing between them. More would be an attack on our time; rustls draws the same lines.
const IDLE_RECORDS: u8 = 32;
/// Warnings of one connection.
const WARNINGS: u8 = 4;
/// Requests to renegotiate (TLS 1.2) that are answered with a refusal. The next one ends the connection.
const RENEGOTIATIONS: u8 = 1;

/// The handshake message `key_update` without its last byte: its type and its length (RFC 8446, section 4.6.3).
const KEY_UPDATE: [u8; 4] = [24, 0, 0, 1];
const UPDATE_NOT_REQUESTED: u8 = 0;
const UPDATE_REQUESTED: u8 = 1;
/// The handshake message `client_hello`: after the handshake, a request to renegotiate.
const CLIENT_HELLO: u8 = 1;

const WARNING: u8 = 1;
const FATAL: u8 = 2;

/// The record layer of one connection. Reading and writing are apart: neither waits for the other.
pub(crate) struct Records {
    /// For whoever reads. Nobody else locks it.
    pub(crate) opener: Mutex<Opener>,
    /// For all who write.
    pub(crate) sealer: SharedSealer,
}

/// What is left of a handshake. `Err` if the secrets are not of this suite, which rustls rules out.
pub(super) fn records(
    secrets: ExtractedSecrets,
    kernel: KernelConnection<ServerConnectionData>,
) -> Result<Records, Error> {
    let suite = kernel.negotiated_cipher_suite();
    let ((written, write), (read, read_secrets)) = (secrets.tx, secrets.rx);
    let mut encrypter = encrypter(suite, write)?;
    if written > 0 {
        // AWS-LC takes the first record that a new context seals for number 0 (its guard against sealing two with one number). This one
        // is dropped: nobody ever sees it.
        encrypter.encrypt(message(ContentType::Alert, &[]), 0)?;
    }
    let (updates, opening) = match suite {
        SupportedCipherSuite::Tls13(_) => (Some(Box::new(kernel)), Version::Tls13),
        // Its keys stay; what would derive others need not.
        SupportedCipherSuite::Tls12(suite) => {
            (None, Version::Tls12 { nonce: suite.aead_alg.key_block_shape().explicit_nonce_len as u8 })
        }
    };
    let opener = Opener {
        decrypter: decrypter(suite, read_secrets)?,
        seq: read,
        partial: Vec::new(),
        version: opening,
        nuisances: Nuisances::default(),
        end: None,
    };
    let sealer = Sealer {
        encrypter,
        seq: written,
        limit: limit(suite),
        updates,
        update_owed: false,
        said: Said::Nothing,
        sealed: Vec::new(),
    };
    let sealer = SharedSealer { sealer: Mutex::new(sealer), waits: AtomicBool::new(false) };
    Ok(Records { opener: Mutex::new(opener), sealer })
}

/// How the reading of a connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The client has said that nothing follows.
    Goodbye,
    /// The client has broken TLS, or given up. What it is to be told waits to be written.
    Broken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Tls13,
    /// Each record begins with so many bytes of its nonce.
    Tls12 {
        nonce: u8,
    },
}

/// What a client may do, but not on and on.
#[derive(Debug, Default)]
struct Nuisances {
    empty: u8,
    updates: u8,
    warnings: u8,
    renegotiations: u8,
}

/// Counts one more; at the limit it is unexpected.
fn bear(nuisance: &mut u8, limit: u8) -> Result<(), AlertDescription> {
    if *nuisance == limit {
        return Err(AlertDescription::UnexpectedMessage);
    }
    *nuisance += 1;
    Ok(())
}

/// The reading half: opens records where they lie.
pub(crate) struct Opener {
    decrypter: Box<dyn MessageDecrypter>,
    /// The number of the next record.
    seq: u64,
    /// The beginning of a record whose rest has not come.
    partial: Vec<u8>,
    version: Version,
    nuisances: Nuisances,
    end: Option<End>,
}

impl Opener {
    /// The beginning of a record whose rest has not come: [`Self::open`] expects it before what comes next.
    pub(super) fn partial(&self) -> &[u8] {
        &self.partial
    }

    /// How reading has ended, if it has: nothing more is opened.
    pub(crate) fn end(&self) -> Option<End> {
        self.end
    }

    /// Opens all records that have come. Their contents come to lie one behind the other, and where is returned.
    pub(super) fn open(&mut self, bytes: &mut [u8], sealer: &SharedSealer) -> Range<usize> {
        self.partial = Vec::new();
        let (mut plain, mut at) = (0..0, 0);
        while self.end.is_none() {
            match self.open_first(&mut bytes[at..], sealer) {
                Ok(None) => {
                    self.partial = bytes[at..].to_vec();
                    break;
                }
                Ok(Some(opened)) => {
                    let content = at + opened.content.start..at + opened.content.end;
                    at += opened.used;
                    if plain.is_empty() {
                        plain = content;
                    } else {
                        let end = plain.end + content.len();
                        bytes.copy_within(content, plain.end);
                        plain.end = end;
                    }
                }
                Err(alert) => {
                    sealer.fail(alert);
                    self.end = Some(End::Broken);
                }
            }
        }
        plain
    }

    /// Opens the first record, if all of it is there, and acts on it unless it is the application's.
    fn open_first(
        &mut self,
        bytes: &mut [u8],
        sealer: &SharedSealer,
    ) -> Result<Option<Opened>, AlertDescription> {
        let Some(used) = self.length_of_first(bytes)? else { return Ok(None) };
        let message = InboundOpaqueMessage::new(
            ContentType::from(bytes[0]),
            ProtocolVersion::TLSv1_2,
            &mut bytes[HEADER_BYTES..used],
        );
        let InboundPlainMessage { typ, payload, .. } =
            self.decrypter.decrypt(message, self.seq).map_err(|error| alert_for(&error))?;
        self.seq += 1;
        if payload.is_empty() {
            bear(&mut self.nuisances.empty, IDLE_RECORDS)?;
        } else {
            self.nuisances.empty = 0;
        }
        let mut content = 0..0;
        match (typ, self.version) {
            (ContentType::ApplicationData, version) => {
                let start =
                    HEADER_BYTES + if let Version::Tls12 { nonce } = version { nonce.into() } else { 0 };
                content = start..start + payload.len();
                self.nuisances.updates = 0;
            }
            (ContentType::Alert, _) => {
                let alert = <[u8; 2]>::try_from(payload).map_err(|_| AlertDescription::DecodeError)?;
                self.heed_alert(alert)?;
            }
            (ContentType::Handshake, Version::Tls13) => {
                let (read, answer) = (payload.get(..4), payload.get(4..));
                let (Some(&KEY_UPDATE), Some(&[answer])) = (read.and_then(|read| read.first_chunk()), answer)
                else {
                    return Err(AlertDescription::UnexpectedMessage);
                };
                self.update_keys(answer, sealer)?;
            }
            (ContentType::Handshake, Version::Tls12 { .. }) if payload.first() == Some(&CLIENT_HELLO) => {
                bear(&mut self.nuisances.renegotiations, RENEGOTIATIONS)?;
                sealer.refuse_renegotiation();
            }
            _ => return Err(AlertDescription::UnexpectedMessage),
        }
        Ok(Some(Opened { used, content }))
    }

    /// How long the first record is, with its header; `None` if some of it has not come.
    fn length_of_first(&self, bytes: &[u8]) -> Result<Option<usize>, AlertDescription> {
        let Some(&[kind, major, _, high, low]) = bytes.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let kind = ContentType::from(kind);
        let (known, overhead) = match self.version {
            // All others are inside of these.
            Version::Tls13 => (kind == ContentType::ApplicationData, OVERHEAD_13),
            Version::Tls12 { .. } => (
                matches!(kind, ContentType::ApplicationData | ContentType::Alert | ContentType::Handshake),
                OVERHEAD_12,
            ),
        };
        if !known {
            return Err(AlertDescription::UnexpectedMessage);
        }
        if major != 3 {
            return Err(AlertDescription::DecodeError);
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > CONTENT_BYTES + overhead {
            return Err(AlertDescription::RecordOverflow);
        }
        let used = HEADER_BYTES + length;
        Ok((bytes.len() >= used).then_some(used))
    }

    fn heed_alert(&mut self, [level, description]: [u8; 2]) -> Result<(), AlertDescription> {
        let description = AlertDescription::from(description);
        let warns = match self.version {
            // TLS 1.3 knows one warning; the level says nothing (RFC 8446, section 6).
            Version::Tls13 => description == AlertDescription::UserCanceled,
            Version::Tls12 { .. } => level == WARNING,
        };
        if description == AlertDescription::CloseNotify {
            self.end = Some(End::Goodbye);
        } else if warns {
            bear(&mut self.nuisances.warnings, WARNINGS)?;
        } else {
            // It has given up, and is owed no answer.
            self.end = Some(End::Broken);
        }
        Ok(())
    }

    fn update_keys(&mut self, answer: u8, sealer: &SharedSealer) -> Result<(), AlertDescription> {
        bear(&mut self.nuisances.updates, IDLE_RECORDS)?;
        if !matches!(answer, UPDATE_NOT_REQUESTED | UPDATE_REQUESTED) {
            return Err(AlertDescription::IllegalParameter);
        }
        let mut sealer = sealer.sealer.lock();
        self.decrypter = sealer.next_decrypter().map_err(|_| AlertDescription::InternalError)?;
        self.seq = 0;
        // As many requests as there are before the next record have one answer.
        sealer.update_owed |= answer == UPDATE_REQUESTED;
        Ok(())
    }
}

/// A record that was opened.
struct Opened {
    /// Its whole length.
    used: usize,
    /// What is in it for the application.
    content: Range<usize>,
}

/// The writing half, for all who write.
pub(crate) struct SharedSealer {
    sealer: Mutex<Sealer>,
    /// Whether [`Sealer::sealed`] holds anything. Outside the lock, as it is asked for after each write and hardly ever does.
    waits: AtomicBool,
}

impl SharedSealer {
    /// Takes what waits to be written; if nothing does, seals some of the bytes. Returns how many were sealed, and what to write.
    pub(crate) fn seal(&self, plain: &[u8]) -> (usize, Vec<u8>) {
        let mut sealer = self.sealer.lock();
        if !sealer.sealed.is_empty() {
            self.waits.store(false, Relaxed);
            return (0, std::mem::take(&mut sealer.sealed));
        }
        sealer.seal_some(plain)
    }

    /// Whether records wait to be written.
    pub(crate) fn waits(&self) -> bool {
        self.waits.load(Relaxed)
    }

    /// Puts back what the socket did not take, before what came meanwhile.
    pub(crate) fn put_back(&self, mut sealed: Vec<u8>, taken: usize) {
        let mut sealer = self.sealer.lock();
        sealed.drain(..taken);
        sealed.append(&mut sealer.sealed);
        sealer.sealed = sealed;
        self.waits.store(!sealer.sealed.is_empty(), Relaxed);
    }

    /// Says that nothing follows (`close_notify`).
    pub(crate) fn say_goodbye(&self) {
        self.say(WARNING, AlertDescription::CloseNotify, Said::Goodbye);
    }

    /// Says what the client has done wrong. Nothing follows.
    fn fail(&self, alert: AlertDescription) {
        self.say(FATAL, alert, Said::Goodbye);
    }

    fn refuse_renegotiation(&self) {
        self.say(WARNING, AlertDescription::NoRenegotiation, Said::Nothing);
    }

    fn say(&self, level: u8, alert: AlertDescription, said: Said) {
        let mut sealer = self.sealer.lock();
        if sealer.said == Said::Goodbye {
            return;
        }
        let record = sealer.seal_record(ContentType::Alert, &[level, alert.into()]);
        sealer.sealed.extend(record);
        sealer.said = said;
        self.waits.store(!sealer.sealed.is_empty(), Relaxed);
    }
}

/// Whether anything may follow what was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    Goodbye,
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
    said: Said,
    /// Records that nobody has written yet: what the socket has not taken, and alerts.
    sealed: Vec<u8>,
}

impl Sealer {
    /// Seals one record of the application. After a goodbye all is taken and nothing sealed, as by a broken socket.
    fn seal_some(&mut self, plain: &[u8]) -> (usize, Vec<u8>) {
        if plain.is_empty() || self.said == Said::Goodbye {
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
                    let goodbye = [WARNING, AlertDescription::CloseNotify.into()];
                    self.said = Said::Goodbye;
                    return (plain.len(), self.seal_record(ContentType::Alert, &goodbye));
                }
            };
        }
        let some = &plain[..plain.len().min(CONTENT_BYTES)];
        let record = self.seal_record(ContentType::ApplicationData, some);
        if records.is_empty() {
            records = record;
        } else {
            records.extend(record);
        }
        (some.len(), records)
    }

    /// Seals a record. If it cannot be done nothing is ever sealed again.
    fn seal_record(&mut self, kind: ContentType, content: &[u8]) -> Vec<u8> {
        let sealed = self.encrypter.encrypt(message(kind, content), self.seq);
        self.seq += 1;
        sealed.map_or_else(
            |_| {
                self.said = Said::Goodbye;
                Vec::new()
            },
            |sealed| sealed.encode(),
        )
    }

    /// Changes to the next key, and says so.
    fn next_encrypter(&mut self, answer: u8) -> Vec<u8> {
        let [kind, high, middle, low] = KEY_UPDATE;
        let record = self.seal_record(ContentType::Handshake, &[kind, high, middle, low, answer]);
        let next = self.updates.as_mut().map(|updates| {
            let (seq, secrets) = updates.update_tx_secret()?;
            Ok::<_, Error>((seq, encrypter(updates.negotiated_cipher_suite(), secrets)?))
        });
        match next {
            Some(Ok((seq, encrypter))) => (self.seq, self.encrypter) = (seq, encrypter),
            None | Some(Err(_)) => self.said = Said::Goodbye,
        }
        self.update_owed = false;
        record
    }

    fn next_decrypter(&mut self) -> Result<Box<dyn MessageDecrypter>, Error> {
        let updates = self.updates.as_mut().ok_or(Error::HandshakeNotComplete)?;
        let (_, secrets) = updates.update_rx_secret()?;
        decrypter(updates.negotiated_cipher_suite(), secrets)
    }
}

fn message(typ: ContentType, content: &[u8]) -> OutboundPlainMessage<'_> {
    // The version that TLS 1.3, too, writes on its records (RFC 8446, section 5.1).
    OutboundPlainMessage { typ, version: ProtocolVersion::TLSv1_2, payload: OutboundChunks::Single(content) }
}

fn encrypter(
    suite: SupportedCipherSuite,
    secrets: ConnectionTrafficSecrets,
) -> Result<Box<dyn MessageEncrypter>, Error> {
    let (key, iv) = key(secrets)?;
    Ok(match suite {
        SupportedCipherSuite::Tls13(suite) => suite.aead_alg.encrypter(key, iv),
        SupportedCipherSuite::Tls12(suite) => {
            let (fixed, explicit) = iv.as_ref().split_at(suite.aead_alg.key_block_shape().fixed_iv_len);
            suite.aead_alg.encrypter(key, fixed, explicit)
        }
    })
}

fn decrypter(
    suite: SupportedCipherSuite,
    secrets: ConnectionTrafficSecrets,
) -> Result<Box<dyn MessageDecrypter>, Error> {
    let (key, iv) = key(secrets)?;
    Ok(match suite {
        SupportedCipherSuite::Tls13(suite) => suite.aead_alg.decrypter(key, iv),
        SupportedCipherSuite::Tls12(suite) => {
            let fixed = suite.aead_alg.key_block_shape().fixed_iv_len;
            suite.aead_alg.decrypter(key, &iv.as_ref()[..fixed])
        }
    })
}

fn key(secrets: ConnectionTrafficSecrets) -> Result<(AeadKey, Iv), Error> {
    match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => Ok((key, iv)),
        _ => Err(Error::General("a cipher of which the record layer does not know".into())),
    }
}

/// How many records may be sealed with one key (RFC 8446, section 5.5).
fn limit(suite: SupportedCipherSuite) -> u64 {
    match suite {
        SupportedCipherSuite::Tls13(suite) => suite.common.confidentiality_limit,
        SupportedCipherSuite::Tls12(suite) => suite.common.confidentiality_limit,
    }
}

fn alert_for(error: &Error) -> AlertDescription {
    match error {
        Error::PeerSentOversizedRecord => AlertDescription::RecordOverflow,
        Error::DecryptError => AlertDescription::BadRecordMac,
        _ => AlertDescription::UnexpectedMessage,
    }
}

#[cfg(test)]
impl SharedSealer {
    /// Lets no key seal more than so many records.
    pub(super) fn wear_out_after(&self, records: u64) {
        self.sealer.lock().limit = records;
    }
}
