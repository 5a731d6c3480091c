//! What the pool believes, and for how long: repetition, loss, silence, spent invites, take-over.

use super::*;

#[test]
fn a_new_want_of_a_session_replaces_the_old_one() {
    let mut hall = Hall::open();
    hall.waits("g1", want(1));
    let topic = Queue::Topic([1; 16]);
    hall.waits("g1", Want { id: id(2), queue: topic, ..want(1) });
    hall.waits("g1", want(1));
    hall.waits("g1", want(3));
    hall.says(&[]);
    hall.waits("g1", Want { queue: topic, ..want(4) });
    hall.says(&[pair("g1", (2, "g1"), (4, "g1"))]);
}

#[test]
fn the_want_of_an_older_attachment_does_not_count() {
    let mut hall = Hall::open();
    hall.waits("g2", Want { stamp: Stamp(5), ..want(1) });
    hall.waits("g1", Want { id: id(2), stamp: Stamp(4), queue: Queue::Topic([1; 16]), ..want(1) });
    hall.waits("g1", want(3));
    hall.says(&[pair("g2", (1, "g2"), (3, "g1")), pair("g1", (1, "g2"), (3, "g1"))]);
}

#[test]
fn whoever_withdraws_is_not_matched_and_a_late_repetition_changes_nothing() {
    let mut hall = Hall::open();
    hall.waits("g1", want(1));
    hall.withdraws("g1", 1);
    hall.waits("g1", want(1));
    hall.waits("g2", want(2));
    hall.says(&[]);
    assert_eq!(hall.pool.waiting(), 1);
}

#[test]
fn a_withdrawal_that_overtakes_its_want_counts() {
    let mut hall = Hall::open();
    hall.withdraws("g1", 1);
    hall.waits("g1", want(1));
    assert_eq!(hall.pool.waiting(), 0);
}

#[test]
fn only_the_gateway_that_holds_a_want_withdraws_or_repeats_it() {
    let mut hall = Hall::open();
    hall.waits("g1", with_tags(1, &[1]));
    hall.waits("g1", with_tags(2, &[1]));
    hall.withdraws("g9", 1);
    hall.waits("g9", want(1));
    hall.says(&[]);
    hall.pass(Duration::from_secs(5));
    hall.waits("g9", want(1));
    hall.waits("g1", with_tags(2, &[1]));
    hall.pass(Duration::from_secs(2));
    assert_eq!(hall.pool.waiting(), 1, "what g9 said kept the want of g1 alive");
}

#[test]
fn whom_nobody_repeats_is_dropped() {
    let mut hall = Hall::open();
    hall.waits("g1", want(1));
    hall.pass(WANT_REPEAT);
    hall.waits("g1", want(1));
    hall.pass(WANT_SILENCE - MOMENT);
    assert_eq!(hall.pool.waiting(), 1);
    hall.pass(MOMENT);
    assert_eq!((hall.pool.waiting(), hall.pool.tally().silent), (0, 1));
    assert_eq!(hall.pool.next_deadline(), None);
}

#[test]
fn after_a_gap_silence_counts_from_the_gap() {
    let mut hall = Hall::open();
    hall.waits("g1", want(1));
    hall.now += WANT_SILENCE * 2;
    hall.pool.pardon(hall.now);
    hall.pass(WANT_SILENCE - MOMENT);
    assert_eq!(hall.pool.waiting(), 1);
    hall.pass(MOMENT);
    assert_eq!(hall.pool.waiting(), 0);
}

#[test]
fn the_wants_of_a_dead_gateway_are_dropped_and_return_with_their_age() {
    let mut hall = Hall::open();
    let seek = |n, age| Want { role: Some(Role::Seek), age, ..want(n) };
    hall.waits("g1", seek(1, Duration::from_secs(9)));
    hall.waits("g2", seek(2, Duration::ZERO));
    hall.pool.forget_node(hall.now, &node("g1"));
    assert_eq!(hall.pool.waiting(), 1);
    hall.waits("g1", seek(1, Duration::from_secs(9)));
    hall.waits("g2", Want { role: Some(Role::Offer), ..want(3) });
    hall.says(&[pair("g1", (1, "g1"), (3, "g2")), pair("g2", (1, "g1"), (3, "g2"))]);
}

