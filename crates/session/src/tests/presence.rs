//! What gateways and janitors tell each other again and again of who is there.

use super::*;

#[test]
fn presence_is_published_every_ten_seconds_to_the_gateway_that_shares_the_room() {
    let mut cluster = Cluster::new(3);
    let chat = cluster.chatting([0, 1]);
    cluster.secs(30);
    let presences = cluster.gates[0].published.iter().filter_map(|message| match message {
        Message::Presence { to, presence } => Some((to.clone(), presence.clone())),
        _ => None,
    });
    let own = chat.attachment(0);
    let rooms = vec![(
        chat.room(),
        Attached { peer: chat.tickets[1].stamp, side: own.side, stamp: own.stamp, owner: own.owner },
    )];
    assert_eq!(presences.collect::<Vec<_>>(), vec![(node(1), Presence { node: node(0), rooms }); 3]);
}

#[test]
fn three_silent_presence_periods_mean_away_though_the_gateway_is_running() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    cluster.lost = |message| matches!(message, Message::Presence { .. });
    cluster.secs(30);
    assert_eq!(seen(&mut cluster, chat.one), []);
    cluster.secs(15);
    assert_eq!(seen(&mut cluster, chat.one), [PeerState::Away]);
    cluster.lost = |_| false;
    cluster.secs(15);
    assert_eq!(seen(&mut cluster, chat.one), [PeerState::Online]);
    assert_eq!(seen(&mut cluster, chat.other).last(), Some(&PeerState::Online));
}

#[test]
fn late_words_of_an_attachment_that_is_over_are_no_sign_of_the_one_that_followed() {
    let mut cluster = Cluster::new(3);
    let chat = cluster.chatting([0, 1]);
    let back = cluster.back(2, &chat);
    cluster.resume(back, &chat.tickets[0]).unwrap();
    cluster.told(chat.other);
    cluster.lost = |message| matches!(message, Message::Presence { .. });
    for _ in 0..9 {
        cluster.secs(5);
        cluster.handle(1, peer(chat.room(), 1, RoomEvent::Present(chat.attachment(0))));
    }
    assert_eq!(seen(&mut cluster, chat.other), [PeerState::Away]);
}

#[test]
fn a_presence_of_a_room_that_is_not_here_is_denied() {
    let mut cluster = Cluster::new(2);
    let room = RoomId::from_bytes([1; 16]);
    let claim = Attached { peer: Stamp(7), side: Side::A, stamp: Stamp(8), owner: session(1).tag() };
    let presence = Presence { node: node(1), rooms: vec![(room, claim)] };
    cluster.handle(0, Message::Presence { to: node(0), presence });
    let denied = cluster.room_events(0);
    let [(Some(to), RoomEvent::NotHere(at))] = &denied[..] else { panic!("{denied:?}") };
    assert_eq!((to, &at.node, at.side, at.stamp), (&node(1), &node(0), Side::B, Stamp(7)));
}

#[test]
fn not_here_means_away_for_that_attachment_alone() {
    let mut cluster = Cluster::new(3);
    let chat = cluster.chatting([0, 1]);
    let denial = Attachment { owner: Tag::from_bytes([0; 8]), ..chat.attachment(0) };
    let back = cluster.back(2, &chat);
    cluster.resume(back, &chat.tickets[0]).unwrap();
    cluster.told(chat.other);
    cluster.handle(1, peer(chat.room(), 1, RoomEvent::NotHere(denial)));
    assert_eq!(seen(&mut cluster, chat.other), [], "it has moved on");
    let now_there =
        Attachment { stamp: place(&cluster.told(back)).stamp, node: node(2), ..chat.attachment(0) };
    cluster.handle(1, peer(chat.room(), 1, RoomEvent::NotHere(now_there)));
    assert_eq!(seen(&mut cluster, chat.other), [PeerState::Away]);
}

