//! When the other side, its gateway, the bus or a janitor is not there.

use super::*;
use schemas::event::{Attached, Presence};

fn seen(cluster: &mut Cluster, person: Person) -> Vec<PeerState> {
    let told = cluster.told(person);
    let states = told.iter().filter_map(|message| match message {
        ToClient::Peer(state) => Some(*state),
        _ => None,
    });
    states.collect()
}

#[test]
fn a_gateway_that_dies_makes_its_people_away_within_five_seconds() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    cluster.gates[0].is_connected = false;
    cluster.secs(3);
    assert_eq!(seen(&mut cluster, chat.other), []);
    cluster.secs(2);
    assert_eq!(seen(&mut cluster, chat.other), [PeerState::Away]);
    assert_eq!(cluster.route(chat.other), Route::Nowhere);
}

#[test]
fn a_gateway_that_starts_again_has_lost_its_people() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    cluster.restart(0);
    cluster.secs(1);
    assert_eq!(seen(&mut cluster, chat.other), [PeerState::Away]);
    let back = cluster.back(0, &chat);
    cluster.resume(back, &chat.tickets[0]).unwrap();
    assert_eq!(seen(&mut cluster, chat.other), [PeerState::Online]);
    place(&cluster.told(back));
}

#[test]
fn a_gateway_that_was_only_cut_off_brings_its_people_back() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    cluster.gates[0].is_connected = false;
    cluster.secs(6);
    assert_eq!(seen(&mut cluster, chat.one), [PeerState::Away]);
    assert_eq!(seen(&mut cluster, chat.other), [PeerState::Away]);
    cluster.gates[0].is_connected = true;
    cluster.secs(2);
    assert_eq!(seen(&mut cluster, chat.one), [PeerState::Online]);
    assert_eq!(seen(&mut cluster, chat.other), [PeerState::Online]);
    assert_ne!(cluster.route(chat.one), Route::Nowhere);
}

impl Cluster {
    /// A gateway stands still while the other one lives; the first thing it does is to tick, then
    /// it reads what was published.
    fn stand_still(&mut self, gate: usize, time: Duration, meanwhile: impl FnOnce(&mut Self)) {
        let other = 1 - gate;
        let end = self.now + time;
        self.gates[gate].is_connected = false;
        let said = self.gates[other].published.len();
        meanwhile(self);
        while self.now < end {
            self.now += TICK;
            self.decide(other, Sessions::tick);
        }
        self.decide(gate, Sessions::tick);
        self.gates[gate].is_connected = true;
        let mut unread = self.gates[other].published[said..].to_vec();
        unread.retain(|message| is_for(message, gate));
        for message in unread {
            self.handle(gate, message);
        }
        self.beat(other);
        self.beat(gate);
    }
}

#[test]
fn a_gateway_that_stood_still_takes_nobody_for_away_before_it_has_read_what_they_published() {
    // A tick looks at a tenth of the rooms: each tenth once.
    for (before, pause) in (0..10).flat_map(|before| [(before, 3), (before, 40)]) {
        let mut cluster = Cluster::new(2);
        let chat = cluster.chatting([0, 1]);
        cluster.secs(before);
        cluster.stand_still(0, Duration::from_secs(pause), |_| {});
        cluster.secs(40);
        assert_eq!(seen(&mut cluster, chat.one), []);
    }
}

#[test]
fn a_gateway_that_stood_still_says_at_once_that_its_people_are_there() {
    for pause in [5, 20] {
        let mut cluster = Cluster::new(2);
        let chat = cluster.chatting([0, 1]);
        let end = cluster.now + Duration::from_secs(pause);
        cluster.gates[0].is_connected = false;
        while cluster.now < end {
            cluster.now += TICK;
            cluster.decide(1, Sessions::tick);
        }
        cluster.gates[0].is_connected = true;
        assert_eq!(seen(&mut cluster, chat.other), [PeerState::Away]);
        cluster.decide(0, Sessions::tick);
        assert_eq!(seen(&mut cluster, chat.other), [PeerState::Online], "with the first tick");
        assert_ne!(cluster.route(chat.other), Route::Nowhere);
        assert_eq!(seen(&mut cluster, chat.one), []);
    }
}

