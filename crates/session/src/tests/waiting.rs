//! `find`, `cancel`, and what pairing hears.

use super::*;
use crate::command::{invite_spent, other_version, strangers_not_offered};

#[test]
fn a_find_publishes_a_want_and_says_waiting() {
    let mut cluster = Cluster::new(1);
    let person = cluster.connect(0, 1);
    assert!(matches!(cluster.told(person)[..], [ToClient::Unsigned(Unsigned::Ready(_))]));
    let find = Criteria { language: Some("ko".parse().unwrap()), ..about("music") };
    cluster.ask(person, ClientCommand::Find(find.clone())).unwrap();
    assert_eq!(cluster.told(person), [ToClient::Waiting(Outlook::default())]);
    let want = cluster.want(person);
    assert_eq!((want.session, want.queue, want.age), (session(1), find.queue(), Duration::ZERO));
    assert_eq!((want.role, want.language), (None, find.language));
    assert_eq!(cluster.locate(0, 1).unwrap().state, SessionState::Waiting);
}

#[test]
fn the_same_find_again_keeps_the_place_and_another_loses_it() {
    let mut cluster = Cluster::new(1);
    let person = cluster.connect(0, 1);
    cluster.ask(person, ClientCommand::Find(about("music"))).unwrap();
    let first = cluster.want(person);
    cluster.secs(1);
    cluster.ask(person, ClientCommand::Find(about(" MUSIC "))).unwrap();
    assert_eq!(cluster.want(person).id, first.id);
    cluster.ask(person, ClientCommand::Find(about("films"))).unwrap();
    let second = cluster.want(person);
    assert_ne!(second.id, first.id);
    assert_eq!(second.age, Duration::ZERO);
    let withdrawn = WantEvent::Withdrawn(vec![first.id]);
    assert!(cluster.gates[0].published.contains(&Message::Want { from: node(0), event: withdrawn }));
    assert_eq!(
        news(cluster.told(person)),
        [
            ToClient::Waiting(Outlook::default()),
            ToClient::Waiting(Outlook::default()),
            ToClient::Waiting(Outlook::default())
        ]
    );
}

#[test]
fn all_wants_are_repeated_every_two_seconds_with_their_age() {
    let mut cluster = Cluster::new(1);
    let person = cluster.connect(0, 1);
    cluster.ask(person, ClientCommand::Find(anyone())).unwrap();
    let first = cluster.want(person);
    cluster.secs(6);
    let repeated =
        cluster.gates[0].published.iter().filter(|message| matches!(message, Message::Want { .. })).count();
    assert_eq!(repeated, 4, "at once and at three repetitions");
    let last = cluster.want(person);
    assert_eq!(last.id, first.id);
    assert!(last.age >= Duration::from_secs(4));
}

#[test]
fn a_cancel_withdraws_the_want_and_is_not_answered() {
    let mut cluster = Cluster::new(1);
    let person = cluster.connect(0, 1);
    cluster.ask(person, ClientCommand::Find(anyone())).unwrap();
    let want = cluster.want(person).id;
    cluster.clear();
    cluster.ask(person, ClientCommand::Cancel).unwrap();
    assert_eq!(cluster.told(person), []);
    let event = WantEvent::Withdrawn(vec![want]);
    assert_eq!(cluster.gates[0].published, [Message::Want { from: node(0), event }]);
    assert_eq!(cluster.gates[0].sessions.load().waiting, 0);
    assert_eq!(cluster.ask(person, ClientCommand::Cancel), Ok(()), "also when nothing waits");
}

#[test]
fn a_dropped_connection_withdraws_the_want() {
    let mut cluster = Cluster::new(1);
    let person = cluster.connect(0, 1);
    cluster.ask(person, ClientCommand::Find(anyone())).unwrap();
    let want = cluster.want(person).id;
    cluster.drop(person);
    let event = WantEvent::Withdrawn(vec![want]);
    assert!(cluster.gates[0].published.contains(&Message::Want { from: node(0), event }));
    assert_eq!(cluster.locate(0, 1), None);
}

#[test]
fn nobody_finds_anybody_while_the_bus_is_down() {
    let mut cluster = Cluster::new(1);
    let person = cluster.connect(0, 1);
    cluster.decide(0, Sessions::bus_down);
    assert_eq!(cluster.ask(person, ClientCommand::Find(anyone())), Err(ErrorCode::Unavailable));
    assert_eq!(cluster.ask(person, ClientCommand::Next(anyone())), Err(ErrorCode::Unavailable));
    cluster.decide(0, Sessions::bus_up);
    assert_eq!(cluster.ask(person, ClientCommand::Find(anyone())), Ok(()));
}

#[test]
fn wants_are_published_at_once_when_the_bus_is_back() {
    let mut cluster = Cluster::new(1);
    let person = cluster.connect(0, 1);
    cluster.ask(person, ClientCommand::Find(anyone())).unwrap();
    let want = cluster.want(person).id;
    cluster.decide(0, Sessions::bus_down);
    cluster.clear();
    cluster.decide(0, Sessions::bus_up);
    assert_eq!(cluster.want(person).id, want);
}

