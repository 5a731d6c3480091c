//! A gateway of a story: the real state machine of sessions, and around it what the gateway's tasks
//! do.

use std::{collections::BTreeMap, time::Duration};

use rand::Rng;
use schemas::{
    BootId, CloseCode, NodeId, Service, UnixMillis,
    event::{Heartbeat, SyncAnswer},
    message::Message,
    time::millis,
};
use session::{Asking, ConnId, Effect, Others, Route, SYNC_PATIENCE, Sessions, Settings, Topology};

use super::{
    bus::{Errand, Kind},
    client::{Heard, Said},
    things::{End, Event, Frame, Frames, Machine},
    world::World,
};

/// The shortest token life that the grace allows, and long enough for a story.
pub(super) const TOKEN_LIFE: Duration = Duration::from_secs(600);

pub(super) struct Gateway {
    pub(super) sessions: Sessions,
    pub(super) boot: BootId,
    pub(super) draining: bool,
    /// When it has asked for the last time what it has missed, and whether somebody has told it all.
    asked: u64,
    is_told: bool,
    asking: Asking,
    routes: BTreeMap<ConnId, Route>,
}

impl Gateway {
    pub(super) fn new(node: NodeId, boot: BootId, grace: Duration, seed: [u8; 32]) -> Self {
        let settings = Settings {
            node,
            boot,
            grace,
            token_life: TOKEN_LIFE,
            drain_spread: Duration::from_secs(5),
            waiting_per_network: 0,
            topology: Topology::Cluster,
        };
        Self {
            sessions: Sessions::new(settings, seed),
            boot,
            draining: false,
            asked: 0,
            is_told: false,
            asking: Asking::default(),
            routes: BTreeMap::new(),
        }
    }

    pub(super) fn heartbeat(&self) -> Heartbeat {
        Heartbeat {
            load: self.sessions.load(),
            draining: self.draining,
            names_itself: self.sessions.names_itself(),
            ..Heartbeat::new(self.boot, "")
        }
    }

    /// The connection that receives the frames that the other side sent over the bus.
    fn taker(&self, frames: &Frames) -> Option<ConnId> {
        let takes = |route: &Route| match route {
            Route::Remote { room, side, fence, .. } => {
                (*room, *side) == (frames.room, frames.side.other()) && *fence <= frames.stamp
            }
            _ => false,
        };
        self.routes.iter().find(|(_, route)| takes(route)).map(|(conn, _)| *conn)
    }
}

impl World {
    pub(super) fn gateway(&mut self, node: usize) -> Option<&mut Gateway> {
        match &mut self.nodes[node].machine {
            Machine::Gateway(gateway) => Some(gateway),
            _ => None,
        }
    }

    /// Gives a gateway's sessions an input, and carries out the effects.
    pub(super) fn decide<T>(
        &mut self,
        node: usize,
        decision: impl FnOnce(&mut Sessions, UnixMillis) -> T,
    ) -> Option<T> {
        let now = self.clock(node);
        let gateway = self.gateway(node)?;
        let result = decision(&mut gateway.sessions, now);
        for effect in gateway.sessions.take_effects() {
            self.carry_out(node, effect);
        }
        Some(result)
    }

    fn carry_out(&mut self, node: usize, effect: Effect) {
        match effect {
            Effect::Publish(message) => {
                self.note_wants(node, &message);
                self.publish(node, message);
            }
            Effect::Send(conn, message) => {
                let message = self.spoil(message);
                self.note_shown(node, conn, &message);
                self.send_down(conn, Heard::Message(Box::new(message)));
            }
            Effect::Route(conn, route) => {
                self.say(|world| format!("{} routes {conn:?}: {route:?}", world.name(node)));
                if let Some(gateway) = self.gateway(node) {
                    gateway.routes.insert(conn, route);
                }
            }
            // What a decision sends leaves here when all of it has been carried out, anyway.
            Effect::Release(_) => {}
            Effect::Close(conn, code) => self.close(node, conn, code),
        }
    }

