//! The reading half of the record layer.

use std::ops::Range;

use rustls::{
    AlertDescription, ContentType, Error, ProtocolVersion,
    crypto::cipher::{InboundOpaqueMessage, InboundPlainMessage, MessageDecrypter},
};

use super::{
    records::{CONTENT_BYTES, HEADER_BYTES, KEY_UPDATE, UPDATE_NOT_REQUESTED, UPDATE_REQUESTED, WARNING},
    sealer::SharedSealer,
};

/// By how much sealing may lengthen it, in TLS 1.3 and 1.2.
const OVERHEAD_13: usize = 256;
const OVERHEAD_12: usize = 2048;
/// Empty records in a row, and key updates with nothing between them. More would be an attack on our time; rustls draws the same lines.
const IDLE_RECORDS: u8 = 32;
/// Warnings of one connection.
const WARNINGS: u8 = 4;
/// Requests to renegotiate (TLS 1.2) that are answered with a refusal. The next one ends the connection.
const RENEGOTIATIONS: u8 = 1;
/// The handshake message `client_hello`: after the handshake, a request to renegotiate.
const CLIENT_HELLO: u8 = 1;

/// How the reading of a connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The client has said that nothing follows.
    Goodbye,
    /// The client has broken TLS, or given up. What it is to be told waits to be written.
    Broken,
}

/// What differs between the versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
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
    /// `seq` is the number of the next record.
    pub(super) fn new(version: Version, decrypter: Box<dyn MessageDecrypter>, seq: u64) -> Self {
        Self { decrypter, seq, partial: Vec::new(), version, nuisances: Nuisances::default(), end: None }
    }

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
        let next = sealer.next_decrypter(answer == UPDATE_REQUESTED);
        self.decrypter = next.map_err(|_| AlertDescription::InternalError)?;
        self.seq = 0;
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

fn alert_for(error: &Error) -> AlertDescription {
    match error {
        Error::PeerSentOversizedRecord => AlertDescription::RecordOverflow,
        Error::DecryptError => AlertDescription::BadRecordMac,
        _ => AlertDescription::UnexpectedMessage,
    }
}
