//! Accepts connections and speaks HTTP/1.1 on them until a WebSocket takes its stream over.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use axum::Router;
use records::TlsStream;
use socket2::SockRef;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use crate::peer::Peer;
use crate::{
    proxy::{self, Whose},
    refusal::{Refusal, Refused, Seldom},
    requests,
    socket::Listening,
    stream::Stream,
    tls::Acceptor,
};

/// After an accept that failed for want of a resource (file descriptors, memory): only waiting
/// helps.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where clients come in.
pub struct Door {
    /// The socket that listens.
    pub listening: Listening,
    /// TLS, if it is spoken.
    pub tls: Option<Tls>,
}

/// The acceptor for the next connection: with certificates that are renewed, not always the same.
pub type Tls = Arc<dyn Fn() -> Acceptor + Send + Sync>;

/// How a listener treats its connections.
pub struct ListenerConfig<G> {
    /// TLS, if it is spoken.
    pub tls: Option<Tls>,
    /// How long the TLS handshake may take, and again each request's head.
    pub request_wait: Duration,
    /// Admits a connection of this address, with a guard that is held as long as the connection, or
    /// taken by what it becomes ([`Peer::take_guard`]). Whoever is not admitted is dropped without
    /// an answer.
    pub admit: Admit<G>,
    /// Whether proxies say by the PROXY protocol whose a connection is.
    pub proxies: Option<Proxies<G>>,
    /// Hears of everybody who is not served.
    pub refused: Refused,
}

/// Proxies that pass bytes through, and begin with a header of the PROXY protocol.
pub struct Proxies<G> {
    /// Whether this is the address of one: it is believed, and has to say whose each connection is.
    /// Anybody else's header is no HTTP and no TLS.
    pub is_proxy: IsProxy,
    /// Admits a connection of the client that a proxy has named, instead of the proxy's own.
    pub admit: Admit<G>,
}

/// See [`Proxies::is_proxy`].
pub type IsProxy = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

impl<G> Clone for Proxies<G> {
    fn clone(&self) -> Self {
        Self { is_proxy: self.is_proxy.clone(), admit: self.admit.clone() }
    }
}

/// See [`ListenerConfig::admit`].
pub type Admit<G> = Arc<dyn Fn(IpAddr) -> Result<G, Refusal> + Send + Sync>;

impl<G> Clone for ListenerConfig<G> {
    fn clone(&self) -> Self {
        let Self { tls, request_wait, admit, proxies, refused } = self;
        let (admit, refused) = (admit.clone(), refused.clone());
        Self { tls: tls.clone(), request_wait: *request_wait, admit, proxies: proxies.clone(), refused }
    }
}

/// Serves until shutdown. Connections run on `tasks`; those that speak HTTP still are asked to end.
pub async fn serve<G: Send + 'static>(
    listener: impl Into<Listening>,
    router: Router,
    config: ListenerConfig<G>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
) {
    let (listener, cannot_accept) = (listener.into(), Seldom::new());
    // Whoever comes is taken in within this line. What is alive while a task waits stays in its
    // memory: here that would be the address of whoever came last, until somebody else comes.
    while let Some(taken) = (shutdown.run_until_cancelled(listener.accept()).await)
        .map(|accepted| accepted.map(|who| take_in(who, &router, &config, &tasks, &shutdown)))
    {
        match taken {
            Ok(()) => {}
            Err(fault) if is_of_one_connection(&fault) => {}
            Err(fault) => {
                cannot_accept.say(|times| {
                    tracing::warn!(
                        event = "listener.full",
                        %fault,
                        times,
                        "cannot accept connections: they wait until there is room"
                    );
                });
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn take_in<G: Send + 'static>(
    (socket, from): (TcpStream, IpAddr),
    router: &Router,
    config: &ListenerConfig<G>,
    tasks: &TaskTracker,
    shutdown: &CancellationToken,
) {
    match (config.admit)(from) {
        Ok(guard) => {
            let connection =
                connection(socket, from, guard, router.clone(), config.clone(), shutdown.clone());
            // In a box: a task's memory is aligned to 128 bytes, and large pieces of it leave
            // holes that nobody fills.
            tasks.spawn(Box::pin(connection));
        }
        Err(refusal) => {
            (config.refused)(refusal);
            reset(&socket);
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
    mut socket: TcpStream,
    mut from: IpAddr,
    mut guard: G,
    router: Router,
    config: ListenerConfig<G>,
    shutdown: CancellationToken,
) {
    if let Some(proxies) = config.proxies.as_ref().filter(|proxies| (proxies.is_proxy)(from)) {
        // In a box, as below.
        (from, guard) = match Box::pin(named(&mut socket, from, guard, proxies)).await {
            Ok(client) => client,
            Err(refusal) => {
                (config.refused)(refusal);
                return reset(&socket);
            }
        };
    }
    let (stream, peer) = match config.tls {
        None => (Stream::Plain(socket), Peer::plain(from)),
        Some(tls) => {
            // What fails here is the client's, and too common for a log. In a box: what it needs is
            // gone when it is over.
            let Ok(Ok(stream)) = timeout(config.request_wait, Box::pin(accept(tls(), socket))).await else {
                (config.refused)(Refusal::Tls);
                return;
            };
            (Stream::Tls(Box::new(stream)), Peer::encrypted(from))
        }
    };
    requests::serve(stream, peer.with_guard(guard), router, config.request_wait, config.refused, shutdown)
        .await;
}

async fn accept(acceptor: Acceptor, socket: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    acceptor.accept(socket).await
}

/// Who the client of a proxy is, and the guard of its connection.
async fn named<G>(
    socket: &mut TcpStream,
    proxy: IpAddr,
    guard: G,
    proxies: &Proxies<G>,
) -> Result<(IpAddr, G), Refusal> {
    match proxy::read(socket).await {
        Ok(Whose::Proxy) => Ok((proxy, guard)),
        Ok(Whose::Client(client)) => {
            // One connection is counted once.
            drop(guard);
            Ok((client, (proxies.admit)(client)?))
        }
        Err(fault) => {
            tracing::debug!(%fault, "a proxy has sent no header of the PROXY protocol");
            Err(Refusal::Unnamed)
        }
    }
}

#[cfg(test)]
mod tests;