#[test]
fn a_lost_match_is_said_again_to_the_gateway_that_repeats_its_want() {
    let mut hall = Hall::open();
    hall.waits("g1", want(1));
    hall.waits("g2", want(2));
    assert_eq!(hall.pool.take_effects().len(), 2);
    hall.now += MATCH_REPEAT - MOMENT;
    hall.waits("g1", want(1));
    hall.says(&[]);
    hall.now += MOMENT;
    hall.waits("g1", want(1));
    hall.waits("g1", want(1));
    hall.says(&[pair("g1", (1, "g1"), (2, "g2"))]);
    // The other side has heard it, and its repetition is not missed.
    hall.withdraws("g2", 2);
    hall.now += MATCH_REPEAT;
    hall.waits("g1", want(1));
    hall.says(&[pair("g1", (1, "g1"), (2, "g2"))]);
    assert_eq!(hall.pool.tally(), Tally { matches: 1, repeated: 2, ..Tally::default() });
}

#[test]
fn a_lost_match_within_one_gateway_is_said_again_once() {
    let mut hall = Hall::open();
    hall.waits("g1", want(1));
    hall.waits("g1", want(2));
    assert_eq!(hall.pool.take_effects().len(), 1);
    hall.now += WANT_REPEAT;
    hall.pool.apply(hall.now, &node("g1"), WantEvent::Waiting(vec![want(1), want(2)]));
    hall.says(&[pair("g1", (1, "g1"), (2, "g1"))]);
}

#[test]
fn no_other_gateway_keeps_a_lost_match_from_being_said_again() {
    let mut hall = Hall::open();
    hall.waits("g1", want(1));
    hall.waits("g2", want(2));
    hall.pool.take_effects();
    hall.withdraws("g2", 1);
    hall.now += WANT_REPEAT;
    hall.waits("g2", want(1));
    hall.says(&[]);
    hall.waits("g1", want(1));
    hall.says(&[pair("g1", (1, "g1"), (2, "g2"))]);
}

#[test]
fn nobody_waits_for_ever_because_of_a_match_that_is_never_heard() {
    let mut hall = Hall::open();
    hall.waits("g1", want(1));
    hall.waits("g2", want(2));
    hall.withdraws("g2", 2);
    hall.pool.take_effects();
    hall.now += WANT_FORGET;
    hall.waits("g1", Want { age: WANT_FORGET, ..want(1) });
    hall.says(&[]);
    hall.waits("g3", want(3));
    hall.says(&[pair("g1", (1, "g1"), (3, "g3")), pair("g3", (1, "g1"), (3, "g3"))]);
}

#[test]
fn whoever_was_matched_with_a_want_of_a_dead_gateway_waits_again_at_once() {
    let mut hall = Hall::open();
    hall.waits("g1", want(1));
    hall.waits("g2", want(2));
    hall.pool.take_effects();
    hall.pool.forget_node(hall.now, &node("g1"));
    hall.waits("g2", want(2));
    hall.says(&[]);
    hall.waits("g3", want(3));
    hall.says(&[pair("g2", (2, "g2"), (3, "g3")), pair("g3", (2, "g2"), (3, "g3"))]);
}

#[test]
fn the_third_with_a_code_waits_until_the_first_two_have_met() {
    let mut hall = Hall::open();
    let code = |n| Want { queue: invite(1), ..want(n) };
    hall.waits("g1", code(1));
    hall.waits("g2", code(2));
    assert_eq!(hall.pool.take_effects().len(), 2);
    hall.waits("g3", code(3));
    hall.says(&[]);
    hall.meets(invite(1));
    hall.says(&[spent("g3", 3)]);
    assert_eq!(hall.pool.waiting(), 0);
}

#[test]
fn whoever_brings_a_spent_code_is_told_and_told_again() {
    let mut hall = Hall::open();
    let code = |n| Want { queue: invite(1), ..want(n) };
    hall.meets(invite(1));
    hall.waits("g1", code(1));
    hall.says(&[spent("g1", 1)]);
    hall.now += WANT_REPEAT;
    hall.waits("g1", code(1));
    hall.says(&[spent("g1", 1)]);
    hall.waits("g1", Want { queue: invite(2), ..want(2) });
    hall.says(&[]);
}

#[test]
fn a_spent_code_is_remembered_for_a_day() {
    let mut hall = Hall::open();
    hall.meets(invite(1));
    hall.pass(SPENT_LIFE - MOMENT);
    hall.waits("g1", Want { queue: invite(1), ..want(1) });
    hall.says(&[spent("g1", 1)]);
    hall.meets(invite(1));
    hall.pass(MOMENT);
    hall.waits("g1", Want { queue: invite(1), ..want(2) });
    hall.says(&[]);
}

