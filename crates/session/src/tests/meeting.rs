//! From a match to `paired`, and all that can come between.

use super::*;

const SHORTLY: Duration = Duration::from_millis(600);

#[test]
fn two_people_of_one_gateway_are_paired_at_once() {
    let mut cluster = Cluster::new(1);
    let (one, other) = cluster.waiting([0, 0]);
    let room = cluster.match_them(one, other);
    let (ones, others) = (place(&cluster.told(one)), place(&cluster.told(other)));
    assert_eq!((ones.room, others.room), (room, room));
    assert_eq!(ones.side, others.side.other());
    assert_eq!(cluster.route(one), Route::Local { room, peer: other.conn });
    assert_eq!(cluster.route(other), Route::Local { room, peer: one.conn });
    assert_eq!(cluster.joined(0), 0, "nobody else needs to know");
    assert_eq!(cluster.gates[0].sessions.load().chatting, 2);
}

#[test]
fn two_people_of_two_gateways_are_paired_when_each_has_heard_of_the_other() {
    let mut cluster = Cluster::new(2);
    let (one, other) = cluster.waiting([0, 1]);
    let room = cluster.match_them(one, other);
    let (ones, others) = (place(&cluster.told(one)), place(&cluster.told(other)));
    let remote = |own: &TicketGrant, peer: &TicketGrant, to| {
        let (side, stamp) = (own.side, own.stamp);
        Route::Remote { room, side, stamp, node: node(to), fence: peer.stamp }
    };
    assert_eq!(cluster.route(one), remote(&ones, &others, 1));
    assert_eq!(cluster.route(other), remote(&others, &ones, 0));
}

#[test]
fn a_want_is_withdrawn_when_it_joins() {
    let mut cluster = Cluster::new(2);
    let (one, other) = cluster.waiting([0, 1]);
    let want = cluster.want(one).id;
    cluster.match_them(one, other);
    let event = WantEvent::Withdrawn(vec![want]);
    assert!(cluster.gates[0].published.contains(&Message::Want { from: node(0), event }));
}

#[test]
fn nobody_is_paired_before_the_other_half_is_heard() {
    let mut cluster = Cluster::new(2);
    let (one, other) = cluster.waiting([0, 1]);
    let event = cluster.pair_of(one, other);
    cluster.told(one);
    cluster.handle(0, Message::Match { to: node(0), event });
    assert_eq!(cluster.told(one), []);
    assert_eq!(cluster.route(one), Route::Nowhere);
    assert_eq!(cluster.locate(0, 1).unwrap().state, SessionState::Waiting);
}

#[test]
fn a_joined_before_the_match_is_repeated_and_then_heard() {
    let mut cluster = Cluster::new(2);
    let (one, other) = cluster.waiting([0, 1]);
    let event = cluster.pair_of(one, other);
    cluster.handle(0, Message::Match { to: node(0), event: event.clone() });
    assert_eq!(cluster.told(other), [newest_ready(&cluster, other), ToClient::Waiting(Outlook::default())]);
    cluster.handle(1, Message::Match { to: node(1), event });
    place(&cluster.told(one));
    place(&cluster.told(other));
}

fn newest_ready(cluster: &Cluster, person: Person) -> ToClient {
    ToClient::Unsigned(Unsigned::Ready(
        cluster.gates[person.gate].sessions.sessions[&session(person.n)].grant(session(person.n)),
    ))
}

#[test]
fn a_lost_joined_is_repeated_every_half_second() {
    let mut cluster = Cluster::new(2);
    let (one, other) = cluster.waiting([0, 1]);
    cluster.lost = |message| matches!(message, Message::Peer { .. });
    cluster.match_them(one, other);
    cluster.secs(1);
    assert!((3..=4).contains(&cluster.joined(0)), "{}", cluster.joined(0));
    assert!(
        !cluster.told(one).iter().any(|message| matches!(message, ToClient::Unsigned(Unsigned::Paired(..))))
    );
    cluster.lost = |_| false;
    cluster.pass(SHORTLY);
    place(&cluster.told(one));
    place(&cluster.told(other));
    cluster.clear();
    cluster.secs(5);
    assert_eq!(cluster.joined(0) + cluster.joined(1), 0, "both are heard");
}

#[test]
fn a_lost_present_does_not_keep_the_two_apart() {
    let mut cluster = Cluster::new(2);
    let (one, other) = cluster.waiting([0, 1]);
    cluster.lost = |message| matches!(message, Message::Peer { event: RoomEvent::Present(_), .. });
    cluster.match_them(one, other);
    place(&cluster.told(one));
    assert_eq!(
        news(cluster.told(other)),
        [ToClient::Waiting(Outlook::default())],
        "it has heard nothing yet"
    );
    cluster.lost = |_| false;
    cluster.pass(SHORTLY);
    place(&cluster.told(other));
}

