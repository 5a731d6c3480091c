//! What people do, and the faults that happen: drawn by chance, or read from a story that was kept.

use rand::{Rng, seq::IndexedRandom};
use schemas::{
    control::Category,
    criteria::{ChannelVersion, Criteria, MatchBy, Role},
};
use serde::{Deserialize, Serialize};
use session::ClientCommand;

use super::{
    client::{Phase, Presence, ticket_claims},
    dice::Dice,
    story::Fault,
    things::{Event, Machine},
    world::World,
};

/// Something that happens to a story from outside: what a person does, or a fault. Whatever it
/// needs is in it, so that it means the same however the drawing changes.
///
/// Nodes and people are numbers, nodes in the order gateways, pairing nodes, janitors. Pauses and
/// lengths are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Deed {
    /// The person's connection breaks. The page reconnects by itself within this time, without its ticket
    /// if it was opened anew.
    BreakOff {
        person: usize,
        within: u64,
        anew: bool,
    },
    /// Opens another connection beside the first.
    Connect {
        person: usize,
    },
    /// Deletes the session, over REST.
    Delete {
        person: usize,
        gateway: usize,
    },
    /// Goes away for good.
    Vanish {
        person: usize,
    },
    /// Tries to resume a room that has ended: the n-th of them.
    OldTicket {
        person: usize,
        nth: usize,
    },
    Find {
        person: usize,
        wish: Wish,
    },
    /// `next`: also without a room, where it is the same as `find`.
    Next {
        person: usize,
        wish: Wish,
    },
    Cancel {
        person: usize,
    },
    Leave {
        person: usize,
    },
    Report {
        person: usize,
    },
    /// Leaves the room over REST.
    LeaveRemotely {
        person: usize,
        gateway: usize,
    },
    Chat {
        person: usize,
    },
    Crash {
        node: usize,
        length: u64,
    },
    /// Two nodes cannot hear each other, and do not notice.
    Cut {
        one: usize,
        other: usize,
        length: u64,
    },
    /// A node loses its bus, and notices after a while.
    CutOff {
        node: usize,
        noticed: u64,
        length: u64,
    },
    Drain {
        node: usize,
    },
}

/// Whom somebody looks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Wish {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    invite: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
}

impl Wish {
    fn draw(dice: &mut Dice) -> Self {
        let role = [None, None, None, None, None, None, Some(Role::Seek), Some(Role::Offer)];
        let (topic, invite) = match dice.random_range(0..10) {
            0..7 => (None, None),
            7..8 => (Some("music".to_owned()), None),
            code => (None, Some(format!("{code}AAAAAAAAAAAAAAAAAAAAA"))),
        };
        let language = [Some("ko"), Some("en"), None, None, None, None, None, None];
        Self {
            topic,
            invite,
            role: *role.choose(dice).unwrap_or(&None),
            language: language.choose(dice).copied().flatten().map(str::to_owned),
        }
    }

    fn criteria(&self) -> Criteria {
        let by = match &self.invite {
            Some(code) => MatchBy::Invite(code.parse().expect("a code")),
            None => MatchBy::Random(self.topic.as_ref().map(|topic| topic.parse().expect("a topic"))),
        };
        Criteria {
            by,
            role: self.role,
            language: self.language.as_ref().map(|language| language.parse().expect("a language")),
            channel: ChannelVersion::CURRENT,
        }
    }
}

