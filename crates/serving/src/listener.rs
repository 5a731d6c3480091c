//! Accepts connections and speaks HTTP/1.1 on them until a WebSocket takes its stream over.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use parking_lot::Mutex;
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    refusal::{Refusal, Seldom},
    requests,
    stream::Stream,
    tls::Acceptor,
};

/// Connections that the kernel has accepted and we have not: a thousand clients may reconnect at
/// once.
const BACKLOG: u32 = 4096;

/// After an accept that failed for want of a resource (file descriptors, memory): only waiting
/// helps.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the kernel may keep of what a client has not read, in bytes; it takes twice as much to keep
/// it. Without a bound it is up to 4 MiB for each connection. A chat partner half around the world
/// (300 ms) still gets 200 KB/s, four fifths of the default byte rate.
const SEND_BUFFER: u32 = 40 * 1024;

/// After this time without an acknowledgement of what was sent, or with a client that takes nothing,
/// the kernel gives a connection up and forgets what it keeps for it, also when it is closed
/// already. Longer than the wait for a pong.
const UNREAD_FOR_GOOD: Duration = Duration::from_secs(40);

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
    /// Hears of everybody who is not served.
    pub refused: Refused,
}

/// See [`ListenerConfig::admit`].
pub type Admit<G> = Arc<dyn Fn(IpAddr) -> Result<G, Refusal> + Send + Sync>;

/// See [`ListenerConfig::refused`].
pub type Refused = Arc<dyn Fn(Refusal) + Send + Sync>;

impl<G> Clone for ListenerConfig<G> {
    fn clone(&self) -> Self {
        let Self { tls, request_wait, admit, refused } = self;
        Self { tls: tls.clone(), request_wait: *request_wait, admit: admit.clone(), refused: refused.clone() }
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
    // Accepted sockets inherit both.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    #[cfg(target_os = "linux")]
    SockRef::from(&socket).set_tcp_user_timeout(Some(UNREAD_FOR_GOOD))?;
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
    let cannot_accept = Seldom::new();
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((socket, from)) => {
                let guard = match (config.admit)(from.ip()) {
                    Ok(guard) => guard,
                    Err(refusal) => {
                        (config.refused)(refusal);
                        reset(&socket);
                        continue;
                    }
                };
                let (router, config) = (router.clone(), config.clone());
                let connection = connection(socket, from.ip(), guard, router, config, shutdown.clone());
                // In a box: a task's memory is aligned to 128 bytes, and large pieces of it leave
                // holes that nobody fills.
                tasks.spawn(Box::pin(connection));
            }
            Err(fault) if is_of_one_connection(&fault) => {}
            Err(fault) => {
                cannot_accept.say(|times| {
                    tracing::warn!(%fault, times, "cannot accept connections: they wait until there is room");
                });
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whoever is not wanted learns it at once, and the socket is forgotten at once.
fn reset(socket: &TcpStream) {
    // A socket that cannot be told is closed all the same.
    let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
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
                (config.refused)(Refusal::Tls);
                return;
            };
            (Stream::Tls(Box::new(stream)), Peer::encrypted(from))
        }
    };
    requests::serve(stream, peer.with_guard(guard), router, config.request_wait, config.refused, shutdown)
        .await;
}

#[cfg(test)]
mod tests;
