//! What is said of attachments, by whom, and on which subjects.

use super::{chats::Chat, *};

fn seen(cluster: &mut Cluster, person: Person) -> Vec<PeerState> {
    let told = cluster.told(person);
    told.iter()
        .filter_map(|told| if let ToClient::Peer(state) = told { Some(*state) } else { None })
        .collect()
}

/// Gateways of which these name themselves, after all have heard of that.
fn cluster(gates: usize, named: &[usize]) -> Cluster {
    let mut cluster = Cluster::new(gates);
    for gate in named {
        let now = cluster.now;
        cluster.gates[*gate].sessions.permit_names(now);
    }
    cluster.secs(7);
    cluster.clear();
    cluster
}

/// What this gateway has said of attachments without its name in the subject.
fn unnamed_claims(cluster: &Cluster, gate: usize) -> usize {
    cluster.gates[gate].published.iter().filter(|message| message.claimant().is_some()).count()
}

fn named_claims(cluster: &Cluster, gate: usize) -> usize {
    let is_own = |message: &&Message| matches!(message, Message::Own { from, .. } if *from == node(gate));
    cluster.gates[gate].published.iter().filter(is_own).count()
}

/// All that a gateway can claim of the first side of a chat in the name of the gateway that holds
/// it, or of one that there is not.
fn forged(chat: &Chat, named: &str, to: usize) -> Vec<Message> {
    let at = Attachment {
        stamp: Stamp(chat.attachment(0).stamp.0 + 1_000),
        node: named.parse().unwrap(),
        ..chat.attachment(0)
    };
    let (room, speaker) = (chat.room(), Service::Gateway);
    let gone = Attachment { stamp: chat.attachment(0).stamp, ..at.clone() };
    let attached = Attached { peer: Stamp::NONE, side: at.side, stamp: at.stamp, owner: at.owner };
    let mut all: Vec<_> = [
        RoomEvent::Joined(at.clone()),
        RoomEvent::Present(at.clone()),
        RoomEvent::Detached(gone.clone()),
        RoomEvent::NotHere(gone),
    ]
    .map(|event| peer(room, to, event))
    .into();
    all.push(Message::Room { room, speaker, event: RoomEvent::Joined(at.clone()) });
    let presence = Presence { node: at.node.clone(), rooms: vec![(room, attached)] };
    all.push(Message::Presence { to: node(to), presence });
    for session in [chat.tickets[0].session, chat.tickets[1].session] {
        let event = SessionEvent::Attached { stamp: at.stamp, node: at.node.clone() };
        all.push(Message::Session { session, speaker, event });
    }
    all
}

#[test]
fn gateways_that_name_themselves_say_so_wherever_they_speak_of_attachments() {
    let mut cluster = cluster(2, &[0, 1]);
    let chat = cluster.chatting([0, 1]);
    let back = cluster.back(1, &chat);
    cluster.resume(back, &chat.tickets[0]).unwrap();
    cluster.secs(20);
    cluster.drop(chat.other);
    cluster.secs(2);
    for gate in [0, 1] {
        assert!(named_claims(&cluster, gate) > 0, "gateway {gate}");
        assert_eq!(unnamed_claims(&cluster, gate), 0, "gateway {gate}");
    }
}

#[test]
fn nobody_claims_a_side_in_the_name_of_another_gateway() {
    let mut cluster = cluster(3, &[0, 1, 2]);
    let chat = cluster.chatting([0, 1]);
    let route = cluster.route(chat.other);
    for named in ["g0", "ghost"] {
        for to in [0, 1] {
            for message in forged(&chat, named, to) {
                if message.claimant() == Some(&node(to)) {
                    continue; // what it has published itself
                }
                let believed = cluster.decide(to, |sessions, now| sessions.handle(now, &message));
                assert!(!believed, "{message:?}");
            }
        }
    }
    cluster.secs(1);
    assert_eq!(seen(&mut cluster, chat.one), []);
    assert_eq!(seen(&mut cluster, chat.other), []);
    assert_eq!(cluster.route(chat.other), route);
    assert_eq!((cluster.closed(chat.one), cluster.closed(chat.other)), (None, None));
}

#[test]
fn a_gateway_of_the_version_before_is_believed_and_spoken_to_as_it_understands() {
    for named in [[0], [1]] {
        let mut cluster = cluster(2, &named);
        let older = 1 - named[0];
        let chat = cluster.chatting([0, 1]);
        assert_eq!(named_claims(&cluster, older), 0);
        let back = cluster.back(older, &chat);
        cluster.resume(back, &chat.tickets[0]).unwrap();
        cluster.secs(15);
        assert_eq!(cluster.closed(back), None);
        assert_eq!(seen(&mut cluster, chat.other), [PeerState::Away, PeerState::Online]);
        assert_eq!(cluster.closed(chat.one), Some(CloseCode::Replaced));
    }
}

#[test]
fn who_goes_back_to_the_version_before_is_believed_again() {
    let mut cluster = cluster(2, &[0, 1]);
    cluster.restart(1); // it has no permission now
    cluster.secs(7);
    let chat = cluster.chatting([0, 1]);
    cluster.secs(15);
    assert_eq!(seen(&mut cluster, chat.one), []);
    assert!(unnamed_claims(&cluster, 1) > 0);
    assert_eq!(named_claims(&cluster, 1), 0);
}
