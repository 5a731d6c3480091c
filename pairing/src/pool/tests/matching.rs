//! Who is matched with whom.

use super::*;

#[test]
fn a_match_is_sent_to_both_gateways() {
    let mut rig = Rig::active();
    rig.waits("g1", want(1));
    rig.sends(&[]);
    rig.waits("g2", want(2));
    rig.sends(&[pair("g1", (1, "g1"), (2, "g2")), pair("g2", (1, "g1"), (2, "g2"))]);
    assert_eq!((rig.pool.waiting(), rig.pool.counts().matches), (0, 1));
}

#[test]
fn a_match_on_one_gateway_is_sent_in_one_message() {
    let mut rig = Rig::active();
    rig.waits("g1", want(2));
    rig.waits("g1", want(1));
    rig.sends(&[pair("g1", (1, "g1"), (2, "g1"))]);
}

#[test]
fn only_the_same_topic_or_code_is_matched() {
    let mut rig = Rig::active();
    let queues = [
        Queue::Anyone,
        Queue::Topic([1; 16]),
        Queue::Topic([2; 16]),
        Queue::Invite([1; 16]),
        Queue::Invite([2; 16]),
    ];
    for (n, queue) in (1..).zip(queues) {
        rig.waits("g1", Want { queue, ..want(n) });
    }
    rig.sends(&[]);
    rig.waits("g1", Want { queue: Queue::Invite([1; 16]), ..want(9) });
    rig.sends(&[pair("g1", (4, "g1"), (9, "g1"))]);
}

#[test]
fn seek_is_matched_only_with_offer_and_no_role_only_with_no_role() {
    let roles = [None, Some(Role::Seek), Some(Role::Offer)];
    for one in roles {
        for other in roles {
            let mut rig = Rig::active();
            rig.waits("g1", Want { role: one, ..want(1) });
            rig.waits("g1", Want { role: other, ..want(2) });
            let fits = one == other.map(Role::counterpart);
            assert_eq!(rig.pool.take_effects().len(), usize::from(fits), "{one:?} {other:?}");
        }
    }
}

#[test]
fn nobody_is_matched_with_themselves() {
    let mut rig = Rig::active();
    rig.waits("g1", want(1));
    rig.waits("g2", Want { id: id(2), stamp: Stamp(2), ..want(1) });
    rig.sends(&[]);
    assert_eq!(rig.pool.waiting(), 1);
}

#[test]
fn the_one_that_has_waited_longest_is_first() {
    let mut rig = Rig::active();
    let seek = |n, secs| Want { role: Some(Role::Seek), age: Duration::from_secs(secs), ..want(n) };
    for seeker in [seek(1, 5), seek(2, 60), seek(3, 30)] {
        rig.waits("g1", seeker);
    }
    for (offer, seeker) in [(11, 2), (12, 3), (13, 1)] {
        rig.waits("g1", Want { role: Some(Role::Offer), ..want(offer) });
        rig.sends(&[pair("g1", (seeker, "g1"), (offer, "g1"))]);
    }
}

#[test]
fn of_two_who_came_at_once_the_lower_id_is_first() {
    let mut rig = Rig::active();
    for n in [3, 2, 4] {
        rig.waits("g1", Want { role: Some(Role::Seek), ..want(n) });
    }
    rig.waits("g1", Want { role: Some(Role::Offer), ..want(9) });
    rig.sends(&[pair("g1", (2, "g1"), (9, "g1"))]);
}

#[test]
fn two_languages_are_kept_apart_until_either_has_waited_long_enough() {
    let mut rig = Rig::active();
    rig.waits("g1", speaking(1, "ko"));
    rig.pass(Duration::from_secs(4));
    rig.waits("g1", speaking(1, "ko"));
    rig.waits("g2", speaking(2, "en"));
    rig.pass(LANGUAGE_PATIENCE - Duration::from_secs(4) - MOMENT);
    rig.sends(&[]);
    rig.pass(MOMENT);
    rig.sends(&[pair("g1", (1, "g1"), (2, "g2")), pair("g2", (1, "g1"), (2, "g2"))]);
}

#[test]
fn of_filters_that_widen_in_one_tick_the_longest_waiting_goes_first() {
    let mut rig = Rig::active();
    let wants = [
        Want { role: Some(Role::Offer), ..speaking(1, "ko") },
        Want { role: Some(Role::Offer), age: MOMENT, ..speaking(2, "ko") },
        Want { role: Some(Role::Seek), ..speaking(3, "en") },
    ];
    wants.iter().for_each(|want| rig.waits("g1", want.clone()));
    // There is no tick for so long that all three are due, in the order of their ids.
    rig.now += WANT_SILENCE - MOMENT;
    wants.iter().for_each(|want| rig.waits("g1", want.clone()));
    rig.sends(&[]);
    rig.now = START;
    rig.pass(LANGUAGE_PATIENCE);
    rig.sends(&[pair("g1", (2, "g1"), (3, "g1"))]);
}

#[test]
fn a_want_that_has_waited_elsewhere_is_matched_with_another_language_at_once() {
    let mut rig = Rig::active();
    rig.waits("g1", Want { age: LANGUAGE_PATIENCE, ..speaking(1, "ko") });
    rig.waits("g1", speaking(2, "en"));
    rig.sends(&[pair("g1", (1, "g1"), (2, "g1"))]);
}

