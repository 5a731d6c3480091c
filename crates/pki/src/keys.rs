//! The operator's two key pairs (Ed25519). One signs orders to the cluster, the other the passes of
//! helpers: who may do the one cannot do the other. Nodes get the public halves.

use rcgen::{KeyPair, PKCS_ED25519};
use zeroize::Zeroizing;

use crate::{
    authority::AuthorityError,
    files::{Directory, Secrecy},
};

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OperatorKey {
    Orders,
    Passes,
}

impl OperatorKey {
    pub(crate) const ALL: [Self; 2] = [Self::Orders, Self::Passes];

    const fn word(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Passes => "passes",
        }
    }

    /// The file of the public half (PEM, SPKI).
    pub(crate) fn public_file(self) -> String {
        format!("{}.pub", self.word())
    }

    /// The public half of the key in the operator's directory, which is made if it is not there.
    pub(crate) fn public(
        self,
        dir: &Directory,
        operator: &str,
        made: &mut Vec<String>,
    ) -> Result<String, AuthorityError> {
        let file = format!("{operator}/{}.key", self.word());
        let key = match dir.read(&file)?.map(Zeroizing::new) {
            Some(secret) => {
                let read = KeyPair::from_pem(&secret).ok();
                read.filter(|key| key.is_compatible(&PKCS_ED25519))
                    .ok_or_else(|| AuthorityError::Unusable(file.clone()))?
            }
            None => {
                let key = KeyPair::generate_for(&PKCS_ED25519)?;
                let secret = Zeroizing::new(key.serialize_pem());
                dir.write(&file, secret.as_bytes(), Secrecy::Secret)?;
                made.push(file);
                key
            }
        };
        Ok(key.public_key_pem())
    }
}
