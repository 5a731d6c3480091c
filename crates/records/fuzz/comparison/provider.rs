//! Nothing about a client or its servers is left to chance: random numbers and key exchange are
//! fixed, and so are Ed25519's signatures. Two servers that do the same then have the same keys.

use std::sync::Arc;

use rustls::{
    Error, NamedGroup,
    crypto::{
        ActiveKeyExchange, CryptoProvider, GetRandomFailed, SecureRandom, SharedSecret, SupportedKxGroup,
        aws_lc_rs,
    },
};

/// What rustls is made of, without chance.
pub(super) fn provider() -> Arc<CryptoProvider> {
    let all = aws_lc_rs::default_provider();
    Arc::new(CryptoProvider { secure_random: &Fixed, kx_groups: vec![&Fixed], ..all })
}

#[derive(Clone, Copy, Debug)]
struct Fixed;

impl SecureRandom for Fixed {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        bytes.fill(7);
        Ok(())
    }
}

impl SupportedKxGroup for Fixed {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Ok(Box::new(*self))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

impl ActiveKeyExchange for Fixed {
    fn complete(self: Box<Self>, _: &[u8]) -> Result<SharedSecret, Error> {
        Ok(SharedSecret::from(&[9; 32][..]))
    }

    fn pub_key(&self) -> &[u8] {
        &[5; 32]
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}
