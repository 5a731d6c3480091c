//! The janitor's rules, one by one.

use schemas::{
    Service, Stamp, control::EndReason, event::*, limits, message::Message, session::SessionState,
};

use super::{support::*, *};

mod questions;
mod syncing;

mod sessions {
    use super::*;

    #[test]
    fn one_whose_lease_stops_is_forgotten_after_three_silent_periods() {
        let rig = Rig::awake();
        rig.receive(lease("g1", 1, vec![lease_of(1, 1, None)]));
        assert_eq!(rig.pass(SILENCE - SECOND), []);
        assert_eq!(rig.pass(SECOND), [publishes_session_expired(1)]);
        assert_eq!((rig.counts().sessions, rig.pass(SILENCE)), (0, vec![]));
    }

    #[test]
    fn one_whose_lease_goes_on_never_is() {
        let rig = Rig::awake();
        let renewed = || vec![lease("g1", 1, vec![lease_of(1, 1, Some(room(1)))])];
        assert_eq!(rig.pass_with(TOKEN_LIFE * 3, renewed), []);
        assert_eq!((rig.counts().sessions, rig.counts().rooms), (1, 1));
    }

    #[test]
    fn one_past_its_life_expires_once_while_its_gateway_renews_it() {
        let rig = Rig::awake();
        let ends = rig.now() + 5 * SECOND;
        let renewed = || vec![lease("g1", 1, vec![SessionLease { ends, ..lease_of(1, 1, None) }])];
        assert_eq!(rig.pass_with(TOKEN_LIFE, renewed), [publishes_session_expired(1)]);
        assert_eq!(rig.pass(SILENCE), [], "it was published already");
        assert_eq!(rig.counts().sessions, 0);
    }

    #[test]
    fn one_that_two_gateways_hold_is_named_with_each_lease_of_the_older_attachment() {
        let rig = Rig::awake();
        let (older, newer) = (|| lease("g1", 1, vec![lease_of(1, 5, None)]), lease_of(1, 6, None));
        assert_eq!(rig.receive(older()), []);
        assert_eq!(rig.receive(lease("g2", 2, vec![newer])), [], "it has moved, as far as this shows");
        assert_eq!(rig.receive(older()), [publishes_held_twice(1)]);
        assert_eq!(rig.receive(older()), [publishes_held_twice(1)], "that may be lost, too");
        let lost = SessionLease { connected: false, ..lease_of(1, 5, None) };
        assert_eq!(rig.receive(lease("g1", 1, vec![lost])), [], "a seat is kept there, and no connection");
        assert_eq!(rig.receive(lease("g2", 2, vec![lease_of(1, 6, None)])), []);
    }

    #[test]
    fn a_gateway_that_leases_what_others_hold_makes_no_flood() {
        let rig = Rig::awake();
        let all = |stamp| (0..1000).map(|n| lease_of(n, stamp, None)).collect::<Vec<_>>();
        rig.receive(lease("g2", 2, all(6)));
        for _ in 0..2 {
            assert_eq!(rig.receive(lease("g1", 1, all(5))).len(), HELD_TWICE_PER_TICK);
            assert_eq!(rig.receive(lease("g1", 1, all(5))), []);
            rig.give(Input::Tick);
        }
    }

    #[test]
    fn one_that_two_gateways_hold_is_named_by_the_leader_alone() {
        let rig = Rig::awake();
        rig.receive(beat(Service::Janitor, "j1", 1));
        rig.receive(lease("g2", 2, vec![lease_of(1, 6, None)]));
        assert_eq!(rig.receive(lease("g1", 1, vec![lease_of(1, 5, None)])), []);
    }

