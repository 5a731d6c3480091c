//! Accepts connections and speaks HTTP/1.1 on them until a WebSocket takes its stream over.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::Router;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

use crate::{stream::Stream, tls::Acceptor};

/// Connections that the kernel has accepted and we have not: a thousand clients may reconnect at
/// once.
const BACKLOG: u32 = 4096;

/// After an accept that failed for want of a resource (file descriptors, memory): only waiting
/// helps.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// More headers than a browser and two proxies send together.
const HEADERS: usize = 64;

/// Of a request's head, in bytes: a bearer token of 8 KiB, and as much again.
const HEAD_BYTES: usize = 16 * 1024;

/// How long a connection that stays with HTTP may last: who reads an answer slowly or asks on and
/// on comes back on a new one.
const HTTP_LIFE: Duration = Duration::from_secs(120);

/// What an answer under way has left to be read, after [`HTTP_LIFE`] or at shutdown.
const LAST_ANSWER: Duration = Duration::from_secs(5);

/// Who is at the other end of a connection, and what [`ListenerConfig::admit`] gave it. In the
/// extensions of each of its requests.
#[derive(Debug)]
pub struct Peer<G> {
    address: IpAddr,
    transport: Transport,
    guard: Arc<Mutex<Option<G>>>,
}

impl<G> Clone for Peer<G> {
    fn clone(&self) -> Self {
        let Self { address, transport, guard } = self;
        Self { address: *address, transport: *transport, guard: guard.clone() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Plain,
    Encrypted,
}

impl<G> Peer<G> {
    /// Over plain TCP.
    pub fn plain(address: IpAddr) -> Self {
        Self { address: address.to_canonical(), transport: Transport::Plain, guard: Arc::default() }
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

    /// Takes the connection's guard, for a WebSocket that outlives its HTTP. `None` if it was taken
    /// before.
    pub fn take_guard(&self) -> Option<G> {
        self.guard.lock().take()
    }

    fn with_guard(self, guard: G) -> Self {
        Self { guard: Arc::new(Mutex::new(Some(guard))), ..self }
    }
}

/// How a listener treats its connections.
pub struct ListenerConfig<G> {
    /// TLS, if it is spoken.
    pub tls: Option<Acceptor>,
    /// How long the TLS handshake may take, and again each request's head.
    pub request_wait: Duration,
    /// Admits a connection of this address, with a guard that is held as long as the connection, or
    /// taken by what it becomes ([`Peer::take_guard`]). Whoever is not admitted is dropped without
    /// an answer.
    pub admit: Admit<G>,
}

/// See [`ListenerConfig::admit`].
pub type Admit<G> = Arc<dyn Fn(IpAddr) -> Result<G, NotAdmitted> + Send + Sync>;

/// A connection that is not wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not admitted")]
pub struct NotAdmitted;

impl<G> Clone for ListenerConfig<G> {
    fn clone(&self) -> Self {
        let Self { tls, request_wait, admit } = self;
        Self { tls: tls.clone(), request_wait: *request_wait, admit: admit.clone() }
    }
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
pub async fn serve<G: Send + 'static>(
    listener: TcpListener,
    router: Router,
    config: ListenerConfig<G>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
) {
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((socket, from)) => {
                let Ok(guard) = (config.admit)(from.ip()) else { continue };
                let (router, config) = (router.clone(), config.clone());
                let connection = connection(socket, from.ip(), guard, router, config, shutdown.clone());
                // In a box: a task's memory is aligned to 128 bytes, and large pieces of it leave
                // holes that nobody fills.
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

async fn connection<G: Send + 'static>(
    socket: TcpStream,
    from: IpAddr,
    guard: G,
    router: Router,
    config: ListenerConfig<G>,
    shutdown: CancellationToken,
) {
    if socket.set_nodelay(true).is_err() {
        return;
    }
    let (stream, peer) = match config.tls {
        None => (Stream::Plain(socket), Peer::plain(from)),
        Some(tls) => {
            // What fails here is the client's, and too common for a log. In a box: what it needs is
            // gone when it is over.
            let Ok(Ok(stream)) = timeout(config.request_wait, Box::pin(tls.accept(socket))).await else {
                return;
            };
            (Stream::Tls(Box::new(stream)), Peer::encrypted(from))
        }
    };
    http(stream, peer.with_guard(guard), router, config.request_wait, shutdown).await;
}

async fn http<G: Send + 'static>(
    stream: Stream,
    peer: Peer<G>,
    router: Router,
    request_wait: Duration,
    shutdown: CancellationToken,
) {
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(request_wait)
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
