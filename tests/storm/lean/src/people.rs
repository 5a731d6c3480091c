//! People who come to the lean server as those of a gateway that died come to another one: all at once.
//! But they do not give up, so that the server shakes hands with each of them once.

use std::{io, net::SocketAddr, path::Path, sync::Arc};

use anyhow::Context;
use rand::Rng;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use schemas::reconnect::FIRST_WINDOW;
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet, time::sleep};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::upgrade;

/// A connection that is kept.
type Stream = TlsStream<TcpStream>;

/// TLS as the library speaks it.
///
/// # Errors
/// If the authority is missing or unfit.
pub(crate) fn connector(ca: &Path) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_file_iter(ca).context("the authority")? {
        roots.add(authority.context("the authority")?)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Brings so many people, all at once. They are there for as long as their connections are kept.
///
/// # Errors
/// If one of them does not get in.
pub(crate) async fn come(to: SocketAddr, tls: TlsConnector, people: usize) -> anyhow::Result<Vec<Stream>> {
    let mut coming: JoinSet<_> = (0..people).map(|_| get_in(to, tls.clone())).collect();
    let mut inside = Vec::with_capacity(people);
    while let Some(one) = coming.join_next().await {
        inside.push(one??);
    }
    Ok(inside)
}

/// After a pause, as the library makes it before the first attempt.
async fn get_in(to: SocketAddr, tls: TlsConnector) -> io::Result<Stream> {
    let pause = FIRST_WINDOW.mul_f64(rand::rng().random());
    sleep(pause).await;
    open(to, &tls).await
}

/// A WebSocket.
async fn open(to: SocketAddr, tls: &TlsConnector) -> io::Result<Stream> {
    let mut stream = dial(to, tls).await?;
    stream.write_all(upgrade::REQUEST.as_bytes()).await?;
    stream.flush().await?;
    let answer = upgrade::head(&mut stream).await?;
    if answer.starts_with(upgrade::YES) { Ok(stream) } else { Err(io::ErrorKind::InvalidData.into()) }
}

async fn dial(to: SocketAddr, tls: &TlsConnector) -> io::Result<Stream> {
    let socket = TcpStream::connect(to).await?;
    socket.set_nodelay(true)?;
    tls.connect(ServerName::from(to.ip()), socket).await
}

/// What a handshake with a server agrees on: version, cipher and key exchange.
///
/// # Errors
/// If there is none.
pub(crate) async fn agreed(to: SocketAddr, tls: TlsConnector) -> anyhow::Result<String> {
    let stream = dial(to, &tls).await?;
    let (_, session) = stream.get_ref();
    let version = session.protocol_version().context("no version")?;
    let cipher = session.negotiated_cipher_suite().context("no cipher")?.suite();
    let exchange = session.negotiated_key_exchange_group().context("no key exchange")?.name();
    Ok(format!("{version:?} {cipher:?} {exchange:?}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio::net::TcpListener;

    use super::*;
    use crate::server;

    /// A server that runs as long as its task is kept, and how to come to it.
    async fn server() -> (SocketAddr, TlsConnector, JoinSet<io::Result<()>>) {
        let files = tempfile::tempdir().unwrap();
        let (cert, key) = (files.path().join("cert.pem"), files.path().join("key.pem"));
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        fs::write(&cert, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut task = JoinSet::new();
        task.spawn(server::serve(listener, server::config(&cert, &key).unwrap()));
        (address, connector(&cert).unwrap(), task)
    }

    #[tokio::test]
    async fn all_who_come_are_let_in() {
        let (address, tls, _task) = server().await;
        // More than may shake hands at a time.
        assert_eq!(come(address, tls, 100).await.unwrap().len(), 100);
    }

    #[tokio::test]
    async fn the_key_exchange_is_that_of_the_gateways_which_also_holds_against_quantum_computers() {
        let (address, tls, _task) = server().await;
        assert_eq!(agreed(address, tls).await.unwrap(), "TLSv1_3 TLS13_AES_256_GCM_SHA384 X25519MLKEM768");
    }

    #[tokio::test]
    async fn nobody_gets_a_ticket() {
        let (address, tls, _task) = server().await;
        for _ in 0..2 {
            // Tickets would come before the answer to the upgrade.
            let mut stream = open(address, &tls).await.unwrap();
            let (_, session) = stream.get_mut();
            assert_eq!(session.tls13_tickets_received(), 0);
            assert_eq!(session.handshake_kind(), Some(rustls::HandshakeKind::Full));
        }
    }
}
