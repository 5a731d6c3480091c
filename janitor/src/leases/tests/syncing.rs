//! What starting nodes are answered, and what this one learns.

use super::*;

#[test]
fn a_starting_janitor_asks_again_each_period_until_it_is_answered() {
    let asks = |effects: Vec<Effect>| effects.iter().filter(|it| **it == Effect::AskSync).count();
    let rig = Rig::starting(policy());
    assert_eq!(rig.give(Input::Tick), [Effect::AskSync]);
    assert_eq!(asks(rig.pass(limits::RENEWAL)), 1);
    rig.give(Input::Learned(SyncAnswer::default()));
    rig.give(Input::Gap);
    assert_eq!(asks(rig.pass(SECOND)), 1);
    rig.give(Input::Learned(SyncAnswer { last: true, ..SyncAnswer::default() }));
    assert_eq!(asks(rig.pass(SILENCE)), 0);
    rig.give(Input::Gap);
    assert_eq!(asks(rig.pass(SILENCE * 2)), 2, "nobody answers: it has learned enough by itself by then");
}

#[test]
fn it_answers_others_once_it_knows_enough_and_itself_never() {
    let rig = Rig::starting(policy());
    let from = |name| Message::Sync { from: node(name) };
    assert_eq!(rig.receive(from("g1")), []);
    rig.give(Input::Learned(SyncAnswer { last: true, ..SyncAnswer::default() }));
    assert_eq!(rig.receive(from("g1")), [Effect::AnswerSync]);
    assert_eq!(rig.receive(from("j2")), []);
    let lonely = Rig::awake();
    assert_eq!(lonely.receive(from("g1")), [Effect::AnswerSync]);
}

#[test]
fn another_janitor_learns_what_it_answers() {
    let (rig, other) = (Rig::awake(), Rig::starting(policy()));
    let key = public(1, rig.now() + ROTATION);
    rig.receive(announced(key));
    (0..limits::BATCH as u64).for_each(|n| {
        rig.receive(revoked(n));
    });
    (0..limits::BATCH as u64 * 2).for_each(|n| {
        rig.receive(ended(room(n), EndReason::Reported));
    });
    rig.pass(100 * SECOND);
    let batches = rig.sync();
    assert_eq!(batches.len(), 5, "keys have a batch of their own");
    for batch in &batches {
        assert!(batch.keys.len() + batch.revoked.len() + batch.ended.len() <= limits::BATCH);
        assert!(schemas::codec::encode(batch).is_ok(), "it fits into a message");
    }
    batches.into_iter().for_each(|batch| {
        other.give(Input::Learned(batch));
    });
    assert_eq!(other.sync(), rig.sync());
    let joined = peer(room(7), RoomEvent::Joined(attachment(1)));
    assert_eq!(other.receive(joined), [publishes_ended(room(7), EndReason::Reported)]);
    other.pass(TOKEN_LIFE + limits::LEEWAY - 98 * SECOND);
    assert_eq!((other.counts().revoked, other.counts().ended), (0, 0), "no longer than the first would have");
}

#[test]
fn nobody_can_make_it_remember_for_longer_than_the_life_of_a_token() {
    let rig = Rig::awake();
    let ended = vec![(room(1), EndReason::Left, u64::MAX)];
    let revoked = vec![(session(1), u64::MAX)];
    rig.give(Input::Learned(SyncAnswer { ended, revoked, ..SyncAnswer::default() }));
    rig.receive(session_event(2, SessionEvent::Revoked { remaining: std::time::Duration::MAX }));
    assert_eq!((rig.counts().ended, rig.counts().revoked), (1, 2));
    rig.pass(TOKEN_LIFE + limits::LEEWAY + SECOND);
    assert_eq!((rig.counts().ended, rig.counts().revoked), (0, 2));
    rig.pass(TOKEN_LIFE);
    assert_eq!((rig.counts().ended, rig.counts().revoked), (0, 0));
}
