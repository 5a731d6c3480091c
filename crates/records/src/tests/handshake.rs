use std::{
    io::{self, ErrorKind},
    pin::Pin,
    sync::Arc,
    task::{Context, Waker},
};

use rustls::{
    AlertDescription, ClientConfig, ClientConnection, Error,
    crypto::aws_lc_rs,
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf, duplex},
    sync::Semaphore,
    task::{JoinSet, yield_now},
};
use tokio_rustls::{TlsConnector, client::TlsStream as ClientStream};

use super::support::{Drip, client, server, shake_hands};
use crate::{Acceptor, Parts, TlsStream, handshake::accept};

fn clients() -> [ClientConfig; 2] {
    [&TLS13, &TLS12].map(|version| client(aws_lc_rs::default_provider(), version))
}

async fn connect(
    config: ClientConfig,
    buffer: usize,
) -> (ClientStream<DuplexStream>, TlsStream<DuplexStream>) {
    let (near, far) = duplex(buffer);
    let (connector, acceptor) = (TlsConnector::from(Arc::new(config)), Acceptor::new(server()));
    let (client, server) =
        tokio::join!(connector.connect("localhost".try_into().unwrap(), near), acceptor.accept(far));
    (client.unwrap(), server.unwrap())
}

#[tokio::test]
async fn a_handshake_may_come_byte_by_byte() {
    for config in clients() {
        let (mut near, far) = duplex(64 * 1024);
        let mut client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
        let acceptor = Acceptor::new(server());
        let accept = acceptor.accept(Drip(far));
        let (stream, ()) = tokio::join!(accept, shake_hands(&mut client, &mut near, b"early"));
        let mut heard = [0; 5];
        stream.unwrap().read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"early");
    }
}

#[tokio::test]
async fn what_comes_with_the_end_of_the_handshake_is_not_lost() {
    for config in clients() {
        for length in [1, 5_000, 40_000] {
            let (mut near, far) = duplex(64 * 1024);
            let name = "localhost".try_into().unwrap();
            let mut client = ClientConnection::new(Arc::new(config.clone()), name).unwrap();
            let (acceptor, early) = (Acceptor::new(server()), vec![b'e'; length]);
            let (stream, ()) =
                tokio::join!(acceptor.accept(far), shake_hands(&mut client, &mut near, &early));
            let mut heard = vec![0; length];
            stream.unwrap().read_exact(&mut heard).await.unwrap();
            assert!(heard == early);
        }
    }
}

#[tokio::test]
async fn the_agreed_protocol_is_the_one_of_both() {
    let (mut config, mut ours) = (client(aws_lc_rs::default_provider(), &TLS13), server());
    ours.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.alpn_protocols = vec![b"h2".to_vec()];
    let (near, far) = duplex(64 * 1024);
    let (connector, acceptor) = (TlsConnector::from(Arc::new(config)), Acceptor::new(ours));
    let (client, server) =
        tokio::join!(connector.connect("localhost".try_into().unwrap(), near), acceptor.accept(far));
    assert_eq!(server.unwrap_err().kind(), ErrorKind::InvalidData);
    let error = client.unwrap_err().into_inner().unwrap();
    let told = Error::AlertReceived(AlertDescription::NoApplicationProtocol);
    assert_eq!(error.downcast_ref::<Error>(), Some(&told));
}

#[tokio::test]
async fn who_does_not_speak_tls_is_told_so() {
    let (mut near, far) = duplex(64 * 1024);
    near.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let error = Acceptor::new(server()).accept(far).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    let mut told = Vec::new();
    near.read_to_end(&mut told).await.unwrap();
    assert_eq!((told.len(), told[0], told[5]), (7, 21, 2), "a fatal alert: {told:?}");
}