    #[test]
    fn the_sessions_of_a_lost_gateway_expire_in_portions_and_one_that_returns_is_kept() {
        let rig = Rig::awake();
        let most = EXPIRIES_PER_TICK as u64;
        let all = |range: std::ops::Range<u64>| range.map(|n| lease_of(n, 1, None)).collect::<Vec<_>>();
        rig.receive(lease("g1", 1, all(0..most + 10)));
        assert_eq!(rig.pass(SILENCE).len(), EXPIRIES_PER_TICK);
        assert_eq!(rig.counts().sessions, 10);
        let last = SessionLease { session: session(most + 9), ..lease_of(0, 2, None) };
        rig.receive(lease("g2", 2, vec![last]));
        assert!(rig.pass(SECOND).len() <= 10);
        assert_eq!(rig.counts().sessions, 1);
    }
}

mod rooms {
    use super::*;

    #[test]
    fn one_that_no_lease_names_for_longer_than_the_grace_is_forgotten_and_not_ended() {
        let rig = Rig::awake();
        rig.receive(lease("g1", 1, vec![lease_of(1, 1, Some(room(1)))]));
        assert_eq!(rig.pass(SILENCE), [publishes_session_expired(1)]);
        assert_eq!(rig.pass(GRACE - SECOND), []);
        assert_eq!(rig.pass(SECOND), [publishes_room_expired(room(1))]);
        assert_eq!(rig.receive(peer(room(1), RoomEvent::Joined(attachment(2)))), [], "a side may come back");
        assert_eq!((rig.counts().ended, rig.counts().rooms), (0, 1));
    }

    #[test]
    fn one_whose_sides_join_is_known_before_any_lease() {
        let rig = Rig::awake();
        rig.receive(peer(room(1), RoomEvent::Joined(attachment(1))));
        assert_eq!(rig.pass(SILENCE + GRACE), [publishes_room_expired(room(1))]);
        rig.receive(peer(room(2), RoomEvent::Present(attachment(1))));
        assert_eq!(rig.counts().rooms, 1);
        rig.receive(peer(room(3), RoomEvent::Detached(attachment(1))));
        assert_eq!(rig.counts().rooms, 1, "a detached side does not show that the room is in use");
    }

    #[test]
    fn a_side_that_returns_to_an_ended_one_is_told_why_it_ended() {
        let rig = Rig::awake();
        assert_eq!(rig.receive(ended(room(1), EndReason::Reported)), []);
        assert_eq!(rig.receive(ended(room(1), EndReason::Left)), [], "the first reason stays");
        let joined = peer(room(1), RoomEvent::Joined(attachment(9)));
        assert_eq!(rig.receive(joined.clone()), [publishes_ended(room(1), EndReason::Reported)]);
        assert_eq!(rig.receive(peer(room(1), RoomEvent::Present(attachment(9)))), []);
        assert_eq!(rig.counts().rooms, 0);
        rig.pass(TOKEN_LIFE + limits::LEEWAY);
        assert_eq!(rig.receive(joined.clone()).len(), 1, "as long as a ticket may be valid");
        rig.pass(SECOND);
        assert_eq!(rig.receive(joined), []);
    }

    #[test]
    fn a_gateway_that_has_missed_the_end_is_told_when_its_lease_still_names_the_room() {
        let rig = Rig::awake();
        let late = || lease("g1", 1, vec![lease_of(1, 1, Some(room(1)))]);
        rig.receive(ended(room(1), EndReason::Left));
        assert_eq!(rig.receive(late()), [], "it may have crossed the end on its way");
        rig.pass(limits::RENEWAL + SECOND);
        assert_eq!(rig.receive(late()), [publishes_ended(room(1), EndReason::Left)]);
        assert_eq!(rig.counts().rooms, 0);
    }

    #[test]
    fn one_left_over_rest_has_ended() {
        let rig = Rig::awake();
        rig.receive(session_event(1, SessionEvent::Left(room(1))));
        assert_eq!(
            rig.receive(peer(room(1), RoomEvent::Joined(attachment(1)))),
            [publishes_ended(room(1), EndReason::Left)]
        );
    }

