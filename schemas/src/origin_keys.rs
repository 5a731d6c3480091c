//! How gateways tell each other the keys by which they make origins of addresses, so that whoever
//! carries them (a NATS server) does not learn them.
//!
//! Whoever lacks a key makes a key pair of X25519 (RFC 7748) and asks. The answer is sealed to it.
//! Where nodes have certificates, both are signed with the gateway's.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::{
    NodeId,
    announcement::Proof,
    codec::{duration_ms, list, sha256},
};

/// What a statement about the receiver of keys begins with: nothing else that is signed does.
const RECIPIENT: &[u8] = b"cipher-chat.v1 origin recipient\0";

/// The same of a statement about sealed keys.
const SEALED: &[u8] = b"cipher-chat.v1 origin sealed\0";

/// What gateways tell each other of the keys by which they make origins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OriginEvent {
    /// The publisher lacks keys.
    Asked(Box<Asking>),
    /// The names of the keys that the publisher has. Whoever lacks one asks for it.
    Offered(#[serde(deserialize_with = "list::deserialize")] Vec<OriginKeyId>),
    /// The keys of the publisher, for somebody who has asked.
    Sealed(Box<SealedKeys>),
}

/// Who is asked for keys, and to what they are to be sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asking {
    /// The gateway that has offered them. `None`: the first of the others that run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<NodeId>,
    /// A public key of X25519, made for this question.
    #[serde(with = "serde_bytes")]
    pub recipient: [u8; 32],
    /// That the publisher has made it: [`recipient_statement`], signed. `None` where nodes have no
    /// certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// Keys that only one gateway can open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedKeys {
    /// The [public key](Asking::recipient) of the one who has asked.
    #[serde(with = "serde_bytes")]
    pub recipient: [u8; 32],
    /// A public key of X25519, made for this answer.
    #[serde(with = "serde_bytes")]
    pub ephemeral: [u8; 32],
    /// A list of [`OriginKey`], sealed.
    pub content: ByteBuf,
    /// That the publisher says so: [`SealedKeys::statement`], signed. `None` where nodes have no
    /// certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

impl SealedKeys {
    /// What the gateway that has sealed them signs.
    pub fn statement(&self, by: &NodeId) -> Vec<u8> {
        let content = sha256(&[&self.content]);
        [SEALED, &self.recipient, &self.ephemeral, &content, by.as_str().as_bytes()].concat()
    }
}

/// What a gateway signs of the key to which others are to seal.
pub fn recipient_statement(recipient: &[u8; 32], node: &NodeId) -> Vec<u8> {
    [RECIPIENT, recipient, node.as_str().as_bytes()].concat()
}

/// A key by which gateways make origins. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginKey {
    /// Of two that are in use, that with the lower id makes origins.
    pub id: OriginKeyId,
    /// How long ago it was made.
    #[serde(rename = "age_ms", with = "duration_ms")]
    pub age: Duration,
    /// For HMAC-SHA-256.
    #[serde(with = "serde_bytes")]
    pub secret: [u8; 32],
}

/// The name of a key by which gateways make origins: the first part of an
/// [`Origin`](crate::Origin).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OriginKeyId(#[serde(with = "serde_bytes")] pub [u8; 4]);

impl std::fmt::Debug for OriginKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OriginKey").field("id", &self.id).field("age", &self.age).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_names_its_kind_all_keys_and_its_gateway() {
        let node: NodeId = "g1".parse().unwrap();
        let recipient = [&b"cipher-chat.v1 origin recipient\0"[..], &[7; 32], b"g1"].concat();
        assert_eq!(recipient_statement(&[7; 32], &node), recipient);
        let keys = SealedKeys {
            recipient: [7; 32],
            ephemeral: [8; 32],
            content: ByteBuf::from(b"abc".to_vec()),
            proof: None,
        };
        // SHA-256("abc"), FIPS 180-2, appendix B.1.
        let content = [
            0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
            0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
        ];
        let said = [&b"cipher-chat.v1 origin sealed\0"[..], &[7; 32], &[8; 32], &content, b"g1"].concat();
        assert_eq!(keys.statement(&node), said);
    }
}
