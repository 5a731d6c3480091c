//! What clients do with what they are sent.

use rand::Rng;
use schemas::{
    CloseCode, Stamp,
    control::{ErrorCode, PeerState},
};
use session::{ClientCommand, ConnId, ToClient, Unsigned};

use super::{
    super::{
        things::{End, Event, Frame},
        world::World,
    },
    Client, Heard, Phase, Todo,
};

impl World {
    /// Something of a gateway has reached its client.
    pub(crate) fn take_from_gateway(&mut self, conn: ConnId, heard: Heard) {
        let Some(socket) = self.sockets.get(&conn).filter(|socket| socket.client_end == End::Open) else {
            return;
        };
        let client = socket.client;
        match heard {
            Heard::Message(message) => self.take_message(client, conn, *message),
            Heard::Frame(frame) => self.take_frame(client, conn, frame),
            Heard::Refused(request, code) => self.take_refusal(client, conn, *request, code),
            Heard::Closed(code) => self.take_close(client, conn, code),
        }
    }

    fn take_message(&mut self, client: usize, conn: ConnId, message: ToClient) {
        self.say(|_| format!("client {client} hears on {conn:?}: {message:?}"));
        self.check_heard(client, conn, &message);
        let it = &mut self.clients[client];
        let pause = it.dice.random_range(0..4_000);
        let is_main = it.main == Some(conn);
        let Some(tab) = it.tabs.get_mut(&conn) else { return };
        match message {
            ToClient::Unsigned(Unsigned::Ready(grant)) => {
                tab.phase = Phase::Idle;
                it.grants.push(grant);
                self.ask(client, conn);
            }
            ToClient::Waiting(_) => (tab.phase, tab.waits_for) = (Phase::Waiting, tab.asked.pop_front()),
            ToClient::Unsigned(Unsigned::Paired(ticket, _))
            | ToClient::Unsigned(Unsigned::Resumed(ticket)) => {
                let peer = PeerState::Online;
                tab.phase = Phase::Room { room: ticket.room, side: ticket.side, peer };
                tab.newest = Stamp::NONE;
                if is_main {
                    it.ticket = Some(ticket);
                    it.criteria = None;
                }
            }
            ToClient::Peer(state) => {
                if let Phase::Room { peer, .. } = &mut tab.phase {
                    *peer = state;
                }
            }
            ToClient::Ended(_) => {
                tab.phase = Phase::Idle;
                if is_main {
                    it.set_aside_ticket();
                }
            }
            ToClient::Unsigned(Unsigned::Token(grant, ticket)) => {
                it.grants.push(grant);
                if is_main && ticket.is_some() {
                    it.ticket = ticket;
                }
            }
            ToClient::Drain { .. } => self.after(pause, Event::Client(client, Todo::Move)),
            // There is no other: its invite is spent.
            ToClient::Error(_) => {
                tab.phase = Phase::Idle;
                it.criteria = None;
            }
        }
    }

    fn take_refusal(&mut self, client: usize, conn: ConnId, command: ClientCommand, code: ErrorCode) {
        self.say(|_| format!("client {client} is refused on {conn:?}: {code:?}"));
        if let (ClientCommand::Find(_) | ClientCommand::Next(_), Some(tab)) =
            (&command, self.clients[client].tabs.get_mut(&conn))
        {
            tab.asked.pop_front();
        }
        match (command, code) {
            (ClientCommand::Find(_) | ClientCommand::Resume(_), ErrorCode::Unavailable)
                if !std::mem::replace(&mut self.clients[client].asking, true) =>
            {
                let pause = self.clients[client].dice.random_range(500..1_500);
                self.after(pause, Event::Client(client, Todo::Ask(conn)));
            }
            (_, ErrorCode::InviteSpent) => self.clients[client].criteria = None,
            _ => {}
        }
    }

    fn take_close(&mut self, client: usize, conn: ConnId, code: Option<CloseCode>) {
        self.say(|_| format!("client {client} sees {conn:?} closed: {code:?}"));
        if let Some(socket) = self.sockets.get_mut(&conn) {
            socket.client_end = End::Closed;
        }
        if self.clients[client].tabs.remove(&conn).is_none() {
            return;
        }
        if code == Some(CloseCode::SessionOver) {
            return self.begin_anew(client);
        }
        let it = &mut self.clients[client];
        if it.main != Some(conn) {
            return;
        }
        // If an older connection goes on instead, it becomes the current one; otherwise the page
        // opens another.
        it.main = it.tabs.keys().next_back().copied();
        let (session, older) = (it.session, it.main.and_then(|main| it.tabs.get(&main)).map(|tab| tab.phase));
        if let (Some(Phase::Room { room, .. }), None) = (older, code) {
            // The newer one's gateway has crashed, and may have been the last that knew of an end.
            // Where nobody knows of it, the older connection and its partner are still in the room.
            self.ledger.forget_end(session, room);
        }
        match self.clients[client].main {
            Some(main) => self.ask(client, main),
            None if code == Some(CloseCode::Replaced) => self.connect_later(client, 10_000),
            None => self.connect_later(client, 2_000),
        }
    }

    /// Opens a new session after one that is over.
    fn begin_anew(&mut self, client: usize) {
        for conn in self.clients[client].tabs.keys().copied().collect::<Vec<_>>() {
            self.abandon(conn);
        }
        let now = self.true_time();
        let it = &self.clients[client];
        let newcomer = Client::new(it.dice.clone(), it.wire.clone(), now);
        let presence = it.presence;
        self.owners.insert(newcomer.session, client);
        self.clients[client] = Client { presence, ..newcomer };
        self.connect_later(client, 2_000);
    }

    fn take_frame(&mut self, client: usize, conn: ConnId, frame: Frame) {
        let sender = &self.sockets[&frame.conn];
        let (from, stamp) = (sender.client, sender.stamp);
        let Some(tab) = self.clients[client].tabs.get_mut(&conn) else { return };
        let (phase, newest) = (tab.phase, tab.newest);
        tab.newest = newest.max(stamp);
        tab.received += 1;
        self.ledger.tally.frames += 1;
        let inside = matches!(phase, Phase::Room { room, .. } if room == frame.room);
        self.expect(inside, || format!("{conn:?} is in {phase:?} and was sent {frame:?}"));
        self.expect(from != client, || format!("client {client} was sent its own {frame:?}"));
        self.expect(newest <= stamp, || format!("{conn:?} was sent {frame:?} of an older attachment"));
    }
}
