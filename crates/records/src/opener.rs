//! The reading half of the record layer.
//!
//! A client that breaks the rules is sent the alert that rustls would send. In a few cases rustls
//! is silent or waits for more; there the client is sent `unexpected_message`, or `record_overflow`
//! as soon as a header claims too much.

use std::{
    io,
    ops::Range,
    pin::Pin,
    task::{Context, Poll, ready},
};

use rustls::{
    AlertDescription, ContentType, Error, ProtocolVersion,
    crypto::cipher::{InboundOpaqueMessage, InboundPlainMessage, MessageDecrypter},
};
use tokio::io::{AsyncRead, ReadBuf};

use crate::{
    buffer::BorrowedBuffer,
    sealer::SharedSealer,
    wire::{CONTENT_BYTES, FATAL, HEADER_BYTES, KEY_UPDATE, UPDATE_NOT_REQUESTED, UPDATE_REQUESTED, WARNING},
};

/// By how much sealing may lengthen a record, in TLS 1.3 and 1.2.
const OVERHEAD_13: usize = 256;
const OVERHEAD_12: usize = 2048;
/// Empty records in a row, and key updates with nothing between them. More would be an attack on
/// our time; rustls draws the same lines.
const IDLE_RECORDS: u8 = 32;
/// Warnings of one connection.
const WARNINGS: u8 = 4;
/// Requests to renegotiate (TLS 1.2) that are answered with a refusal. The next one ends the
/// connection.
const RENEGOTIATIONS: u8 = 1;
/// The handshake message `client_hello`: after the handshake, a request to renegotiate.
const CLIENT_HELLO: u8 = 1;

/// How the reading of a connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By the client's `close_notify`: nothing follows.
    CloseNotify,
    /// The client has broken TLS, or given up. The alert for it, if it is owed one, waits in the
    /// sealer.
    Broken,
}

/// What differs between the versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Tls13,
    /// Each record begins with so many bytes of its nonce.
    Tls12 {
        nonce: u8,
    },
}

/// Records that a client may send, but not on and on.
#[derive(Debug, Default)]
struct ToleratedRecords {
    empty: u8,
    updates: u8,
    warnings: u8,
    renegotiations: u8,
}

/// Counts one more; beyond the limit it is unexpected.
fn count_tolerated(count: &mut u8, limit: u8) -> Result<(), AlertDescription> {
    if *count == limit {
        return Err(AlertDescription::UnexpectedMessage);
    }
    *count += 1;
    Ok(())
}

/// The reading half: opens records where they lie.
pub struct Opener {
    decrypter: Box<dyn MessageDecrypter>,
    /// The number of the next record.
    seq: u64,
    /// The beginning of a record whose rest has not come.
    partial: Vec<u8>,
    version: Version,
    tolerated: ToleratedRecords,
    end: Option<End>,
}

impl Opener {
    /// `seq` is the number of the next record.
    pub(crate) fn new(version: Version, decrypter: Box<dyn MessageDecrypter>, seq: u64) -> Self {
        Self {
            decrypter,
            seq,
            partial: Vec::new(),
            version,
            tolerated: ToleratedRecords::default(),
            end: None,
        }
    }

    /// The beginning of a record whose rest has not come: [`Self::open`] expects it before what
    /// comes next.
    pub(crate) fn partial(&self) -> &[u8] {
        &self.partial
    }

    /// How many bytes are kept of a record whose rest has not come: less than a record.
    pub fn held(&self) -> usize {
        self.partial.len()
    }

