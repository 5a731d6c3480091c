//! Stamps: a newer connection wins everywhere, whatever arrives late.

use super::{chats::Chat, *};

pub(super) fn attached(n: u8, stamp: Stamp, gate: usize) -> Message {
    let event = SessionEvent::Attached { stamp, node: node(gate) };
    Message::Session { session: session(n), speaker: Service::Gateway, event }
}

#[test]
fn a_newer_connection_here_closes_the_old_one() {
    let mut cluster = Cluster::new(1);
    let old = cluster.connect(0, 1);
    let stamp = newest(&cluster.told(old)).stamp;
    let new = cluster.connect(0, 1);
    assert_eq!(cluster.closed(old), Some(CloseCode::Replaced));
    assert!(newest(&cluster.told(new)).stamp > stamp);
    cluster.drop(old);
    assert!(cluster.locate(0, 1).unwrap().connected, "the end of the old socket changes nothing");
    assert_eq!(cluster.ask(old, ClientCommand::Find(anyone())), Ok(()), "nor does what it still says");
    assert_eq!(cluster.gates[0].sessions.load().waiting, 0);
}

#[test]
fn a_newer_connection_elsewhere_closes_the_old_one() {
    let mut cluster = Cluster::new(2);
    let old = cluster.connect(0, 1);
    cluster.ask(old, ClientCommand::Find(anyone())).unwrap();
    let claims = token(&newest(&cluster.told(old)));
    let new = cluster.connect_with(1, &claims, 1);
    assert_eq!(cluster.closed(old), Some(CloseCode::Replaced));
    assert_eq!(cluster.closed(new), None);
    assert_eq!(cluster.locate(0, 1), None);
    assert_eq!(cluster.gates[0].sessions.load().waiting, 0, "and its want is withdrawn");
}

#[test]
fn a_newer_connection_that_was_missed_closes_the_old_one_once_a_janitor_sees_both() {
    let held_twice = || Message::Session {
        session: session(1),
        speaker: Service::Janitor,
        event: SessionEvent::HeldTwice,
    };
    let mut cluster = Cluster::new(3);
    let claims = fresh_token(1);
    let old = cluster.connect_with(0, &claims, 1);
    cluster.pass(TICK);
    cluster.lost = |message| matches!(message, Message::Session { .. });
    let new = cluster.connect_with(1, &claims, 1);
    cluster.secs(20);
    assert_eq!((cluster.closed(old), cluster.closed(new)), (None, None), "nobody knows");
    cluster.handle(0, held_twice());
    cluster.handle(1, held_twice());
    assert_eq!((cluster.closed(old), cluster.closed(new)), (None, None), "lost again");
    cluster.lost = |_| false;
    for gate in 0..3 {
        cluster.handle(gate, held_twice());
    }
    assert_eq!((cluster.closed(old), cluster.closed(new)), (Some(CloseCode::Replaced), None));
    assert_eq!(cluster.locate(0, 1), None);
}

#[test]
fn a_want_of_the_old_connection_is_not_handed_to_the_new_one() {
    let mut cluster = Cluster::new(1);
    let old = cluster.connect(0, 1);
    cluster.ask(old, ClientCommand::Find(anyone())).unwrap();
    cluster.connect(0, 1);
    assert_eq!(cluster.locate(0, 1).unwrap().state, SessionState::Idle);
}

#[test]
fn a_resume_wins_before_the_old_socket_is_known_dead() {
    for gate in [0, 1, 2] {
        let mut cluster = Cluster::new(3);
        let chat = cluster.chatting([0, 1]);
        let back = cluster.back(gate, &chat);
        cluster.resume(back, &chat.tickets[0]).unwrap();
        assert_eq!(cluster.closed(chat.one), Some(CloseCode::Replaced));
        place(&cluster.told(back));
        cluster.told(chat.other);
        cluster.drop(chat.one);
        assert_eq!(cluster.told(chat.other), [], "the late end of the old socket means nothing");
        assert_ne!(cluster.route(chat.other), Route::Nowhere);
    }
}