#[test]
fn after_three_seconds_alone_a_person_waits_again_under_a_new_id_with_its_age() {
    let mut cluster = Cluster::new(2);
    let (one, other) = cluster.waiting([0, 1]);
    let before = cluster.want(one);
    let event = cluster.pair_of(one, other);
    cluster.told(one);
    cluster.lost = |message| matches!(message, Message::Peer { .. });
    cluster.handle(0, Message::Match { to: node(0), event });
    cluster.pass(Duration::from_millis(2_900));
    assert_eq!(cluster.want(one).id, before.id);
    cluster.pass(Duration::from_millis(200));
    let after = cluster.want(one);
    assert_ne!(after.id, before.id);
    assert!(after.age >= Duration::from_secs(3), "{:?}", after.age);
    assert_eq!(cluster.told(one), [], "the client has seen nothing of it");
}

#[test]
fn who_gave_up_declines_a_later_joined() {
    let mut cluster = Cluster::new(2);
    let (one, other) = cluster.waiting([0, 1]);
    let event = cluster.pair_of(one, other);
    cluster.lost = |message| matches!(message, Message::Peer { .. });
    cluster.handle(0, Message::Match { to: node(0), event: event.clone() });
    cluster.secs(4);
    cluster.lost = |_| false;
    let before = cluster.want(other).id;
    cluster.handle(1, Message::Match { to: node(1), event });
    assert_ne!(cluster.want(other).id, before, "declined at once, it waits again");
    assert!(cluster.room_events(0).contains(&(Some(node(1)), RoomEvent::Declined)));
    cluster.secs(5);
    assert!(
        !cluster
            .told(other)
            .iter()
            .any(|message| matches!(message, ToClient::Unsigned(Unsigned::Paired(..))))
    );
}

#[test]
fn a_want_that_is_gone_is_declined_and_the_other_waits_on() {
    let mut cluster = Cluster::new(2);
    let (one, other) = cluster.waiting([0, 1]);
    let (event, before) = (cluster.pair_of(one, other), cluster.want(one).id);
    cluster.ask(other, ClientCommand::Cancel).unwrap();
    cluster.secs(1);
    for gate in [0, 1] {
        cluster.handle(gate, Message::Match { to: node(gate), event: event.clone() });
    }
    assert!(cluster.room_events(1).contains(&(Some(node(0)), RoomEvent::Declined)));
    let after = cluster.want(one);
    assert_ne!(after.id, before);
    assert!(after.age >= Duration::from_secs(1));
}

#[test]
fn if_the_other_half_of_one_gateway_is_gone_the_first_waits_on_under_a_new_id() {
    let mut cluster = Cluster::new(1);
    let (one, other) = cluster.waiting([0, 0]);
    let (event, before) = (cluster.pair_of(one, other), cluster.want(one).id);
    cluster.drop(other);
    cluster.handle(0, Message::Match { to: node(0), event });
    assert_ne!(cluster.want(one).id, before);
    assert_eq!(cluster.locate(0, 1).unwrap().state, SessionState::Waiting);
}

#[test]
fn nobody_is_paired_with_itself() {
    let mut cluster = Cluster::new(1);
    let (one, _) = cluster.waiting([0, 0]);
    let half = Half { want: cluster.want(one).id, node: node(0), pass: false };
    cluster.handle(0, Message::Match { to: node(0), event: MatchEvent::Pair([half.clone(), half]) });
    assert_eq!(news(cluster.told(one)), [ToClient::Waiting(Outlook::default())]);
}

#[test]
fn who_drops_before_paired_is_declined_for_at_once() {
    let mut cluster = Cluster::new(2);
    let (one, other) = cluster.waiting([0, 1]);
    cluster.lost = |message| matches!(message, Message::Peer { event: RoomEvent::Joined(_), .. });
    cluster.match_them(one, other);
    let before = cluster.want(other).id;
    cluster.drop(one);
    assert!(cluster.room_events(0).contains(&(Some(node(1)), RoomEvent::Declined)));
    assert_ne!(cluster.want(other).id, before, "the other waits on");
    assert!(
        !cluster
            .told(other)
            .iter()
            .any(|message| matches!(message, ToClient::Unsigned(Unsigned::Paired(..))))
    );
    assert_eq!(cluster.locate(0, 1), None);
}