    #[test]
    fn a_revocation_ends_the_room_that_the_lease_names() {
        let rig = Rig::awake();
        rig.receive(lease("g1", 1, vec![lease_of(1, 1, Some(room(1)))]));
        assert_eq!(rig.receive(revoked(1)), [publishes_ended(room(1), EndReason::Left)]);
        assert_eq!(rig.receive(revoked(1)), [], "it is repeated");
        assert_eq!((rig.counts().sessions, rig.counts().rooms, rig.counts().ended), (0, 0, 1));
    }

    #[test]
    fn so_does_a_revocation_that_is_received_before_the_lease() {
        let rig = Rig::starting(policy());
        assert_eq!(rig.receive(revoked(1)), []);
        let late = lease("g1", 1, vec![lease_of(1, 1, Some(room(1)))]);
        let again = Effect::Publish(Message::Session {
            session: session(1),
            speaker: Service::Janitor,
            event: SessionEvent::Revoked { remaining: TOKEN_LIFE },
        });
        assert_eq!(rig.receive(late.clone()), [publishes_ended(room(1), EndReason::Left), again.clone()]);
        assert_eq!(rig.receive(late), [again], "as long as its gateway has missed it");
        assert_eq!((rig.counts().sessions, rig.counts().rooms), (0, 0));
    }
}

mod rogue_gateways {
    use schemas::RoomId;

    use super::*;

    fn leases(
        from: &str,
        sessions: std::ops::Range<u64>,
        a_room: impl Fn(u64) -> Option<RoomId>,
    ) -> Vec<Message> {
        let all: Vec<_> = sessions.map(|n| lease_of(n, 1, a_room(n))).collect();
        all.chunks(limits::BATCH).map(|batch| lease(from, 1, batch.to_vec())).collect()
    }

    #[test]
    fn ends_of_rooms_that_never_were_push_out_none_of_a_room_that_was_leased() {
        let capacity = Capacity { tombstones: 100, ..Capacity::default() };
        let rig = Rig::starting(LeasePolicy { capacity, ..policy() });
        rig.pass(QUIET);
        rig.receive(lease("g1", 1, vec![lease_of(1, 1, Some(room(1)))]));
        rig.receive(ended(room(1), EndReason::Reported));
        rig.pass(SECOND);
        for n in 1000..2000 {
            rig.receive(peer(room(n), RoomEvent::Joined(attachment(1))));
            rig.receive(ended(room(n), EndReason::Left));
        }
        let joined = peer(room(1), RoomEvent::Joined(attachment(9)));
        assert_eq!(rig.receive(joined), [publishes_ended(room(1), EndReason::Reported)]);
        assert!(rig.counts().ended <= 100);
    }

    #[test]
    fn one_leases_no_more_sessions_than_a_gateway_may_have() {
        let rig = Rig::awake();
        let most = u64::from(LEASES_PER_GATEWAY);
        leases("rogue", 0..most + 2000, |_| None).into_iter().for_each(|it| drop(rig.receive(it)));
        assert_eq!(rig.counts().sessions as u64, most);
        assert_eq!(rig.counts().overflowed, 2000);
        leases("g1", most + 5000..most + 5010, |_| None).into_iter().for_each(|it| drop(rig.receive(it)));
        assert_eq!(rig.counts().sessions as u64, most + 10, "others find room");
        rig.pass(limits::RENEWAL);
        leases("rogue", 0..10, |_| None).into_iter().for_each(|it| drop(rig.receive(it)));
        assert_eq!(rig.counts().overflowed, 2000, "in each period anew");
    }

    #[test]
    fn one_names_no_more_new_rooms_than_its_people_can_be_in() {
        let rig = Rig::awake();
        let most = u64::from(NEW_ROOMS_PER_GATEWAY);
        let named = || leases("rogue", 0..most + 500, |n| Some(room(n)));
        named().into_iter().for_each(|it| drop(rig.receive(it)));
        assert_eq!((rig.counts().rooms as u64, rig.counts().overflowed), (most, 500));
        rig.pass(limits::RENEWAL);
        named().into_iter().for_each(|it| drop(rig.receive(it)));
        assert_eq!(rig.counts().rooms as u64, most + 500, "those that are known count as nothing");
    }