impl World {
    /// What somebody does next, if anything.
    pub(super) fn draw_whim(&self, dice: &mut Dice) -> Option<Deed> {
        let person = dice.random_range(0..self.clients.len());
        let it = &self.clients[person];
        if it.presence == Presence::Gone || it.main.is_none() {
            return None;
        }
        let find = |dice: &mut Dice| Deed::Find { person, wish: Wish::draw(dice) };
        Some(match (dice.random_range(0..100), it.phase()) {
            (0..9, _) => Deed::BreakOff {
                person,
                within: *[50, 2_000, 30_000].choose(dice).unwrap_or(&50),
                anew: dice.random_bool(0.1),
            },
            (9..11, _) => Deed::Connect { person },
            (11..12, _) => Deed::Delete { person, gateway: self.any_gateway(dice)? },
            (12..13, _) => Deed::Vanish { person },
            (13..15, _) if self.profile.stale => Deed::OldTicket { person, nth: dice.random_range(0..8) },
            (_, Some(Phase::Idle)) if dice.random_bool(0.1) => Deed::Next { person, wish: Wish::draw(dice) },
            (_, Some(Phase::Idle)) | (25..30, Some(Phase::Waiting)) => find(dice),
            (15..25, Some(Phase::Waiting)) => Deed::Cancel { person },
            (15..20, Some(Phase::Room { .. })) => Deed::Leave { person },
            (20..24, Some(Phase::Room { .. })) => Deed::Next { person, wish: Wish::draw(dice) },
            (24..26, Some(Phase::Room { .. })) => Deed::Report { person },
            (26..28, Some(Phase::Room { .. })) => {
                Deed::LeaveRemotely { person, gateway: self.any_gateway(dice)? }
            }
            (_, Some(Phase::Room { .. })) => Deed::Chat { person },
            _ => return None,
        })
    }

    fn any_gateway(&self, dice: &mut Dice) -> Option<usize> {
        let runs = |node: &usize| matches!(self.nodes[*node].machine, Machine::Gateway(_));
        let running: Vec<_> = self.gateways().into_iter().filter(runs).collect();
        running.choose(dice).copied()
    }

    /// The next fault.
    pub(super) fn draw_mishap(&self, dice: &mut Dice) -> Deed {
        let node = dice.random_range(0..self.nodes.len());
        let length = *[300, 3_000, 20_000].choose(dice).unwrap_or(&300);
        let length = dice.random_range(1..=length);
        match dice.random_range(0..10) {
            0..3 => Deed::Crash { node, length },
            3..6 => Deed::Cut { one: node, other: dice.random_range(0..self.nodes.len()), length },
            6..9 => Deed::CutOff { node, noticed: dice.random_range(0..2_000), length },
            _ => Deed::Drain { node },
        }
    }

    /// A deed is done, or a fault happens. What does not fit how things stand does nothing: what
    /// came before it may have been left out of the story.
    pub(super) fn perform(&mut self, deed: &Deed) {
        if self.calm {
            return;
        }
        self.note_deed(deed);
        match *deed {
            Deed::Crash { node, length } => {
                self.crash(node);
                self.after(length, Event::Fault(Fault::Start(node)));
            }
            Deed::Cut { one, other, length } => self.cut(one.min(other), one.max(other), length),
            Deed::CutOff { node, noticed, length } => self.cut_off(node, noticed, length),
            Deed::Drain { node } => self.drain(node),
            Deed::BreakOff { person, .. }
            | Deed::Connect { person }
            | Deed::Delete { person, .. }
            | Deed::Vanish { person }
            | Deed::OldTicket { person, .. }
            | Deed::Find { person, .. }
            | Deed::Next { person, .. }
            | Deed::Cancel { person }
            | Deed::Leave { person }
            | Deed::Report { person }
            | Deed::LeaveRemotely { person, .. }
            | Deed::Chat { person } => {
                if self.clients[person].presence == Presence::Here {
                    self.act(person, deed);
                }
            }
        }
    }

