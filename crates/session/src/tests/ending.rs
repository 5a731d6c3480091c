//! How rooms end, and what is remembered of them.

use super::*;

#[test]
fn a_leave_ends_the_room_for_both_wherever_the_other_is() {
    for gates in [[0, 0], [0, 1]] {
        let mut cluster = Cluster::new(2);
        let chat = cluster.chatting(gates);
        cluster.ask(chat.one, ClientCommand::Leave).unwrap();
        for person in [chat.one, chat.other] {
            let told = cluster.told(person);
            assert_eq!(news(told.clone()), [ToClient::Ended(EndReason::Left)]);
            let history = newest(&told).history;
            assert_eq!(history.live_tags(cluster.now), [chat.room().tag()]);
            assert_eq!(history.reported, []);
            assert_eq!(cluster.route(person), Route::Nowhere);
        }
        assert_eq!(cluster.locate(0, 1).unwrap().state, SessionState::Idle);
    }
}

#[test]
fn next_ends_the_room_and_waits_and_is_a_find_without_one() {
    let mut cluster = Cluster::new(1);
    let chat = cluster.chatting([0, 0]);
    cluster.ask(chat.one, ClientCommand::Next(anyone())).unwrap();
    assert_eq!(
        news(cluster.told(chat.one)),
        [ToClient::Ended(EndReason::Left), ToClient::Waiting(Outlook::default())]
    );
    let tags: Vec<_> = cluster.want(chat.one).tags().collect();
    assert_eq!(tags, [chat.room().tag()], "not the same person again");
    assert_eq!(news(cluster.told(chat.other)), [ToClient::Ended(EndReason::Left)]);
    cluster.ask(chat.other, ClientCommand::Next(about("music"))).unwrap();
    assert_eq!(news(cluster.told(chat.other)), [ToClient::Waiting(Outlook::default())]);
}

#[test]
fn a_next_that_is_refused_leaves_the_room_as_it_is() {
    let mut cluster = Cluster::new(1);
    let chat = cluster.chatting([0, 0]);
    cluster.decide(0, Sessions::bus_down);
    assert_eq!(cluster.ask(chat.one, ClientCommand::Next(anyone())), Err(ErrorCode::Unavailable));
    assert!(matches!(cluster.route(chat.one), Route::Local { .. }));
    assert_eq!(cluster.told(chat.other), []);
}

#[test]
fn leave_and_report_need_a_room() {
    let mut cluster = Cluster::new(1);
    let person = cluster.connect(0, 1);
    for request in [ClientCommand::Leave, ClientCommand::Report(Category::Other)] {
        assert_eq!(cluster.ask(person, request.clone()), Err(ErrorCode::NoRoom));
        cluster.ask(person, ClientCommand::Find(anyone())).unwrap();
        assert_eq!(cluster.ask(person, request), Err(ErrorCode::NoRoom), "waiting is not being in one");
    }
}

#[test]
fn a_find_instead_of_a_resume_gives_the_old_room_up() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    cluster.drop(chat.one);
    let back = cluster.back(0, &chat);
    assert_eq!(
        cluster.ask(back, ClientCommand::Leave),
        Err(ErrorCode::NoRoom),
        "it has not come back into it"
    );
    cluster.ask(back, ClientCommand::Find(anyone())).unwrap();
    assert_eq!(news(cluster.told(back)), [ToClient::Waiting(Outlook::default())]);
    assert_eq!(news(cluster.told(chat.other)).last(), Some(&ToClient::Ended(EndReason::Left)));
    assert_eq!(cluster.want(back).tags().collect::<Vec<_>>(), [chat.room().tag()]);
}

#[test]
fn the_end_of_a_grace_is_seen_by_the_gateway_that_holds_the_other_side() {
    for gates in [[0, 0], [0, 1]] {
        let mut cluster = Cluster::new(2);
        let chat = cluster.chatting(gates);
        cluster.drop(chat.one);
        cluster.pass(GRACE - Duration::from_secs(1));
        assert_eq!(news(cluster.told(chat.other)), [ToClient::Peer(PeerState::Away)]);
        cluster.secs(2);
        assert_eq!(news(cluster.told(chat.other)), [ToClient::Ended(EndReason::Expired)]);
        let back = cluster.back(0, &chat);
        cluster.resume(back, &chat.tickets[0]).unwrap();
        assert_eq!(news(cluster.told(back)), [ToClient::Ended(EndReason::Expired)]);
    }
}

