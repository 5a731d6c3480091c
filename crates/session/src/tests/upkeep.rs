//! Leases, where a session is, what a starting node learns, and going away.

use super::*;
use schemas::{
    event::{Lease, SessionLease, SyncAnswer},
    limits::REPEATS,
};

fn leases(cluster: &Cluster, gate: usize) -> Vec<SessionLease> {
    let leases = cluster.gates[gate].published.iter().filter_map(|message| match message {
        Message::Lease { lease: Lease { sessions, .. }, .. } => Some(sessions.clone()),
        _ => None,
    });
    leases.flatten().collect()
}

#[test]
fn every_session_that_is_held_is_leased_once_in_ten_seconds() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    cluster.connect(0, 3);
    cluster.drop(chat.one);
    cluster.clear();
    cluster.secs(10);
    let mut leases = leases(&cluster, 0);
    leases.sort_by_key(|lease| lease.session);
    let shown: Vec<_> = leases.iter().map(|it| (it.session, it.connected, it.state, it.room)).collect();
    assert_eq!(
        shown,
        [
            (session(1), false, SessionState::Paired, Some(chat.room())),
            (session(3), true, SessionState::Idle, None)
        ]
    );
    assert_eq!(leases[0].ends, START + limits::SESSION_LIFE);
}

#[test]
fn a_session_is_located_where_it_is_and_by_the_other_side_once_it_is_away() {
    let mut cluster = Cluster::new(3);
    let chat = cluster.chatting([0, 1]);
    let answer = SessionAnswer {
        state: SessionState::Paired,
        connected: true,
        stamp: chat.tickets[0].stamp,
        room: Some(chat.room()),
    };
    assert_eq!(cluster.locate(0, 1), Some(answer.clone()));
    assert_eq!(cluster.locate(1, 1), None, "it is there; its gateway will say so");
    assert_eq!(cluster.locate(2, 1), None);
    cluster.gates[0].is_connected = false;
    cluster.secs(5);
    assert_eq!(cluster.locate(1, 1), Some(SessionAnswer { connected: false, ..answer }));
}

#[test]
fn the_crowd_is_the_sum_over_living_gateways() {
    let mut cluster = Cluster::new(3);
    cluster.chatting([0, 1]);
    let waiting = cluster.connect(2, 3);
    cluster.ask(waiting, ClientCommand::Find(anyone())).unwrap();
    cluster.secs(2);
    let crowd = cluster.gates[0].sessions.cluster_load();
    assert_eq!((crowd.connections, crowd.waiting, crowd.chatting), (3, 1, 2));
    cluster.gates[2].is_connected = false;
    cluster.secs(5);
    assert_eq!(cluster.gates[0].sessions.cluster_load().connections, 2);
}

#[test]
fn a_starting_node_learns_what_ended_and_who_was_deleted() {
    let mut cluster = Cluster::new(3);
    let chat = cluster.chatting([0, 1]);
    cluster.decide(0, |sessions, now| sessions.revoke(now, session(9)));
    cluster.ask(chat.one, ClientCommand::Leave).unwrap();
    cluster.restart(2);
    let answers = cluster.gates[0].sessions.sync_answers(cluster.now);
    assert!(answers.last().unwrap().last);
    assert!(answers[..answers.len() - 1].iter().all(|answer| !answer.last));
    for answer in &answers {
        cluster.decide(2, |sessions, now| sessions.learn(now, answer));
    }
    assert!(cluster.gates[2].sessions.is_revoked(cluster.now, session(9)));
    let back = cluster.back(2, &chat);
    cluster.lost = |_| true;
    cluster.resume(back, &chat.tickets[0]).unwrap();
    assert_eq!(news(cluster.told(back)), [ToClient::Ended(EndReason::Left)]);
}

#[test]
fn what_is_learned_acts_at_once_and_for_no_longer_than_two_token_lives() {
    let mut cluster = Cluster::new(1);
    let chat = cluster.chatting([0, 0]);
    let deleted = cluster.connect(0, 3);
    let answer = SyncAnswer {
        revoked: vec![(session(3), u64::MAX)],
        ended: vec![(chat.room(), EndReason::Left, u64::MAX)],
        last: true,
        ..SyncAnswer::default()
    };
    cluster.decide(0, |sessions, now| sessions.learn(now, &answer));
    assert_eq!(cluster.closed(deleted), Some(CloseCode::SessionOver));
    assert_eq!(news(cluster.told(chat.one)), [ToClient::Ended(EndReason::Left)]);
    cluster.pass(TOKEN_LIFE * 2 + limits::LEEWAY + TICK);
    assert!(!cluster.gates[0].sessions.is_revoked(cluster.now, session(3)));
}

#[test]
fn in_company_a_draining_gateway_sends_its_people_away_and_keeps_their_rooms() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    let idle = cluster.connect(0, 3);
    cluster.told(idle);
    cluster.decide(0, Sessions::drain);
    for person in [chat.one, idle] {
        let told = cluster.told(person);
        assert!(matches!(told[..], [ToClient::Drain { reconnect_in_ms: 0..=5_000, to: None }]), "{told:?}");
    }
    assert_eq!(cluster.told(chat.other), []);
    assert_eq!(cluster.ask(idle, ClientCommand::Find(anyone())), Err(ErrorCode::Unavailable));
    let back = cluster.back(1, &chat);
    cluster.resume(back, &chat.tickets[0]).unwrap();
    assert!(matches!(cluster.route(chat.other), Route::Local { .. }));
}

