//! Two people who wait, meet and come back.

use super::*;

/// Two people in a room.
pub(super) struct Chat {
    pub(super) one: Person,
    pub(super) other: Person,
    pub(super) tickets: [TicketGrant; 2],
    pub(super) tokens: [SessionGrant; 2],
}

impl Chat {
    pub(super) fn room(&self) -> RoomId {
        self.tickets[0].room
    }

    pub(super) fn attachment(&self, n: usize) -> Attachment {
        let (person, grant) = ([self.one, self.other][n], self.tickets[n]);
        let owner = grant.session.tag();
        Attachment { side: grant.side, stamp: grant.stamp, node: node(person.gate), owner }
    }
}

impl Cluster {
    /// The want that a gateway has published last for this session.
    pub(super) fn want(&self, person: Person) -> Want {
        let said = self.gates[person.gate].published.iter().rev();
        let wants = said.filter_map(|message| match message {
            Message::Want { event: WantEvent::Waiting(wants), .. } => Some(wants),
            _ => None,
        });
        let want = wants.flatten().find(|want| want.session == session(person.n));
        want.cloned().unwrap_or_else(|| panic!("no want of {person:?}"))
    }

    pub(super) fn pair_of(&self, one: Person, other: Person) -> MatchEvent {
        let half = |person: Person| {
            let want = self.want(person);
            Half { want: want.id, node: node(person.gate), pass: want.pass }
        };
        MatchEvent::Pair([half(one), half(other)])
    }

    /// Tells both gateways that two wants fit.
    pub(super) fn match_them(&mut self, one: Person, other: Person) -> RoomId {
        let event = self.pair_of(one, other);
        let room = self.room_of(one, other);
        let mut gates = vec![one.gate, other.gate];
        gates.dedup();
        for gate in gates {
            self.handle(gate, Message::Match { to: node(gate), event: event.clone() });
        }
        room
    }

    pub(super) fn room_of(&self, one: Person, other: Person) -> RoomId {
        RoomId::of_match(self.want(one).id, self.want(other).id).0
    }

    /// Two people who wait, at these gateways.
    pub(super) fn waiting(&mut self, gates: [usize; 2]) -> (Person, Person) {
        let (one, other) = (self.connect(gates[0], 1), self.connect(gates[1], 2));
        self.ask(one, ClientCommand::Find(anyone())).unwrap();
        self.ask(other, ClientCommand::Find(anyone())).unwrap();
        (one, other)
    }

    /// Two people in a room, and what each was shown.
    pub(super) fn chatting(&mut self, gates: [usize; 2]) -> Chat {
        let (one, other) = self.waiting(gates);
        self.match_them(one, other);
        let (ones, others) = (self.told(one), self.told(other));
        let chat = Chat {
            one,
            other,
            tickets: [place(&ones), place(&others)],
            tokens: [newest(&ones), newest(&others)],
        };
        self.clear();
        chat
    }

    /// Connects the first person of a chat again, with the newest token.
    pub(super) fn back(&mut self, gate: usize, chat: &Chat) -> Person {
        self.connect_with(gate, &token(&chat.tokens[0]), chat.one.n)
    }

    pub(super) fn resume(&mut self, person: Person, grant: &TicketGrant) -> Result<(), ErrorCode> {
        self.ask(person, ClientCommand::Resume(ticket(grant)))
    }
}
