//! The record layer of one connection: bytes in, bytes out, no socket.

use parking_lot::Mutex;
use rustls::{
    ContentType, Error, ExtractedSecrets, SupportedCipherSuite, kernel::KernelConnection,
    server::ServerConnectionData,
};

use crate::{
    keys::{decrypter, encrypter, limit},
    opener::{Opener, Version},
    sealer::SharedSealer,
    wire,
};

/// The record layer of one connection. Reading and writing are apart: neither waits for the other.
pub struct Records {
    /// For whoever reads. Nobody else locks it.
    pub opener: Mutex<Opener>,
    /// For all who write.
    pub sealer: SharedSealer,
}

impl Records {
    /// What is left of a handshake.
    ///
    /// # Errors
    /// If the secrets are not of this suite, which rustls rules out.
    pub(crate) fn new(
        secrets: ExtractedSecrets,
        kernel: KernelConnection<ServerConnectionData>,
    ) -> Result<Self, Error> {
        let suite = kernel.negotiated_cipher_suite();
        let ((written, write), (read, read_secrets)) = (secrets.tx, secrets.rx);
        let mut encrypter = encrypter(suite, write)?;
        if written > 0 {
            // AWS-LC takes the first record that a new context seals for number 0 (its guard
            // against sealing two with one number). This one is dropped: nobody ever sees it.
            encrypter.encrypt(wire::message(ContentType::Alert, &[]), 0)?;
        }
        let (updates, version) = match suite {
            SupportedCipherSuite::Tls13(_) => (Some(Box::new(kernel)), Version::Tls13),
            // Its keys never change; what would derive others need not stay.
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
