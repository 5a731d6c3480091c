//! What must hold for every order, repetition and loss of events.

use std::{collections::BTreeSet, time::Duration};

use proptest::prelude::*;
use schemas::{RoomId, Service, UnixMillis, control::EndReason, event::*, message::Message};

use super::{support::*, *};

#[derive(Clone, Debug)]
enum Step {
    Receive(Message),
    Learn(SyncAnswer),
    Gap,
    Pass(u64),
}

fn message() -> impl Strategy<Value = Message> {
    let (session, a_room, stamp) = (0..6u64, 0..4u64, 1..4u64);
    (session, a_room, stamp, any::<bool>(), 0..14u8).prop_map(|(n, r, stamp, flag, kind)| match kind {
        0..4 => lease(if flag { "g1" } else { "g2" }, stamp, vec![lease_of(n, stamp, Some(room(r)))]),
        4 => lease("g1", 1, vec![lease_of(n, stamp, None)]),
        5 => {
            let ends = UnixMillis::from_secs(1_750_000_000 + 20 * stamp);
            lease("g1", 1, vec![SessionLease { ends, ..lease_of(n, stamp, None) }])
        }
        6 => peer(room(r), RoomEvent::Joined(attachment(stamp))),
        7 => peer(room(r), RoomEvent::Present(attachment(stamp))),
        8 => ended(room(r), if flag { EndReason::Left } else { EndReason::Reported }),
        9 => revoked(n),
        10 => session_event(n, SessionEvent::Left(room(r))),
        11 => announced(public(n as u8, UnixMillis::from_secs(1_750_000_000 + 30 * stamp))),
        12 => beat(Service::Gateway, "g1", stamp),
        _ => beat(Service::Janitor, if flag { "j1" } else { "j2" }, 1),
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => message().prop_map(Step::Receive),
        1 => (0..4u64).prop_map(|r| {
            let ended = vec![(room(r), EndReason::Expired, 30_000)];
            Step::Learn(SyncAnswer { ended, ..SyncAnswer::default() })
        }),
        1 => Just(Step::Gap),
        4 => (1..40u64).prop_map(Step::Pass),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 0..60)
}

/// The rooms that an event ends: nothing else may end one.
fn ends(message: &Message, named: &[(u64, RoomId)]) -> Vec<RoomId> {
    match message {
        Message::Room { room, event: RoomEvent::Ended(_), .. } => vec![*room],
        Message::Session { event: SessionEvent::Left(room), .. } => vec![*room],
        Message::Session { session: deleted, event: SessionEvent::Revoked { .. }, .. } => {
            named.iter().filter(|(n, _)| session(*n) == *deleted).map(|(_, room)| *room).collect()
        }
        _ => vec![],
    }
}

fn is_expiry(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Publish(
            Message::Session { event: SessionEvent::Expired, .. }
                | Message::Room { event: RoomEvent::Expired, .. }
                | Message::Key { event: KeyEvent::Expired, .. }
        )
    )
}

fn ended_rooms(effects: &[Effect]) -> impl Iterator<Item = RoomId> {
    effects.iter().filter_map(|effect| match effect {
        Effect::Publish(Message::Room { room, event: RoomEvent::Ended(_), .. }) => Some(*room),
        _ => None,
    })
}

fn shuffled(messages: &[Message], seed: u64) -> Vec<Message> {
    let mut all: Vec<_> = messages.iter().chain(messages).cloned().collect();
    let mut state = seed;
    for i in (1..all.len()).rev() {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        all.swap(i, (state >> 33) as usize % (i + 1));
    }
    all
}