#[test]
fn a_presence_that_speaks_of_an_older_attachment_is_put_right_at_once() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    cluster.drop(chat.one);
    let back = cluster.back(0, &chat);
    cluster.lost = |message| matches!(message, Message::Room { .. });
    let presence = Presence {
        node: node(1),
        rooms: vec![(
            chat.room(),
            Attached {
                peer: chat.tickets[0].stamp,
                side: chat.tickets[1].side,
                stamp: chat.tickets[1].stamp,
                owner: session(2).tag(),
            },
        )],
    };
    cluster.resume(back, &chat.tickets[0]).unwrap();
    cluster.told(chat.other);
    cluster.handle(0, Message::Presence { to: node(0), presence });
    assert_eq!(seen(&mut cluster, chat.other), [PeerState::Online]);
}

#[test]
fn a_presence_for_somebody_who_is_away_is_answered_with_detached() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    cluster.lost = |message| matches!(message, Message::Peer { .. });
    cluster.drop(chat.one);
    assert_eq!(seen(&mut cluster, chat.other), []);
    cluster.lost = |_| false;
    cluster.secs(11);
    assert_eq!(seen(&mut cluster, chat.other), [PeerState::Away]);
}

#[test]
fn who_lost_sight_of_each_other_find_each_other_again() {
    let mut cluster = Cluster::new(4);
    let chat = cluster.chatting([0, 1]);
    cluster.drop(chat.one);
    cluster.drop(chat.other);
    // Late news makes each believe that the other is still where it was.
    cluster.lost = |message| matches!(message, Message::Room { .. });
    let one = cluster.back(2, &chat);
    cluster.resume(one, &chat.tickets[0]).unwrap();
    let other = cluster.connect_with(3, &token(&chat.tokens[1]), 2);
    cluster.resume(other, &chat.tickets[1]).unwrap();
    cluster.handle(2, peer(chat.room(), 2, RoomEvent::Present(chat.attachment(1))));
    cluster.handle(3, peer(chat.room(), 3, RoomEvent::Present(chat.attachment(0))));
    assert_ne!(cluster.route(one), Route::Nowhere);
    assert_ne!(cluster.route(other), Route::Nowhere);
    cluster.clear();
    cluster.secs(12);
    assert_eq!(
        (cluster.route(one), cluster.route(other)),
        (Route::Nowhere, Route::Nowhere),
        "denied by presence"
    );
    assert_eq!(cluster.joined(2) + cluster.joined(3), 0);
    cluster.lost = |_| false;
    cluster.secs(16);
    assert_ne!(cluster.route(one), Route::Nowhere);
    assert_ne!(cluster.route(other), Route::Nowhere);
}

#[test]
fn what_a_janitor_has_forgotten_is_repeated_by_who_holds_it() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    let expired = Message::Room { room: chat.room(), speaker: Service::Janitor, event: RoomEvent::Expired };
    let session_expired =
        Message::Session { session: session(1), speaker: Service::Janitor, event: SessionEvent::Expired };
    for forgotten in [expired, session_expired] {
        cluster.clear();
        cluster.handle(0, forgotten);
        assert_eq!(cluster.told(chat.one), []);
        let leases = cluster.gates[0].published.iter().filter_map(|message| match message {
            Message::Lease { lease, .. } => Some(lease.sessions.iter().map(|lease| lease.session)),
            _ => None,
        });
        assert_eq!(leases.flatten().collect::<Vec<_>>(), [session(1)]);
    }
    let unknown = Message::Room {
        room: RoomId::from_bytes([1; 16]),
        speaker: Service::Janitor,
        event: RoomEvent::Expired,
    };
    cluster.clear();
    cluster.handle(0, unknown);
    assert_eq!(cluster.gates[0].order, []);
}

#[test]
fn what_a_gap_may_have_hidden_is_repeated() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    cluster.lost = |_| true;
    cluster.secs(28);
    cluster.told(chat.one);
    cluster.clear();
    cluster.decide(0, Sessions::missed);
    assert!(cluster.gates[0].published.iter().any(|message| matches!(message, Message::Presence { .. })));
    assert!(cluster.gates[0].published.iter().any(|message| matches!(message, Message::Lease { .. })));
    cluster.secs(15);
    assert_eq!(seen(&mut cluster, chat.one), [], "silence before the gap proves nothing");
}
