//! CBOR (RFC 8949) as it is sent on the bus, and the hash function that ids and tags use.

use std::time::Duration;

use aws_lc_rs::digest;
use serde::{Serialize, de::DeserializeOwned};

use crate::limits;

/// Why bytes from the bus are not an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More than [`limits::EVENT_BYTES`].
    #[error("the event is larger than allowed")]
    Oversize,
    /// Not CBOR, not of the expected shape, or nested deeper than [`limits::EVENT_DEPTH`].
    #[error("the bytes are not an event of the expected shape")]
    Shape,
    /// Something follows the event.
    #[error("there are bytes after the event")]
    Trailing,
}

/// An event that does not fit into one message, because its builder ignored the batch limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event is larger than a message may be")]
pub struct EncodeError;

/// Encodes an event.
///
/// # Errors
/// If it takes more than [`limits::EVENT_BYTES`].
pub fn encode<T: Serialize>(event: &T) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::with_capacity(128);
    ciborium::into_writer(event, &mut bytes).map_err(|_| EncodeError)?;
    if bytes.len() > limits::EVENT_BYTES { Err(EncodeError) } else { Ok(bytes) }
}

/// Decodes one event and nothing else. Allocates in proportion to the bytes that there are, not to
/// the lengths that they declare.
///
/// # Errors
/// If the bytes are too many, not the event, nested too deep, or followed by others.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    if bytes.len() > limits::EVENT_BYTES {
        return Err(DecodeError::Oversize);
    }
    let mut rest = bytes;
    let event = ciborium::de::from_reader_with_recursion_limit(&mut rest, limits::EVENT_DEPTH)
        .map_err(|_| DecodeError::Shape)?;
    if rest.is_empty() { Ok(event) } else { Err(DecodeError::Trailing) }
}

/// SHA-256 over the parts, one after another. Nothing separates them, so it is only for parts of
/// fixed length, or for one part.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// (De)serialises a [`Duration`] as whole milliseconds.
pub mod duration_ms {
    use super::Duration;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes whole milliseconds.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(crate::time::millis(*duration))
    }

    /// Reads whole milliseconds.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

/// Reads a list without trusting the length that it declares: serde would reserve up to a mebibyte
/// for entries that may not follow.
pub mod list {
    use std::{fmt, marker::PhantomData};

    use serde::{
        Deserialize, Deserializer,
        de::{SeqAccess, Visitor},
    };

    struct Entries<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(entry) = entries.next_element()? {
                list.push(entry);
            }
            Ok(list)
        }
    }

    /// Reads the entries one by one.
    pub fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(Entries(PhantomData))
    }
}