#[test]
fn a_return_within_the_grace_stops_it() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    let mut tickets = chat.tickets[0];
    let mut person = chat.one;
    for _ in 0..3 {
        cluster.drop(person);
        cluster.pass(GRACE - Duration::from_secs(5));
        person = cluster.back(0, &chat);
        cluster.resume(person, &tickets).unwrap();
        tickets = place(&cluster.told(person));
        cluster.secs(10);
    }
    assert!(!cluster.told(chat.other).iter().any(|message| matches!(message, ToClient::Ended(_))));
}

#[test]
fn a_room_whose_people_are_both_away_is_forgotten() {
    for gates in [[0, 0], [0, 1]] {
        let mut cluster = Cluster::new(2);
        let chat = cluster.chatting(gates);
        cluster.drop(chat.one);
        cluster.drop(chat.other);
        assert_eq!(cluster.locate(0, 1).unwrap().state, SessionState::Paired);
        cluster.pass(GRACE + Duration::from_secs(10));
        for gate in 0..2 {
            assert_eq!((cluster.locate(gate, 1), cluster.locate(gate, 2)), (None, None));
            assert!(cluster.gates[gate].sessions.rooms.is_empty());
        }
    }
}

#[test]
fn a_seat_lingers_and_is_then_dropped_if_nobody_ends_the_room() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    cluster.drop(chat.one);
    cluster.gates[1].is_connected = false;
    cluster.pass(GRACE * 2);
    assert_eq!(cluster.locate(0, 1), None);
    assert!(cluster.gates[0].sessions.rooms.is_empty());
}

#[test]
fn a_lost_end_is_told_again_to_who_still_believes_in_the_room() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    cluster.lost = |message| matches!(message, Message::Peer { .. });
    cluster.ask(chat.one, ClientCommand::Leave).unwrap();
    assert_eq!(news(cluster.told(chat.other)), []);
    cluster.lost = |_| false;
    cluster.secs(11);
    assert_eq!(news(cluster.told(chat.other)), [ToClient::Ended(EndReason::Left)]);
}

#[test]
fn an_end_is_remembered_for_one_token_life() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    cluster.ask(chat.one, ClientCommand::Leave).unwrap();
    let claim = || Message::Room {
        room: chat.room(),
        speaker: Service::Gateway,
        event: RoomEvent::Joined(Attachment { stamp: Stamp(u64::MAX), node: node(1), ..chat.attachment(0) }),
    };
    cluster.pass(TOKEN_LIFE);
    cluster.clear();
    cluster.handle(0, claim());
    assert_eq!(cluster.room_events(0), [(Some(node(1)), RoomEvent::Ended(EndReason::Left))]);
    cluster.secs(20);
    cluster.clear();
    cluster.handle(0, claim());
    assert_eq!(cluster.room_events(0), []);
}

#[test]
fn a_deleted_session_is_closed_and_its_room_ends() {
    for gates in [[0, 0], [0, 1]] {
        let mut cluster = Cluster::new(2);
        let chat = cluster.chatting(gates);
        cluster.decide(0, |sessions, now| sessions.revoke(now, session(1)));
        assert_eq!(cluster.closed(chat.one), Some(CloseCode::SessionOver));
        assert_eq!(news(cluster.told(chat.other)), [ToClient::Ended(EndReason::Left)]);
        assert!(cluster.gates.iter().all(|gate| gate.sessions.is_revoked(cluster.now, session(1))));
        assert_eq!(cluster.locate(0, 1), None);
    }
}

#[test]
fn a_session_can_be_deleted_at_any_gateway() {
    let mut cluster = Cluster::new(3);
    let chat = cluster.chatting([0, 1]);
    cluster.decide(2, |sessions, now| sessions.revoke(now, session(1)));
    assert_eq!(cluster.closed(chat.one), Some(CloseCode::SessionOver));
    assert_eq!(news(cluster.told(chat.other)).last(), Some(&ToClient::Ended(EndReason::Left)));
    let waiting = cluster.connect(0, 3);
    cluster.ask(waiting, ClientCommand::Find(anyone())).unwrap();
    cluster.decide(2, |sessions, now| sessions.revoke(now, session(3)));
    assert_eq!(cluster.gates[0].sessions.load(), schemas::event::Load::default());
}

#[test]
fn the_other_sides_gateway_knows_a_deleted_session_by_its_tag() {
    let mut cluster = Cluster::new(3);
    let chat = cluster.chatting([0, 1]);
    cluster.gates[0].is_connected = false;
    cluster.decide(2, |sessions, now| sessions.revoke(now, session(1)));
    assert_eq!(news(cluster.told(chat.other)), [ToClient::Ended(EndReason::Left)]);
}

