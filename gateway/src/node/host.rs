//! The node as the gateway around its connections.

use std::sync::Arc;

use bus::Bus;
use schemas::{
    control::{ErrorCode, ServerMessage},
    token::TokenClaims,
};
use session::{ConnId, Unsigned};

use super::Node;
use crate::{
    metrics::Metrics,
    rates::Meter,
    ws::{connection::Connection, host::Host, keepalive::KeepAlive},
};

impl Host for Node {
    #[inline]
    fn bus(&self) -> &Bus {
        self.bus()
    }

    #[inline]
    fn metrics(&self) -> &Metrics {
        self.metrics()
    }

    #[inline]
    fn keep_alive(&self) -> &KeepAlive {
        self.keep_alive()
    }

    fn meter(&self) -> Meter {
        self.rates().meter()
    }

    fn next_conn(&self) -> ConnId {
        self.next_conn()
    }

    fn connected(&self, connection: &Arc<Connection>, claims: &TokenClaims) {
        self.connected(connection, claims);
    }

    fn disconnected(&self, connection: &Arc<Connection>) {
        self.disconnected(connection);
    }

    fn control(&self, connection: &Connection, text: &str) -> Result<(), ErrorCode> {
        self.control(connection, text)
    }

    fn sign(&self, message: Unsigned) -> ServerMessage {
        self.sign(message)
    }
}