#[test]
fn alone_a_draining_gateway_ends_its_rooms() {
    let mut cluster = Cluster::of(1, Topology::Standalone);
    let chat = cluster.chatting([0, 0]);
    cluster.decide(0, Sessions::drain);
    for person in [chat.one, chat.other] {
        let told = news(cluster.told(person));
        assert!(
            matches!(told[..], [ToClient::Ended(EndReason::Shutdown), ToClient::Drain { .. }]),
            "{told:?}"
        );
    }
}

#[test]
fn nothing_remains_of_people_who_have_gone() {
    let mut cluster = Cluster::new(2);
    for _ in 0..3 {
        let chat = cluster.chatting([0, 1]);
        cluster.ask(chat.one, ClientCommand::Next(anyone())).unwrap();
        cluster.drop(chat.one);
        cluster.drop(chat.other);
    }
    cluster.pass(Duration::from_secs(700));
    for gate in &cluster.gates {
        let it = &gate.sessions;
        assert!(it.sessions.is_empty() && it.wants.is_empty() && it.rooms.is_empty());
        assert_eq!(it.endings.rooms(cluster.now), 0);
    }
}

fn attached(cluster: &Cluster) -> usize {
    cluster.gates[0].published.iter().filter(|message| matches!(message, Message::Session { .. })).count()
}

#[test]
fn alone_a_gateway_publishes_an_attachment_once() {
    let mut cluster = Cluster::of(1, Topology::Standalone);
    cluster.clear();
    cluster.connect(0, 1);
    cluster.connect(0, 1);
    cluster.pass(REPEATS[2]);
    assert_eq!(attached(&cluster), 2);
}

#[test]
fn what_is_due_at_once_can_be_done_in_portions() {
    let mut cluster = Cluster::new(1);
    for n in 1..=3 {
        cluster.connect(0, n);
        cluster.connect(0, n);
    }
    cluster.clear();
    cluster.now += REPEATS[1];
    assert!(cluster.decide(0, |sessions, now| sessions.run_due_timers(now, 2)), "there is more");
    assert_eq!(attached(&cluster), 2);
    assert!(!cluster.decide(0, |sessions, now| sessions.run_due_timers(now, 2)));
    assert_eq!(attached(&cluster), 3);
}

#[test]
fn the_load_follows_whoever_comes_goes_and_meets() {
    let mut cluster = Cluster::new(1);
    let load = |cluster: &Cluster| {
        let load = cluster.gates[0].sessions.load();
        (load.connections, load.waiting, load.chatting)
    };
    let alone = cluster.connect(0, 3);
    assert_eq!(load(&cluster), (1, 0, 0));
    let chat = cluster.chatting([0, 0]);
    assert_eq!(load(&cluster), (3, 0, 2));
    cluster.ask(alone, ClientCommand::Find(anyone())).unwrap();
    assert_eq!(load(&cluster), (3, 1, 2));
    cluster.drop(chat.one);
    assert_eq!(load(&cluster), (2, 1, 1));
    cluster.ask(chat.other, ClientCommand::Leave).unwrap();
    assert_eq!(load(&cluster), (2, 1, 0));
    cluster.drop(alone);
    assert_eq!(load(&cluster), (1, 0, 0));
}

/// Sessions that begin with these bytes.
fn crowd(first: u8, many: u16) -> impl Iterator<Item = SessionId> {
    (0..many).map(move |n| {
        let mut bytes = [first; 16];
        bytes[14..].copy_from_slice(&n.to_be_bytes());
        SessionId::from_random(bytes)
    })
}

#[test]
fn a_crowd_is_leased_in_parts_each_once_in_ten_seconds_whatever_the_ids_and_the_pace() {
    let mut cluster = Cluster::new(1);
    // At the edges of the slices, more in one slice than is renewed in its second, and just two
    // parts of one.
    let everybody: Vec<_> = crowd(0, 1)
        .chain(crowd(25, 1_000))
        .chain(crowd(26, 100))
        .chain(crowd(99, 64))
        .chain(crowd(255, 2))
        .collect();
    for (n, id) in everybody.iter().enumerate() {
        let claims = TokenClaims { sub: *id, ..fresh_token(0) };
        cluster.decide(0, |sessions, now| sessions.connected(now, ConnId(n as u64), &claims));
    }
    cluster.secs(1);
    cluster.clear();
    cluster.secs(10);
    let mut leased: Vec<_> = leases(&cluster, 0).iter().map(|lease| lease.session).collect();
    leased.sort();
    assert_eq!(leased, everybody);
    let longest = cluster.gates[0].published.iter().filter_map(|message| match message {
        Message::Lease { lease, .. } => Some(lease.sessions.len()),
        _ => None,
    });
    assert_eq!(longest.max(), Some(32));
}

#[test]
fn a_gateway_rests_until_its_next_timer_and_at_most_for_a_tick() {
    let mut cluster = Cluster::new(1);
    let renewal = cluster.now + TOKEN_LIFE / 2;
    cluster.connect(0, 1);
    // What is published more than once has been.
    cluster.secs(30);
    let sessions = &cluster.gates[0].sessions;
    assert_eq!(sessions.until_next_timer(cluster.now), TICK);
    let soon = Duration::from_millis(30);
    assert_eq!(sessions.until_next_timer(renewal - soon), soon);
    assert_eq!(sessions.until_next_timer(renewal + soon), Duration::ZERO);
}
