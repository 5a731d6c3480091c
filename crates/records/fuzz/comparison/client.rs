//! rustls's client up to the end of its handshake; then one that seals whatever it wants, and opens
//! what it is sent.

use std::sync::Arc;

use rustls::{
    ClientConfig, ConnectionTrafficSecrets, ContentType, ProtocolVersion, RootCertStore,
    SupportedCipherSuite,
    client::{ClientConnectionData, UnbufferedClientConnection},
    crypto::{
        CryptoProvider, aws_lc_rs,
        cipher::{
            AeadKey, InboundOpaqueMessage, Iv, MessageDecrypter, MessageEncrypter, OutboundChunks,
            OutboundPlainMessage,
        },
    },
    kernel::KernelConnection,
    unbuffered::{ConnectionState, EncodeError, UnbufferedStatus},
};

use super::{
    provider::provider,
    server::{Server, certificate},
};

/// The handshake message with which a side changes its key, and the answer that it asks for.
pub(super) const KEY_UPDATE: [u8; 4] = [24, 0, 0, 1];

/// The suites that a server with a key of Ed25519 speaks: three of TLS 1.3, three of TLS 1.2.
pub(super) fn suites() -> Vec<SupportedCipherSuite> {
    let mut all = aws_lc_rs::default_provider().cipher_suites;
    all.retain(|suite| suite.tls13().is_some() || format!("{:?}", suite.suite()).contains("ECDSA"));
    all
}

/// A client after its handshake.
pub(super) struct Client {
    pub(super) suite: SupportedCipherSuite,
    /// What it began its handshake with: the message, without the record around it.
    pub(super) hello: Vec<u8>,
    /// What it has opened: of the application...
    pub(super) plain: Vec<u8>,
    /// ...and alerts.
    pub(super) alerts: Vec<[u8; 2]>,
    kernel: KernelConnection<ClientConnectionData>,
    encrypter: Box<dyn MessageEncrypter>,
    sealed: u64,
    decrypter: Box<dyn MessageDecrypter>,
    opened: u64,
}

/// Lets a client and a server shake hands.
pub(super) fn shake_hands<S: Server>(mut server: S, suite: SupportedCipherSuite) -> (S, Client) {
    let provider = CryptoProvider { cipher_suites: vec![suite], ..(*provider()).clone() };
    let mut roots = RootCertStore::empty();
    roots.add(certificate().0.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[suite.version()])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.enable_secret_extraction = true;
    let name = "localhost".try_into().unwrap();
    let mut connection = UnbufferedClientConnection::new(Arc::new(config), name).unwrap();
    let (mut came, mut hello) = (Vec::new(), Vec::new());
    loop {
        let mut sent = Vec::new();
        let done = advance(&mut connection, &mut came, &mut sent);
        if hello.is_empty() {
            hello = sent[5..].to_vec();
        }
        server.read(&sent);
        if done {
            break;
        }
        came.extend(server.written());
    }
    assert!(came.is_empty(), "no tickets");
    let (secrets, kernel) = connection.dangerous_into_kernel_connection().unwrap();
    let ((sealed, write), (opened, read)) = (secrets.tx, secrets.rx);
    let mut encrypter = encrypter(suite, write);
    if sealed > 0 {
        // AWS-LC takes the first record of a context for number 0.
        encrypter.encrypt(message(ContentType::Alert, &[]), 0).unwrap();
    }
    let decrypter = decrypter(suite, read);
    let (plain, alerts) = (Vec::new(), Vec::new());
    (server, Client { suite, hello, plain, alerts, kernel, encrypter, sealed, decrypter, opened })
}

