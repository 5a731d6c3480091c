//! Back into a room with a ticket.

use super::*;

fn is_away(told: &[ToClient]) -> bool {
    told.contains(&ToClient::Peer(PeerState::Away))
}

#[test]
fn a_lost_connection_makes_the_peer_see_away_and_its_resume_online() {
    for gates in [[0, 0], [0, 1]] {
        let mut cluster = Cluster::new(2);
        let chat = cluster.chatting(gates);
        cluster.drop(chat.one);
        assert_eq!(news(cluster.told(chat.other)), [ToClient::Peer(PeerState::Away)]);
        assert_eq!(cluster.route(chat.other), Route::Nowhere);
        let back = cluster.back(0, &chat);
        cluster.resume(back, &chat.tickets[0]).unwrap();
        let told = cluster.told(back);
        let grant = place(&told);
        assert_eq!((grant.room, grant.side), (chat.room(), chat.tickets[0].side));
        assert!(grant.stamp > chat.tickets[0].stamp);
        assert!(!is_away(&told));
        assert_eq!(news(cluster.told(chat.other)), [ToClient::Peer(PeerState::Online)]);
        assert_ne!(cluster.route(back), Route::Nowhere);
        assert_ne!(cluster.route(chat.other), Route::Nowhere);
    }
}

#[test]
fn a_resume_on_another_gateway_redirects_the_peers_frames() {
    let mut cluster = Cluster::new(3);
    let chat = cluster.chatting([0, 1]);
    let back = cluster.back(2, &chat);
    cluster.resume(back, &chat.tickets[0]).unwrap();
    let grant = place(&cluster.told(back));
    assert_eq!(cluster.closed(chat.one), Some(CloseCode::Replaced));
    let Route::Remote { room, side, stamp, node: to, fence } = cluster.route(chat.other) else {
        panic!("{:?}", cluster.route(chat.other))
    };
    assert_eq!((room, side, stamp), (chat.room(), chat.tickets[1].side, chat.tickets[1].stamp));
    assert_eq!((to, fence), (node(2), grant.stamp), "and frames of the old attachment are fenced off");
    assert!(matches!(cluster.route(back), Route::Remote { node: to, .. } if to == node(1)));
}

#[test]
fn both_sides_can_move_at_once() {
    let mut cluster = Cluster::new(4);
    let chat = cluster.chatting([0, 1]);
    cluster.drop(chat.one);
    cluster.drop(chat.other);
    let one = cluster.back(2, &chat);
    let other = cluster.connect_with(3, &token(&chat.tokens[1]), 2);
    cluster.resume(one, &chat.tickets[0]).unwrap();
    cluster.resume(other, &chat.tickets[1]).unwrap();
    assert!(matches!(cluster.route(one), Route::Remote { node: to, .. } if to == node(3)));
    assert!(matches!(cluster.route(other), Route::Remote { node: to, .. } if to == node(2)));
    assert!(!is_away(&cluster.told(other)));
}

#[test]
fn a_resume_that_hears_nothing_goes_on_alone_after_a_second() {
    let mut cluster = Cluster::new(3);
    let chat = cluster.chatting([0, 1]);
    cluster.gates[1].is_connected = false;
    cluster.gates[0].is_connected = false;
    let back = cluster.back(2, &chat);
    cluster.resume(back, &chat.tickets[0]).unwrap();
    assert_eq!(news(cluster.told(back)), []);
    cluster.pass(Duration::from_millis(900));
    assert_eq!(news(cluster.told(back)), []);
    cluster.pass(Duration::from_millis(200));
    let told = news(cluster.told(back));
    assert!(
        matches!(told[..], [ToClient::Unsigned(Unsigned::Resumed(_)), ToClient::Peer(PeerState::Away)]),
        "{told:?}"
    );
    assert_eq!(cluster.route(back), Route::Nowhere);
}

#[test]
fn a_resume_whose_peer_is_known_to_be_away_is_told_so_at_once() {
    for gates in [[0, 0], [0, 1]] {
        let mut cluster = Cluster::new(2);
        let chat = cluster.chatting(gates);
        cluster.drop(chat.other);
        cluster.drop(chat.one);
        let back = cluster.back(0, &chat);
        cluster.resume(back, &chat.tickets[0]).unwrap();
        let told = news(cluster.told(back));
        assert!(
            matches!(told[..], [ToClient::Unsigned(Unsigned::Resumed(_)), ToClient::Peer(PeerState::Away)]),
            "{told:?}"
        );
    }
}