    fn close(&mut self, node: usize, conn: ConnId, code: CloseCode) {
        self.say(|world| format!("{} closes {conn:?}: {code:?}", world.name(node)));
        if code == CloseCode::Replaced {
            self.check_replaced(conn);
        }
        self.hang_up(node, conn);
        self.send_down(conn, Heard::Closed(Some(code)));
    }

    fn hang_up(&mut self, node: usize, conn: ConnId) {
        let now = self.now;
        if let Some(socket) = self.sockets.get_mut(&conn) {
            socket.server_end = End::Closed;
            socket.gone.get_or_insert(now);
        }
        if let Some(gateway) = self.gateway(node) {
            gateway.routes.remove(&conn);
        }
    }

    /// A gateway notices that a socket is lost.
    pub(super) fn lose_socket(&mut self, conn: ConnId) {
        let Some(socket) = self.sockets.get(&conn) else { return };
        let (node, inc, end) = (socket.node, socket.incarnation, socket.server_end);
        let session = socket.session;
        if end == End::Open && self.nodes[node].incarnation == inc {
            self.say(|world| format!("{} notices that {conn:?} is gone", world.name(node)));
            self.hang_up(node, conn);
            self.decide(node, |sessions, now| sessions.disconnected(now, session, conn));
        }
    }

    /// Something of a client has reached its gateway.
    pub(super) fn take_from_client(&mut self, conn: ConnId, said: Said) {
        let Some(socket) = self.sockets.get(&conn) else { return };
        let (node, inc, end) = (socket.node, socket.incarnation, socket.server_end);
        let session = socket.session;
        let running = self.nodes[node].incarnation == inc && self.gateway(node).is_some();
        match said {
            Said::Hello(claims) => {
                let revoked = self.decide(node, |sessions, now| sessions.is_revoked(now, claims.sub));
                let refused = match (running, revoked) {
                    (true, Some(false)) => None,
                    (true, Some(true)) => Some(CloseCode::SessionOver),
                    _ => return self.send_down(conn, Heard::Closed(None)),
                };
                if refused.is_some() {
                    return self.send_down(conn, Heard::Closed(refused));
                }
                self.ledger.taken += 1;
                if let Some(socket) = self.sockets.get_mut(&conn) {
                    (socket.server_end, socket.taken) = (End::Open, self.ledger.taken);
                }
                self.say(|world| format!("{} takes {conn:?} of {:?}", world.name(node), claims.sub));
                self.decide(node, |sessions, now| sessions.connected(now, conn, &claims));
            }
            _ if !running || end == End::Closed => {}
            Said::Command(command) => {
                let asked = command.clone();
                if let Some(Err(error)) =
                    self.decide(node, |sessions, now| sessions.command(now, session, conn, *command))
                {
                    self.send_down(conn, Heard::Refused(asked, error.code));
                }
            }
            Said::Frame(frame) => self.relay(node, conn, frame),
        }
    }

    /// What the relay path does with a frame of a client.
    fn relay(&mut self, node: usize, conn: ConnId, frame: Frame) {
        let Some(gateway) = self.gateway(node) else { return };
        match gateway.routes.get(&conn).cloned().unwrap_or(Route::Nowhere) {
            Route::Nowhere => {}
            Route::Local { room, peer } => {
                let accepts = match gateway.routes.get(&peer) {
                    Some(Route::Local { room: theirs, .. } | Route::Remote { room: theirs, .. }) => {
                        *theirs == room
                    }
                    _ => false,
                };
                if accepts {
                    self.send_down(peer, Heard::Frame(frame));
                }
            }
            Route::Remote { room, side, stamp, node: to, .. } => {
                self.publish_frames(node, &to, Frames { room, side, stamp, frame });
            }
        }
    }

