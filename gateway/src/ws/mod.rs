//! WebSocket connections: the relay path.
//!
//! [`websocket`] frames, [`outbox`] decides what waits, [`connection`] is what others may touch, [`pump`] is the task, [`batch`] carries the
//! frames of one read on, [`keepalive`] watches over all.

mod batch;
#[cfg(feature = "bench")]
pub mod bench;
mod buffers;
pub(crate) mod connection;
pub(crate) mod keepalive;
mod last_heard;
pub(crate) mod outbox;
mod pump;
mod socket;

use std::{future::Future, sync::Arc};

use bytes::Bytes;
use records::Parts;
use schemas::token::TokenClaims;
use serving::Stream;
use tokio::net::TcpStream;

use self::{connection::Connection, pump::Pump};
use crate::{node::Node, rates::ConnectionGuard};

/// Serves a client whose upgrade has been answered, until its connection is over. `early` is what it sent right behind its request.
///
/// The future is the connection's task. It is small, and holds nothing of what led to it if it is spawned by itself. To be called in a
/// runtime.
pub fn serve(
    node: Arc<Node>,
    stream: Stream,
    early: Bytes,
    claims: TokenClaims,
    guard: ConnectionGuard,
) -> impl Future<Output = ()> + Send + use<> {
    attach(node, stream, &early, &claims, guard).1
}

fn attach(
    node: Arc<Node>,
    stream: Stream,
    early: &[u8],
    claims: &TokenClaims,
    guard: ConnectionGuard,
) -> (Arc<Connection>, Pump) {
    let mut early = early.to_vec();
    let (socket, tls): (TcpStream, _) = match stream {
        Stream::Plain(socket) => (socket, None),
        Stream::Tls(stream) => {
            let Parts { socket, records, plain } = stream.into_parts();
            early.extend(plain);
            (socket, Some(records))
        }
    };
    let connection =
        Arc::new(Connection::new(node.next_conn(), claims.sub, socket, tls, node.keep_alive().now()));
    node.keep_alive().watch(&connection);
    node.connected(&connection, claims);
    (connection.clone(), Pump::new(node, connection, &mut early, guard))
}

#[cfg(test)]
mod tests;