    #[test]
    fn events_that_name_no_publisher_leave_half_of_the_place_for_leases() {
        let capacity = Capacity { rooms: 10, ..Capacity::default() };
        let rig = Rig::starting(LeasePolicy { capacity, ..policy() });
        (0..9).for_each(|n| drop(rig.receive(peer(room(n), RoomEvent::Joined(attachment(1))))));
        assert_eq!(rig.counts().rooms, 5);
        rig.receive(lease("g1", 1, vec![lease_of(1, 1, Some(room(20)))]));
        assert_eq!(rig.counts().rooms, 6);
    }
}

mod keys {
    use super::*;

    #[test]
    fn one_past_its_end_expires_once() {
        let rig = Rig::awake();
        let key = public(1, rig.now() + TOKEN_LIFE);
        rig.receive(announced(&key));
        assert_eq!(rig.pass(TOKEN_LIFE), []);
        assert_eq!(rig.pass_with(ROTATION - SECOND, || vec![announced(&key)]), [publishes_key_expired(&key)]);
        assert_eq!(rig.sync()[0].keys, [key], "each node judges by its own clock");
        rig.pass(TOKEN_LIFE);
        assert_eq!(rig.counts().keys, 0);
    }

    #[test]
    fn one_without_an_end_is_kept_for_one_rotation_and_one_token_life() {
        let rig = Rig::awake();
        let key = public(1, UnixMillis(u64::MAX));
        let longest = ROTATION + TOKEN_LIFE;
        rig.receive(announced(&key));
        assert_eq!(rig.pass_with(longest, || vec![announced(&key)]), []);
        assert_eq!(rig.pass(SECOND), [publishes_key_expired(&key)]);
    }

    #[test]
    fn one_gateway_cannot_fill_the_place_of_the_others() {
        let rig = Rig::awake();
        let end = rig.now() + ROTATION;
        (0..100).for_each(|n| drop(rig.receive(announced(key_of("rogue", n, end)))));
        assert_eq!(rig.counts().keys, limits::KEYS_PER_NODE);
        rig.receive(announced(key_of("g2", 200, end)));
        assert_eq!(rig.counts().keys, limits::KEYS_PER_NODE + 1);
    }

    #[test]
    fn the_expiry_of_another_janitor_is_enough() {
        let rig = Rig::awake();
        let key = public(1, rig.now() + SECOND);
        rig.receive(announced(&key));
        let (speaker, from) = (Service::Janitor, node("j2"));
        rig.receive(Message::Key { key: key.id(), speaker, from, event: KeyEvent::Expired });
        assert_eq!(rig.pass(ROTATION), []);
    }
}

mod silence {
    use super::*;

    #[test]
    fn nothing_is_decided_for_two_periods_after_the_start() {
        let rig = Rig::starting(policy());
        rig.receive(announced(public(1, UnixMillis(0))));
        rig.receive(lease("g1", 1, vec![SessionLease { ends: UnixMillis(0), ..lease_of(1, 1, None) }]));
        assert!(published(&rig.pass(QUIET - SECOND)).is_empty());
        assert_eq!(published(&rig.pass(SECOND)).len(), 2);
    }

    #[test]
    fn nothing_is_decided_for_two_periods_after_a_gap() {
        let rig = Rig::awake();
        rig.receive(lease("g1", 1, vec![lease_of(1, 1, None)]));
        rig.pass(SILENCE - SECOND);
        rig.give(Input::Gap);
        assert_eq!(published(&rig.pass(QUIET - SECOND)), [] as [&Effect; 0]);
        assert_eq!(rig.pass(SECOND), [publishes_session_expired(1)]);
    }

    #[test]
    fn a_process_that_was_stopped_concludes_nothing() {
        let rig = Rig::awake();
        rig.receive(lease("g1", 1, vec![lease_of(1, 1, Some(room(1)))]));
        rig.jump(TOKEN_LIFE);
        assert_eq!(published(&rig.give(Input::Tick)), [] as [&Effect; 0]);
        let renewed = || vec![lease("g1", 1, vec![lease_of(1, 1, Some(room(1)))])];
        assert_eq!(published(&rig.pass_with(SILENCE + GRACE, renewed)), [] as [&Effect; 0]);
    }

