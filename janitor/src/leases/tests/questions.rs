//! Where a session is.

use super::*;

pub(super) fn ask(rig: &Rig, n: u64) -> Option<SessionAnswer> {
    match rig.hear(Message::Ask { session: session(n) }).as_slice() {
        [] => None,
        [Effect::Answer(answer)] => Some(answer.clone()),
        other => panic!("{other:?}"),
    }
}

/// What it says once every gateway has fallen silent.
fn ask_later(rig: &Rig, n: u64) -> Option<SessionAnswer> {
    rig.pass(limits::NODE_SILENCE + SECOND);
    ask(rig, n)
}

#[test]
fn a_session_of_a_fresh_lease_is_answered_for_by_its_living_gateway() {
    let rig = Rig::awake();
    assert_eq!(ask(&rig, 1), None, "never heard of");
    rig.hear(lease("g1", 1, vec![lease_of(1, 5, Some(room(1)))]));
    assert_eq!(ask(&rig, 1), None);
    for _ in 0..FRESH.as_secs() {
        rig.hear(beat(Service::Gateway, "g1", 1));
        rig.pass(SECOND);
    }
    assert_eq!(ask(&rig, 1), None);
    rig.hear(beat(Service::Gateway, "g1", 1));
    rig.pass(SECOND);
    let lost =
        SessionAnswer { state: SessionState::Paired, connected: false, stamp: Stamp(5), room: Some(room(1)) };
    assert_eq!(ask(&rig, 1), Some(lost), "its lease is stale");
}

#[test]
fn with_its_gateway_dead_or_restarted_it_is_not_connected_but_its_room_is_known() {
    for restarted in [false, true] {
        let rig = Rig::awake();
        rig.hear(lease("g1", 1, vec![lease_of(1, 5, Some(room(1))), lease_of(2, 5, None)]));
        if restarted {
            rig.hear(beat(Service::Gateway, "g1", 2));
        } else {
            rig.pass(limits::NODE_SILENCE + SECOND);
        }
        let answer = ask(&rig, 1).unwrap();
        assert_eq!(
            (answer.connected, answer.state, answer.room),
            (false, SessionState::Paired, Some(room(1)))
        );
        assert_eq!(ask(&rig, 2).map(|answer| answer.state), Some(SessionState::Idle), "nobody waits there");
    }
}

#[test]
fn an_ended_room_is_not_named_and_a_deleted_session_is_nowhere() {
    let rig = Rig::awake();
    rig.hear(lease("g1", 1, vec![lease_of(1, 5, Some(room(1)))]));
    rig.hear(ended(room(1), EndReason::Left));
    let answer = ask_later(&rig, 1).unwrap();
    assert_eq!((answer.state, answer.room), (SessionState::Idle, None));
    rig.hear(revoked(1));
    let gone = SessionAnswer { state: SessionState::Idle, connected: false, stamp: Stamp::NONE, room: None };
    assert_eq!(ask(&rig, 1), Some(gone));
}

#[test]
fn the_highest_stamp_counts_and_of_equal_ones_the_higher_gateway() {
    let rig = Rig::awake();
    rig.hear(lease("g2", 2, vec![lease_of(1, 5, Some(room(1)))]));
    rig.hear(lease("g3", 3, vec![lease_of(1, 4, None)]));
    rig.hear(lease("g1", 1, vec![lease_of(1, 5, None)]));
    assert_eq!(ask_later(&rig, 1).unwrap().room, Some(room(1)));
    rig.hear(lease("g3", 3, vec![lease_of(1, 5, None)]));
    assert_eq!(ask_later(&rig, 1).unwrap().room, None);
    rig.hear(beat(Service::Gateway, "g1", 1));
    rig.hear(said(1, SessionEvent::Attached { stamp: Stamp(9), node: node("g1") }));
    assert_eq!(ask_later(&rig, 1).unwrap().stamp, Stamp(9));
    rig.hear(lease("g3", 3, vec![lease_of(1, 5, None)]));
    assert_eq!(ask_later(&rig, 1).unwrap().stamp, Stamp(9), "that attachment is over");
}

#[test]
fn after_a_gap_it_trusts_only_what_it_has_heard_since() {
    let rig = Rig::awake();
    let held = || lease("g1", 1, vec![lease_of(1, 5, None)]);
    rig.hear(held());
    rig.pass(SECOND);
    rig.give(Input::Gap);
    assert_eq!(ask_later(&rig, 1), None);
    rig.hear(held());
    assert_eq!(ask_later(&rig, 1).map(|answer| answer.stamp), Some(Stamp(5)));
}
