//! What a helper shows the other side of a chat: the pass, and a signature that binds it to this
//! chat. Nobody without the helper's secret can make it, and whoever stands in between has two
//! other chats.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use schemas::{Side, UnixMillis};

use crate::{
    keys::PassKeys,
    link::Secret,
    pass::{Believed, PASS_BYTES, Pass, PassError},
};

/// What is signed begins with this: nothing else that is signed does.
const DOMAIN: &[u8] = b"cipher-chat.v2 credential\0";

/// Bytes of the hash of a handshake's transcript.
pub const TRANSCRIPT_BYTES: usize = 32;

/// The content of a message of kind *credential*: the pass with its length before it, and the
/// signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    pass: String,
    signature: [u8; 64],
}

/// Why a credential is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Not a credential.
    #[error("it is not a credential")]
    Unreadable,
    /// The pass in it.
    #[error(transparent)]
    Pass(#[from] PassError),
    /// Of another chat, or not made with the key of the pass.
    #[error("the credential is not for this chat")]
    Forged,
}

impl Credential {
    /// Made by the helper of this secret, who is on this side of the chat.
    pub fn new(secret: &Secret, pass: &str, transcript: &[u8; TRANSCRIPT_BYTES], side: Side) -> Self {
        let mut signature = [0; 64];
        signature.copy_from_slice(secret.key().sign(&statement(transcript, side)).as_ref());
        Self { pass: pass.to_owned(), signature }
    }

    /// The text of the pass in it.
    pub fn pass(&self) -> &str {
        &self.pass
    }

    /// As the message holds it.
    pub fn bytes(&self) -> Vec<u8> {
        let length = u16::try_from(self.pass.len()).unwrap_or(u16::MAX);
        [&length.to_be_bytes()[..], self.pass.as_bytes(), &self.signature].concat()
    }

    /// Reads what a message holds.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, CredentialError> {
        let (length, rest) = bytes.split_first_chunk().ok_or(CredentialError::Unreadable)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length > PASS_BYTES || rest.len() != length + 64 {
            return Err(CredentialError::Unreadable);
        }
        let (pass, signature) = rest.split_at(length);
        let pass = str::from_utf8(pass).map_err(|_| CredentialError::Unreadable)?.to_owned();
        let signature = signature.try_into().map_err(|_| CredentialError::Unreadable)?;
        Ok(Self { pass, signature })
    }

    /// Whose it is, if it was made for this chat by who is on that side of it. Whether the pass is
    /// revoked, and what it allows, are other questions.
    ///
    /// # Errors
    /// With the first fault.
    pub fn verify(
        &self,
        keys: &PassKeys,
        transcript: &[u8; TRANSCRIPT_BYTES],
        side: Side,
        now: UnixMillis,
    ) -> Result<Believed, CredentialError> {
        let believed = Pass::verify(&self.pass, keys, now)?;
        let key = UnparsedPublicKey::new(&ED25519, &believed.pass().key);
        key.verify(&statement(transcript, side), &self.signature).map_err(|_| CredentialError::Forged)?;
        Ok(believed)
    }
}

/// What is signed.
fn statement(transcript: &[u8; TRANSCRIPT_BYTES], side: Side) -> Vec<u8> {
    let side = match side {
        Side::A => b"a",
        Side::B => b"b",
    };
    [DOMAIN, transcript, side].concat()
}

#[cfg(test)]
mod tests;