#[test]
fn a_gateway_that_was_taken_for_lost_without_noticing_it_is_asked_at_once() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    // Only what gateway 0 publishes is lost.
    cluster.gates[0].is_connected = false;
    for _ in 0..50 {
        cluster.pass(TICK);
        let heartbeat = Heartbeat {
            boot: cluster.gates[1].boot,
            version: String::new(),
            load: cluster.gates[1].sessions.load(),
            draining: false,
            time: None,
            url: None,
            orders: Vec::new(),
            counts: None,
            names_itself: cluster.gates[1].sessions.names_itself(),
        };
        let beat = Message::Heartbeat { service: Service::Gateway, from: node(1), heartbeat };
        let now = cluster.now;
        cluster.gates[0].sessions.handle(now, &beat);
    }
    assert_eq!(seen(&mut cluster, chat.one), []);
    assert_eq!(seen(&mut cluster, chat.other), [PeerState::Away]);
    cluster.gates[0].is_connected = true;
    cluster.beat(0);
    assert_eq!(seen(&mut cluster, chat.other), [PeerState::Online], "with the first heartbeat");
}

#[test]
fn a_gateway_that_stood_still_misses_a_dead_one_as_soon_as_ever() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    cluster.gates[1].is_connected = false;
    cluster.secs(2);
    cluster.now += Duration::from_secs(600);
    cluster.secs(1);
    assert_eq!(seen(&mut cluster, chat.one), []);
    cluster.secs(2);
    assert_eq!(seen(&mut cluster, chat.one), [PeerState::Away]);
}

#[test]
fn no_grace_runs_while_a_gateway_stands_still() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([1, 0]);
    cluster.drop(chat.one);
    cluster.pass(GRACE - Duration::from_secs(10));
    assert_eq!(seen(&mut cluster, chat.other), [PeerState::Away]);
    cluster.stand_still(0, Duration::from_secs(20), |cluster| {
        let back = cluster.back(1, &chat);
        cluster.resume(back, &chat.tickets[0]).unwrap();
    });
    cluster.secs(2);
    assert_eq!(news(cluster.told(chat.other)), [ToClient::Peer(PeerState::Online)]);
    cluster.pass(GRACE);
    assert_eq!(news(cluster.told(chat.other)), []);
}

#[test]
fn a_room_of_one_gateway_does_not_care_about_the_bus() {
    let mut cluster = Cluster::new(1);
    let chat = cluster.chatting([0, 0]);
    cluster.gates[0].is_connected = false;
    cluster.decide(0, Sessions::bus_down);
    cluster.secs(300);
    assert_eq!(seen(&mut cluster, chat.one), []);
    assert!(matches!(cluster.route(chat.one), Route::Local { .. }));
    cluster.drop(chat.one);
    let back = cluster.back(0, &chat);
    cluster.resume(back, &chat.tickets[0]).unwrap();
    assert_eq!(seen(&mut cluster, chat.other), [PeerState::Away, PeerState::Online]);
}

#[test]
fn graces_stand_still_while_the_bus_is_down_and_ten_seconds_longer() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 1]);
    cluster.drop(chat.one);
    cluster.secs(30);
    cluster.decide(1, Sessions::bus_down);
    cluster.gates[1].is_connected = false;
    cluster.pass(GRACE * 3);
    cluster.gates[1].is_connected = true;
    cluster.decide(1, Sessions::bus_up);
    cluster.pass(GRACE - Duration::from_secs(21));
    assert!(!cluster.told(chat.other).iter().any(|message| matches!(message, ToClient::Ended(_))));
    cluster.secs(3);
    assert_eq!(news(cluster.told(chat.other)), [ToClient::Ended(EndReason::Expired)]);
}

#[test]
fn the_first_time_that_the_bus_is_up_freezes_no_grace() {
    let mut cluster = Cluster::new(2);
    cluster.decide(1, |sessions, _| sessions.bus_awaited());
    cluster.decide(1, Sessions::bus_down);
    let early = cluster.connect(1, 9);
    assert_eq!(cluster.ask(early, ClientCommand::Find(anyone())), Err(ErrorCode::Unavailable));
    cluster.decide(1, Sessions::bus_up);
    let chat = cluster.chatting([0, 1]);
    cluster.drop(chat.one);
    cluster.pass(GRACE);
    let end = [ToClient::Peer(PeerState::Away), ToClient::Ended(EndReason::Expired)];
    assert_eq!(news(cluster.told(chat.other)), end);
}

#[test]
fn a_bus_that_comes_and_goes_does_not_move_the_clock_of_graces_backwards_or_on() {
    let mut cluster = Cluster::new(1);
    let clock = |cluster: &Cluster| cluster.gates[0].sessions.graces.now(cluster.now);
    let start = clock(&cluster);
    for _ in 0..5 {
        cluster.decide(0, Sessions::bus_down);
        cluster.secs(3);
        cluster.decide(0, Sessions::bus_up);
        cluster.secs(7);
    }
    assert_eq!(clock(&cluster), start);
    cluster.secs(10);
    assert!(clock(&cluster) >= start + Duration::from_secs(7));
    assert!(clock(&cluster) <= start + Duration::from_secs(10));
}

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
