//! What records look like (RFC 8446, section 5; RFC 5246, section 6.2).

use rustls::{
    ContentType, ProtocolVersion,
    crypto::cipher::{OutboundChunks, OutboundPlainMessage},
};

/// The content type, a version, and the length of what follows.
pub(crate) const HEADER_BYTES: usize = 5;
/// The content of one record, at most.
pub(crate) const CONTENT_BYTES: usize = 16 * 1024;

/// The type of the handshake message by which a side announces its next key (RFC 8446, section
/// 4.6.3).
pub(crate) const KEY_UPDATE: u8 = 24;
pub(crate) const UPDATE_NOT_REQUESTED: u8 = 0;
pub(crate) const UPDATE_REQUESTED: u8 = 1;

/// The two levels of an alert.
pub(crate) const WARNING: u8 = 1;
pub(crate) const FATAL: u8 = 2;

/// Content that is to be sealed.
pub(crate) fn message(typ: ContentType, content: &[u8]) -> OutboundPlainMessage<'_> {
    // The version that TLS 1.3, too, writes on its records (RFC 8446, section 5.1).
    OutboundPlainMessage { typ, version: ProtocolVersion::TLSv1_2, payload: OutboundChunks::Single(content) }
}
