//! The files of the operator: the key with which orders are signed, its public half, and signed
//! orders that are to outlast a restart of all nodes.

use std::{fs, io, path::Path};

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::{Engine, engine::general_purpose::STANDARD};
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, pem::PemObject};
use schemas::{codec, order::SignedOrder, orders::OrderKey};
use zeroize::Zeroizing;

/// How a public key of Ed25519 begins as an SPKI (RFC 8410); the 32 bytes of the key follow.
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Most bytes of a file of orders: hundreds of the longest.
const FILE_BYTES: u64 = 1024 * 1024;

/// What begins a line that is for people.
const COMMENT: char = '#';

/// Why a file cannot be used. Nothing of its content is told.
#[derive(Debug, thiserror::Error)]
pub enum OrderFileError {
    /// It cannot be read or written.
    #[error("{0}")]
    Io(io::Error),
    /// Not such a key.
    #[error("it holds no private key of Ed25519 (PEM, PKCS #8), as `cipher-chat pki` writes orders.key")]
    Private,
    /// Not such a key.
    #[error("it holds no public key of Ed25519 (PEM, SPKI), as `cipher-chat pki` writes orders.pub")]
    Public,
    /// More than orders take.
    #[error("it is larger than {FILE_BYTES} bytes")]
    Large,
    /// Not an order.
    #[error("line {0} is no order: `cipher-chat order … --out` writes one to a line")]
    Line(usize),
    /// An order that nobody has to obey.
    #[error("the order in line {0} is not signed with the key of --order-key")]
    Forged(usize),
}

/// The operator's key.
///
/// # Errors
/// If the file cannot be read, or holds no such key.
pub fn private_key(path: &Path) -> Result<Ed25519KeyPair, OrderFileError> {
    let pem = Zeroizing::new(fs::read(path).map_err(OrderFileError::Io)?);
    let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|_| OrderFileError::Private)?;
    Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| OrderFileError::Private)
}

/// The public half of the operator's key.
///
/// # Errors
/// If the file cannot be read, or holds no such key.
pub fn public_key(path: &Path) -> Result<OrderKey, OrderFileError> {
    let pem = fs::read(path).map_err(OrderFileError::Io)?;
    let spki = SubjectPublicKeyInfoDer::from_pem_slice(&pem).map_err(|_| OrderFileError::Public)?;
    let key = spki.strip_prefix(&SPKI).and_then(|key| key.try_into().ok());
    key.ok_or(OrderFileError::Public)
}

/// The orders of a file, each checked with this key. Whether they are over is not asked: one that
/// is still keeps older ones away.
///
/// # Errors
/// If the file cannot be read, or a line of it is no order that the key has signed.
pub fn signed_orders(path: &Path, key: &OrderKey) -> Result<Vec<SignedOrder>, OrderFileError> {
    if fs::metadata(path).map_err(OrderFileError::Io)?.len() > FILE_BYTES {
        return Err(OrderFileError::Large);
    }
    let text = fs::read_to_string(path).map_err(OrderFileError::Io)?;
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let orders = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with(COMMENT));
    orders.map(|(number, line)| read(line, number, key)).collect()
}

fn read(line: &str, number: usize, key: &OrderKey) -> Result<SignedOrder, OrderFileError> {
    let bytes = STANDARD.decode(line).map_err(|_| OrderFileError::Line(number))?;
    let order: SignedOrder = codec::decode(&bytes).map_err(|_| OrderFileError::Line(number))?;
    order.check().map_err(|_| OrderFileError::Line(number))?;
    if order.is_signed_with(key) { Ok(order) } else { Err(OrderFileError::Forged(number)) }
}

/// An order as it stands in such a file: a line for people, and one for nodes.
pub fn lines(order: &SignedOrder, about: &str) -> String {
    // An order within its limits is far shorter than a message may be.
    let bytes = codec::encode(order).unwrap_or_default();
    let about = about.replace(['\r', '\n'], " ");
    format!("{COMMENT} {about}\n{}\n", STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, time::Duration};

    use aws_lc_rs::signature::KeyPair;
    use schemas::{UnixMillis, order::Order};

    use super::*;

    struct Temporary(PathBuf);

    impl Temporary {
        fn new(content: &[u8]) -> Self {
            let name = format!("orders-{}-{:p}", std::process::id(), content);
            let path = std::env::temp_dir().join(name);
            fs::write(&path, content).unwrap();
            Self(path)
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    fn pem(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    }

    fn public(key: &Ed25519KeyPair) -> OrderKey {
        key.public_key().as_ref().try_into().unwrap()
    }

    #[test]
    fn both_halves_of_a_key_are_read_from_files() {
        let key = Ed25519KeyPair::generate().unwrap();
        let private = Temporary::new(pem("PRIVATE KEY", key.to_pkcs8v1().unwrap().as_ref()).as_bytes());
        assert_eq!(public(&private_key(&private.0).unwrap()), public(&key));
        let spki = [&SPKI[..], &public(&key)].concat();
        let shown = Temporary::new(pem("PUBLIC KEY", &spki).as_bytes());
        assert_eq!(public_key(&shown.0).unwrap(), public(&key));
        assert!(matches!(private_key(&shown.0), Err(OrderFileError::Private)));
        assert!(matches!(public_key(&private.0), Err(OrderFileError::Public)));
        let nowhere = Path::new("/nowhere/orders.key");
        assert!(matches!(private_key(nowhere), Err(OrderFileError::Io(_))));
        let other = Temporary::new(pem("PUBLIC KEY", &[&spki[..], &[0]].concat()).as_bytes());
        assert!(matches!(public_key(&other.0), Err(OrderFileError::Public)));
    }

    #[test]
    fn orders_are_read_back_and_none_is_believed_that_the_key_has_not_signed() {
        let (ours, other) = (Ed25519KeyPair::generate().unwrap(), Ed25519KeyPair::generate().unwrap());
        let sign = |order, key| SignedOrder::sign(order, UnixMillis(5), Duration::from_secs(1), key).unwrap();
        let (one, two) = (sign(Order::Pause, &ours), sign(Order::Notice("a\nb".into()), &ours));
        let text = lines(&one, "pause") + "\n" + &lines(&two, "notice a\nb");
        let file = Temporary::new(text.as_bytes());
        assert_eq!(signed_orders(&file.0, &public(&ours)).unwrap(), [one, two]);
        let refused = signed_orders(&file.0, &public(&other));
        assert!(matches!(refused, Err(OrderFileError::Forged(2))), "{refused:?}");
        for wrong in ["x", "AAAA", "pause"] {
            let file = Temporary::new(wrong.as_bytes());
            assert!(
                matches!(signed_orders(&file.0, &public(&ours)), Err(OrderFileError::Line(1))),
                "{wrong}"
            );
        }
    }
}
