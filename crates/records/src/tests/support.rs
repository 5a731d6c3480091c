//! A client of rustls, and our side of its connection, with the bytes between them in the hands of
//! the test.

use std::{
    io::{self, Read, Write},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, Waker, ready},
};

use parking_lot::MutexGuard;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, SupportedCipherSuite,
    SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    version::{TLS12, TLS13},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex};

use crate::{Acceptor, Opener, Parts, Records, buffer};

/// A certificate for `localhost` that is its own authority.
pub(crate) struct Own {
    pub(crate) cert: CertificateDer<'static>,
    key: Vec<u8>,
}

pub(crate) fn own() -> &'static Own {
    static OWN: OnceLock<Own> = OnceLock::new();
    OWN.get_or_init(|| {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Own { cert: own.cert.der().clone(), key: own.signing_key.serialize_der() }
    })
}

pub(crate) fn server() -> ServerConfig {
    let own = own();
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.clone()], PrivatePkcs8KeyDer::from(own.key.clone()).into())
        .unwrap()
}

pub(crate) fn client(provider: CryptoProvider, version: &'static SupportedProtocolVersion) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(own().cert.clone()).unwrap();
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Every way to protect records that there is.
pub(crate) fn ways() -> Vec<(SupportedCipherSuite, ClientConfig)> {
    let all = aws_lc_rs::default_provider();
    let with = |suite: &SupportedCipherSuite| {
        let version = if suite.tls13().is_some() { &TLS13 } else { &TLS12 };
        let provider = CryptoProvider { cipher_suites: vec![*suite], ..all.clone() };
        (*suite, client(provider, version))
    };
    // The certificate's key is one for ECDSA.
    let fits = |suite: &&SupportedCipherSuite| {
        suite.tls13().is_some() || format!("{:?}", suite.suite()).contains("ECDSA")
    };
    all.cipher_suites.iter().filter(fits).map(with).collect()
}

/// Both ends after their handshake.
pub(crate) struct Pair {
    pub(crate) client: ClientConnection,
    pub(crate) records: Box<Records>,
}

impl Pair {
    pub(crate) async fn new(config: ClientConfig) -> Self {
        let (mut near, far) = duplex(64 * 1024);
        let mut client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
        let acceptor = Acceptor::new(server());
        let (stream, ()) = tokio::join!(acceptor.accept(far), shake_hands(&mut client, &mut near, b""));
        let Parts { records, .. } = stream.unwrap().into_parts();
        Self { client, records }
    }

    pub(crate) fn opener(&self) -> MutexGuard<'_, Opener> {
        self.records.opener.lock()
    }

    pub(crate) fn tls13() -> impl Future<Output = Self> {
        Self::new(client(aws_lc_rs::default_provider(), &TLS13))
    }

    pub(crate) fn tls12() -> impl Future<Output = Self> {
        Self::new(client(aws_lc_rs::default_provider(), &TLS12))
    }

    /// What the client has to say, sealed.
    pub(crate) fn sealed_by_client(&mut self) -> Vec<u8> {
        let mut sealed = Vec::new();
        while self.client.wants_write() {
            self.client.write_tls(&mut sealed).unwrap();
        }
        sealed
    }

    /// The client says something: one record, if it is not too long.
    pub(crate) fn client_says(&mut self, plain: &[u8]) -> Vec<u8> {
        self.client.writer().write_all(plain).unwrap();
        self.sealed_by_client()
    }

    /// We read these bytes of a socket, at once.
    pub(crate) fn open(&mut self, sealed: &[u8]) -> Vec<u8> {
        let mut socket = sealed;
        let mut plain = Vec::new();
        while !socket.is_empty() && self.opener().end().is_none() {
            let mut loan = buffer::borrow();
            let mut cx = Context::from_waker(Waker::noop());
            let Poll::Ready(came) =
                self.opener().poll_read(&mut cx, &mut socket, &self.records.sealer, &mut loan)
            else {
                panic!("bytes are always there");
            };
            plain.extend_from_slice(&loan.bytes()[came.unwrap()]);
        }
        plain
    }

    /// What we have to say, and what waits to be said, sealed.
    pub(crate) fn seal(&mut self, mut plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::new();
        while self.records.sealer.waits() || !plain.is_empty() {
            let (taken, records) = self.records.sealer.seal(plain);
            plain = &plain[taken..];
            sealed.extend(records);
        }
        sealed
    }

    /// The client reads these bytes.
    pub(crate) fn client_reads(&mut self, mut sealed: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let mut plain = Vec::new();
        while !sealed.is_empty() {
            self.client.read_tls(&mut sealed).unwrap();
            let state = self.client.process_new_packets()?;
            let start = plain.len();
            plain.resize(start + state.plaintext_bytes_to_read(), 0);
            self.client.reader().read_exact(&mut plain[start..]).unwrap();
        }
        Ok(plain)
    }

    /// Both still understand each other.
    pub(crate) fn expect_both_to_go_on(&mut self) {
        let sealed = self.client_says(b"to you");
        assert_eq!(self.open(&sealed), b"to you");
        let sealed = self.seal(b"to me");
        assert_eq!(self.client_reads(&sealed).unwrap(), b"to me");
    }
}

pub(crate) async fn shake_hands(client: &mut ClientConnection, socket: &mut DuplexStream, early: &[u8]) {
    client.writer().write_all(early).unwrap();
    let mut came = vec![0; 64 * 1024];
    while client.is_handshaking() || client.wants_write() {
        let mut sealed = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut sealed).unwrap();
        }
        socket.write_all(&sealed).await.unwrap();
        if client.is_handshaking() {
            let count = socket.read(&mut came).await.unwrap();
            let mut came = &came[..count];
            while !came.is_empty() {
                client.read_tls(&mut came).unwrap();
                client.process_new_packets().unwrap();
            }
        }
    }
}

/// A socket that gives one byte at a time.
pub(crate) struct Drip<S>(pub(crate) S);

impl<S: AsyncRead + Unpin> AsyncRead for Drip<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut drop = [0];
        let mut one = ReadBuf::new(&mut drop);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut one))?;
        into.put_slice(one.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Drip<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