#[test]
fn late_words_of_an_old_attachment_are_ignored() {
    let mut cluster = Cluster::new(3);
    let chat = cluster.chatting([0, 1]);
    let back = cluster.back(2, &chat);
    cluster.resume(back, &chat.tickets[0]).unwrap();
    let route = cluster.route(chat.other);
    cluster.clear();
    let old = chat.attachment(0);
    for late in [RoomEvent::Joined(old.clone()), RoomEvent::Present(old.clone()), RoomEvent::Detached(old)] {
        cluster.handle(1, peer(chat.room(), 1, late));
    }
    assert_eq!(cluster.told(chat.other), []);
    assert_eq!(cluster.route(chat.other), route);
    cluster.handle(2, attached(1, chat.tickets[0].stamp, 0));
    assert_eq!(cluster.closed(back), None);
}

#[test]
fn who_is_older_is_told_who_is_newer() {
    let mut cluster = Cluster::new(2);
    let person = cluster.connect(0, 1);
    let own = newest(&cluster.told(person)).stamp;
    cluster.clear();
    cluster.handle(0, attached(1, Stamp(own.0 - 1), 1));
    assert_eq!(cluster.gates[0].published, [attached(1, own, 0)]);
    assert_eq!(cluster.closed(person), None);
}

#[test]
fn an_older_joined_of_a_side_that_is_held_here_is_told_that_it_was_replaced() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 0]);
    let own = chat.attachment(0);
    let older = Attachment { stamp: Stamp(own.stamp.0 - 1), node: node(1), ..own.clone() };
    let event = RoomEvent::Joined(older);
    cluster.handle(0, Message::Room { room: chat.room(), speaker: Service::Gateway, event });
    assert!(cluster.gates[0].published.contains(&attached(1, own.stamp, 0)));
    assert_eq!(cluster.closed(chat.one), None);
    assert_eq!(cluster.told(chat.other), []);
}

#[test]
fn an_older_claim_to_a_seat_does_not_close_a_newer_connection_that_is_not_in_the_room_yet() {
    let mut cluster = Cluster::new(3);
    let chat = cluster.chatting([0, 1]);
    cluster.drop(chat.one);
    cluster.lost = |_| true;
    let second = cluster.back(2, &chat);
    let second_stamp = newest(&cluster.told(second)).stamp;
    cluster.secs(1);
    let third = cluster.back(0, &chat);
    cluster.lost = |_| false;
    let claim = Attachment { stamp: second_stamp, node: node(2), ..chat.attachment(0) };
    let event = RoomEvent::Joined(claim);
    cluster.handle(0, Message::Room { room: chat.room(), speaker: Service::Gateway, event });
    assert_eq!(cluster.closed(third), None);
    cluster.resume(third, &chat.tickets[0]).unwrap();
    assert!(matches!(cluster.route(chat.other), Route::Remote { node: to, .. } if to == node(0)));
}

#[test]
fn a_first_attachment_is_announced_once_and_a_later_one_three_times_unless_it_is_outdated() {
    let mut cluster = Cluster::new(1);
    let count = |cluster: &mut Cluster, own: Message| {
        cluster.secs(7);
        cluster.gates[0].published.iter().filter(|said| **said == own).count()
    };
    let first = cluster.connect(0, 1);
    let first = newest(&cluster.told(first));
    assert_eq!(count(&mut cluster, attached(1, first.stamp, 0)), 1);
    let second = cluster.connect_with(0, &token(&first), 1);
    let second = newest(&cluster.told(second)).stamp;
    assert_eq!(count(&mut cluster, attached(1, second, 0)), 3);
    let third = cluster.connect(0, 1);
    cluster.drop(third);
    cluster.clear();
    cluster.secs(7);
    assert!(!cluster.gates[0].published.iter().any(|said| matches!(said, Message::Session { .. })));
}

