//! What the relay path needs of the gateway around it.

use std::sync::Arc;

use bus::Bus;
use schemas::{
    control::{ErrorCode, ServerMessage},
    token::TokenClaims,
};
use session::{ConnId, Unsigned};

use super::{connection::Connection, keepalive::KeepAlive};
use crate::{metrics::Metrics, rates::Meter};

/// The gateway around its connections. They are generic over it: a call costs no more than one of
/// the gateway's own.
pub(crate) trait Host: Send + Sync + 'static {
    /// Takes the frames of peers that are elsewhere.
    fn bus(&self) -> &Bus;
    /// Counts frames.
    fn metrics(&self) -> &Metrics;
    /// Pings connections, and is their clock.
    fn keep_alive(&self) -> &KeepAlive;
    /// Measures one more connection against its rates.
    fn meter(&self) -> Meter;
    /// Names one more connection.
    fn next_conn(&self) -> ConnId;
    /// A client has connected.
    fn connected(&self, connection: &Arc<Connection>, claims: &TokenClaims);
    /// A connection is over.
    fn disconnected(&self, connection: &Arc<Connection>);
    /// Acts on a control message. A refusal has been sent to the client.
    ///
    /// # Errors
    /// If it was refused.
    fn control(&self, connection: &Connection, text: &str) -> Result<(), ErrorCode>;
    /// Signs what only this gateway can sign. It takes a while: for a connection's own task.
    fn sign(&self, message: Unsigned) -> ServerMessage;
}
