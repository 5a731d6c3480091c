//! How a gateway tells the others of its signing key, so that nobody can do it in its name.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::{KeyId, NodeId, UnixMillis, codec::list, limits};

/// What a statement begins with: nothing else that is signed with these keys does.
const DOMAIN: &[u8] = b"cipher-chat.v1 key\0";

/// A signing key as its gateway announces it. Others repeat it unchanged, and believe it from
/// whomever they hear it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Ed25519 (RFC 8032); its thumbprint is the key's id.
    #[serde(with = "serde_bytes")]
    pub public: [u8; 32],
    /// The time of its last signature plus the life of a token.
    pub not_after: UnixMillis,
    /// The gateway that made the key.
    pub node: NodeId,
    /// [`Announcement::statement`] signed with the key itself: nobody can announce a key that is
    /// another's.
    #[serde(with = "serde_bytes")]
    pub possession: [u8; 64],
    /// That the gateway `node` says so. `None` where nodes have no certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// A signature with the key of a node's bus certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The certificate and those between it and the authority, DER; at most
    /// [`crate::limits::PROOF_CERTIFICATES`].
    #[serde(deserialize_with = "list::deserialize")]
    pub chain: Vec<ByteBuf>,
    /// The TLS code point of how it is signed (RFC 8446, section 4.2.3).
    pub scheme: u16,
    /// A statement of the node, such as [`Announcement::statement`], signed.
    pub signature: ByteBuf,
}

impl Proof {
    /// Whether it is no longer than [`limits::PROOF_CERTIFICATES`] and [`limits::PROOF_BYTES`]
    /// allow.
    pub fn is_of_size(&self) -> bool {
        let certificates = self.chain.iter().map(|certificate| certificate.len());
        self.chain.len() <= limits::PROOF_CERTIFICATES
            && certificates.sum::<usize>() + self.signature.len() <= limits::PROOF_BYTES
    }
}

impl Announcement {
    /// The key's id.
    pub fn id(&self) -> KeyId {
        KeyId::of_public(&self.public)
    }

    /// Whether the proof is no longer than a proof may be.
    pub fn is_of_size(&self) -> bool {
        self.proof.as_ref().is_none_or(Proof::is_of_size)
    }

    /// What is signed: the key's id, its end and its gateway.
    pub fn statement(&self) -> Vec<u8> {
        statement(&self.id(), self.not_after, &self.node)
    }
}

/// What is signed of a key.
pub fn statement(key: &KeyId, not_after: UnixMillis, node: &NodeId) -> Vec<u8> {
    [DOMAIN, key.as_bytes(), &not_after.0.to_be_bytes(), node.as_str().as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_names_the_key_its_end_and_its_gateway() {
        let node: NodeId = "g1".parse().unwrap();
        let said = statement(&KeyId::from_bytes([7; 32]), UnixMillis(258), &node);
        let expected = [&b"cipher-chat.v1 key\0"[..], &[7; 32], &[0, 0, 0, 0, 0, 0, 1, 2], b"g1"].concat();
        assert_eq!(said, expected);
    }
}
