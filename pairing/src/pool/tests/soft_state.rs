//! What the pool remembers, and for how long: repetition, loss, silence, spent invites, take-over.

use super::*;

#[test]
fn a_new_want_of_a_session_replaces_the_old_one() {
    let mut rig = Rig::active();
    rig.waits("g1", want(1));
    let topic = Queue::Topic([1; 16]);
    rig.waits("g1", Want { id: id(2), queue: topic, ..want(1) });
    rig.waits("g1", want(1));
    rig.waits("g1", want(3));
    rig.sends(&[]);
    rig.waits("g1", Want { queue: topic, ..want(4) });
    rig.sends(&[pair("g1", (2, "g1"), (4, "g1"))]);
}

#[test]
fn the_want_of_an_older_attachment_does_not_count() {
    let mut rig = Rig::active();
    rig.waits("g2", Want { stamp: Stamp(5), ..want(1) });
    rig.waits("g1", Want { id: id(2), stamp: Stamp(4), queue: Queue::Topic([1; 16]), ..want(1) });
    rig.waits("g1", want(3));
    rig.sends(&[pair("g2", (1, "g2"), (3, "g1")), pair("g1", (1, "g2"), (3, "g1"))]);
}

#[test]
fn a_withdrawn_want_is_not_matched_and_a_late_repetition_changes_nothing() {
    let mut rig = Rig::active();
    rig.waits("g1", want(1));
    rig.withdraws("g1", 1);
    rig.waits("g1", want(1));
    rig.waits("g2", want(2));
    rig.sends(&[]);
    assert_eq!(rig.pool.waiting(), 1);
}

#[test]
fn a_withdrawal_that_overtakes_its_want_counts() {
    let mut rig = Rig::active();
    rig.withdraws("g1", 1);
    rig.waits("g1", want(1));
    assert_eq!(rig.pool.waiting(), 0);
}

#[test]
fn only_the_gateway_that_holds_a_want_withdraws_or_repeats_it() {
    let mut rig = Rig::active();
    rig.waits("g1", with_tags(1, &[1]));
    rig.waits("g1", with_tags(2, &[1]));
    rig.withdraws("g9", 1);
    rig.waits("g9", want(1));
    rig.sends(&[]);
    rig.pass(Duration::from_secs(5));
    rig.waits("g9", want(1));
    rig.waits("g1", with_tags(2, &[1]));
    rig.pass(Duration::from_secs(2));
    assert_eq!(rig.pool.waiting(), 1, "what g9 published kept the want of g1");
}

#[test]
fn a_want_that_nobody_repeats_is_dropped() {
    let mut rig = Rig::active();
    rig.waits("g1", want(1));
    rig.pass(WANT_REPEAT);
    rig.waits("g1", want(1));
    rig.pass(WANT_SILENCE - MOMENT);
    assert_eq!(rig.pool.waiting(), 1);
    rig.pass(MOMENT);
    assert_eq!((rig.pool.waiting(), rig.pool.counts().silent), (0, 1));
    assert_eq!(rig.pool.next_deadline(), None);
}

#[test]
fn after_a_gap_silence_counts_from_the_gap() {
    let mut rig = Rig::active();
    rig.waits("g1", want(1));
    rig.now += WANT_SILENCE * 2;
    rig.pool.renew_all(rig.now);
    rig.pass(WANT_SILENCE - MOMENT);
    assert_eq!(rig.pool.waiting(), 1);
    rig.pass(MOMENT);
    assert_eq!(rig.pool.waiting(), 0);
}

#[test]
fn the_wants_of_a_lost_gateway_are_dropped_and_return_with_their_age() {
    let mut rig = Rig::active();
    let seek = |n, age| Want { role: Some(Role::Seek), age, ..want(n) };
    rig.waits("g1", seek(1, Duration::from_secs(9)));
    rig.waits("g2", seek(2, Duration::ZERO));
    rig.pool.forget_node(rig.now, &node("g1"));
    assert_eq!(rig.pool.waiting(), 1);
    rig.waits("g1", seek(1, Duration::from_secs(9)));
    rig.waits("g2", Want { role: Some(Role::Offer), ..want(3) });
    rig.sends(&[pair("g1", (1, "g1"), (3, "g2")), pair("g2", (1, "g1"), (3, "g2"))]);
}

