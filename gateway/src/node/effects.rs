//! Carries out what the sessions decide, in order.

use std::sync::Arc;

use bus::FrameRoute;
use schemas::{
    Side,
    control::{Admission, Limits, ServerMessage, ServiceState},
    limits,
    time::millis,
};
use session::{Effect, Route, TicketGrant, ToClient, Unsigned};
use spans::span;

use super::{Hub, Node};
use crate::{
    journeys::Kind,
    metrics::Entered,
    token::Issued,
    ws::{
        connection::{Connection, Remote, Target},
        outbox::RoomKey,
    },
};

impl Node {
    /// Carries out what was decided, in that order.
    pub(super) fn carry_out_all(&self, hub: &Hub, effects: Vec<Effect>) {
        for effect in effects {
            self.carry_out(hub, effect);
        }
    }

    fn carry_out(&self, hub: &Hub, effect: Effect) {
        match effect {
            Effect::Publish(mut message) => {
                self.with_journeys(|journeys| journeys.mark(&mut message));
                // Counted by the bus, and repeated by its owner if it matters.
                let _ = self.bus.publish(&message);
            }
            Effect::Send(conn, message) => {
                if let Some(connection) = hub.conns.get(&conn) {
                    self.send(connection, message);
                }
            }
            Effect::Close(conn, code) => {
                if let Some(connection) = hub.conns.get(&conn) {
                    connection.close(code);
                }
            }
            Effect::Release(conn) => {
                if let Some(connection) = hub.conns.get(&conn) {
                    connection.release();
                }
            }
            Effect::Route(conn, route) => {
                if let Some(connection) = hub.conns.get(&conn) {
                    self.route(hub, connection, route);
                }
            }
        }
    }

    fn send(&self, connection: &Connection, message: ToClient) {
        match message {
            ToClient::Waiting(outlook) => connection.send(&ServerMessage::Waiting(outlook)),
            ToClient::Peer(state) => connection.send(&ServerMessage::Peer { state }),
            ToClient::Ended(reason) => {
                self.metrics.ended(reason);
                drop(spans::here(|| span!("end", cipher_chat.end.reason = reason.word())));
                self.with_journeys(|all| all.end(connection.session(), Kind::Resume, "ended"));
                connection.send(&ServerMessage::Ended { reason });
            }
            // Gateways know each other by the bus, not by the addresses at which clients reach
            // them.
            ToClient::Drain { reconnect_in_ms, to } => {
                connection.send(&ServerMessage::Drain { reconnect_in_ms, to });
            }
            ToClient::Error(error) => {
                self.with_journeys(|all| all.fail(connection.session(), error.code.word()));
                connection.send_error(error);
            }
            ToClient::Unsigned(message) => {
                match message {
                    Unsigned::Paired(grant, _) => {
                        connection.start_chat();
                        if grant.side == Side::A {
                            self.metrics.chats.inc();
                        }
                        self.metrics.entered(Entered::Paired);
                        if let Some(waited) = connection.stop_waiting(self.clock.now()) {
                            self.metrics.matched_after(waited);
                        }
                        self.with_journeys(|all| all.end(connection.session(), Kind::Match, "paired"));
                    }
                    Unsigned::Resumed(_) => {
                        self.metrics.entered(Entered::Resumed);
                        if let Some(waited) = connection.stop_waiting(self.clock.now()) {
                            self.metrics.resumed_after(waited);
                        }
                        self.with_journeys(|all| all.end(connection.session(), Kind::Resume, "resumed"));
                    }
                    Unsigned::Ready(_) | Unsigned::Token(..) => {}
                }
                let is_first = matches!(message, Unsigned::Ready(_));
                connection.send_unsigned(message);
                if is_first {
                    self.send_service(connection);
                }
            }
        }
    }

    /// Tells who has just connected what is not as usual.
    fn send_service(&self, connection: &Connection) {
        let rules = self.config.orders.now();
        if rules.service != ServiceState::default() {
            connection.send(&ServerMessage::Service(rules.service.clone()));
        }
    }

    fn route(&self, hub: &Hub, connection: &Arc<Connection>, route: Route) {
        let target = match route {
            Route::Nowhere => Target::Nowhere,
            Route::Local { room, peer } => match hub.conns.get(&peer) {
                Some(peer) => Target::Local { peer: Arc::downgrade(peer), room: RoomKey::of(&room) },
                None => Target::Nowhere,
            },
            Route::Remote { room, side, stamp, node, fence } => {
                self.routes.open(room, side, connection, fence);
                Target::Remote(Remote { route: FrameRoute { room, to: node }, side, stamp })
            }
        };
        let goes_on = match &target {
            Target::Remote(remote) => Some((remote.route.room, remote.side)),
            _ => None,
        };
        if let Target::Remote(before) = connection.set_target(target)
            && goes_on != Some((before.route.room, before.side))
        {
            self.routes.close(before.route.room, before.side, connection);
        }
    }

    /// Signs what only this gateway can sign. Runs on the connection's own task.
    pub(crate) fn sign(&self, message: Unsigned) -> ServerMessage {
        let place = |grant: TicketGrant| Admission {
            room: grant.room,
            side: grant.side,
            ticket: self.tokens.issue_ticket(grant),
            expect: None,
        };
        match message {
            Unsigned::Ready(grant) => {
                let session = grant.session;
                let Issued { token, expires_at, expires_in } = self.tokens.issue_session(grant);
                let (limits, heartbeat_ms) = (self.limits(), millis(self.config.heartbeat));
                ServerMessage::Ready { session, token, expires_at, expires_in, limits, heartbeat_ms }
            }
            Unsigned::Paired(grant, expect) => ServerMessage::Paired(Admission { expect, ..place(grant) }),
            Unsigned::Resumed(grant) => ServerMessage::Resumed(place(grant)),
            Unsigned::Token(grant, ticket) => {
                let Issued { token, expires_at, expires_in } = self.tokens.issue_session(grant);
                let ticket = ticket.map(|grant| self.tokens.issue_ticket(grant));
                ServerMessage::Token { token, ticket, expires_at, expires_in }
            }
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            frame_bytes: limits::FRAME_BYTES as u64,
            control_bytes: limits::CONTROL_BYTES as u64,
            frame_rate: u64::from(self.config.rates.frame),
            byte_rate: u64::from(self.config.rates.byte),
            topic_chars: limits::TOPIC_CHARS as u64,
            grace_ms: millis(self.config.lifetimes.grace),
        }
    }
}