    fn act(&mut self, person: usize, deed: &Deed) {
        let Some(main) = self.clients[person].main else { return };
        let phase = self.clients[person].phase();
        match (deed, phase) {
            (Deed::BreakOff { within, anew, .. }, _) => self.break_off(person, *within, *anew),
            (Deed::Connect { .. }, _) => self.connect(person),
            (Deed::Delete { gateway, .. }, _) => self.delete(person, *gateway),
            (Deed::Vanish { .. }, _) => self.leave_for_good(person),
            (Deed::OldTicket { nth, .. }, _) => self.use_an_old_ticket(person, *nth),
            (Deed::Find { wish, .. } | Deed::Next { wish, .. }, Some(Phase::Idle)) => {
                self.clients[person].ticket = None;
                self.ask_for(person, main, deed, wish);
            }
            (Deed::Find { wish, .. }, Some(Phase::Waiting)) => self.ask_for(person, main, deed, wish),
            (Deed::Next { wish, .. }, Some(Phase::Room { .. })) => self.ask_for(person, main, deed, wish),
            (Deed::Cancel { .. }, Some(Phase::Waiting)) => {
                // A client that cancels before `waiting` could not tell whether that was the
                // answer.
                let tab = self.clients[person].tabs.get_mut(&main).filter(|tab| tab.asked.is_empty());
                if let Some(tab) = tab {
                    tab.phase = Phase::Idle;
                    self.clients[person].criteria = None;
                    self.send_command(main, ClientCommand::Cancel);
                }
            }
            (Deed::Leave { .. }, Some(Phase::Room { .. })) => self.send_command(main, ClientCommand::Leave),
            (Deed::Report { .. }, Some(Phase::Room { .. })) => {
                self.send_command(main, ClientCommand::Report(Category::Spam));
            }
            (Deed::LeaveRemotely { gateway, .. }, Some(Phase::Room { room, .. })) => {
                let (session, node) = (self.clients[person].session, *gateway);
                self.say(|world| {
                    format!("client {person} leaves {room:?} over REST at {}", world.name(node))
                });
                self.decide(node, |sessions, now| sessions.leave_remotely(now, session, room));
            }
            (Deed::Chat { .. }, Some(Phase::Room { .. })) => self.chat(person, main),
            _ => {}
        }
    }

    fn ask_for(&mut self, person: usize, main: session::ConnId, deed: &Deed, wish: &Wish) {
        let criteria = wish.criteria();
        self.clients[person].criteria = Some(criteria.clone());
        let asked = match deed {
            Deed::Next { .. } => ClientCommand::Next(criteria),
            _ => ClientCommand::Find(criteria),
        };
        self.send_command(main, asked);
    }

    /// A person's network breaks; the page reconnects by itself.
    fn break_off(&mut self, client: usize, within: u64, anew: bool) {
        if let Some(main) = self.clients[client].main {
            self.abandon(main);
        }
        if anew {
            self.clients[client].ticket = None; // a page that was opened again
        }
        if self.clients[client].main.is_none() {
            self.connect_later(client, within);
        }
    }

    fn leave_for_good(&mut self, client: usize) {
        self.say(|_| format!("client {client} goes away for good"));
        self.clients[client].presence = Presence::Gone;
        for conn in self.clients[client].tabs.keys().copied().collect::<Vec<_>>() {
            self.abandon(conn);
        }
    }

    fn delete(&mut self, client: usize, node: usize) {
        let session = self.clients[client].session;
        self.say(|world| format!("client {client} deletes its session at {}", world.name(node)));
        if self.decide(node, |sessions, now| sessions.revoke(now, session)).is_some() {
            let inc = self.nodes[node].incarnation;
            self.ledger.revoked.insert(session, (node, inc));
        }
    }

    fn use_an_old_ticket(&mut self, client: usize, nth: usize) {
        let it = &self.clients[client];
        let Some(nth) = nth.checked_rem(it.old_tickets.len()) else { return };
        let (Some(main), ticket) = (it.main, ticket_claims(&it.old_tickets[nth])) else { return };
        let session = it.session;
        if self.profile.faults.is_some() {
            // All that knew of the end may have crashed; then the two may go on if both want to.
            self.ledger.forget_end(session, ticket.room);
        }
        self.send_command(main, ClientCommand::Resume(ticket));
    }
}