#[test]
fn a_lost_match_is_repeated_to_the_gateway_that_repeats_its_want() {
    let mut rig = Rig::active();
    rig.waits("g1", want(1));
    rig.waits("g2", want(2));
    assert_eq!(rig.pool.take_effects().len(), 2);
    rig.now += MATCH_REPEAT - MOMENT;
    rig.waits("g1", want(1));
    rig.sends(&[]);
    rig.now += MOMENT;
    rig.waits("g1", want(1));
    rig.waits("g1", want(1));
    rig.sends(&[pair("g1", (1, "g1"), (2, "g2"))]);
    // The other side has received it, and does not repeat its want.
    rig.withdraws("g2", 2);
    rig.now += MATCH_REPEAT;
    rig.waits("g1", want(1));
    rig.sends(&[pair("g1", (1, "g1"), (2, "g2"))]);
    assert_eq!(rig.pool.counts(), PoolCounts { matches: 1, repeated: 2, ..PoolCounts::default() });
}

#[test]
fn a_lost_match_within_one_gateway_is_repeated_once() {
    let mut rig = Rig::active();
    rig.waits("g1", want(1));
    rig.waits("g1", want(2));
    assert_eq!(rig.pool.take_effects().len(), 1);
    rig.now += WANT_REPEAT;
    rig.pool.apply(rig.now, &node("g1"), WantEvent::Waiting(vec![want(1), want(2)]));
    rig.sends(&[pair("g1", (1, "g1"), (2, "g1"))]);
}

#[test]
fn no_other_gateway_prevents_the_repetition_of_a_lost_match() {
    let mut rig = Rig::active();
    rig.waits("g1", want(1));
    rig.waits("g2", want(2));
    rig.pool.take_effects();
    rig.withdraws("g2", 1);
    rig.now += WANT_REPEAT;
    rig.waits("g2", want(1));
    rig.sends(&[]);
    rig.waits("g1", want(1));
    rig.sends(&[pair("g1", (1, "g1"), (2, "g2"))]);
}

#[test]
fn nobody_waits_for_ever_because_of_a_match_that_is_never_received() {
    let mut rig = Rig::active();
    rig.waits("g1", want(1));
    rig.waits("g2", want(2));
    rig.withdraws("g2", 2);
    rig.pool.take_effects();
    rig.now += WANT_FORGET;
    rig.waits("g1", Want { age: WANT_FORGET, ..want(1) });
    rig.sends(&[]);
    rig.waits("g3", want(3));
    rig.sends(&[pair("g1", (1, "g1"), (3, "g3")), pair("g3", (1, "g1"), (3, "g3"))]);
}

#[test]
fn a_want_that_was_matched_with_one_of_a_lost_gateway_waits_again_at_once() {
    let mut rig = Rig::active();
    rig.waits("g1", want(1));
    rig.waits("g2", want(2));
    rig.pool.take_effects();
    rig.pool.forget_node(rig.now, &node("g1"));
    rig.waits("g2", want(2));
    rig.sends(&[]);
    rig.waits("g3", want(3));
    rig.sends(&[pair("g2", (2, "g2"), (3, "g3")), pair("g3", (2, "g2"), (3, "g3"))]);
}

#[test]
fn the_third_with_a_code_waits_until_the_first_two_have_met() {
    let mut rig = Rig::active();
    let code = |n| Want { queue: invite(1), ..want(n) };
    rig.waits("g1", code(1));
    rig.waits("g2", code(2));
    assert_eq!(rig.pool.take_effects().len(), 2);
    rig.waits("g3", code(3));
    rig.sends(&[]);
    rig.meets(invite(1));
    rig.sends(&[spent("g3", 3)]);
    assert_eq!(rig.pool.waiting(), 0);
}

#[test]
fn a_want_with_a_spent_code_is_refused_each_time_it_is_repeated() {
    let mut rig = Rig::active();
    let code = |n| Want { queue: invite(1), ..want(n) };
    rig.meets(invite(1));
    rig.waits("g1", code(1));
    rig.sends(&[spent("g1", 1)]);
    rig.now += WANT_REPEAT;
    rig.waits("g1", code(1));
    rig.sends(&[spent("g1", 1)]);
    rig.waits("g1", Want { queue: invite(2), ..want(2) });
    rig.sends(&[]);
}

#[test]
fn a_spent_code_is_remembered_for_a_day() {
    let mut rig = Rig::active();
    rig.meets(invite(1));
    rig.pass(SPENT_LIFE - MOMENT);
    rig.waits("g1", Want { queue: invite(1), ..want(1) });
    rig.sends(&[spent("g1", 1)]);
    rig.meets(invite(1));
    rig.pass(MOMENT);
    rig.waits("g1", Want { queue: invite(1), ..want(2) });
    rig.sends(&[]);
}

#[test]
fn all_who_wait_with_a_code_are_told_that_it_is_spent() {
    let mut rig = Rig::active();
    let code = |n, role| Want { queue: invite(1), role, ..want(n) };
    rig.waits("g1", code(1, None));
    rig.waits("g2", Want { language: Some("ko".parse().unwrap()), ..code(2, Some(Role::Seek)) });
    rig.waits("g3", code(3, Some(Role::Seek)));
    rig.meets(invite(1));
    let mut sent = rig.pool.take_effects();
    sent.sort_by(|one, other| one.to.cmp(&other.to));
    assert_eq!(sent, [spent("g1", 1), spent("g2", 2), spent("g3", 3)]);
}

