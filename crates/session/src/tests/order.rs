//! The order of effects. The gateway carries them out one after the other while frames go on: no
//! frame may overtake the message that opens its room, and no client may be let into a room, or
//! told that its peer is back, before the frames that it sends then have somewhere to go.

use super::*;

/// Where in the order of a gateway's effects the one that fits stands. It is the only one.
fn position(gate: &Gate, fits: impl Fn(&Effect) -> bool) -> usize {
    let fitting: Vec<_> = (0..gate.order.len()).filter(|n| fits(&gate.order[*n])).collect();
    let [at] = fitting[..] else { panic!("{fitting:?} of {:#?}", gate.order) };
    at
}

fn opens(person: Person) -> impl Fn(&Effect) -> bool {
    move |effect| {
        matches!(effect, Effect::Send(conn, ToClient::Unsigned(message))
            if *conn == person.conn && message.opens_room())
    }
}

fn routes(person: Person) -> impl Fn(&Effect) -> bool {
    move |effect| matches!(effect, Effect::Route(conn, route) if *conn == person.conn && *route != Route::Nowhere)
}

fn releases(person: Person) -> impl Fn(&Effect) -> bool {
    move |effect| *effect == Effect::Release(person.conn)
}

fn is_online(person: Person) -> impl Fn(&Effect) -> bool {
    move |effect| *effect == Effect::Send(person.conn, ToClient::Peer(PeerState::Online))
}

#[test]
fn paired_is_queued_before_the_routes_and_leaves_after_those_of_both_sides() {
    for gates in [[0, 0], [0, 1]] {
        let mut cluster = Cluster::new(2);
        let (one, other) = cluster.waiting(gates);
        cluster.match_them(one, other);
        for person in [one, other] {
            let gate = &cluster.gates[person.gate];
            let (queued, released) = (position(gate, opens(person)), position(gate, releases(person)));
            let here = [one, other].into_iter().filter(|who| who.gate == person.gate);
            for routed in here.map(|who| position(gate, routes(who))) {
                assert!(queued < routed && routed < released, "{:#?}", gate.order);
            }
        }
    }
}

#[test]
fn resumed_is_queued_before_the_routes_and_leaves_after_those_of_both_sides() {
    for gates in [[0, 0], [0, 1]] {
        let mut cluster = Cluster::new(2);
        let chat = cluster.chatting(gates);
        cluster.drop(chat.one);
        let back = cluster.back(0, &chat);
        cluster.clear();
        cluster.resume(back, &chat.tickets[0]).unwrap();
        let gate = &cluster.gates[0];
        let (queued, released) = (position(gate, opens(back)), position(gate, releases(back)));
        let here = [back, chat.other].into_iter().filter(|who| who.gate == 0);
        for routed in here.map(|who| position(gate, routes(who))) {
            assert!(queued < routed && routed < released, "{:#?}", gate.order);
        }
    }
}

#[test]
fn who_learns_that_the_peer_is_back_is_routed_and_so_is_the_peer() {
    for gates in [[0, 0], [0, 1]] {
        let mut cluster = Cluster::new(2);
        let chat = cluster.chatting(gates);
        cluster.drop(chat.one);
        let back = cluster.back(0, &chat);
        cluster.clear();
        cluster.resume(back, &chat.tickets[0]).unwrap();
        let gate = &cluster.gates[chat.other.gate];
        let told = position(gate, is_online(chat.other));
        let here = [back, chat.other].into_iter().filter(|who| who.gate == chat.other.gate);
        for routed in here.map(|who| position(gate, routes(who))) {
            assert!(routed < told, "{:#?}", gate.order);
        }
    }
}

#[test]
fn who_learns_that_the_peer_is_away_is_told_before_its_frames_are_dropped() {
    for gates in [[0, 0], [0, 1]] {
        let mut cluster = Cluster::new(2);
        let chat = cluster.chatting(gates);
        cluster.drop(chat.one);
        let gate = &cluster.gates[chat.other.gate];
        let away = Effect::Send(chat.other.conn, ToClient::Peer(PeerState::Away));
        let told = position(gate, |effect| *effect == away);
        let stopped = Effect::Route(chat.other.conn, Route::Nowhere);
        assert!(told < position(gate, |effect| *effect == stopped), "{:#?}", gate.order);
    }
}

#[test]
fn a_resume_that_is_answered_twice_is_released_twice() {
    let mut cluster = Cluster::new(1);
    let chat = cluster.chatting([0, 0]);
    cluster.resume(chat.one, &chat.tickets[0]).unwrap();
    let gate = &cluster.gates[0];
    assert!(position(gate, opens(chat.one)) < position(gate, releases(chat.one)));
}

#[test]
fn frames_stop_before_the_end_is_told() {
    let mut cluster = Cluster::new(1);
    let chat = cluster.chatting([0, 0]);
    cluster.ask(chat.one, ClientCommand::Leave).unwrap();
    let order = &cluster.gates[0].order;
    let stopped = order.iter().rposition(|effect| matches!(effect, Effect::Route(..))).unwrap();
    let told = order.iter().position(|effect| matches!(effect, Effect::Send(_, ToClient::Ended(_)))).unwrap();
    assert!(stopped < told);
}
