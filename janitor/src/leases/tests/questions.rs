//! Where a session is.

use super::*;

pub(super) fn ask(rig: &Rig, n: u64) -> Option<SessionAnswer> {
    match rig.receive(Message::Ask { session: session(n) }).as_slice() {
        [] => None,
        [Effect::Answer(answer)] => Some(answer.clone()),
        other => panic!("{other:?}"),
    }
}

/// What it answers once every gateway has fallen silent.
fn ask_later(rig: &Rig, n: u64) -> Option<SessionAnswer> {
    rig.pass(limits::NODE_SILENCE + SECOND);
    ask(rig, n)
}

#[test]
fn about_a_session_with_a_fresh_lease_only_its_running_gateway_answers() {
    let rig = Rig::awake();
    assert_eq!(ask(&rig, 1), None, "an unknown session");
    rig.receive(lease("g1", 1, vec![lease_of(1, 5, Some(room(1)))]));
    assert_eq!(ask(&rig, 1), None);
    for _ in 0..FRESH.as_secs() {
        rig.receive(beat(Service::Gateway, "g1", 1));
        rig.pass(SECOND);
    }
    assert_eq!(ask(&rig, 1), None);
    rig.receive(beat(Service::Gateway, "g1", 1));
    rig.pass(SECOND);
    let lost =
        SessionAnswer { state: SessionState::Paired, connected: false, stamp: Stamp(5), room: Some(room(1)) };
    assert_eq!(ask(&rig, 1), Some(lost), "its lease is stale");
}

#[test]
fn with_its_gateway_lost_or_restarted_it_is_not_connected_but_its_room_is_known() {
    for restarted in [false, true] {
        let rig = Rig::awake();
        rig.receive(lease("g1", 1, vec![lease_of(1, 5, Some(room(1))), lease_of(2, 5, None)]));
        if restarted {
            rig.receive(beat(Service::Gateway, "g1", 2));
        } else {
            rig.pass(limits::NODE_SILENCE + SECOND);
        }
        let answer = ask(&rig, 1).unwrap();
        assert_eq!(
            (answer.connected, answer.state, answer.room),
            (false, SessionState::Paired, Some(room(1)))
        );
        assert_eq!(
            ask(&rig, 2).map(|answer| answer.state),
            Some(SessionState::Idle),
            "nobody is waiting there"
        );
    }
}

#[test]
fn an_ended_room_is_not_named_and_a_deleted_session_is_idle() {
    let rig = Rig::awake();
    rig.receive(lease("g1", 1, vec![lease_of(1, 5, Some(room(1)))]));
    rig.receive(ended(room(1), EndReason::Left));
    let answer = ask_later(&rig, 1).unwrap();
    assert_eq!((answer.state, answer.room), (SessionState::Idle, None));
    rig.receive(revoked(1));
    let gone = SessionAnswer { state: SessionState::Idle, connected: false, stamp: Stamp::NONE, room: None };
    assert_eq!(ask(&rig, 1), Some(gone));
}

#[test]
fn the_highest_stamp_counts_and_of_equal_ones_the_higher_gateway() {
    let rig = Rig::awake();
    rig.receive(lease("g2", 2, vec![lease_of(1, 5, Some(room(1)))]));
    rig.receive(lease("g3", 3, vec![lease_of(1, 4, None)]));
    rig.receive(lease("g1", 1, vec![lease_of(1, 5, None)]));
    assert_eq!(ask_later(&rig, 1).unwrap().room, Some(room(1)));
    rig.receive(lease("g3", 3, vec![lease_of(1, 5, None)]));
    assert_eq!(ask_later(&rig, 1).unwrap().room, None);
    rig.receive(beat(Service::Gateway, "g1", 1));
    rig.receive(session_event(1, SessionEvent::Attached { stamp: Stamp(9), node: node("g1") }));
    assert_eq!(ask_later(&rig, 1).unwrap().stamp, Stamp(9));
    rig.receive(lease("g3", 3, vec![lease_of(1, 5, None)]));
    assert_eq!(ask_later(&rig, 1).unwrap().stamp, Stamp(9), "that attachment is over");
}

#[test]
fn after_a_gap_it_trusts_only_what_it_has_received_since() {
    let rig = Rig::awake();
    let held = || lease("g1", 1, vec![lease_of(1, 5, None)]);
    rig.receive(held());
    rig.pass(SECOND);
    rig.give(Input::Gap);
    assert_eq!(ask_later(&rig, 1), None);
    rig.receive(held());
    assert_eq!(ask_later(&rig, 1).map(|answer| answer.stamp), Some(Stamp(5)));
}