#[test]
fn joined_of_a_resume_is_repeated_ever_more_slowly_until_the_peer_is_heard() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 0]);
    cluster.lost = |message| !matches!(message, Message::Session { .. });
    let back = cluster.back(1, &chat);
    cluster.resume(back, &chat.tickets[0]).unwrap();
    let mut times = vec![cluster.joined(1)];
    for pause in [600, 500, 1_000, 2_000, 10_000, 10_000] {
        cluster.pass(Duration::from_millis(pause));
        times.push(cluster.joined(1));
    }
    assert_eq!(times, [1, 2, 3, 4, 5, 6, 7]);
    cluster.lost = |_| false;
    cluster.secs(11);
    assert_ne!(cluster.route(back), Route::Nowhere);
    cluster.clear();
    cluster.secs(30);
    assert_eq!(cluster.joined(1), 0);
}

#[test]
fn late_news_of_an_old_attachment_is_no_answer_to_a_resume() {
    let mut cluster = Cluster::new(4);
    let chat = cluster.chatting([0, 1]);
    let stale = RoomEvent::Detached(chat.attachment(1));
    cluster.drop(chat.one);
    cluster.drop(chat.other);
    cluster.lost = |_| true;
    let one = cluster.back(2, &chat);
    cluster.resume(one, &chat.tickets[0]).unwrap();
    let other = cluster.connect_with(3, &token(&chat.tokens[1]), 2);
    cluster.resume(other, &chat.tickets[1]).unwrap();
    cluster.handle(2, peer(chat.room(), 2, stale));
    cluster.secs(3);
    cluster.lost = |_| false;
    cluster.secs(16);
    assert_ne!(cluster.route(one), Route::Nowhere, "it went on asking");
    assert_ne!(cluster.route(other), Route::Nowhere);
}

#[test]
fn a_room_that_ended_while_away_is_told_on_the_gateway_that_knows() {
    let mut cluster = Cluster::new(1);
    let chat = cluster.chatting([0, 0]);
    cluster.drop(chat.one);
    cluster.ask(chat.other, ClientCommand::Report(Category::Spam)).unwrap();
    let back = cluster.back(0, &chat);
    cluster.resume(back, &chat.tickets[0]).unwrap();
    let told = cluster.told(back);
    assert_eq!(news(told.clone()), [ToClient::Ended(EndReason::Left)]);
    assert_eq!(newest(&told).history.live_tags(cluster.now), [chat.room().tag()], "its token remembers it");
}

#[test]
fn a_room_that_ended_while_away_is_told_on_every_other_gateway() {
    let mut cluster = Cluster::new(3);
    let chat = cluster.chatting([0, 1]);
    cluster.drop(chat.one);
    cluster.ask(chat.other, ClientCommand::Leave).unwrap();
    let back = cluster.back(2, &chat);
    cluster.resume(back, &chat.tickets[0]).unwrap();
    assert_eq!(news(cluster.told(back)), [ToClient::Ended(EndReason::Left)]);
    assert_eq!(cluster.locate(2, 1).unwrap().state, SessionState::Idle);
}

#[test]
fn an_end_published_before_the_joined_wins() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 0]);
    cluster.drop(chat.one);
    let room = chat.room();
    let ended = RoomEvent::Ended(EndReason::Left);
    cluster.handle(1, Message::Room { room, speaker: Service::Gateway, event: ended });
    let back = cluster.back(1, &chat);
    cluster.resume(back, &chat.tickets[0]).unwrap();
    assert_eq!(news(cluster.told(back)), [ToClient::Ended(EndReason::Left)]);
}

#[test]
fn a_resume_of_the_room_one_is_in_is_told_again_how_it_stands() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    cluster.resume(chat.one, &chat.tickets[0]).unwrap();
    assert_eq!(news(cluster.told(chat.one)), [ToClient::Unsigned(Unsigned::Resumed(chat.tickets[0]))]);
    cluster.drop(chat.other);
    cluster.told(chat.one);
    cluster.resume(chat.one, &chat.tickets[0]).unwrap();
    let told = news(cluster.told(chat.one));
    assert_eq!(
        told,
        [ToClient::Unsigned(Unsigned::Resumed(chat.tickets[0])), ToClient::Peer(PeerState::Away)]
    );
}

