//! Whom a client believes.

use std::{fs, path::PathBuf, sync::Arc};

use client::{RestError, Server, Session, Trust, connection::Event};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    NamedGroup, ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::support::{Peer, answer, opened, read_head, ready};

/// A server with a certificate for `localhost` of an authority of its own.
struct Secure {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    authority: PathBuf,
}

impl Secure {
    async fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let authority = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pem"));
        fs::write(&authority, issuer.pem()).unwrap();

        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(["localhost".into()]).unwrap().signed_by(&key, &issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        Self { listener, acceptor: TlsAcceptor::from(Arc::new(config)), authority }
    }

    fn server(&self, host: &str, authority: &Secure) -> Server {
        let port = self.listener.local_addr().unwrap().port();
        let url = format!("https://{host}:{port}").parse().unwrap();
        Server::new([url], &Trust::Ca(authority.authority.clone())).unwrap()
    }

    /// Takes one connection, unless the client does not want it.
    async fn accept(&self) -> Option<TlsStream<TcpStream>> {
        let (stream, _) = self.listener.accept().await.unwrap();
        self.acceptor.accept(stream).await.ok()
    }

    async fn open_session(&self) {
        let mut stream = self.accept().await.unwrap();
        read_head(&mut stream).await;
        stream.write_all(answer("201 Created", &opened("t0")).as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn a_server_with_the_right_certificate_is_trusted() {
    let secure = Secure::new("believed").await;
    let server = secure.server("localhost", &secure);
    let (session, ()) = tokio::join!(Session::open(&server), secure.open_session());
    let mut connection = session.unwrap().connect();
    let mut peer = Peer::upgrade(secure.accept().await.unwrap()).await;
    peer.tell(ready("t1")).await;
    expect_event!(connection, Event::Connected);
}

#[tokio::test]
async fn a_server_with_another_certificate_is_sent_nothing() {
    let (secure, other) = (Secure::new("one").await, Secure::new("other").await);
    for server in [secure.server("localhost", &other), secure.server("127.0.0.1", &secure)] {
        let (session, told) = tokio::join!(Session::open(&server), async {
            match secure.accept().await {
                // With TLS 1.3 a server may be done before the client has seen its certificate.
                Some(mut stream) => stream.read_u8().await.is_ok(),
                None => false,
            }
        });
        assert!(matches!(session, Err(RestError::Unreachable { .. })), "{session:?}");
        assert!(!told);
    }
}

/// What is recorded today is not to be read by a quantum computer later.
#[tokio::test]
async fn keys_are_agreed_on_in_a_hybrid_way() {
    let secure = Secure::new("hybrid").await;
    let server = secure.server("localhost", &secure);
    let (session, group) = tokio::join!(Session::open(&server), async {
        let mut stream = secure.accept().await.unwrap();
        let group = stream.get_ref().1.negotiated_key_exchange_group().unwrap().name();
        read_head(&mut stream).await;
        stream.write_all(answer("201 Created", &opened("t0")).as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        group
    });
    assert!(session.is_ok());
    assert_eq!(group, NamedGroup::X25519MLKEM768);
}
