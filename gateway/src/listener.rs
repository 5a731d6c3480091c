//! Accepts connections and speaks HTTP/1.1 on them until a WebSocket takes its stream over.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::Router;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

use crate::{rates::ConnectionGuard, tls::Acceptor, ws::stream::Stream};

/// Connections that the kernel has accepted and we have not: a thousand clients that reconnect at once must find a place.
const BACKLOG: u32 = 4096;

/// After an accept that failed for want of a resource (file descriptors, memory): waiting is all that helps, spinning would not.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// More headers than a browser and two proxies send together.
const HEADERS: usize = 64;

/// Of a request's head, in bytes: a token of [`crate::token::TOKEN_BYTES`] and as much again.
const HEAD_BYTES: usize = 16 * 1024;

/// The longest life of a connection that stays with HTTP: who reads an answer slowly or asks on and on comes back on a new one.
const HTTP_LIFE: Duration = Duration::from_secs(120);

/// What an answer under way has left to be read, after [`HTTP_LIFE`] or at shutdown.
const LAST_ANSWER: Duration = Duration::from_secs(5);

/// Who is at the other end of a connection. In the extensions of each of its requests.
#[derive(Clone, Debug)]
pub struct Peer {
    address: IpAddr,
    transport: Transport,
    place: Arc<Mutex<Option<ConnectionGuard>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Plain,
    Encrypted,
}

impl Peer {
    /// Over plain TCP.
    pub fn plain(address: IpAddr) -> Self {
        Self { address: address.to_canonical(), transport: Transport::Plain, place: Arc::default() }
    }

    /// Over TLS.
    pub fn encrypted(address: IpAddr) -> Self {
        Self { transport: Transport::Encrypted, ..Self::plain(address) }
    }

    /// The address at the other end of the socket.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Whether TLS ends here.
    pub fn is_encrypted(&self) -> bool {
        self.transport == Transport::Encrypted
    }

    /// Takes the connection's place among those of its address along, for a WebSocket that outlives its HTTP.
    pub fn take_place(&self) -> Option<ConnectionGuard> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn holding(self, place: Option<ConnectionGuard>) -> Self {
        Self { place: Arc::new(Mutex::new(place)), ..self }
    }
}

/// How a listener treats its connections.
#[derive(Clone)]
pub struct Manners {
    /// TLS, if it is spoken.
    pub tls: Option<Acceptor>,
    /// How long the TLS handshake may take, and again each request's head.
    pub patience: Duration,
    /// Finds a place for a connection of this address; an error drops it unheard. `Ok(None)` does not count it.
    pub admit: Arc<
        dyn Fn(IpAddr) -> Result<Option<ConnectionGuard>, crate::rates::TooManyConnections> + Send + Sync,
    >,
}

/// Listens on an address.
///
/// # Errors
/// If it is taken, or not ours.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Without it a restart waits until the last connection's TIME_WAIT is over.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until shutdown. Connections run on `tasks`; those that speak HTTP still are asked to end.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    manners: Manners,
    tasks: TaskTracker,
    shutdown: CancellationToken,
) {
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((socket, from)) => {
                let Ok(place) = (manners.admit)(from.ip()) else { continue };
                let (router, manners) = (router.clone(), manners.clone());
                let connection = connection(socket, from.ip(), place, router, manners, shutdown.clone());
                // In a box: a task's memory is aligned to 128 bytes, and large pieces of it leave holes that nobody fills.
                tasks.spawn(Box::pin(connection));
            }
            Err(fault) if is_of_one_connection(&fault) => {}
            Err(fault) => {
                tracing::warn!(%fault, "cannot accept connections");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The client had gone before it was accepted (accept(2)).
fn is_of_one_connection(fault: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(fault.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn connection(
    socket: TcpStream,
    from: IpAddr,
    place: Option<ConnectionGuard>,
    router: Router,
    manners: Manners,
    shutdown: CancellationToken,
) {
    if socket.set_nodelay(true).is_err() {
        return;
    }
    let (stream, peer) = match manners.tls {
        None => (Stream::Plain(socket), Peer::plain(from)),
        Some(tls) => {
            // What fails here is the client's, and too common to tell of. In a box: what it needs is gone when it is over.
            let Ok(Ok(stream)) = timeout(manners.patience, Box::pin(tls.accept(socket))).await else {
                return;
            };
            (Stream::Tls(Box::new(stream)), Peer::encrypted(from))
        }
    };
    http(stream, peer.holding(place), router, manners.patience, shutdown).await;
}

async fn http(stream: Stream, peer: Peer, router: Router, patience: Duration, shutdown: CancellationToken) {
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // A broken connection is no news.
        _ = connection.as_mut() => return,
        () = sleep(HTTP_LIFE) => {}
        () = shutdown.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(LAST_ANSWER, connection).await;
}

#[cfg(test)]
mod tests;