#[tokio::test]
async fn a_handshake_without_end_is_not_kept() {
    let (mut near, far) = duplex(64 * 1024);
    let flood = async {
        // A hello of 16 MiB.
        near.write_all(&[0x16, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff]).await.unwrap();
        let record = [&[0x16, 3, 1, 0x40, 0][..], &[0; 16 * 1024]].concat();
        let mut sent = 0;
        while sent < 1 << 20 && near.write_all(&record).await.is_ok() {
            sent += record.len();
        }
        sent
    };
    let acceptor = Acceptor::new(server());
    let (stream, sent) = tokio::join!(acceptor.accept(far), flood);
    assert!(stream.is_err());
    assert!(sent < 256 * 1024, "{sent} bytes were taken");
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_handshake() {
    let (mut near, far) = duplex(64);
    near.write_all(&[0x16, 3, 1]).await.unwrap();
    drop(near);
    let error = Acceptor::new(server()).accept(far).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

/// A client, and a server that lets it in.
struct Arrival {
    client: ClientConnection,
    near: DuplexStream,
    accepted: JoinSet<io::Result<TlsStream<DuplexStream>>>,
}

impl Arrival {
    async fn begin(turns: &Arc<Semaphore>) -> Self {
        let ([config, _], turns) = (clients(), turns.clone());
        let (mut near, far) = duplex(64 * 1024);
        let mut client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
        let mut accepted = JoinSet::new();
        accepted.spawn(async move { accept(Acceptor::new(server()).config, &turns, far).await });
        let mut hello = Vec::new();
        client.write_tls(&mut hello).unwrap();
        near.write_all(&hello).await.unwrap();
        // Whatever the server can do now is done.
        for _ in 0..8 {
            yield_now().await;
        }
        Self { client, near, accepted }
    }

    /// What the server has said and the client has not read.
    fn told(&mut self) -> usize {
        let mut space = [0; 8 * 1024];
        let mut told = ReadBuf::new(&mut space);
        let _ = Pin::new(&mut self.near).poll_read(&mut Context::from_waker(Waker::noop()), &mut told);
        self.client.read_tls(&mut told.filled()).unwrap();
        told.filled().len()
    }

    async fn finish(mut self) -> bool {
        self.client.process_new_packets().unwrap();
        shake_hands(&mut self.client, &mut self.near, b"early").await;
        let mut heard = [0; 5];
        self.accepted.join_next().await.unwrap().unwrap().unwrap().read_exact(&mut heard).await.unwrap();
        &heard == b"early"
    }
}

#[tokio::test]
async fn hellos_wait_for_their_turn_and_who_was_answered_does_not() {
    let turns = Arc::new(Semaphore::new(1));
    let mut first = Arrival::begin(&turns).await;
    assert!(first.told() > 0);
    let others = turns.acquire().await.unwrap();
    let mut second = Arrival::begin(&turns).await;
    assert!(first.finish().await);
    assert_eq!(second.told(), 0);
    drop(others);
    assert!(second.finish().await);
}

#[tokio::test]
async fn who_has_gone_when_its_turn_comes_is_not_answered() {
    let turns = Arc::new(Semaphore::new(1));
    let others = turns.acquire().await.unwrap();
    let mut gone = Arrival::begin(&turns).await;
    gone.near.shutdown().await.unwrap();
    drop(others);
    assert_eq!(
        gone.accepted.join_next().await.unwrap().unwrap().unwrap_err().kind(),
        ErrorKind::UnexpectedEof
    );
    assert_eq!(gone.told(), 0);
}

#[tokio::test]
async fn much_goes_through_a_narrow_pipe_both_ways_at_once() {
    for config in clients() {
        let (client, server) = connect(config, 700).await;
        let much: Vec<u8> = (0..300_000).map(|index| (index % 251) as u8).collect();
        let (mut from_client, mut to_server) = tokio::io::split(client);
        let (mut from_server, mut to_client) = tokio::io::split(server);
        let (mut here, mut there) = (Vec::new(), Vec::new());
        let (one, other, ..) = tokio::join!(
            from_client.read_to_end(&mut there),
            from_server.read_to_end(&mut here),
            async {
                to_server.write_all(&much).await.unwrap();
                to_server.shutdown().await.unwrap();
            },
            async {
                to_client.write_all(&much).await.unwrap();
                to_client.shutdown().await.unwrap();
            },
        );
        one.unwrap();
        other.unwrap();
        assert!(here == much && there == much);
    }
}

#[tokio::test]
async fn no_buffer_is_kept_for_what_has_been_said_and_heard() {
    for config in clients() {
        let (mut client, mut server) = connect(config, 64 * 1024).await;
        client.write_all(b"question").await.unwrap();
        client.flush().await.unwrap();
        server.read_exact(&mut [0; 8]).await.unwrap();
        server.write_all(b"answer").await.unwrap();
        client.read_exact(&mut [0; 6]).await.unwrap();
        let Parts { mut records, plain, .. } = server.into_parts();
        assert_eq!((records.sealer.kept(), plain.capacity()), (0, 0));
        assert!(records.opener.get_mut().partial().is_empty());
    }
}

#[tokio::test]
async fn an_end_without_close_notify_is_an_error() {
    for config in clients() {
        let (mut client, mut server) = connect(config, 64 * 1024).await;
        client.write_all(b"text").await.unwrap();
        client.flush().await.unwrap();
        drop(client);
        let mut heard = Vec::new();
        let error = server.read_to_end(&mut heard).await.unwrap_err();
        assert_eq!((heard.as_slice(), error.kind()), (&b"text"[..], ErrorKind::UnexpectedEof));
    }
}