#[test]
fn a_language_is_matched_with_itself_and_none_with_any() {
    let mut rig = Rig::active();
    rig.waits("g1", speaking(1, "pt-BR"));
    rig.waits("g1", speaking(2, "en"));
    rig.waits("g1", speaking(3, "pt"));
    rig.sends(&[pair("g1", (1, "g1"), (3, "g1"))]);
    rig.waits("g1", want(4));
    rig.sends(&[pair("g1", (2, "g1"), (4, "g1"))]);
}

#[test]
fn two_versions_of_the_channel_never_meet() {
    let first = |n| Want { channel: ChannelVersion::FIRST, ..want(n) };
    let mut rig = Rig::active();
    rig.waits("g1", first(1));
    rig.waits("g2", want(2));
    rig.pass(WANT_REPEAT);
    rig.sends(&[]);
    rig.waits("g1", first(3));
    rig.sends(&[pair("g1", (1, "g1"), (3, "g1"))]);
    // Nor where the two are made for each other by an invite; when it is spent, both learn so.
    let mut rig = Rig::active();
    let by_code = |n, role| Want { queue: invite(7), role: Some(role), ..want(n) };
    let offer = by_code(1, Role::Offer);
    rig.waits("g1", Want { channel: ChannelVersion::FIRST, ..offer.clone() });
    rig.waits("g1", by_code(2, Role::Seek));
    rig.sends(&[]);
    rig.meets(offer.queue);
    rig.sends(&[spent("g1", 2), spent("g1", 1)]);
}

#[test]
fn two_that_remember_one_room_are_not_matched_until_one_forgets_it() {
    let mut rig = Rig::active();
    rig.waits("g1", with_tags(1, &[7, 8]));
    rig.waits("g1", with_tags(2, &[8, 9]));
    rig.sends(&[]);
    // An older token, in which the room is not, gains nothing.
    while rig.now < START + MET_LIFE {
        rig.waits("g1", with_tags(1, &[]));
        rig.waits("g1", with_tags(2, &[9]));
        rig.sends(&[]);
        rig.pass(WANT_REPEAT);
    }
    rig.waits("g1", with_tags(2, &[9]));
    rig.waits("g1", with_tags(1, &[7]));
    rig.sends(&[pair("g1", (1, "g1"), (2, "g1"))]);
}

#[test]
fn an_invite_brings_two_together_who_have_met_but_not_after_a_report() {
    let invited = |want: Want| Want { queue: invite(1), ..want };
    let met = |n| invited(with_tags(n, &[7]));
    let reported_it = || Want { reported: vec![tag(7)], ..met(1) };
    let was_reported = || Want { met: vec![RememberedRoom(tag(7), SESSION_LIFE)], ..met(2) };
    // Also if only one of the two says so: the other's gateway may not know it.
    for (one, other, meet) in [
        (met(1), met(2), true),
        (reported_it(), met(2), false),
        (met(1), was_reported(), false),
        (reported_it(), was_reported(), false),
    ] {
        for (first, second) in [(one.clone(), other.clone()), (other, one)] {
            let mut rig = Rig::active();
            rig.waits("g1", first.clone());
            rig.waits("g1", second.clone());
            let expected = meet.then(|| pair("g1", (1, "g1"), (2, "g1")));
            assert_eq!(rig.pool.take_effects(), Vec::from_iter(expected), "{first:?} {second:?}");
        }
    }
    // A report that pairing has heard of itself, after the two began to wait elsewhere.
    let mut rig = Rig::active();
    let report =
        Report { room: tag(7), session: met(2).session.tag(), origin: None, reporter: None, chats: 1 };
    rig.pool.report(rig.now, &report);
    rig.waits("g1", met(1));
    rig.waits("g1", met(2));
    rig.sends(&[]);
}

#[test]
fn a_want_that_does_not_fit_the_first_is_matched_with_the_next() {
    let mut rig = Rig::active();
    rig.waits("g1", with_tags(1, &[1, 2]));
    rig.waits("g1", with_tags(2, &[2, 1]));
    rig.waits("g1", with_tags(3, &[1]));
    rig.sends(&[]);
    rig.waits("g1", with_tags(4, &[2]));
    rig.sends(&[pair("g1", (3, "g1"), (4, "g1"))]);
}

#[test]
fn in_a_pause_strangers_keep_their_places_and_people_with_an_invite_meet() {
    for held in [Strangers::Paused, Strangers::NotOffered] {
        let mut rig = Rig::active();
        rig.pool.let_strangers(held);
        rig.waits("g1", want(1));
        rig.waits("g2", want(2));
        rig.waits("g1", want(3));
        rig.pass(WANT_REPEAT);
        rig.sends(&[]);
        rig.waits("g1", Want { queue: invite(9), ..want(4) });
        rig.waits("g1", Want { queue: invite(9), ..want(5) });
        rig.sends(&[pair("g1", (4, "g1"), (5, "g1"))]);
        // A replica that takes over in the pause holds it, too.
        rig.pool.stand_by();
        rig.activate();
        rig.sends(&[]);
        rig.pool.let_strangers(Strangers::Meet);
        rig.settle();
        rig.sends(&[pair("g1", (1, "g1"), (2, "g2")), pair("g2", (1, "g1"), (2, "g2"))]);
        assert_eq!(rig.pool.waiting(), 1, "the third waits on");
    }
}