    /// How reading has ended, if it has: nothing more is opened.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Reads once, and opens what came in the borrowed buffer. Returns where its plain bytes lie:
    /// none may mean that a record is not whole yet, or that [`Self::end`] has come.
    ///
    /// # Errors
    /// If the socket breaks, or ends without the client's `close_notify`.
    pub fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut S,
        sealer: &SharedSealer,
        buffer: &mut BorrowedBuffer,
    ) -> Poll<io::Result<Range<usize>>> {
        if self.end().is_some() {
            return Poll::Ready(Ok(0..0));
        }
        let before = self.partial().len();
        buffer.set_used(before);
        let mut into = ReadBuf::new(buffer.bytes());
        into.put_slice(self.partial());
        ready!(Pin::new(socket).poll_read(cx, &mut into))?;
        let count = into.filled().len();
        if count == before {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        buffer.set_used(count);
        Poll::Ready(Ok(self.open(&mut buffer.bytes()[..count], sealer)))
    }

    /// Opens all records that have come. Their contents come to lie one behind the other; where, is
    /// returned.
    pub(crate) fn open(&mut self, bytes: &mut [u8], sealer: &SharedSealer) -> Range<usize> {
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

    /// Opens the first record, if all of it is there, and acts on it unless it is the
    /// application's.
    fn open_first(
        &mut self,
        bytes: &mut [u8],
        sealer: &SharedSealer,
    ) -> Result<Option<Opened>, AlertDescription> {
        let Some(used) = self.length_of_first(bytes)? else { return Ok(None) };
        // In TLS 1.2 the version in the header is authenticated.
        let version = ProtocolVersion::from(u16::from_be_bytes([bytes[1], bytes[2]]));
        let kind = ContentType::from(bytes[0]);
        let message = InboundOpaqueMessage::new(kind, version, &mut bytes[HEADER_BYTES..used]);
        let InboundPlainMessage { typ, payload, .. } =
            self.decrypter.decrypt(message, self.seq).map_err(|error| alert_for(&error))?;
        self.seq += 1;
        if payload.is_empty() {
            count_tolerated(&mut self.tolerated.empty, IDLE_RECORDS)?;
        } else {
            self.tolerated.empty = 0;
        }
        let mut content = 0..0;
        match (typ, self.version) {
            (ContentType::ApplicationData, version) => {
                let start =
                    HEADER_BYTES + if let Version::Tls12 { nonce } = version { nonce.into() } else { 0 };
                content = start..start + payload.len();
                self.tolerated.updates = 0;
            }
            (ContentType::Alert, _) => {
                let alert = <[u8; 2]>::try_from(payload).map_err(|_| AlertDescription::DecodeError)?;
                self.handle_alert(alert)?;
            }
            (ContentType::Handshake, Version::Tls13) => match *payload {
                [KEY_UPDATE, 0, 0, 1, answer] => self.update_keys(answer, sealer)?,
                [KEY_UPDATE, high, middle, low, ref rest @ ..]
                    if u32::from_be_bytes([0, high, middle, low]) as usize == rest.len() =>
                {
                    return Err(AlertDescription::DecodeError);
                }
                _ => return Err(AlertDescription::UnexpectedMessage),
            },
            (ContentType::Handshake, Version::Tls12 { .. }) if payload.first() == Some(&CLIENT_HELLO) => {
                count_tolerated(&mut self.tolerated.renegotiations, RENEGOTIATIONS)?;
                sealer.refuse_renegotiation();
            }
            _ => return Err(AlertDescription::UnexpectedMessage),
        }
        Ok(Some(Opened { used, content }))
    }

    /// How long the first record is, with its header; `None` if some of it has not come.
    fn length_of_first(&self, bytes: &[u8]) -> Result<Option<usize>, AlertDescription> {
        check_beginning(bytes)?;
        let Some(&[kind, _, _, high, low]) = bytes.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let most = match (self.version, ContentType::from(kind)) {
            (Version::Tls12 { .. }, ContentType::Alert | ContentType::Handshake) if length == 0 => {
                return Err(AlertDescription::DecodeError);
            }
            // In TLS 1.3 all others are inside of these.
            (Version::Tls13, ContentType::ApplicationData) => CONTENT_BYTES + OVERHEAD_13,
            (
                Version::Tls12 { .. },
                ContentType::ApplicationData | ContentType::Alert | ContentType::Handshake,
            ) => CONTENT_BYTES + OVERHEAD_12,
            _ => return Err(AlertDescription::UnexpectedMessage),
        };
        if length > most {
            return Err(AlertDescription::RecordOverflow);
        }
        let used = HEADER_BYTES + length;
        Ok((bytes.len() >= used).then_some(used))
    }

    fn handle_alert(&mut self, [level, description]: [u8; 2]) -> Result<(), AlertDescription> {
        let description = AlertDescription::from(description);
        match level {
            WARNING | FATAL if description == AlertDescription::CloseNotify => {
                self.end = Some(End::CloseNotify);
            }
            WARNING => {
                count_tolerated(&mut self.tolerated.warnings, WARNINGS)?;
                // TLS 1.3 knows no other warning (RFC 8446, section 6).
                if self.version == Version::Tls13 && description != AlertDescription::UserCanceled {
                    return Err(AlertDescription::DecodeError);
                }
            }
            // It has given up, and is owed no answer.
            FATAL => self.end = Some(End::Broken),
            _ => return Err(AlertDescription::IllegalParameter),
        }
        Ok(())
    }

    fn update_keys(&mut self, answer: u8, sealer: &SharedSealer) -> Result<(), AlertDescription> {
        count_tolerated(&mut self.tolerated.updates, IDLE_RECORDS)?;
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

/// Whether this may be how a record begins, as far as it has come.
fn check_beginning(bytes: &[u8]) -> Result<(), AlertDescription> {
    match *bytes {
        [kind, ..] if matches!(ContentType::from(kind), ContentType::Unknown(_)) => {
            Err(AlertDescription::DecodeError)
        }
        [_, major, _, ..] if major != 3 => Err(AlertDescription::DecodeError),
        _ => Ok(()),
    }
}

fn alert_for(error: &Error) -> AlertDescription {
    match error {
        Error::PeerSentOversizedRecord => AlertDescription::RecordOverflow,
        Error::DecryptError => AlertDescription::BadRecordMac,
        _ => AlertDescription::UnexpectedMessage,
    }
}