proptest! {
    #[test]
    fn an_ended_room_stays_ended_while_a_ticket_may_be_valid(steps in steps()) {
        let rig = Rig::starting(policy());
        let mut over = BTreeSet::new();
        let mut age = Duration::ZERO;
        for step in steps {
            match step {
                Step::Receive(message) => {
                    over.extend(ends(&message, &[]));
                    rig.receive(message);
                }
                Step::Learn(answer) => { rig.give(Input::Learned(answer)); }
                Step::Gap => { rig.give(Input::Gap); }
                Step::Pass(secs) => {
                    age += Duration::from_secs(secs);
                    if age > TOKEN_LIFE {
                        break;
                    }
                    rig.pass(Duration::from_secs(secs));
                }
            }
            let remembered: BTreeSet<_> = rig.sync().into_iter().flat_map(|it| it.ended).map(|it| it.0).collect();
            prop_assert!(over.is_subset(&remembered));
            for n in 0..6 {
                for effect in rig.receive(Message::Ask { session: session(n) }) {
                    let Effect::Answer(answer) = effect else { panic!("{effect:?}") };
                    prop_assert!(answer.room.is_none_or(|room| !over.contains(&room)));
                }
            }
        }
    }

    #[test]
    fn only_an_event_ends_a_room(steps in steps()) {
        let rig = Rig::starting(policy());
        let mut named = Vec::new();
        let mut deleted = Vec::new();
        let mut may_be_over = BTreeSet::new();
        for step in steps {
            let effects = match step {
                Step::Receive(message) => {
                    if let Message::Lease { lease, .. } = &message {
                        let leases = lease.sessions.iter().filter_map(|it| Some((it.session, it.room?)));
                        let numbered = leases.filter_map(|(s, room)| Some(((0..6).find(|n| session(*n) == s)?, room)));
                        named.extend(numbered);
                    }
                    if matches!(message, Message::Session { event: SessionEvent::Revoked { .. }, .. }) {
                        deleted.push(message.clone());
                    }
                    may_be_over.extend(ends(&message, &[]));
                    deleted.iter().for_each(|it| may_be_over.extend(ends(it, &named)));
                    rig.receive(message)
                }
                Step::Learn(answer) => {
                    may_be_over.extend(answer.ended.iter().map(|it| it.0));
                    rig.give(Input::Learned(answer))
                }
                Step::Gap => rig.give(Input::Gap),
                Step::Pass(secs) => rig.pass(Duration::from_secs(secs)),
            };
            prop_assert!(ended_rooms(&effects).all(|room| may_be_over.contains(&room)));
            let remembered = rig.sync().into_iter().flat_map(|it| it.ended);
            prop_assert!(remembered.map(|it| it.0).all(|room| may_be_over.contains(&room)));
        }
    }

    #[test]
    fn nothing_expires_within_two_periods_of_a_start_or_gap(steps in steps()) {
        let rig = Rig::starting(policy());
        let mut quiet_until = rig.now() + QUIET;
        for step in steps {
            match step {
                Step::Receive(message) => prop_assert!(!rig.receive(message).iter().any(is_expiry)),
                Step::Learn(answer) => prop_assert!(!rig.give(Input::Learned(answer)).iter().any(is_expiry)),
                Step::Gap => {
                    rig.give(Input::Gap);
                    quiet_until = rig.now() + QUIET;
                }
                Step::Pass(secs) => for _ in 0..secs {
                    let expired = rig.pass(SECOND).iter().any(is_expiry);
                    prop_assert!(!expired || rig.now() >= quiet_until);
                },
            }
        }
    }

    #[test]
    fn order_and_repetition_do_not_change_what_has_ended(
        messages in prop::collection::vec(message(), 0..20),
        seed: u64,
    ) {
        let over = |messages: &[Message]| {
            let rig = Rig::starting(policy());
            messages.iter().for_each(|message| { rig.receive(message.clone()); });
            let answers = rig.sync();
            let ended = answers.iter().flat_map(|it| &it.ended).map(|it| it.0).collect::<BTreeSet<_>>();
            let revoked = answers.iter().flat_map(|it| &it.revoked).map(|it| it.0).collect::<BTreeSet<_>>();
            (ended, revoked)
        };
        let (ended, revoked) = over(&messages);
        let (ended_too, revoked_too) = over(&shuffled(&messages, seed));
        prop_assert_eq!(revoked, revoked_too);
        // A revocation ends the rooms that leases have named until it is received, and each that
        // they name later. Which of several that is depends on the order. A room that an event has
        // ended is ended in any order.
        let said: BTreeSet<_> = messages.iter().flat_map(|message| ends(message, &[])).collect();
        prop_assert!(said.is_subset(&ended) && said.is_subset(&ended_too));
    }

    #[test]
    fn it_never_holds_more_than_its_capacity(
        steps in prop::collection::vec((0..40u64, 0..40u64, 0..5u8), 0..300),
    ) {
        let capacity = Capacity { sessions: 8, rooms: 4, tombstones: 4, keys: 2, gateways: 2 };
        let rig = Rig::starting(LeasePolicy { capacity, ..policy() });
        for (n, r, kind) in steps {
            rig.receive(match kind {
                0 => lease(&format!("g{n}"), r, vec![lease_of(n, 1, Some(room(r)))]),
                1 => ended(room(r), EndReason::Left),
                2 => revoked(n),
                3 => announced(public(n as u8, UnixMillis(r))),
                _ => beat(Service::Gateway, &format!("g{n}"), r),
            });
            let counts = rig.counts();
            prop_assert!(counts.sessions <= 8 && counts.rooms <= 4 && counts.keys <= 2, "{:?}", counts);
            prop_assert!(counts.ended <= 4 && counts.revoked <= 4, "{:?}", counts);
        }
    }
}
