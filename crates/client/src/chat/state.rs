//! A chat itself: what it remembers, and what follows from what happens to its room and channel.

use std::collections::VecDeque;

use passes::PassKeys;
use schemas::{
    RoomId, Side,
    criteria::{MatchBy, Role},
};
use tokio::time::Instant;

use super::{
    active::{ActiveChat, RoomState},
    criteria::ChatCriteria,
    event::{End, Event},
    helpers::{Judging, Known, Wanted, judge},
};
use crate::{
    channel::{self, Channel, Meeting, Part, Proof, Psk, Time, Verdict, Whose},
    clock::unix_now,
    connection::Connection,
    machine::Command,
};

/// Keys of invites that are kept at once. More are looked for only by who clicks very fast.
const INVITES_MAX: usize = 4;

/// One person at a service, who waits for somebody, chats, and may then wait for somebody else.
///
/// Nothing happens in the background: the program has to call [`Chat::next_event`] in a loop. It
/// acknowledges, resends, and carries out what the other methods have asked for. Those only make a
/// note, and never wait.
///
/// Dropping a chat closes the connection without a bye; [`Chat::close`] sends one.
pub struct Chat {
    pub(super) connection: Connection,
    pub(super) start: Instant,
    /// The invites that were looked for since the last chat was secured. Which of them a room is for,
    /// the `find` says by which it was found, whatever was asked for since.
    pub(super) invites: Vec<Sought>,
    /// The operator's keys, where this program knows them: then who seeks meets helpers alone.
    pub(super) helper_keys: Option<PassKeys>,
    pub(super) active: Option<ActiveChat>,
    /// When the last chat ended, until there is another.
    pub(super) ended_at: Option<Instant>,
    /// A report was asked for, and it is not known what has become of it.
    pub(super) reporting: bool,
    /// To be sent, in order, as fast as the connection accepts it.
    pub(super) outgoing: VecDeque<Command>,
    pub(super) events: VecDeque<Event>,
}

/// An invite that was looked for.
pub(super) struct Sought {
    by: MatchBy,
    psk: Psk,
    /// Who must be there, after a handover: SHA-256 of the public key.
    colleague: Option<[u8; 32]>,
}

impl Chat {
    pub(super) fn look_for(&mut self, criteria: &ChatCriteria, colleague: Option<[u8; 32]>) {
        let find = criteria.find();
        if let Meeting::Invite(psk) = criteria.meeting() {
            self.invites.retain(|sought| sought.by != find.by);
            self.invites.truncate(INVITES_MAX - 1);
            self.invites.insert(0, Sought { by: find.by.clone(), psk, colleague });
        }
        match &mut self.active {
            Some(active) => {
                active.next = Some(find);
                self.leave_room();
            }
            None => self.outgoing.push_back(Command::Next(find)),
        }
    }

    pub(super) fn now(&self) -> Time {
        Time::after_start(Instant::now() - self.start)
    }

    pub(super) fn paired(&mut self, room: RoomId, side: Side, by: MatchBy, role: Option<Role>) {
        let side = match side {
            Side::A => channel::Side::A,
            Side::B => channel::Side::B,
        };
        let sought = self.invites.iter().find(|sought| sought.by == by);
        let colleague = sought.and_then(|sought| sought.colleague);
        let meeting = match (&by, sought) {
            (MatchBy::Random(_), _) => Meeting::Random,
            (MatchBy::Invite(_), Some(sought)) => Meeting::Invite(sought.psk.clone()),
            // Its key was given up: never without it.
            (MatchBy::Invite(_), None) => return self.outgoing.push_back(Command::Leave),
        };
        let channel = Channel::new(side, meeting, *room.as_bytes(), &mut rand::rng(), self.now());
        self.ended_at = None;
        let wanted = Wanted { by, colleague };
        let channel = channel.taking_part(self.part(role, &wanted));
        self.active = Some(ActiveChat::new(channel, wanted));
        self.events.push_back(Event::Met);
        self.collect();
    }

