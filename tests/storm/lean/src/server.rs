//! The server. It keeps nothing of anybody but the connection.

use std::{io, path::Path, sync::Arc};

use anyhow::Context;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::NoServerSessionStorage,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::task::TaskTracker;

use crate::upgrade;

/// How many shake hands at a time: more only wait for each other, and each takes memory. One alone would
/// leave the server waiting for its answer.
const AT_A_TIME: usize = 64;
/// What is read at once after the upgrade.
const READ_BYTES: usize = 512;

/// TLS as gateways speak it with people: the same library, and with it the same versions, ciphers and
/// key exchanges in the same order. No ticket, nothing stored: each handshake is a whole one.
///
/// # Errors
/// If a file is missing or unfit.
pub(crate) fn config(cert: &Path, key: &Path) -> anyhow::Result<ServerConfig> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(cert).context("the certificate")?.collect();
    let key = PrivateKeyDer::from_pem_file(key).context("its key")?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain.context("the certificate")?, key)?;
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

/// Lets everybody in, for as long as the process runs.
///
/// # Errors
/// If nobody can be let in any more.
pub(crate) async fn serve(listener: TcpListener, config: ServerConfig) -> io::Result<()> {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (turns, connections) = (Arc::new(Semaphore::new(AT_A_TIME)), TaskTracker::new());
    loop {
        let (socket, _) = listener.accept().await?;
        let (acceptor, turns) = (acceptor.clone(), Arc::clone(&turns));
        connections.spawn(async move {
            if let Ok(stream) = let_in(socket, &acceptor, &turns).await {
                // Whatever ends it: then it is over.
                let _ = keep(stream).await;
            }
        });
    }
}

/// In the order in which they came.
async fn let_in(
    socket: TcpStream,
    acceptor: &TlsAcceptor,
    turns: &Semaphore,
) -> io::Result<TlsStream<TcpStream>> {
    socket.set_nodelay(true)?;
    let _turn = turns.acquire().await.map_err(io::Error::other)?;
    let mut stream = acceptor.accept(socket).await?;
    let head = upgrade::head(&mut stream).await?;
    let answer = upgrade::answer(&head).ok_or(io::ErrorKind::InvalidData)?;
    stream.write_all(answer.as_bytes()).await?;
    stream.flush().await?;
    Ok(stream)
}

/// Until the other side ends it.
async fn keep(mut stream: TlsStream<TcpStream>) -> io::Result<()> {
    let mut space = [0; READ_BYTES];
    while stream.read(&mut space).await? > 0 {}
    Ok(())
}