#[test]
fn what_a_gateway_missed_while_it_was_cut_off_is_repeated() {
    let mut cluster = Cluster::new(2);
    let old = cluster.connect(0, 1);
    let deleted = cluster.connect(0, 2);
    let claims = token(&newest(&cluster.told(old)));
    cluster.gates[0].is_connected = false;
    cluster.secs(6);
    cluster.connect_with(1, &claims, 1);
    cluster.decide(1, |sessions, now| sessions.revoke(now, session(2)));
    cluster.secs(20);
    assert_eq!((cluster.closed(old), cluster.closed(deleted)), (None, None));
    cluster.gates[0].is_connected = true;
    cluster.secs(3);
    assert_eq!(cluster.closed(old), Some(CloseCode::Replaced));
    assert_eq!(cluster.closed(deleted), Some(CloseCode::SessionOver));
}

#[test]
fn what_was_published_while_the_own_bus_was_down_is_repeated() {
    let mut cluster = Cluster::new(2);
    let old = cluster.connect(0, 1);
    let claims = token(&newest(&cluster.told(old)));
    cluster.secs(20);
    cluster.gates[1].is_connected = false;
    cluster.decide(1, Sessions::bus_down);
    cluster.connect_with(1, &claims, 1);
    cluster.secs(2);
    cluster.lost = |message| matches!(message, Message::Session { .. });
    cluster.gates[1].is_connected = true;
    cluster.secs(5);
    assert_eq!(cluster.closed(old), None);
    cluster.lost = |_| false;
    cluster.decide(1, Sessions::bus_up);
    cluster.secs(2);
    assert_eq!(cluster.closed(old), Some(CloseCode::Replaced));
}

/// Whoever moves and does not come back into the room has left it, wherever it turns up.
#[test]
fn who_moves_and_finds_anew_has_left_and_the_other_side_hears_it_at_once() {
    for gate in [0, 1, 2] {
        for old_gateway_lives in [true, false] {
            let mut cluster = Cluster::new(3);
            let chat = cluster.chatting([0, 1]);
            cluster.told(chat.other);
            cluster.gates[0].is_connected = old_gateway_lives || gate == 0;
            let back = cluster.back(gate, &chat);
            cluster.ask(back, ClientCommand::Find(anyone())).unwrap();
            let told = cluster.told(chat.other);
            assert_eq!(news(told).last(), Some(&ToClient::Ended(EndReason::Left)), "{gate}");
        }
    }
}

#[test]
fn starting_over_ends_no_room_of_the_same_attachment_or_a_newer_one() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    cluster.told(chat.other);
    let stamp = chat.tickets[0].stamp;
    for stamp in [Stamp::NONE, stamp] {
        let event = SessionEvent::StartedOver { stamp };
        let message = Message::Session { session: session(1), speaker: Service::Gateway, event };
        cluster.handle(0, message.clone());
        cluster.handle(1, message);
    }
    assert_eq!(cluster.told(chat.other), []);
    assert_ne!(cluster.route(chat.other), Route::Nowhere);
}

#[test]
fn a_session_that_was_never_attached_elsewhere_does_not_start_over() {
    let mut cluster = Cluster::new(2);
    let one = cluster.connect(0, 1);
    cluster.ask(one, ClientCommand::Find(anyone())).unwrap();
    let is_over =
        |it: &&Message| matches!(it, Message::Session { event: SessionEvent::StartedOver { .. }, .. });
    assert_eq!(cluster.gates[0].published.iter().filter(is_over).count(), 0);
    let claims = token(&newest(&cluster.told(one)));
    let moved = cluster.connect_with(1, &claims, 1);
    for _ in 0..2 {
        cluster.ask(moved, ClientCommand::Find(anyone())).unwrap();
        cluster.ask(moved, ClientCommand::Cancel).unwrap();
    }
    cluster.secs(7);
    let said = cluster.gates[1].published.iter().filter(is_over).count();
    assert_eq!(said, limits::REPEATS.len(), "once, and repeated");
}