#[test]
fn a_second_resume_while_the_first_is_under_way_is_answered_once() {
    let mut cluster = Cluster::new(3);
    let chat = cluster.chatting([0, 1]);
    cluster.lost = |_| true;
    let back = cluster.back(2, &chat);
    cluster.resume(back, &chat.tickets[0]).unwrap();
    cluster.resume(back, &chat.tickets[0]).unwrap();
    cluster.secs(2);
    let resumed = cluster.told(back);
    assert_eq!(
        resumed.iter().filter(|message| matches!(message, ToClient::Unsigned(Unsigned::Resumed(_)))).count(),
        1
    );
}

#[test]
fn a_resume_of_another_room_is_refused() {
    let mut cluster = Cluster::new(1);
    let chat = cluster.chatting([0, 0]);
    let other_room = TicketGrant { room: RoomId::from_bytes([9; 16]), ..chat.tickets[0] };
    assert_eq!(cluster.resume(chat.one, &other_room), Err(ErrorCode::InRoom));
    assert_eq!(cluster.told(chat.one), []);
}

#[test]
fn without_the_bus_only_a_room_whose_two_sides_are_here_can_be_resumed() {
    let mut cluster = Cluster::new(2);
    let here = cluster.chatting([0, 0]);
    cluster.drop(here.one);
    cluster.decide(0, Sessions::bus_down);
    let back = cluster.back(0, &here);
    cluster.resume(back, &here.tickets[0]).unwrap();
    assert!(!is_away(&cluster.told(back)));
    let mut cluster = Cluster::new(2);
    let apart = cluster.chatting([0, 1]);
    cluster.drop(apart.one);
    cluster.decide(0, Sessions::bus_down);
    let back = cluster.back(0, &apart);
    assert_eq!(cluster.resume(back, &apart.tickets[0]), Err(ErrorCode::Unavailable));
}

#[test]
fn a_resume_dissolves_what_one_waits_for() {
    let mut cluster = Cluster::new(1);
    let chat = cluster.chatting([0, 0]);
    cluster.restart(0);
    let back = cluster.back(0, &chat);
    cluster.ask(back, ClientCommand::Find(anyone())).unwrap();
    cluster.resume(back, &chat.tickets[0]).unwrap();
    assert_eq!(cluster.gates[0].sessions.load().waiting, 0);
}

#[test]
fn who_goes_back_into_one_room_is_not_told_of_the_end_of_another() {
    let mut cluster = Cluster::new(2);
    let first = cluster.chatting([0, 0]);
    cluster.drop(first.one);
    let moved = cluster.connect_with(1, &token(&first.tokens[0]), 1);
    let third = cluster.connect(1, 3);
    cluster.ask(moved, ClientCommand::Find(anyone())).unwrap();
    cluster.ask(third, ClientCommand::Find(anyone())).unwrap();
    cluster.match_them(moved, third);
    let told = cluster.told(moved);
    let back = cluster.connect_with(0, &token(&newest(&told)), 1);
    cluster.resume(back, &place(&told)).unwrap();
    let told = news(cluster.told(back));
    assert!(matches!(told[..], [ToClient::Unsigned(Unsigned::Resumed(_))]), "{told:?}");
    assert_eq!(news(cluster.told(first.other)).last(), Some(&ToClient::Ended(EndReason::Left)));
}

#[test]
fn a_phone_that_sleeps_for_two_minutes_comes_back_into_its_chat() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    cluster.drop(chat.one);
    cluster.secs(120);
    assert_eq!(news(cluster.told(chat.other)), [ToClient::Peer(PeerState::Away)]);
    let back = cluster.back(1, &chat);
    cluster.resume(back, &chat.tickets[0]).unwrap();
    place(&cluster.told(back));
    assert_eq!(news(cluster.told(chat.other)), [ToClient::Peer(PeerState::Online)]);
    assert_ne!(cluster.route(chat.other), Route::Nowhere);
}