#[test]
fn a_deletion_is_published_three_times_and_kept_for_two_token_lives() {
    let mut cluster = Cluster::new(2);
    cluster.lost = |_| true;
    cluster.decide(0, |sessions, now| sessions.revoke(now, session(1)));
    cluster.secs(7);
    let said = cluster.gates[0].published.iter();
    let said = said.filter(|it| matches!(it, Message::Session { event: SessionEvent::Revoked { .. }, .. }));
    assert_eq!(said.count(), 3);
    cluster.pass(TOKEN_LIFE * 2 - Duration::from_secs(10));
    assert!(cluster.gates[0].sessions.is_revoked(cluster.now, session(1)));
    cluster.secs(10);
    assert!(!cluster.gates[0].sessions.is_revoked(cluster.now, session(1)));
}

#[test]
fn a_gateway_that_missed_a_deletion_learns_of_it_when_the_session_comes_back() {
    let mut cluster = Cluster::new(3);
    let claims = fresh_token(1);
    cluster.lost = |_| true;
    cluster.decide(0, |sessions, now| sessions.revoke(now, session(1)));
    cluster.secs(7);
    cluster.lost = |_| false;
    cluster.clear();
    let back = cluster.connect_with(1, &claims, 1);
    assert_eq!(cluster.closed(back), Some(CloseCode::SessionOver));
    let said = cluster.gates.iter().map(|gate| {
        let said = gate.published.iter();
        said.filter(|it| matches!(it, Message::Session { event: SessionEvent::Revoked { .. }, .. })).count()
    });
    assert_eq!(said.collect::<Vec<_>>(), [1, 0, 0], "by who deleted it, once for each attachment");
}

#[test]
fn a_deletion_that_nobody_could_hear_is_published_three_times_once_the_bus_is_back() {
    let mut cluster = Cluster::new(2);
    cluster.decide(0, Sessions::bus_down);
    cluster.lost = |_| true;
    cluster.decide(0, |sessions, now| sessions.revoke(now, session(1)));
    cluster.secs(7);
    cluster.clear();
    cluster.decide(0, Sessions::bus_up);
    cluster.secs(7);
    let said = cluster.gates[0].published.iter();
    let said = said.filter(|it| matches!(it, Message::Session { event: SessionEvent::Revoked { .. }, .. }));
    assert_eq!(said.count(), 3);
}

#[test]
fn nobody_can_have_a_deletion_remembered_for_longer_than_two_token_lives() {
    let mut cluster = Cluster::new(1);
    let event = SessionEvent::Revoked { remaining: Duration::MAX };
    cluster.handle(0, Message::Session { session: session(1), speaker: Service::Gateway, event });
    cluster.pass(TOKEN_LIFE * 2);
    assert!(cluster.gates[0].sessions.is_revoked(cluster.now, session(1)));
    cluster.pass(limits::LEEWAY + TICK);
    assert!(!cluster.gates[0].sessions.is_revoked(cluster.now, session(1)));
}

#[test]
fn a_room_can_be_left_over_rest_at_any_gateway() {
    for gate in [0, 1, 2] {
        let mut cluster = Cluster::new(3);
        let chat = cluster.chatting([0, 1]);
        cluster.decide(gate, |sessions, now| sessions.leave_remotely(now, session(1), chat.room()));
        for person in [chat.one, chat.other] {
            assert_eq!(news(cluster.told(person)), [ToClient::Ended(EndReason::Left)]);
        }
        assert_eq!(cluster.closed(chat.one), None, "the session goes on");
    }
}

#[test]
fn after_a_day_a_session_is_over() {
    let mut cluster = Cluster::new(2);
    let old = TokenClaims { start: START.as_secs() - 24 * 3600 + 60, ..fresh_token(1) };
    let (one, other) = (cluster.connect_with(0, &old, 1), cluster.connect(1, 2));
    cluster.ask(one, ClientCommand::Find(anyone())).unwrap();
    cluster.ask(other, ClientCommand::Find(anyone())).unwrap();
    cluster.match_them(one, other);
    cluster.told(other);
    cluster.secs(50);
    assert_eq!(cluster.closed(one), None);
    cluster.secs(10);
    assert_eq!(cluster.closed(one), Some(CloseCode::SessionOver));
    assert_eq!(news(cluster.told(other)), [ToClient::Ended(EndReason::Expired)]);
    assert_eq!(cluster.locate(0, 1), None);
}