#[test]
fn all_who_wait_with_a_code_hear_that_it_is_spent() {
    let mut hall = Hall::open();
    let code = |n, role| Want { queue: invite(1), role, ..want(n) };
    hall.waits("g1", code(1, None));
    hall.waits("g2", Want { language: Some("ko".parse().unwrap()), ..code(2, Some(Role::Seek)) });
    hall.waits("g3", code(3, Some(Role::Seek)));
    hall.meets(invite(1));
    let mut told = hall.pool.take_effects();
    told.sort_by(|one, other| one.to.cmp(&other.to));
    assert_eq!(told, [spent("g1", 1), spent("g2", 2), spent("g3", 3)]);
}

#[test]
fn a_topic_cannot_be_spent() {
    let mut hall = Hall::open();
    hall.meets(Queue::Topic([1; 16]));
    hall.meets(Queue::Anyone);
    hall.waits("g1", Want { queue: Queue::Topic([1; 16]), ..want(1) });
    hall.waits("g1", want(2));
    hall.says(&[]);
}

#[test]
fn a_silent_pool_folds_and_says_nothing() {
    let mut hall = Hall::silent();
    hall.waits("g1", want(1));
    hall.waits("g2", want(2));
    hall.waits("g3", Want { queue: invite(1), ..want(3) });
    hall.meets(invite(1));
    hall.pass(WANT_REPEAT);
    hall.says(&[]);
    assert_eq!(hall.pool.waiting(), 3);
}

#[test]
fn whoever_takes_over_matches_those_who_wait_and_not_those_who_have_left() {
    let mut hall = Hall::silent();
    for n in [1, 2, 3] {
        hall.waits("g1", want(n));
    }
    hall.withdraws("g1", 1);
    hall.waits("g3", Want { queue: invite(1), ..want(4) });
    hall.meets(invite(1));
    hall.lead();
    hall.says(&[pair("g1", (2, "g1"), (3, "g1")), spent("g3", 4)]);
    assert_eq!(hall.pool.waiting(), 0);
}

#[test]
fn a_take_over_of_many_is_done_in_steps_and_misses_nobody() {
    let mut hall = Hall::silent();
    let many = 3 * STEPS as u32;
    for n in 0..many {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        let language = (n % 3 == 0).then(|| "ko".parse().unwrap());
        let session = SessionId::from_random(bytes);
        let want = Want { id: WantId::from_bytes(bytes), session, language, ..want(0) };
        hall.waits("g1", want);
    }
    hall.pool.speak();
    hall.pool.tick(hall.now);
    assert!(hall.pool.waiting() > 0, "one tick did it all");
    hall.settle();
    assert_eq!((hall.pool.waiting(), hall.pool.take_effects().len()), (0, many as usize / 2));
}

#[test]
fn whoever_speaks_no_longer_leaves_those_it_matched_to_its_successor() {
    let mut hall = Hall::open();
    hall.waits("g1", want(1));
    hall.waits("g2", want(2));
    hall.withdraws("g1", 1);
    hall.pool.take_effects();
    hall.pool.hush();
    hall.waits("g1", want(1));
    hall.waits("g2", want(2));
    assert_eq!(hall.pool.waiting(), 1, "only who has not withdrawn waits");
    hall.waits("g3", want(3));
    hall.says(&[]);
    hall.lead();
    hall.says(&[pair("g2", (2, "g2"), (3, "g3")), pair("g3", (2, "g2"), (3, "g3"))]);
}

#[test]
fn a_want_with_more_tags_than_a_session_has_is_refused() {
    let mut hall = Hall::open();
    let tags: Vec<u8> = (0..=(MET_TAGS + REPORTED_TAGS) as u8).collect();
    hall.waits("g1", with_tags(1, &tags));
    assert_eq!((hall.pool.waiting(), hall.pool.tally().refused), (0, 1));
    hall.waits("g1", with_tags(1, &tags[1..]));
    assert_eq!(hall.pool.waiting(), 1);
}

#[test]
fn no_age_is_beyond_a_session_s_life() {
    let mut hall = Hall::open();
    let seek = |n, age| Want { role: Some(Role::Seek), age, ..want(n) };
    hall.waits("g1", seek(2, Duration::MAX));
    hall.waits("g1", seek(1, schemas::limits::SESSION_LIFE));
    hall.waits("g1", Want { role: Some(Role::Offer), ..want(3) });
    hall.says(&[pair("g1", (1, "g1"), (3, "g1"))]);
}

#[test]
fn what_is_remembered_is_freed() {
    let mut hall = Hall::open();
    hall.waits("g1", want(1));
    hall.waits("g1", want(2));
    hall.withdraws("g1", 3);
    hall.pass(WANT_FORGET - MOMENT);
    assert_eq!(hall.pool.memory.len(), 3);
    hall.pass(MOMENT);
    assert_eq!(hall.pool.memory.len(), 0);
}