#[test]
fn a_topic_cannot_be_spent() {
    let mut rig = Rig::active();
    rig.meets(Queue::Topic([1; 16]));
    rig.meets(Queue::Anyone);
    rig.waits("g1", Want { queue: Queue::Topic([1; 16]), ..want(1) });
    rig.waits("g1", want(2));
    rig.sends(&[]);
}

#[test]
fn a_pool_on_standby_collects_wants_and_sends_nothing() {
    let mut rig = Rig::standby();
    rig.waits("g1", want(1));
    rig.waits("g2", want(2));
    rig.waits("g3", Want { queue: invite(1), ..want(3) });
    rig.meets(invite(1));
    rig.pass(WANT_REPEAT);
    rig.sends(&[]);
    assert_eq!(rig.pool.waiting(), 3);
}

#[test]
fn a_take_over_matches_the_waiting_and_not_the_withdrawn() {
    let mut rig = Rig::standby();
    for n in [1, 2, 3] {
        rig.waits("g1", want(n));
    }
    rig.withdraws("g1", 1);
    rig.waits("g3", Want { queue: invite(1), ..want(4) });
    rig.meets(invite(1));
    rig.activate();
    rig.sends(&[pair("g1", (2, "g1"), (3, "g1")), spent("g3", 4)]);
    assert_eq!(rig.pool.waiting(), 0);
}

#[test]
fn a_take_over_of_many_is_done_in_steps_and_misses_nobody() {
    let mut rig = Rig::standby();
    let many = 3 * STEPS as u32;
    for n in 0..many {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        let language = (n % 3 == 0).then(|| "ko".parse().unwrap());
        let session = SessionId::from_random(bytes);
        let want = Want { id: WantId::from_bytes(bytes), session, language, ..want(0) };
        rig.waits("g1", want);
    }
    rig.pool.activate();
    rig.pool.tick(rig.now);
    assert!(rig.pool.waiting() > 0, "one tick did it all");
    rig.settle();
    assert_eq!((rig.pool.waiting(), rig.pool.take_effects().len()), (0, many as usize / 2));
}

#[test]
fn a_pool_that_stands_by_leaves_its_matches_to_its_successor() {
    let mut rig = Rig::active();
    rig.waits("g1", want(1));
    rig.waits("g2", want(2));
    rig.withdraws("g1", 1);
    rig.pool.take_effects();
    rig.pool.stand_by();
    rig.waits("g1", want(1));
    rig.waits("g2", want(2));
    assert_eq!(rig.pool.waiting(), 1, "only the want that was not withdrawn waits");
    rig.waits("g3", want(3));
    rig.sends(&[]);
    rig.activate();
    rig.sends(&[pair("g2", (2, "g2"), (3, "g3")), pair("g3", (2, "g2"), (3, "g3"))]);
}

#[test]
fn a_want_with_more_tags_than_a_session_has_is_refused() {
    let mut rig = Rig::active();
    let tags: Vec<u8> = (0..=(MET_TAGS + REPORTED_TAGS) as u8).collect();
    let reported: Vec<Tag> = (0..=REPORTED_TAGS as u8).map(tag).collect();
    rig.waits("g1", with_tags(1, &tags));
    rig.waits("g1", Want { reported: reported.clone(), ..want(1) });
    assert_eq!((rig.pool.waiting(), rig.pool.counts().refused), (0, 2));
    rig.waits("g1", Want { reported: reported[1..].to_vec(), ..with_tags(1, &tags[1..]) });
    assert_eq!(rig.pool.waiting(), 1);
}

#[test]
fn no_age_is_beyond_a_session_s_life() {
    let mut rig = Rig::active();
    let seek = |n, age| Want { role: Some(Role::Seek), age, ..want(n) };
    rig.waits("g1", seek(2, Duration::MAX));
    rig.waits("g1", seek(1, schemas::limits::SESSION_LIFE));
    rig.waits("g1", Want { role: Some(Role::Offer), ..want(3) });
    rig.sends(&[pair("g1", (1, "g1"), (3, "g1"))]);
}

#[test]
fn what_is_remembered_is_freed() {
    let mut rig = Rig::active();
    rig.waits("g1", want(1));
    rig.waits("g1", want(2));
    rig.withdraws("g1", 3);
    rig.pass(WANT_FORGET - MOMENT);
    assert_eq!(rig.pool.outcomes.len(), 3);
    rig.pass(MOMENT);
    assert_eq!(rig.pool.outcomes.len(), 0);
}