#[test]
fn who_cancels_before_paired_dissolves_the_match_and_waits_no_more() {
    let mut cluster = Cluster::new(2);
    let (one, other) = cluster.waiting([0, 1]);
    cluster.lost = |message| matches!(message, Message::Peer { event: RoomEvent::Joined(_), .. });
    cluster.match_them(one, other);
    let before = cluster.want(other).id;
    cluster.ask(one, ClientCommand::Cancel).unwrap();
    assert_eq!(cluster.locate(0, 1).unwrap().state, SessionState::Idle);
    assert_ne!(cluster.want(other).id, before);
}

#[test]
fn the_same_find_does_not_disturb_a_match_that_is_on_its_way() {
    let mut cluster = Cluster::new(2);
    let (one, other) = cluster.waiting([0, 1]);
    cluster.lost = |message| matches!(message, Message::Peer { .. });
    cluster.match_them(one, other);
    cluster.ask(one, ClientCommand::Find(anyone())).unwrap();
    cluster.lost = |_| false;
    cluster.pass(SHORTLY);
    place(&cluster.told(one));
    place(&cluster.told(other));
}

#[test]
fn a_late_joined_of_somebody_who_declined_pairs_nobody_for_long() {
    let mut cluster = Cluster::new(2);
    let (one, other) = cluster.waiting([0, 1]);
    let event = cluster.pair_of(one, other);
    cluster.lost = |message| matches!(message, Message::Peer { .. });
    cluster.handle(1, Message::Match { to: node(1), event: event.clone() });
    let (_, late) = cluster.room_events(1)[0].clone();
    let room = cluster.room_of(one, other);
    cluster.drop(other);
    cluster.lost = |_| false;
    cluster.handle(0, Message::Match { to: node(0), event });
    assert_eq!(
        news(cluster.told(one)),
        [ToClient::Waiting(Outlook::default())],
        "declined: it waits under another id"
    );
    cluster.handle(0, peer(room, 0, late));
    assert_eq!(news(cluster.told(one)), [], "and the room stays dissolved");
}

#[test]
fn a_repeated_match_changes_nothing() {
    let mut cluster = Cluster::new(2);
    let (one, other) = cluster.waiting([0, 1]);
    let event = cluster.pair_of(one, other);
    cluster.match_them(one, other);
    cluster.clear();
    for gate in [0, 1] {
        cluster.handle(gate, Message::Match { to: node(gate), event: event.clone() });
        assert_eq!(cluster.gates[gate].order, []);
    }
}

#[test]
fn a_match_that_is_told_again_after_the_people_moved_on_ends_nothing() {
    let mut cluster = Cluster::new(3);
    let (one, other) = cluster.waiting([0, 1]);
    let event = cluster.pair_of(one, other);
    cluster.match_them(one, other);
    let told = cluster.told(one);
    let moved = cluster.connect_with(2, &token(&newest(&told)), 1);
    cluster.resume(moved, &place(&told)).unwrap();
    cluster.told(other);
    cluster.handle(0, Message::Match { to: node(0), event });
    assert_eq!(cluster.told(other), []);
    assert!(matches!(cluster.route(other), Route::Remote { .. }));
}

#[test]
fn two_matches_of_one_want_lead_to_one_room() {
    let mut cluster = Cluster::new(1);
    let (one, other) = cluster.waiting([0, 0]);
    let third = cluster.connect(0, 3);
    cluster.ask(third, ClientCommand::Find(anyone())).unwrap();
    let (first, second) = (cluster.pair_of(one, other), cluster.pair_of(one, third));
    cluster.handle(0, Message::Match { to: node(0), event: first });
    cluster.handle(0, Message::Match { to: node(0), event: second });
    let room = place(&cluster.told(one)).room;
    assert_eq!(place(&cluster.told(other)).room, room);
    assert_eq!(news(cluster.told(third)), [ToClient::Waiting(Outlook::default())]);
    assert_eq!(cluster.locate(0, 3).unwrap().state, SessionState::Waiting);
}

#[test]
fn a_gateway_that_dies_before_paired_frees_the_other_half() {
    let mut cluster = Cluster::new(2);
    let (one, other) = cluster.waiting([0, 1]);
    let (event, before) = (cluster.pair_of(one, other), cluster.want(one).id);
    cluster.gates[1].is_connected = false;
    cluster.pass(Duration::from_millis(3_000));
    cluster.handle(0, Message::Match { to: node(0), event });
    cluster.secs(1);
    assert_ne!(cluster.want(one).id, before, "not only after its whole patience");
}
