//! Reports: what the two are told, until when, and that nothing undoes them.

use super::*;

fn report() -> ClientCommand {
    ClientCommand::Report(Category::Abuse)
}

fn tags(want: &Want) -> Vec<Tag> {
    want.tags().collect()
}

#[test]
fn who_was_reported_is_told_that_somebody_has_left_and_its_token_says_no_more() {
    for gates in [[0, 0], [0, 1]] {
        let mut cluster = Cluster::new(2);
        let chat = cluster.chatting(gates);
        cluster.ask(chat.one, report()).unwrap();
        let told = cluster.told(chat.one);
        assert_eq!(news(told.clone()), [ToClient::Ended(EndReason::Reported)]);
        assert_eq!(newest(&told).history.reported, [chat.room().tag()]);
        let reported = cluster.told(chat.other);
        // The same as after a `leave`, message by message.
        let mut other = Cluster::new(2);
        let left = other.chatting(gates);
        other.ask(left.one, ClientCommand::Leave).unwrap();
        assert_eq!(reported, other.told(left.other));
    }
}

#[test]
fn no_node_but_the_reporter_s_publishes_or_remembers_that_an_end_was_a_report() {
    let mut cluster = Cluster::new(3);
    let chat = cluster.chatting([0, 1]);
    cluster.drop(chat.other);
    cluster.clear();
    cluster.ask(chat.one, report()).unwrap();
    let ends: Vec<_> = (0..3).flat_map(|gate| cluster.room_events(gate)).collect();
    assert!(ends.iter().all(|(_, event)| *event != RoomEvent::Ended(EndReason::Reported)), "{ends:?}");
    let back = cluster.connect_with(2, &token(&chat.tokens[1]), chat.other.n);
    cluster.ask(back, ClientCommand::Resume(ticket(&chat.tickets[1]))).unwrap();
    assert_eq!(news(cluster.told(back)), [ToClient::Ended(EndReason::Left)]);
}

#[test]
fn the_two_of_a_reported_chat_are_kept_apart_for_their_lives() {
    for gates in [[0, 0], [0, 1]] {
        let mut cluster = Cluster::new(2);
        let chat = cluster.chatting(gates);
        cluster.ask(chat.one, report()).unwrap();
        cluster.secs(limits::MET_LIFE.as_secs() + 1);
        for person in [chat.one, chat.other] {
            cluster.ask(person, ClientCommand::Find(anyone())).unwrap();
        }
        assert_eq!(cluster.want(chat.one).reported, [chat.room().tag()]);
        let want = cluster.want(chat.other);
        assert_eq!((tags(&want), want.reported), (vec![chat.room().tag()], vec![]));
    }
}

#[test]
fn who_leaves_first_is_reported_all_the_same_for_a_minute() {
    for gates in [[0, 0], [0, 1]] {
        let mut cluster = Cluster::new(2);
        let chat = cluster.chatting(gates);
        cluster.ask(chat.other, ClientCommand::Next(anyone())).unwrap();
        cluster.clear();
        cluster.secs(59);
        cluster.ask(chat.one, report()).unwrap();
        let told = cluster.told(chat.one);
        assert_eq!(news(told.clone()), [], "it was told of the end before");
        assert_eq!(newest(&told).history.reported, [chat.room().tag()]);
        assert_eq!(news(cluster.told(chat.other)), []);
        let until_it_ends = limits::SESSION_LIFE - (cluster.now.since(START));
        let want = cluster.want(chat.other);
        let longest = want.met.iter().map(|room| room.1).max();
        assert!(
            longest > Some(until_it_ends - Duration::from_secs(9)),
            "its want says so at once: {longest:?}"
        );
        assert_eq!(cluster.ask(chat.one, report()), Err(ErrorCode::NoRoom), "a chat is reported once");
    }
}

#[test]
fn a_report_that_comes_later_is_refused() {
    let mut cluster = Cluster::new(1);
    let chat = cluster.chatting([0, 0]);
    cluster.ask(chat.other, ClientCommand::Leave).unwrap();
    cluster.secs(60);
    assert_eq!(cluster.ask(chat.one, report()), Err(ErrorCode::NoRoom));
    assert_eq!(cluster.ask(chat.other, report()), Err(ErrorCode::NoRoom));
}

#[test]
fn who_comes_back_within_the_minute_may_still_report() {
    for gate in [0, 2] {
        let mut cluster = Cluster::new(3);
        let chat = cluster.chatting([0, 1]);
        cluster.ask(chat.other, ClientCommand::Leave).unwrap();
        cluster.drop(chat.one);
        let back = cluster.back(gate, &chat);
        // On another gateway its ticket names the room.
        cluster.ask(back, ClientCommand::Resume(ticket(&chat.tickets[0]))).unwrap();
        assert_eq!(cluster.ask(back, report()), Ok(()), "at {gate}");
        cluster.ask(chat.other, ClientCommand::Find(anyone())).unwrap();
        let longest = cluster.want(chat.other).met.iter().map(|room| room.1).max();
        assert!(longest > Some(limits::MET_LIFE), "at {gate}");
    }
}

#[test]
fn a_report_while_in_a_chat_is_about_that_chat() {
    let mut cluster = Cluster::new(1);
    let chat = cluster.chatting([0, 0]);
    cluster.ask(chat.other, ClientCommand::Leave).unwrap();
    let third = cluster.connect(0, 3);
    cluster.ask(chat.one, ClientCommand::Find(anyone())).unwrap();
    cluster.ask(third, ClientCommand::Find(anyone())).unwrap();
    let room = cluster.match_them(chat.one, third);
    cluster.told(chat.one);
    cluster.ask(chat.one, report()).unwrap();
    let told = cluster.told(chat.one);
    assert_eq!(news(told.clone()), [ToClient::Ended(EndReason::Reported)]);
    assert_eq!(newest(&told).history.reported, [room.tag()]);
}

#[test]
fn a_lost_word_of_a_report_is_said_again() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    cluster.lost = |message| matches!(message, Message::Peer { .. } | Message::Room { .. });
    cluster.ask(chat.one, report()).unwrap();
    assert_eq!(news(cluster.told(chat.other)), []);
    cluster.lost = |_| false;
    cluster.secs(2);
    assert_eq!(news(cluster.told(chat.other)), [ToClient::Ended(EndReason::Left)], "the end, too");
    cluster.ask(chat.other, ClientCommand::Find(anyone())).unwrap();
    assert!(cluster.want(chat.other).met.iter().any(|room| room.1 > limits::MET_LIFE));
}

#[test]
fn an_older_token_gains_nothing_where_its_session_is_known() {
    let mut cluster = Cluster::new(1);
    let chat = cluster.chatting([0, 0]);
    let old = token(&chat.tokens[1]);
    cluster.ask(chat.one, report()).unwrap();
    let room = chat.room().tag();
    // Connected still, or gone for a while.
    for pause in [0, 30] {
        if pause > 0 {
            cluster.drop(chat.other);
            cluster.secs(pause);
        }
        let renewed = cluster.gates[0].sessions.united_history(cluster.now, old.clone());
        assert_eq!(renewed.live_tags(cluster.now), [room], "also over REST");
        let back = cluster.connect_with(0, &old, chat.other.n);
        cluster.ask(back, ClientCommand::Find(anyone())).unwrap();
        assert!(cluster.want(back).met.iter().any(|met| met.0 == room && met.1 > limits::MET_LIFE));
        cluster.drop(back);
    }
}
