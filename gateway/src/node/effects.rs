//! Carries out what the sessions decide, in order.

use std::sync::Arc;

use bus::FrameRoute;
use schemas::{
    control::{ControlError, ErrorCode, Limits, PeerState, Place, ServerMessage},
    limits,
    time::millis,
};

use super::{Hub, Node};
use crate::ws::{
    connection::{Connection, Remote, Target},
    outbox::RoomKey,
};
use session::{ConnId, Effect, Route, TicketGrant, ToClient};

impl Node {
    /// In order, but for the news that the other side is back: who hears it may speak at once, so
    /// the way is opened before.
    pub(super) fn carry_out_all(&self, hub: &Hub, effects: Vec<Effect>) {
        let mut news = Vec::new();
        for effect in effects {
            match effect {
                Effect::Send(conn, ToClient::Peer(PeerState::Online)) => news.push(conn),
                Effect::Send(conn, _) | Effect::Close(conn, _) if news.contains(&conn) => {
                    news.drain(..).for_each(|conn| self.tell_online(hub, conn));
                    self.carry_out(hub, effect);
                }
                effect => self.carry_out(hub, effect),
            }
        }
        news.into_iter().for_each(|conn| self.tell_online(hub, conn));
    }

    fn tell_online(&self, hub: &Hub, conn: ConnId) {
        self.carry_out(hub, Effect::Send(conn, ToClient::Peer(PeerState::Online)));
    }

    fn carry_out(&self, hub: &Hub, effect: Effect) {
        match effect {
            Effect::Publish(message) => {
                // Counted by the bus, and said again by its owner if it matters.
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
            Effect::Route(conn, route) => {
                if let Some(connection) = hub.conns.get(&conn) {
                    self.route(hub, connection, route);
                }
            }
        }
    }

    fn send(&self, connection: &Connection, message: ToClient) {
        match message {
            ToClient::Waiting => connection.send(&ServerMessage::Waiting),
            ToClient::Peer(state) => connection.send(&ServerMessage::Peer { state }),
            ToClient::Ended(reason) => {
                self.metrics.ended(reason);
                connection.send(&ServerMessage::Ended { reason });
            }
            ToClient::Drain { reconnect_in_ms } => connection.send(&ServerMessage::Drain { reconnect_in_ms }),
            ToClient::InviteSpent => {
                let error =
                    ControlError::new(ErrorCode::InviteSpent, "the two people of this invite have met");
                connection.send(&ServerMessage::Error { code: error.code, message: error.message });
            }
            ToClient::Ready(_) | ToClient::Paired(_) | ToClient::Resumed(_) | ToClient::Token(..) => {
                connection.send_unsigned(message);
            }
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
    pub(crate) fn sign(&self, message: ToClient) -> ServerMessage {
        // Who hears of a room may speak in it at once: what was decided with it has been carried
        // out before, the routes too.
        drop(self.hub.lock());
        let place = |grant: TicketGrant| Place {
            room: grant.room,
            side: grant.side,
            ticket: self.tokens.issue_ticket(grant),
        };
        match message {
            ToClient::Ready(grant) => {
                let session = grant.session;
                let (token, expires_at) = self.tokens.issue_session(grant);
                let heartbeat_ms = millis(self.config.heartbeat);
                ServerMessage::Ready { session, token, expires_at, limits: self.limits(), heartbeat_ms }
            }
            ToClient::Paired(grant) => ServerMessage::Paired(place(grant)),
            ToClient::Resumed(grant) => ServerMessage::Resumed(place(grant)),
            ToClient::Token(grant, ticket) => {
                let (token, expires_at) = self.tokens.issue_session(grant);
                ServerMessage::Token {
                    token,
                    ticket: ticket.map(|grant| self.tokens.issue_ticket(grant)),
                    expires_at,
                }
            }
            ToClient::Waiting => ServerMessage::Waiting,
            ToClient::Peer(state) => ServerMessage::Peer { state },
            ToClient::Ended(reason) => ServerMessage::Ended { reason },
            ToClient::Drain { reconnect_in_ms } => ServerMessage::Drain { reconnect_in_ms },
            ToClient::InviteSpent => {
                ServerMessage::Error { code: ErrorCode::InviteSpent, message: "the invite is spent".into() }
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
        }
    }
}