    #[test]
    fn while_the_bus_is_down_nothing_is_published_or_kept_for_later() {
        let rig = Rig::awake();
        rig.receive(lease("g1", 1, vec![lease_of(1, 1, Some(room(1)))]));
        for _ in 0..300 {
            rig.jump(SECOND);
            assert_eq!(rig.give(Input::Gap), []);
        }
        let renewed = || vec![lease("g1", 1, vec![lease_of(1, 1, Some(room(1)))])];
        assert_eq!(published(&rig.pass_with(SILENCE + GRACE, renewed)), [] as [&Effect; 0]);
    }

    #[test]
    fn only_the_leader_publishes_and_the_others_only_forget() {
        let rig = Rig::awake();
        let lower = || vec![beat(Service::Janitor, "j1", 1), beat(Service::Janitor, "j2", 2)];
        let beats = |time: u64| {
            (0..time)
                .flat_map(|_| {
                    lower().into_iter().for_each(|m| {
                        rig.receive(m);
                    });
                    rig.pass(SECOND)
                })
                .collect::<Vec<_>>()
        };
        rig.receive(lease("g1", 1, vec![lease_of(1, 1, Some(room(1)))]));
        assert_eq!(beats(SILENCE.as_secs() + 1), []);
        assert_eq!(rig.counts().sessions, 0);
        rig.receive(revoked(2));
        assert_eq!(rig.receive(lease("g1", 1, vec![lease_of(2, 1, Some(room(2)))])), []);
        assert!(
            matches!(questions::ask(&rig, 2), Some(answer) if !answer.connected),
            "questions are answered by all"
        );
        rig.pass(limits::NODE_SILENCE + SECOND);
        let joined = peer(room(2), RoomEvent::Joined(attachment(1)));
        assert_eq!(rig.receive(joined), [publishes_ended(room(2), EndReason::Left)], "the lower one is lost");
    }

    fn published(effects: &[Effect]) -> Vec<&Effect> {
        effects.iter().filter(|effect| matches!(effect, Effect::Publish(_))).collect()
    }
}

mod a_wrong_clock {
    use super::*;

    /// What a janitor publishes in an hour in which one chat goes on and one key is announced, if
    /// its clock is wrong: the others write `ends` and `not_after` by the time that `off` returns.
    fn an_hour(off: impl Fn(UnixMillis) -> UnixMillis) -> (Vec<Effect>, Counts) {
        let rig = Rig::awake();
        let (true_now, began) = (off(rig.now()), rig.now());
        let chat = || {
            let ends = true_now + limits::SESSION_LIFE;
            let sessions = [1, 2].map(|n| SessionLease { ends, ..lease_of(n, 1, Some(room(1))) });
            let key = public(1, true_now + rig.now().since(began) + ROTATION);
            vec![lease("g1", 1, sessions.into()), beat(Service::Gateway, "g1", 1), announced(key)]
        };
        let said = rig.pass_with(ROTATION, chat);
        (said, rig.counts())
    }

    #[test]
    fn a_clock_days_ahead_leads_to_one_expiry_each() {
        let (said, counts) = an_hour(|now| now - 3 * limits::SESSION_LIFE);
        let (first, second, key) =
            (publishes_session_expired(1), publishes_session_expired(2), public(1, UnixMillis(0)));
        assert_eq!(said, [publishes_key_expired(&key), first, second]);
        assert_eq!((counts.sessions, counts.rooms, counts.ended, counts.revoked), (2, 1, 0, 0));
    }

    #[test]
    fn a_clock_days_behind_leads_to_nothing() {
        let (said, counts) = an_hour(|now| now + 3 * limits::SESSION_LIFE);
        assert_eq!(said, []);
        assert_eq!((counts.sessions, counts.rooms, counts.ended, counts.revoked), (2, 1, 0, 0));
    }
}
