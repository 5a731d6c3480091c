//! Who meets whom.

use super::*;

#[test]
fn two_who_fit_are_told_at_both_gateways() {
    let mut hall = Hall::open();
    hall.waits("g1", want(1));
    hall.says(&[]);
    hall.waits("g2", want(2));
    hall.says(&[pair("g1", (1, "g1"), (2, "g2")), pair("g2", (1, "g1"), (2, "g2"))]);
    assert_eq!((hall.pool.waiting(), hall.pool.tally().matches), (0, 1));
}

#[test]
fn two_on_one_gateway_are_told_in_one_message() {
    let mut hall = Hall::open();
    hall.waits("g1", want(2));
    hall.waits("g1", want(1));
    hall.says(&[pair("g1", (1, "g1"), (2, "g1"))]);
}

#[test]
fn only_who_named_the_same_topic_or_code_meets() {
    let mut hall = Hall::open();
    let queues = [
        Queue::Anyone,
        Queue::Topic([1; 16]),
        Queue::Topic([2; 16]),
        Queue::Invite([1; 16]),
        Queue::Invite([2; 16]),
    ];
    for (n, queue) in (1..).zip(queues) {
        hall.waits("g1", Want { queue, ..want(n) });
    }
    hall.says(&[]);
    hall.waits("g1", Want { queue: Queue::Invite([1; 16]), ..want(9) });
    hall.says(&[pair("g1", (4, "g1"), (9, "g1"))]);
}

#[test]
fn who_seeks_meets_only_who_offers_and_who_is_neither_only_the_like() {
    let roles = [None, Some(Role::Seek), Some(Role::Offer)];
    for one in roles {
        for other in roles {
            let mut hall = Hall::open();
            hall.waits("g1", Want { role: one, ..want(1) });
            hall.waits("g1", Want { role: other, ..want(2) });
            let fits = one == other.map(Role::counterpart);
            assert_eq!(hall.pool.take_effects().len(), usize::from(fits), "{one:?} {other:?}");
        }
    }
}

#[test]
fn nobody_meets_oneself() {
    let mut hall = Hall::open();
    hall.waits("g1", want(1));
    hall.waits("g2", Want { id: id(2), stamp: Stamp(2), ..want(1) });
    hall.says(&[]);
    assert_eq!(hall.pool.waiting(), 1);
}

#[test]
fn whoever_has_waited_longest_is_first() {
    let mut hall = Hall::open();
    let seek = |n, secs| Want { role: Some(Role::Seek), age: Duration::from_secs(secs), ..want(n) };
    for seeker in [seek(1, 5), seek(2, 60), seek(3, 30)] {
        hall.waits("g1", seeker);
    }
    for (offer, seeker) in [(11, 2), (12, 3), (13, 1)] {
        hall.waits("g1", Want { role: Some(Role::Offer), ..want(offer) });
        hall.says(&[pair("g1", (seeker, "g1"), (offer, "g1"))]);
    }
}

#[test]
fn of_two_who_came_at_once_the_lower_id_is_first() {
    let mut hall = Hall::open();
    for n in [3, 2, 4] {
        hall.waits("g1", Want { role: Some(Role::Seek), ..want(n) });
    }
    hall.waits("g1", Want { role: Some(Role::Offer), ..want(9) });
    hall.says(&[pair("g1", (2, "g1"), (9, "g1"))]);
}

#[test]
fn two_languages_are_kept_apart_until_either_has_waited_long_enough() {
    let mut hall = Hall::open();
    hall.waits("g1", speaking(1, "ko"));
    hall.pass(Duration::from_secs(4));
    hall.waits("g1", speaking(1, "ko"));
    hall.waits("g2", speaking(2, "en"));
    hall.pass(LANGUAGE_PATIENCE - Duration::from_secs(4) - MOMENT);
    hall.says(&[]);
    hall.pass(MOMENT);
    hall.says(&[pair("g1", (1, "g1"), (2, "g2")), pair("g2", (1, "g1"), (2, "g2"))]);
}

#[test]
fn of_those_who_open_in_one_tick_the_longest_waiting_goes_first() {
    let mut hall = Hall::open();
    let wants = [
        Want { role: Some(Role::Offer), ..speaking(1, "ko") },
        Want { role: Some(Role::Offer), age: MOMENT, ..speaking(2, "ko") },
        Want { role: Some(Role::Seek), ..speaking(3, "en") },
    ];
    wants.iter().for_each(|want| hall.waits("g1", want.clone()));
    // No tick comes for so long that all three are to be looked at, by the order of their ids.
    hall.now += WANT_SILENCE - MOMENT;
    wants.iter().for_each(|want| hall.waits("g1", want.clone()));
    hall.says(&[]);
    hall.now = START;
    hall.pass(LANGUAGE_PATIENCE);
    hall.says(&[pair("g1", (2, "g1"), (3, "g1"))]);
}

#[test]
fn whoever_comes_after_long_patience_meets_another_language_at_once() {
    let mut hall = Hall::open();
    hall.waits("g1", Want { age: LANGUAGE_PATIENCE, ..speaking(1, "ko") });
    hall.waits("g1", speaking(2, "en"));
    hall.says(&[pair("g1", (1, "g1"), (2, "g1"))]);
}

#[test]
fn a_language_meets_itself_and_none_meets_any() {
    let mut hall = Hall::open();
    hall.waits("g1", speaking(1, "pt-BR"));
    hall.waits("g1", speaking(2, "en"));
    hall.waits("g1", speaking(3, "pt"));
    hall.says(&[pair("g1", (1, "g1"), (3, "g1"))]);
    hall.waits("g1", want(4));
    hall.says(&[pair("g1", (2, "g1"), (4, "g1"))]);
}

#[test]
fn two_who_remember_one_room_do_not_meet_until_one_forgets_it() {
    let mut hall = Hall::open();
    hall.waits("g1", with_tags(1, &[7, 8]));
    hall.waits("g1", with_tags(2, &[8, 9]));
    hall.says(&[]);
    hall.pass(WANT_REPEAT);
    hall.waits("g1", with_tags(1, &[7, 8]));
    hall.says(&[]);
    hall.waits("g1", with_tags(2, &[9]));
    hall.says(&[pair("g1", (1, "g1"), (2, "g1"))]);
}

#[test]
fn whoever_may_not_meet_the_first_meets_the_next() {
    let mut hall = Hall::open();
    hall.waits("g1", with_tags(1, &[1, 2]));
    hall.waits("g1", with_tags(2, &[2, 1]));
    hall.waits("g1", with_tags(3, &[1]));
    hall.says(&[]);
    hall.waits("g1", with_tags(4, &[2]));
    hall.says(&[pair("g1", (3, "g1"), (4, "g1"))]);
}
