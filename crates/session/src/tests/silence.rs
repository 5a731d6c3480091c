//! What silence costs, and how many may wait of one network.

use super::*;
use crate::{ClientOrigin, Traffic, command::too_many_wait};

const SPOKE: Traffic = Traffic { received: 9, unasked: 1 };
const SILENT: Traffic = Traffic { received: 9, unasked: 0 };

fn origin(n: u8) -> ClientOrigin {
    let region = Some(Origin::from_bytes([n, n, n, n, 0, 0, 0, 0, 0, 0, 0, n]));
    ClientOrigin { network: n.into(), origin: Some(Origin::from_bytes([n; 12])), region }
}

fn introduce(cluster: &mut Cluster, person: Person, client: ClientOrigin) {
    cluster.decide(person.gate, |sessions, _| sessions.introduce(session(person.n), person.conn, client));
}

fn note(cluster: &mut Cluster, person: Person, traffic: Traffic) {
    cluster.decide(person.gate, |sessions, now| {
        sessions.note_traffic(now, session(person.n), person.conn, traffic);
    });
}

/// Two people chat for so many seconds; then the first looks for somebody else. Returns how much
/// later it is offered.
fn after_chat(cluster: &mut Cluster, one: Person, other: Person, secs: u64, ones: Traffic) -> Duration {
    for person in [one, other] {
        cluster.ask(person, ClientCommand::Find(anyone())).unwrap();
    }
    cluster.match_them(one, other);
    cluster.secs(secs);
    note(cluster, one, ones);
    note(cluster, other, SPOKE);
    cluster.ask(other, ClientCommand::Leave).unwrap();
    // What its connection has counted is told before whatever it asks for.
    note(cluster, one, ones);
    cluster.ask(one, ClientCommand::Find(anyone())).unwrap();
    let delay = cluster.want(one).delay;
    cluster.ask(one, ClientCommand::Cancel).unwrap();
    delay
}

#[test]
fn who_is_silent_in_one_two_or_three_chats_is_offered_later() {
    let mut cluster = Cluster::new(1);
    let one = cluster.connect(0, 1);
    let mut delays = Vec::new();
    for n in 2..6 {
        let other = cluster.connect(0, n);
        delays.push(after_chat(&mut cluster, one, other, 20, SILENT).as_secs());
    }
    assert_eq!(delays, [5, 20, 60, 60]);
    let other = cluster.connect(0, 9);
    assert_eq!(after_chat(&mut cluster, one, other, 20, SPOKE).as_secs(), 20, "it speaks again");
}

#[test]
fn a_short_chat_and_one_who_speaks_cost_nothing() {
    let mut cluster = Cluster::new(1);
    let (one, other) = (cluster.connect(0, 1), cluster.connect(0, 2));
    assert_eq!(after_chat(&mut cluster, one, other, 19, SILENT), Duration::ZERO);
    let other = cluster.connect(0, 3);
    assert_eq!(after_chat(&mut cluster, one, other, 60, SPOKE), Duration::ZERO);
}

#[test]
fn neither_a_new_connection_nor_an_older_token_pays_a_fine() {
    let mut cluster = Cluster::new(1);
    let (one, other) = (cluster.connect(0, 1), cluster.connect(0, 2));
    let old = token(&newest(&cluster.told(one)));
    assert_eq!(after_chat(&mut cluster, one, other, 20, SILENT).as_secs(), 5);
    cluster.drop(one);
    let back = cluster.connect_with(0, &old, 1);
    cluster.ask(back, ClientCommand::Find(anyone())).unwrap();
    assert_eq!(cluster.want(back).delay.as_secs(), 5);
}

#[test]
fn what_silence_costs_follows_to_another_gateway_and_is_paid_off_there() {
    let mut cluster = Cluster::new(2);
    let (one, other) = (cluster.connect(0, 1), cluster.connect(0, 2));
    assert_eq!(after_chat(&mut cluster, one, other, 20, SILENT).as_secs(), 5);
    assert_eq!(after_chat(&mut cluster, one, other, 20, SILENT).as_secs(), 20);
    let newest_token = token(&newest(&cluster.told(one)));
    assert_eq!(newest_token.history.silent, 2);
    let moved = cluster.connect_with(1, &newest_token, 1);
    cluster.ask(moved, ClientCommand::Find(anyone())).unwrap();
    assert_eq!(cluster.want(moved).delay.as_secs(), 20);
    cluster.ask(moved, ClientCommand::Cancel).unwrap();
    // It speaks there, and comes back: the first gateway goes by what is newer.
    let third = cluster.connect(1, 3);
    assert_eq!(after_chat(&mut cluster, moved, third, 20, SPOKE).as_secs(), 5);
    let newest_token = token(&newest(&cluster.told(moved)));
    let united = cluster.gates[0].sessions.united_history(cluster.now, newest_token.clone());
    assert_eq!(united.silent, 1);
    let back = cluster.connect_with(0, &newest_token, 1);
    cluster.ask(back, ClientCommand::Find(anyone())).unwrap();
    assert_eq!(cluster.want(back).delay.as_secs(), 5);
}

