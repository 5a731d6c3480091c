//! Grants: what the signed tokens say, and when they are renewed.

use super::*;

#[test]
fn ready_comes_first_with_the_history_of_the_token_and_a_new_stamp() {
    let mut cluster = Cluster::new(1);
    let mut history = RoomHistory::default();
    history.met(RoomId::from_bytes([1; 16]), START);
    history.reported(RoomId::from_bytes([2; 16]));
    let claims = TokenClaims { history: history.clone(), stamp: Stamp(5), ..fresh_token(1) };
    let person = cluster.connect_with(0, &claims, 1);
    let told = cluster.told(person);
    let [ToClient::Unsigned(Unsigned::Ready(grant))] = &told[..] else { panic!("{told:?}") };
    assert_eq!((grant.session, grant.start, &grant.history), (session(1), claims.start, &history));
    assert_eq!(grant.stamp, Stamp(cluster.now.0));
}

#[test]
fn tokens_are_renewed_at_half_their_life_and_with_a_ticket_in_a_room() {
    let mut cluster = Cluster::new(1);
    let chat = cluster.chatting([0, 0]);
    let idle = cluster.connect(0, 3);
    cluster.told(idle);
    cluster.pass(TOKEN_LIFE / 2 + TICK);
    let [ToClient::Unsigned(Unsigned::Token(grant, Some(place)))] = &cluster.told(chat.one)[..] else {
        panic!("no ticket")
    };
    assert_eq!((grant.stamp, *place), (chat.tokens[0].stamp, chat.tickets[0]));
    assert!(matches!(cluster.told(idle)[..], [ToClient::Unsigned(Unsigned::Token(_, None))]));
    cluster.pass(TOKEN_LIFE / 2 + TICK);
    assert!(
        matches!(cluster.told(chat.one)[..], [ToClient::Unsigned(Unsigned::Token(_, Some(_)))]),
        "and again"
    );
}

#[test]
fn nothing_is_renewed_for_a_connection_that_is_gone_or_replaced() {
    let mut cluster = Cluster::new(1);
    let chat = cluster.chatting([0, 0]);
    let person = cluster.connect(0, 3);
    cluster.connect(0, 3);
    cluster.drop(chat.one);
    cluster.clear();
    cluster.pass(TOKEN_LIFE / 2 + TICK);
    assert_eq!((cluster.told(person), cluster.told(chat.one)), (vec![], vec![]));
}

#[test]
fn who_waits_for_the_other_half_is_renewed_without_a_ticket() {
    let mut cluster = Cluster::new(2);
    let (one, other) = cluster.waiting([0, 1]);
    cluster.lost = |message| matches!(message, Message::Peer { .. });
    cluster.pass(TOKEN_LIFE / 2 - Duration::from_secs(1));
    cluster.match_them(one, other);
    cluster.told(one);
    cluster.secs(2);
    assert!(matches!(cluster.told(one)[..], [ToClient::Unsigned(Unsigned::Token(_, None))]));
}
