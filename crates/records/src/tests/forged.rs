//! Records that no honest client seals, under its true keys.

use rustls::{
    AlertDescription, ClientConfig, ContentType, SupportedCipherSuite,
    crypto::{
        aws_lc_rs,
        cipher::{InboundOpaqueMessage, MessageDecrypter, MessageEncrypter},
    },
    version::{TLS12, TLS13},
};

use super::support::{Pair, client};
use crate::{
    End, Records,
    keys::{decrypter, encrypter},
    wire::{HEADER_BYTES, message},
};

/// A client that says whatever it wants.
struct Forger {
    records: Box<Records>,
    encrypter: Box<dyn MessageEncrypter>,
    sealed: u64,
    decrypter: Box<dyn MessageDecrypter>,
    opened: u64,
}

impl Forger {
    async fn new(mut config: ClientConfig) -> Self {
        config.enable_secret_extraction = true;
        let Pair { client, records } = Pair::new(config).await;
        let suite: SupportedCipherSuite = client.negotiated_cipher_suite().unwrap();
        let secrets = client.dangerous_extract_secrets().unwrap();
        let ((sealed, write), (opened, read)) = (secrets.tx, secrets.rx);
        let mut encrypter = encrypter(suite, write).unwrap();
        if sealed > 0 {
            // For AWS-LC the first one is number 0.
            encrypter.encrypt(message(ContentType::Alert, &[]), 0).unwrap();
        }
        Self { records, encrypter, sealed, decrypter: decrypter(suite, read).unwrap(), opened }
    }

    fn tls12() -> impl Future<Output = Self> {
        Self::new(client(aws_lc_rs::default_provider(), &TLS12))
    }

    fn tls13() -> impl Future<Output = Self> {
        Self::new(client(aws_lc_rs::default_provider(), &TLS13))
    }

    /// Says it; returns what we hear.
    fn says(&mut self, kind: ContentType, content: &[u8]) -> Vec<u8> {
        let sealed = self.encrypter.encrypt(message(kind, content), self.sealed).unwrap();
        self.sealed += 1;
        let mut bytes = sealed.encode();
        let plain = self.records.opener.lock().open(&mut bytes, &self.records.sealer);
        bytes[plain].to_vec()
    }

    fn end(&self) -> Option<End> {
        self.records.opener.lock().end()
    }

    /// The alert that waits for the client: its level and what it says.
    fn told(&mut self) -> Option<[u8; 2]> {
        let (_, mut record) = self.records.sealer.seal(b"");
        let kind = ContentType::from(*record.first()?);
        let sealed =
            InboundOpaqueMessage::new(kind, rustls::ProtocolVersion::TLSv1_2, &mut record[HEADER_BYTES..]);
        let opened = self.decrypter.decrypt(sealed, self.opened).unwrap();
        self.opened += 1;
        assert_eq!(opened.typ, ContentType::Alert);
        opened.payload.try_into().ok()
    }

    /// It goes too far with this: the connection is over, and it is told why.
    fn goes_too_far(&mut self, kind: ContentType, content: &[u8], why: AlertDescription) {
        assert_eq!(self.end(), None);
        assert!(self.says(kind, content).is_empty());
        assert_eq!((self.end(), self.told()), (Some(End::Broken), Some([2, why.into()])));
    }
}

#[tokio::test]
async fn renegotiation_is_refused_once_and_then_ends_the_connection() {
    let mut forger = Forger::tls12().await;
    let hello = [1, 0, 0, 0];
    assert!(forger.says(ContentType::Handshake, &hello).is_empty());
    assert_eq!(forger.told(), Some([1, AlertDescription::NoRenegotiation.into()]));
    assert_eq!(forger.says(ContentType::ApplicationData, b"goes on"), b"goes on");
    forger.goes_too_far(ContentType::Handshake, &hello, AlertDescription::UnexpectedMessage);
}

#[tokio::test]
async fn warnings_are_tolerated_a_few_times() {
    let warning = [1, AlertDescription::UserCanceled.into()];
    for mut forger in [Forger::tls12().await, Forger::tls13().await] {
        for _ in 0..4 {
            assert!(forger.says(ContentType::Alert, &warning).is_empty());
        }
        forger.goes_too_far(ContentType::Alert, &warning, AlertDescription::UnexpectedMessage);
    }
}

#[tokio::test]
async fn empty_records_are_tolerated_a_few_times_in_a_row() {
    for mut forger in [Forger::tls12().await, Forger::tls13().await] {
        for _ in 0..2 {
            for _ in 0..32 {
                assert!(forger.says(ContentType::ApplicationData, b"").is_empty());
            }
            assert_eq!(forger.says(ContentType::ApplicationData, b"text"), b"text");
        }
        for _ in 0..32 {
            forger.says(ContentType::ApplicationData, b"");
        }
        forger.goes_too_far(ContentType::ApplicationData, b"", AlertDescription::UnexpectedMessage);
    }
}

#[tokio::test]
async fn after_the_handshake_only_a_whole_key_update_is_accepted() {
    use AlertDescription::{DecodeError, IllegalParameter, UnexpectedMessage};
    for (kind, content, why) in [
        (ContentType::Handshake, &[24, 0, 0, 1, 2][..], IllegalParameter),
        (ContentType::Handshake, &[24, 0, 0, 1], UnexpectedMessage),
        (ContentType::Handshake, &[24, 0, 0, 1, 0, 0], UnexpectedMessage),
        (ContentType::Handshake, &[24, 0, 0, 2, 0, 0], DecodeError),
        (ContentType::Handshake, &[24, 0, 0, 0], DecodeError),
        (ContentType::Handshake, &[1, 0, 0, 0], UnexpectedMessage),
        (ContentType::Handshake, &[], UnexpectedMessage),
        (ContentType::ChangeCipherSpec, &[1], UnexpectedMessage),
        (ContentType::Alert, &[1], DecodeError),
    ] {
        Forger::tls13().await.goes_too_far(kind, content, why);
    }
}
