//! Reads tokens, and makes tokens that no gateway has signed.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bus::Bus;
use schemas::{
    KeyId, NodeId, Service, UnixMillis,
    announcement::{Announcement, statement},
    event::KeyEvent,
    message::Message,
};
use serde_json::{Value, json};

/// The header of a token.
pub(crate) fn header(token: &str) -> Value {
    part(token, 0)
}

/// The claims of a token.
pub(crate) fn claims(token: &str) -> Value {
    part(token, 1)
}

fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

/// Signs tokens with a key that no gateway has.
pub(crate) struct Forger {
    key: Ed25519KeyPair,
}

impl Forger {
    pub(crate) fn new() -> Self {
        Self { key: Ed25519KeyPair::generate().unwrap() }
    }

    /// The id of its key.
    pub(crate) fn kid(&self) -> KeyId {
        KeyId::of_public(&self.public())
    }

    fn public(&self) -> [u8; 32] {
        self.key.public_key().as_ref().try_into().unwrap()
    }

    /// The token as it would be if the forger's key had signed it.
    pub(crate) fn forge(&self, token: &str) -> String {
        self.sign(&json!({"alg": "EdDSA", "kid": self.kid().text()}), &claims(token))
    }

    /// Announces its key in the name of a node, vouched for by the node that the bus is of.
    pub(crate) fn announcement(&self, named: &str, not_after: UnixMillis, by: &Bus) -> Message {
        let node: NodeId = named.parse().unwrap();
        let said = statement(&self.kid(), not_after, &node);
        let possession = self.key.sign(&said).as_ref().try_into().unwrap();
        let (public, proof) = (self.public(), by.vouch(&said));
        let announced = Announcement { public, not_after, node, possession, proof };
        let (key, speaker, from) = (self.kid(), Service::Gateway, by.node().clone());
        Message::Key { key, speaker, from, event: KeyEvent::Announced(announced.into()) }
    }

    /// A token with this header and these claims, signed with the forger's key.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let text = unsigned(header, claims);
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(text.as_bytes()));
        format!("{text}.{signature}")
    }

    /// A token that names the forger's own key in its header.
    pub(crate) fn with_own_key(&self, token: &str) -> String {
        let mut header = header(token);
        let public = URL_SAFE_NO_PAD.encode(self.key.public_key().as_ref());
        header["jwk"] = json!({"kty": "OKP", "crv": "Ed25519", "x": public});
        self.sign(&header, &claims(token))
    }
}

/// Header and claims, without a signature.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}", encode(header), encode(claims))
}