    /// The part of this side in a chat.
    fn part(&self, role: Option<Role>, wanted: &Wanted) -> Part {
        match (role, self.connection.session().helper) {
            (Some(Role::Offer), Some(helper)) => Part::Helper(Box::new(helper)),
            (Some(Role::Seek), _) if self.helper_keys.is_some() || wanted.colleague.is_some() => {
                Part::Seeker(Proof::Required)
            }
            (Some(Role::Seek), _) => Part::Seeker(Proof::Welcome),
            (Some(Role::Offer) | None, _) => Part::Peer,
        }
    }

    /// Everything is there to judge what the peer has shown.
    pub(super) fn judge(&mut self, known: &Known) {
        let Some(active) = &mut self.active else { return };
        let Some(Judging { shown, .. }) = active.judging.take() else { return };
        let verdict = match judge(&shown, &active.wanted, known, unix_now()) {
            Ok((standing, pass)) => {
                self.events.push_back(Event::Helper { standing, pass: Box::new(pass) });
                standing.verdict()
            }
            Err(fault) => {
                tracing::debug!(?fault, "the peer's credential is bad");
                Verdict::Refused
            }
        };
        self.with_channel(|channel, now| channel.judge(now, verdict));
    }

    pub(super) fn leave_room(&mut self) {
        if let Some(active) = &mut self.active {
            active.end.get_or_insert(End::Bye);
        }
        self.with_channel(Channel::bye);
    }

    /// The room is over, for this reason unless somebody has sent a bye.
    pub(super) fn end_room(&mut self, end: End) {
        if let Some(active) = &mut self.active {
            active.room = RoomState::Over;
            active.end.get_or_insert(end);
            active.channel.close();
            self.collect();
        }
    }

    pub(super) fn with_channel(&mut self, act: impl FnOnce(&mut Channel, Time)) {
        let now = self.now();
        if let Some(active) = &mut self.active {
            act(&mut active.channel, now);
            self.collect();
        }
    }

    /// Takes what the last input has produced out of the channel.
    pub(super) fn collect(&mut self) {
        let Some(active) = &mut self.active else { return };
        loop {
            let asks = active.channel.next_frame_is_answered();
            let Some(frame) = active.channel.poll_frame() else { break };
            let command = if asks { Command::Question } else { Command::Frame };
            self.outgoing.push_back(command(frame.into()));
        }
        while let Some(event) = active.channel.poll_event() {
            match event {
                channel::Event::PeerBye => active.end = Some(End::PeerBye),
                channel::Event::Secured { safety } => {
                    // An invite serves once, and its key has done its work.
                    self.invites.clear();
                    self.events.push_back(Event::Secured { safety });
                }
                channel::Event::Credential(shown) => {
                    let session = self.connection.session();
                    active.judging = Some(Judging::begin(shown, session, self.helper_keys.clone()));
                }
                channel::Event::Handover(handover) => {
                    active.handover = Some(handover);
                    self.events.push_back(Event::Handover);
                }
                channel::Event::Ended(reason) => {
                    let end = match (reason, active.end) {
                        (
                            channel::ChannelEnd::Bye
                            | channel::ChannelEnd::PeerBye
                            | channel::ChannelEnd::Closed,
                            end,
                        ) => end.unwrap_or(End::Bye),
                        (fault, _) => End::Fault(fault),
                    };
                    return self.ended(end);
                }
                channel::Event::Timer { holds, .. } => {
                    self.events.extend(active.timer_set(Whose::Peer, holds));
                }
                event => self.events.extend(Event::of_channel(event)),
            }
        }
    }

    /// The active chat is over: leaves the room, unless that is over as well, and finds the next
    /// peer if that was asked for.
    fn ended(&mut self, end: End) {
        let Some(active) = self.active.take() else { return };
        self.ended_at = Some(Instant::now());
        match (active.next, active.room) {
            (Some(find), _) => self.outgoing.push_back(Command::Next(find)),
            (None, RoomState::Open) => self.outgoing.push_back(Command::Leave),
            (None, RoomState::Over) => {}
        }
        self.events.push_back(Event::Ended { end });
    }
}