#[test]
fn a_find_in_a_room_is_refused_and_changes_nothing() {
    let mut cluster = Cluster::new(1);
    let chat = cluster.chatting([0, 0]);
    assert_eq!(cluster.ask(chat.one, ClientCommand::Find(anyone())), Err(ErrorCode::InRoom));
    assert_eq!(cluster.told(chat.one), []);
    assert!(matches!(cluster.route(chat.one), Route::Local { .. }));
}

#[test]
fn a_spent_invite_is_told_and_remembered() {
    let mut cluster = Cluster::new(1);
    let person = cluster.connect(0, 1);
    cluster.ask(person, ClientCommand::Find(invited())).unwrap();
    let want = cluster.want(person).id;
    cluster.handle(0, Message::Match { to: node(0), event: MatchEvent::Spent(want) });
    assert_eq!(
        news(cluster.told(person)),
        [ToClient::Waiting(Outlook::default()), ToClient::Error(invite_spent())]
    );
    assert_eq!(cluster.locate(0, 1).unwrap().state, SessionState::Idle);
    assert_eq!(cluster.ask(person, ClientCommand::Find(invited())), Err(ErrorCode::InviteSpent));
    assert_eq!(cluster.ask(person, ClientCommand::Find(anyone())), Ok(()));
}

#[test]
fn another_version_than_that_of_the_page_is_told_after_ten_seconds() {
    let mut cluster = Cluster::new(1);
    let (old, new) = (cluster.connect(0, 1), cluster.connect(0, 2));
    let first = Criteria { channel: ChannelVersion::FIRST, ..anyone() };
    cluster.ask(old, ClientCommand::Find(first.clone())).unwrap();
    cluster.ask(new, ClientCommand::Find(anyone())).unwrap();
    assert_eq!(cluster.want(old).channel, ChannelVersion::FIRST);
    assert_eq!(cluster.want(new).channel, ChannelVersion::CURRENT);
    cluster.pass(limits::VERSION_PATIENCE - TICK);
    assert_eq!(news(cluster.told(old)), [ToClient::Waiting(Outlook::default())]);
    cluster.pass(TICK * 2);
    assert_eq!(news(cluster.told(old)), [ToClient::Error(other_version())]);
    assert_eq!(news(cluster.told(new)), [ToClient::Waiting(Outlook::default())], "and waits on");
    assert_eq!(cluster.locate(0, 1).unwrap().state, SessionState::Idle);
    assert_eq!(cluster.locate(0, 2).unwrap().state, SessionState::Waiting);
    // It may ask again; who has gone on to another search meanwhile is not told.
    cluster.ask(old, ClientCommand::Find(first)).unwrap();
    cluster.pass(limits::VERSION_PATIENCE / 2);
    cluster.ask(old, ClientCommand::Find(anyone())).unwrap();
    cluster.pass(limits::VERSION_PATIENCE);
    assert_eq!(
        news(cluster.told(old)),
        [ToClient::Waiting(Outlook::default()), ToClient::Waiting(Outlook::default())]
    );
}

#[test]
fn when_the_two_of_an_invite_have_met_pairing_hears_so_once() {
    let mut cluster = Cluster::new(1);
    let (one, other) = (cluster.connect(0, 1), cluster.connect(0, 2));
    cluster.ask(one, ClientCommand::Find(invited())).unwrap();
    cluster.ask(other, ClientCommand::Find(invited())).unwrap();
    cluster.match_them(one, other);
    let met = Message::Want { from: node(0), event: WantEvent::Met(invited().queue()) };
    assert_eq!(cluster.gates[0].published.iter().filter(|message| **message == met).count(), 1);
    let third = cluster.connect(0, 3);
    assert_eq!(cluster.ask(third, ClientCommand::Find(invited())), Err(ErrorCode::InviteSpent));
}

#[test]
fn a_match_by_topic_spends_nothing() {
    let mut cluster = Cluster::new(1);
    cluster.chatting([0, 0]);
    let (one, other) = (cluster.connect(0, 3), cluster.connect(0, 4));
    assert_eq!(cluster.ask(one, ClientCommand::Find(anyone())), Ok(()));
    assert_eq!(cluster.ask(other, ClientCommand::Find(anyone())), Ok(()));
}

#[test]
fn who_waits_for_a_stranger_is_told_that_strangers_do_not_meet_any_more() {
    let mut cluster = Cluster::new(1);
    let chat = cluster.chatting([0, 0]);
    let (stranger, friend) = (cluster.connect(0, 3), cluster.connect(0, 4));
    cluster.ask(stranger, ClientCommand::Find(anyone())).unwrap();
    cluster.ask(friend, ClientCommand::Find(invited())).unwrap();
    let want = cluster.want(stranger).id;
    for _ in 0..2 {
        cluster.decide(0, |sessions, _| sessions.stop_waiting_for_strangers());
    }
    assert_eq!(
        news(cluster.told(stranger)),
        [ToClient::Waiting(Outlook::default()), ToClient::Error(strangers_not_offered())]
    );
    assert_eq!(news(cluster.told(friend)), [ToClient::Waiting(Outlook::default())], "and waits on");
    assert_eq!(news(cluster.told(chat.one)), [], "chats go on");
    assert_eq!(cluster.locate(0, 3).unwrap().state, SessionState::Idle);
    let withdrawn = Message::Want { from: node(0), event: WantEvent::Withdrawn(vec![want]) };
    assert_eq!(cluster.gates[0].published.iter().filter(|message| **message == withdrawn).count(), 1);
}