/// Goes on with the handshake. Whether it is over.
fn advance(connection: &mut UnbufferedClientConnection, came: &mut Vec<u8>, sent: &mut Vec<u8>) -> bool {
    loop {
        let UnbufferedStatus { discard, state } = connection.process_tls_records(came);
        let done = match state.unwrap() {
            ConnectionState::EncodeTlsData(mut record) => {
                if let Err(EncodeError::InsufficientSize(size)) = record.encode(&mut []) {
                    let start = sent.len();
                    sent.resize(start + size.required_size, 0);
                    record.encode(&mut sent[start..]).unwrap();
                }
                None
            }
            ConnectionState::TransmitTlsData(record) => {
                record.done();
                None
            }
            ConnectionState::BlockedHandshake => Some(false),
            ConnectionState::WriteTraffic(_) => Some(true),
            _ => panic!("no part of a handshake"),
        };
        came.drain(..discard);
        if let Some(done) = done {
            return done;
        }
    }
}

impl Client {
    /// A record with this inside.
    pub(super) fn seal(&mut self, kind: ContentType, content: &[u8]) -> Vec<u8> {
        let sealed = self.encrypter.encrypt(message(kind, content), self.sealed).unwrap();
        self.sealed += 1;
        sealed.encode()
    }

    /// Announces its next key, and changes to it.
    pub(super) fn change_key(&mut self, answer: u8) -> Vec<u8> {
        let record = self.seal(ContentType::Handshake, &[&KEY_UPDATE[..], &[answer]].concat());
        let (sealed, secrets) = self.kernel.update_tx_secret().unwrap();
        (self.sealed, self.encrypter) = (sealed, encrypter(self.suite, secrets));
        record
    }

    /// Opens what a server has written.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while let Some((header, rest)) = bytes.split_first_chunk::<5>() {
            let (record, rest) = rest.split_at(u16::from_be_bytes([header[3], header[4]]).into());
            bytes = rest;
            let mut record = record.to_vec();
            let sealed = InboundOpaqueMessage::new(header[0].into(), ProtocolVersion::TLSv1_2, &mut record);
            let opened = self.decrypter.decrypt(sealed, self.opened).unwrap();
            self.opened += 1;
            match (opened.typ, opened.payload) {
                (ContentType::ApplicationData, text) => self.plain.extend(text),
                (ContentType::Alert, alert) => self.alerts.push(alert.try_into().unwrap()),
                (ContentType::Handshake, [24, 0, 0, 1, 0]) => {
                    let (opened, secrets) = self.kernel.update_rx_secret().unwrap();
                    (self.opened, self.decrypter) = (opened, decrypter(self.suite, secrets));
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(bytes.is_empty(), "a whole number of records");
    }
}

fn message(typ: ContentType, content: &[u8]) -> OutboundPlainMessage<'_> {
    OutboundPlainMessage { typ, version: ProtocolVersion::TLSv1_2, payload: OutboundChunks::Single(content) }
}

fn encrypter(suite: SupportedCipherSuite, secrets: ConnectionTrafficSecrets) -> Box<dyn MessageEncrypter> {
    let (key, iv) = key(secrets);
    match suite {
        SupportedCipherSuite::Tls13(suite) => suite.aead_alg.encrypter(key, iv),
        SupportedCipherSuite::Tls12(suite) => {
            let (fixed, explicit) = iv.as_ref().split_at(suite.aead_alg.key_block_shape().fixed_iv_len);
            suite.aead_alg.encrypter(key, fixed, explicit)
        }
    }
}

fn decrypter(suite: SupportedCipherSuite, secrets: ConnectionTrafficSecrets) -> Box<dyn MessageDecrypter> {
    let (key, iv) = key(secrets);
    match suite {
        SupportedCipherSuite::Tls13(suite) => suite.aead_alg.decrypter(key, iv),
        SupportedCipherSuite::Tls12(suite) => {
            let fixed = suite.aead_alg.key_block_shape().fixed_iv_len;
            suite.aead_alg.decrypter(key, &iv.as_ref()[..fixed])
        }
    }
}

fn key(secrets: ConnectionTrafficSecrets) -> (AeadKey, Iv) {
    match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (key, iv),
        _ => panic!("none of the suites"),
    }
}
