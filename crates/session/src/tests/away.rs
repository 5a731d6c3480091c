//! When the other side, its gateway, the bus or a janitor is not there.

use super::*;

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
        let beat = cluster.heartbeat(1);
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