#[test]
fn who_leaves_its_silent_chat_by_closing_its_page_pays_when_it_comes_back() {
    let mut cluster = Cluster::new(1);
    let chat = cluster.chatting([0, 0]);
    cluster.secs(30);
    note(&mut cluster, chat.one, SILENT);
    cluster.drop(chat.one);
    cluster.ask(chat.other, ClientCommand::Leave).unwrap();
    let back = cluster.back(0, &chat);
    note(&mut cluster, back, Traffic::default());
    cluster.ask(back, ClientCommand::Find(anyone())).unwrap();
    assert_eq!(cluster.want(back).delay.as_secs(), 5);
}

#[test]
fn a_chat_by_invite_is_not_judged() {
    let mut cluster = Cluster::new(1);
    let (one, other) = (cluster.connect(0, 1), cluster.connect(0, 2));
    for person in [one, other] {
        cluster.ask(person, ClientCommand::Find(invited())).unwrap();
    }
    cluster.match_them(one, other);
    cluster.secs(60);
    note(&mut cluster, one, SILENT);
    cluster.ask(other, ClientCommand::Leave).unwrap();
    note(&mut cluster, one, SILENT);
    cluster.ask(one, ClientCommand::Find(anyone())).unwrap();
    assert_eq!(cluster.want(one).delay, Duration::ZERO);
}

#[test]
fn an_origin_pays_for_the_silent_chats_of_its_sessions_and_another_does_not() {
    let mut cluster = Cluster::new(1);
    for n in 0..8 {
        let (one, other) = (cluster.connect(0, 2 * n + 1), cluster.connect(0, 2 * n + 2));
        introduce(&mut cluster, one, origin(1));
        introduce(&mut cluster, other, origin(100 + n));
        after_chat(&mut cluster, one, other, 20, SILENT);
    }
    for (n, of, delay) in [(101, 1, 5), (102, 100, 0), (103, 50, 0)] {
        let newcomer = cluster.connect(0, n);
        introduce(&mut cluster, newcomer, origin(of));
        cluster.ask(newcomer, ClientCommand::Find(anyone())).unwrap();
        let want = cluster.want(newcomer);
        assert_eq!((want.delay.as_secs(), want.origin), (delay, origin(of).origin), "of {of}");
    }
}

#[test]
fn a_report_tells_pairing_the_room_the_session_and_where_it_came_from() {
    for gates in [[0, 0], [0, 1]] {
        let mut cluster = Cluster::new(2);
        let (one, other) = (cluster.connect(gates[0], 1), cluster.connect(gates[1], 2));
        for (person, of) in [(one, 1), (other, 2)] {
            introduce(&mut cluster, person, origin(of));
            cluster.ask(person, ClientCommand::Find(anyone())).unwrap();
        }
        let room = cluster.match_them(one, other);
        cluster.ask(one, ClientCommand::Report(Category::Spam)).unwrap();
        cluster.secs(6);
        let reports = |gate: usize| {
            let published = cluster.gates[gate].published.iter();
            published.filter(|message| matches!(message, Message::Report { .. })).cloned().collect::<Vec<_>>()
        };
        let (origin, reporter) = (origin(2).origin, origin(1).region);
        let report = Report { room: room.tag(), session: session(2).tag(), origin, reporter, chats: 0 };
        let expected = Message::Report { from: node(gates[1]), report };
        assert_eq!(reports(gates[1]), [expected.clone(), expected.clone(), expected], "at 0, 1 and 5 s");
        assert!(gates[0] == gates[1] || reports(gates[0]).is_empty());
    }
}

#[test]
fn only_so_many_of_one_network_wait_for_strangers() {
    let mut cluster = Cluster::new(1);
    cluster.gates[0].sessions =
        Sessions::new(Settings { waiting_per_network: 2, ..settings(0, Topology::Cluster) }, [1; 32]);
    let people: Vec<_> = (1..=5).map(|n| cluster.connect(0, n)).collect();
    people.iter().for_each(|person| introduce(&mut cluster, *person, origin(1)));
    cluster.ask(people[0], ClientCommand::Find(anyone())).unwrap();
    cluster.ask(people[1], ClientCommand::Find(about("music"))).unwrap();
    let refused = cluster.decide(0, |sessions, now| {
        sessions.command(now, session(3), people[2].conn, ClientCommand::Find(anyone()))
    });
    assert_eq!(refused, Err(too_many_wait()));
    assert_eq!(cluster.ask(people[1], ClientCommand::Find(about("films"))), Ok(()), "it waits already");
    assert_eq!(cluster.ask(people[2], ClientCommand::Find(invited())), Ok(()), "it takes nobody's place");
    introduce(&mut cluster, people[3], origin(2));
    assert_eq!(cluster.ask(people[3], ClientCommand::Find(anyone())), Ok(()), "of another network");
    // Who has met somebody makes room.
    cluster.match_them(people[0], people[3]);
    assert_eq!(cluster.ask(people[4], ClientCommand::Find(anyone())), Ok(()));
}
