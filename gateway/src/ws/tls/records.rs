//! The records of a connection whose handshake is over (RFC 8446, section 5; RFC 5246, section 6.2): bytes in, bytes out, no socket.
//!
//! rustls shakes hands, derives every key, and seals and opens each record. It would also keep 3.5 KB for an idle connection: a state for
//! the handshake, buffers and queues. Here is what remains to be done without them: finding records, counting them, and heeding alerts
//! and key updates.

use parking_lot::Mutex;
use rustls::{
    ConnectionTrafficSecrets, ContentType, Error, ExtractedSecrets, SupportedCipherSuite,
    crypto::cipher::{AeadKey, Iv, MessageDecrypter, MessageEncrypter},
    kernel::KernelConnection,
    server::ServerConnectionData,
};

use super::{
    opener::{Opener, Version},
    sealer::{self, SharedSealer},
};

/// The content type, a version, and the length of what follows.
pub(super) const HEADER_BYTES: usize = 5;
/// The content of one record.
pub(super) const CONTENT_BYTES: usize = 16 * 1024;

/// The handshake message `key_update` without its last byte: its type and its length (RFC 8446, section 4.6.3).
pub(super) const KEY_UPDATE: [u8; 4] = [24, 0, 0, 1];
pub(super) const UPDATE_NOT_REQUESTED: u8 = 0;
pub(super) const UPDATE_REQUESTED: u8 = 1;

pub(super) const WARNING: u8 = 1;

/// The record layer of one connection. Reading and writing are apart: neither waits for the other.
pub(crate) struct Records {
    /// For whoever reads. Nobody else locks it.
    pub(crate) opener: Mutex<Opener>,
    /// For all who write.
    pub(crate) sealer: SharedSealer,
}

impl Records {
    /// What is left of a handshake.
    ///
    /// # Errors
    /// If the secrets are not of this suite, which rustls rules out.
    pub(super) fn new(
        secrets: ExtractedSecrets,
        kernel: KernelConnection<ServerConnectionData>,
    ) -> Result<Self, Error> {
        let suite = kernel.negotiated_cipher_suite();
        let ((written, write), (read, read_secrets)) = (secrets.tx, secrets.rx);
        let mut encrypter = encrypter(suite, write)?;
        if written > 0 {
            // AWS-LC takes the first record that a new context seals for number 0 (its guard against sealing two with one number). This
            // one is dropped: nobody ever sees it.
            encrypter.encrypt(sealer::message(ContentType::Alert, &[]), 0)?;
        }
        let (updates, version) = match suite {
            SupportedCipherSuite::Tls13(_) => (Some(Box::new(kernel)), Version::Tls13),
            // Its keys stay; what would derive others need not.
            SupportedCipherSuite::Tls12(suite) => {
                let nonce = suite.aead_alg.key_block_shape().explicit_nonce_len as u8;
                (None, Version::Tls12 { nonce })
            }
        };
        let opener = Opener::new(version, decrypter(suite, read_secrets)?, read);
        let sealer = SharedSealer::new(encrypter, written, limit(suite), updates);
        Ok(Self { opener: Mutex::new(opener), sealer })
    }
}

pub(super) fn encrypter(
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

pub(super) fn decrypter(
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