/// A chat whose first person is connected to gateway 2, and was elsewhere after that: that connection
/// is over, and gateway 2 has heard nothing of it. Returns the person as gateway 2 has it.
fn outlived(cluster: &mut Cluster, elsewhere: usize) -> (Chat, Person) {
    let chat = cluster.chatting([0, 1]);
    let living = cluster.back(2, &chat);
    cluster.resume(living, &chat.tickets[0]).unwrap();
    let claims = token(&newest(&cluster.told(living)));
    cluster.secs(1);
    cluster.gates[2].is_connected = false;
    // Its request had lain in the queue of a gateway that stood still, and its client had given it up.
    let late = cluster.connect_with(elsewhere, &claims, 1);
    cluster.resume(late, &chat.tickets[0]).unwrap();
    cluster.drop(late);
    cluster.secs(9);
    assert_eq!(news(cluster.told(chat.other)).last(), Some(&ToClient::Peer(PeerState::Away)));
    assert_eq!(cluster.closed(living), None);
    cluster.gates[2].is_connected = true;
    cluster.decide(2, Sessions::missed);
    (chat, living)
}

#[test]
fn who_is_still_connected_after_a_newer_connection_that_is_over_is_asked_back_and_found() {
    // The newer one was at a gateway of its own, and at the peer's.
    for elsewhere in [0, 1] {
        let mut cluster = Cluster::new(3);
        let (chat, living) = outlived(&mut cluster, elsewhere);
        cluster.secs(12);
        assert_eq!(cluster.closed(living), Some(CloseCode::Restart), "{elsewhere}: it is to come back");
        let claims = token(&newest(&cluster.told(living)));
        for gate in [0, 1, 2] {
            let again = cluster.connect_with(gate, &claims, 1);
            cluster.resume(again, &chat.tickets[0]).unwrap();
            assert_eq!(news(cluster.told(chat.other)).last(), Some(&ToClient::Peer(PeerState::Online)));
            assert_ne!(cluster.route(chat.other), Route::Nowhere);
            assert_ne!(cluster.route(again), Route::Nowhere);
            cluster.drop(again);
            assert_eq!(news(cluster.told(chat.other)).last(), Some(&ToClient::Peer(PeerState::Away)));
        }
    }
}

#[test]
fn its_token_lets_it_win_at_a_gateway_whose_clock_is_behind() {
    let mut cluster = Cluster::new(3);
    let (_, living) = outlived(&mut cluster, 0);
    cluster.secs(12);
    let asked_back = newest(&cluster.told(living)).stamp;
    let newer = cluster.gates[0].published.iter().filter_map(|said| match said {
        Message::Peer { event: RoomEvent::Detached(at), .. } => Some(at.stamp),
        _ => None,
    });
    assert_eq!(newer.max(), Some(asked_back));
}

#[test]
fn an_attachment_that_is_over_is_not_announced_again() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    let back = cluster.back(0, &chat);
    cluster.resume(back, &chat.tickets[0]).unwrap();
    let stamp = newest(&cluster.told(back)).stamp;
    cluster.drop(back);
    cluster.clear();
    cluster.secs(7);
    assert!(!cluster.gates[0].published.contains(&attached(1, stamp, 0)));
}

#[test]
fn nobody_is_told_of_a_newer_attachment_that_may_still_be_there() {
    let mut cluster = Cluster::new(3);
    let chat = cluster.chatting([0, 1]);
    let back = cluster.back(2, &chat);
    cluster.resume(back, &chat.tickets[0]).unwrap();
    let late = || Message::Room {
        room: chat.room(),
        speaker: Service::Gateway,
        event: RoomEvent::Joined(chat.attachment(0)),
    };
    let denied = |cluster: &Cluster| {
        let said = cluster.room_events(1);
        said.iter().any(|(_, event)| matches!(event, RoomEvent::NotHere(_)))
    };
    cluster.clear();
    cluster.handle(1, late());
    cluster.decide(1, |sessions, now| sessions.lose_gateway(now, &node(2)));
    cluster.handle(1, late());
    assert!(!denied(&cluster), "it is there, or only silent");
    cluster.drop(back);
    cluster.handle(1, late());
    assert!(denied(&cluster));
}
