//! Connections that go on with the TLS session of an earlier one.

use std::sync::Arc;

use rustls::{
    ClientConfig, ClientConnection, HandshakeKind,
    client::Resumption,
    crypto::aws_lc_rs::{self, Ticketer},
    version::TLS13,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::TlsConnector;

use super::support::{Drip, client, server, shake_hands};
use crate::{Acceptor, TlsStream};

/// With a memory for tickets, so that clones of it share them.
fn remembering() -> ClientConfig {
    let mut config = client(aws_lc_rs::default_provider(), &TLS13);
    config.resumption = Resumption::in_memory_sessions(8);
    config
}

/// How the handshake went of a client that then speaks with the server for a while, so that it has
/// read the ticket.
async fn talk(config: &ClientConfig, acceptor: &Acceptor) -> HandshakeKind {
    let (near, far) = duplex(64 * 1024);
    let connector = TlsConnector::from(Arc::new(config.clone()));
    let name = "localhost".try_into().unwrap();
    let (client, served) = tokio::join!(connector.connect(name, near), acceptor.accept(far));
    let (mut client, mut served): (_, TlsStream<_>) = (client.unwrap(), served.unwrap());
    for round in 0_u8..3 {
        let (mut here, mut there) = ([0; 1000], [0; 1000]);
        client.write_all(&[round; 1000]).await.unwrap();
        client.flush().await.unwrap();
        served.read_exact(&mut here).await.unwrap();
        served.write_all(&[round + 1; 1000]).await.unwrap();
        served.flush().await.unwrap();
        client.read_exact(&mut there).await.unwrap();
        assert!(here == [round; 1000] && there == [round + 1; 1000]);
    }
    client.get_ref().1.handshake_kind().unwrap()
}

#[tokio::test]
async fn a_connection_resumes_another_and_both_sides_understand_each_other() {
    let (config, acceptor) = (remembering(), Acceptor::with_tickets(server(), Ticketer::new().unwrap()));
    assert_eq!(talk(&config, &acceptor).await, HandshakeKind::Full);
    for _ in 0..3 {
        assert_eq!(talk(&config, &acceptor).await, HandshakeKind::Resumed);
    }
    // Another's keys open no ticket.
    let other = Acceptor::with_tickets(server(), Ticketer::new().unwrap());
    assert_eq!(talk(&config, &other).await, HandshakeKind::Full);
}

#[tokio::test]
async fn without_tickets_nothing_links_two_connections() {
    let (config, acceptor) = (remembering(), Acceptor::new(server()));
    for _ in 0..2 {
        assert_eq!(talk(&config, &acceptor).await, HandshakeKind::Full);
    }
}

#[tokio::test]
async fn a_resumption_may_come_byte_by_byte_and_bring_something_with_it() {
    let (config, acceptor) = (remembering(), Acceptor::with_tickets(server(), Ticketer::new().unwrap()));
    talk(&config, &acceptor).await;
    let (mut near, far) = duplex(64 * 1024);
    let name = "localhost".try_into().unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let accept = acceptor.accept(Drip(far));
    let (stream, ()) = tokio::join!(accept, shake_hands(&mut client, &mut near, b"early"));
    assert_eq!(client.handshake_kind(), Some(HandshakeKind::Resumed));
    let mut heard = [0; 5];
    stream.unwrap().read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"early");
}