    /// Frames were received over the bus.
    pub(super) fn take_frames(&mut self, node: usize, frames: Frames) {
        if let Some(conn) = self.gateway(node).and_then(|gateway| gateway.taker(&frames)) {
            self.send_down(conn, Heard::Frame(frames.frame));
        }
    }

    /// A node that starts, or has missed something, asks the others for a sync.
    pub(super) fn ask_sync(&mut self, node: usize) {
        let from = self.nodes[node].id.clone();
        self.publish(node, Message::Sync { from });
        let (asked, inc) = (self.now, self.nodes[node].incarnation);
        if let Some(gateway) = self.gateway(node) {
            (gateway.asked, gateway.is_told) = (asked, false);
            self.after(millis(SYNC_PATIENCE), Event::SyncAgain { node, inc, asked });
        }
    }

    /// Nobody may have told all that they know: the question may have been lost, or the answers.
    pub(super) fn ask_sync_again(&mut self, node: usize, asked: u64) {
        let (up, janitor) = (self.is_up(node), self.profile.janitors > 0);
        let Some(gateway) = self.gateway(node).filter(|it| it.asked == asked && up) else { return };
        let others = Others { gateways: gateway.sessions.has_neighbours(), janitor };
        if gateway.asking.after(gateway.is_told, others).asks_again {
            self.ask_sync(node);
        }
    }

    /// A gateway hears what it has missed, or a part of it.
    pub(super) fn learn_at_gateway(&mut self, node: usize, answer: &SyncAnswer) {
        if let Some(gateway) = self.gateway(node) {
            gateway.is_told |= answer.last;
        }
        self.decide(node, |sessions, now| sessions.learn(now, answer));
    }

    /// Answers a sync. The parts of an answer are published in one go: what loses one of them, a
    /// connection that breaks, loses all that follow. Where a client drops a single one because it reads too
    /// slowly, it says so, which is a gap, and asks again.
    pub(super) fn answer_sync(&mut self, node: usize, asker: usize, answers: Vec<SyncAnswer>) {
        let inc = self.nodes[asker].incarnation;
        let errand = Errand { from: node, to: asker, kind: Kind::SyncAnswer, own: false, of: None };
        for answer in answers {
            let arrivals = self.arrivals(errand, None);
            if arrivals.is_empty() {
                return;
            }
            let answer = std::rc::Rc::new(answer);
            for at in arrivals {
                self.at(at, Event::Learn { to: asker, inc, answer: answer.clone() });
            }
        }
    }

    /// The process of a gateway crashes; its sockets break.
    pub(super) fn crash(&mut self, node: usize) {
        self.say(|world| format!("{} crashes", world.name(node)));
        self.nodes[node].machine = Machine::Stopped;
        if self.nodes[node].service != Service::Gateway {
            return;
        }
        let inc = self.nodes[node].incarnation;
        let (now, mut broken) = (self.now, Vec::new());
        for (conn, socket) in &mut self.sockets {
            if (socket.node, socket.incarnation, socket.server_end) == (node, inc, End::Open) {
                socket.server_end = End::Closed;
                socket.gone.get_or_insert(now);
                broken.push(*conn);
            }
        }
        for conn in broken {
            let client = self.sockets[&conn].client;
            let pause = self.clients[client].wire.random_range(0..2_000);
            self.after(pause, Event::Down(conn, Heard::Closed(None)));
        }
    }

    /// A draining gateway has waited long enough.
    pub(super) fn close_all(&mut self, node: usize) {
        let inc = self.nodes[node].incarnation;
        let remaining: Vec<_> = self
            .sockets
            .iter()
            .filter(|(_, socket)| {
                (socket.node, socket.incarnation, socket.server_end) == (node, inc, End::Open)
            })
            .map(|(conn, socket)| (*conn, socket.session))
            .collect();
        for (conn, session) in remaining {
            self.close(node, conn, CloseCode::Restart);
            self.decide(node, |sessions, now| sessions.disconnected(now, session, conn));
        }
    }
}
