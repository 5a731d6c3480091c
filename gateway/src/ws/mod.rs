//! WebSocket connections: the relay path.
//!
//! [`websocket`] frames, [`outbox`] decides what waits, [`connection`] is what others may touch,
//! [`pump`] is the task, [`batch`] carries the frames of one read on, [`keepalive`] pings all,
//! [`host`] is the gateway around them.

pub(crate) mod batch;
#[cfg(feature = "bench")]
pub(crate) mod bench;
mod buffers;
pub(crate) mod connection;
pub(crate) mod host;
pub(crate) mod keepalive;
mod last_heard;
pub(crate) mod outbox;
mod pump;
mod socket;
mod traffic;

use std::{future::Future, sync::Arc};

use bytes::Bytes;
use records::Parts;
use schemas::token::TokenClaims;
use serving::Stream;
use tokio::net::TcpStream;

use self::{connection::Connection, host::Host, pump::Pump};
use crate::{origin_keys::ClientNetwork, rates::ConnectionGuard};

/// Serves a client whose upgrade has been answered, until its connection is over. `early` is what
/// it sent right behind its request.
///
/// The future is the connection's task. It is small, and holds nothing of what led to it if it is
/// spawned by itself. To be called in a runtime.
pub(crate) fn serve<H: Host>(
    host: Arc<H>,
    stream: Stream,
    early: Bytes,
    claims: TokenClaims,
    network: ClientNetwork,
    guard: ConnectionGuard,
) -> impl Future<Output = ()> + Send + use<H> {
    attach(host, stream, &early, &claims, network, guard).1
}

pub(crate) fn attach<H: Host>(
    host: Arc<H>,
    stream: Stream,
    early: &[u8],
    claims: &TokenClaims,
    network: ClientNetwork,
    guard: ConnectionGuard,
) -> (Arc<Connection>, Pump<H>) {
    let mut early = early.to_vec();
    let (socket, tls): (TcpStream, _) = match stream {
        Stream::Plain(socket) => (socket, None),
        Stream::Tls(stream) => {
            let Parts { socket, records, plain } = stream.into_parts();
            early.extend(plain);
            (socket, Some(records))
        }
    };
    let (id, tick) = (host.next_conn(), host.keep_alive().now());
    let connection = Arc::new(Connection::new(id, claims.sub, network, socket, tls, tick));
    host.keep_alive().watch(&connection);
    host.connected(&connection, claims);
    (connection.clone(), Pump::new(host, connection, &mut early, guard))
}

#[cfg(test)]
mod tests;
