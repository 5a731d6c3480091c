//! Whole clusters, as they are heard.

use std::time::Duration;

use bus::{Observed, Status};
use schemas::{
    BootId, Service, UnixMillis,
    event::{Heartbeat, Load},
    order::{OrderKind, OrderMark},
};

use crate::{Cluster, Report, Standing, State};

/// A cluster with a clock.
struct Watched {
    cluster: Cluster,
    now: UnixMillis,
    nodes: Vec<Told>,
}

/// A node that is heard.
#[derive(Clone)]
struct Told {
    service: Service,
    name: &'static str,
    boot: u64,
    draining: bool,
    metrics: Option<String>,
    orders: Vec<OrderMark>,
}

fn told(service: Service, name: &'static str, metrics: &str) -> Told {
    let all = format!("cipher_chat_node_ready 1\ncipher_chat_node_lacks 0\n{metrics}");
    Told { service, name, boot: 1, draining: false, metrics: Some(all), orders: Vec::new() }
}

/// One of each role, all well.
fn healthy() -> Vec<Told> {
    vec![
        told(Service::Gateway, "gateway-1", "cipher_chat_gateway_frames_relayed_total 10\n"),
        told(Service::Pairing, "pairing-1", "cipher_chat_pairing_leading 1\ncipher_chat_pairing_waiting 0\n"),
        told(Service::Janitor, "janitor-1", "cipher_chat_janitor_moved_total 0\n"),
    ]
}

impl Watched {
    fn with(nodes: Vec<Told>) -> Self {
        let mut watched =
            Self { cluster: Cluster::new().unwrap(), now: UnixMillis::from_secs(1_000_000), nodes };
        watched.hear(Observed::Bus(Status::Up));
        watched
    }

    fn hear(&mut self, heard: Observed) {
        self.cluster.hear(self.now, heard);
    }

    /// Lets time pass: heartbeats each second, questions each second one.
    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now += Duration::from_secs(1);
            for Told { service, name, boot, draining, metrics, orders } in self.nodes.clone() {
                let from: schemas::NodeId = name.parse().unwrap();
                let load = Load { connections: 3, waiting: 1, chatting: 2 };
                let heartbeat = Heartbeat {
                    boot: BootId(boot),
                    version: "1.2.3".into(),
                    load,
                    draining,
                    time: None,
                    url: None,
                    orders,
                    counts: None,
                    names_itself: false,
                };
                self.hear(Observed::Heartbeat { service, from: from.clone(), heartbeat });
                if self.now.as_secs().is_multiple_of(2) {
                    self.hear(Observed::Metrics { service, from, samples: metrics });
                }
            }
            if self.now.as_secs().is_multiple_of(2) {
                self.hear(Observed::Asked);
            }
        }
    }

    fn report(&self) -> Report {
        self.cluster.report(self.now)
    }

    /// The alarms, those that are only about to come with a question mark.
    fn alarms(&self) -> Vec<String> {
        let shown = |alarm: crate::Alarm| {
            let mark = if alarm.firing { "" } else { "?" };
            let node = alarm.node.map(|node| format!(" {node}")).unwrap_or_default();
            format!("{}{node}{mark}", alarm.name)
        };
        self.report().alarms.into_iter().map(shown).collect()
    }

    fn state(&self, name: &str) -> Option<State> {
        self.report().nodes.iter().find(|node| node.node.as_str() == name).map(|node| node.state)
    }
}

#[test]
fn a_healthy_cluster_raises_no_alarm() {
    let mut watched = Watched::with(healthy());
    assert_eq!(watched.report().standing, Standing::Looking);
    watched.pass(600);
    let report = watched.report();
    assert_eq!((report.standing, watched.alarms()), (Standing::Whole, vec![]));
    assert!(report.nodes.iter().all(|node| node.state == State::Ready), "{:?}", report.nodes);
    assert_eq!((report.people.connections, report.people.waiting, report.people.chatting), (3, 1, 2));
    assert_eq!(report.history.chatting.len(), 299);
    assert!(report.history.chatting.iter().all(|people| *people == 2.0));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["standing"], &json["nodes"][0]["state"]), (&"whole".into(), &"ready".into()));
}

#[test]
fn a_node_that_falls_silent_raises_the_alarms_of_prometheus_after_their_times() {
    let mut watched = Watched::with(healthy());
    watched.pass(60);
    let pairing = watched.nodes.remove(1);
    watched.pass(5);
    assert_eq!(watched.state("pairing-1"), Some(State::Silent));
    let mut alarms = watched.alarms();
    alarms.sort();
    assert_eq!(alarms, ["NobodyMatches?", "NodeDown pairing-1?"]);
    watched.pass(40);
    assert_eq!(watched.alarms(), ["NobodyMatches", "NodeDown pairing-1?"]);
    watched.pass(30);
    let report = watched.report();
    assert!(report.alarms.iter().all(|alarm| alarm.firing));
    let down = report.alarms.iter().find(|alarm| alarm.name == "NodeDown").unwrap();
    assert_eq!(down.summary, "pairing-1 does not answer.");
    watched.nodes.push(Told { boot: 2, ..pairing });
    watched.pass(10);
    assert_eq!(watched.alarms(), Vec::<String>::new());
    let report = watched.report();
    let past: Vec<_> = report.past.iter().map(|past| past.name.as_str()).collect();
    assert!(past.contains(&"NodeDown") && past.contains(&"NobodyMatches"), "{past:?}");
    let node = report.nodes.iter().find(|node| node.role == "pairing").unwrap();
    assert_eq!((node.restarts, node.boot.as_str()), (1, "2"));
}

#[test]
fn a_node_that_said_it_would_stop_is_forgotten_without_an_alarm() {
    let mut watched = Watched::with(healthy());
    watched.nodes.push(told(Service::Gateway, "gateway-2", ""));
    watched.pass(20);
    watched.nodes[3].draining = true;
    watched.pass(2);
    assert_eq!(watched.state("gateway-2"), Some(State::Draining));
    watched.nodes.pop();
    // Heard for the last time three seconds ago, and then as long ago as a node counts as heard:
    // between two rounds, in which nodes are forgotten.
    watched.pass(3);
    assert_eq!(watched.state("gateway-2"), Some(State::Draining));
    watched.now += Duration::from_millis(500);
    assert_eq!((watched.state("gateway-2"), watched.alarms()), (None, vec![]));
    watched.pass(600);
    assert_eq!((watched.state("gateway-2"), watched.alarms()), (None, vec![]));
}

#[test]
fn a_node_that_does_not_come_back_is_forgotten() {
    let mut watched = Watched::with(healthy());
    watched.nodes.push(told(Service::Gateway, "gateway-2", ""));
    watched.pass(20);
    watched.nodes.pop();
    watched.pass(15 * 60 - 10);
    assert_eq!(watched.alarms(), ["NodeDown gateway-2"]);
    watched.pass(20);
    assert_eq!((watched.state("gateway-2"), watched.alarms()), (None, vec![]));
}

#[test]
fn nodes_of_an_older_version_are_seen_and_nothing_false_is_said_of_all() {
    let mut nodes = healthy();
    nodes[1].metrics = None;
    let mut watched = Watched::with(nodes);
    watched.pass(120);
    assert_eq!((watched.report().standing, watched.alarms()), (Standing::Partial, vec![]));
    assert_eq!(watched.state("pairing-1"), Some(State::Unknown));
    // What is said of one node alone is raised all the same.
    watched.nodes[0].metrics = Some("cipher_chat_node_ready 0\n".into());
    watched.pass(120);
    assert_eq!(watched.alarms(), ["NodeNotReady gateway-1"]);
    assert_eq!(watched.state("gateway-1"), Some(State::NotReady));
}

#[test]
fn a_lost_bus_is_not_the_silence_of_nodes() {
    let mut watched = Watched::with(healthy());
    watched.pass(60);
    watched.hear(Observed::Bus(Status::Down));
    watched.now += Duration::from_secs(600);
    assert_eq!((watched.report().standing, watched.alarms()), (Standing::BusDown, vec![]));
    watched.hear(Observed::Bus(Status::Up));
    watched.pass(10);
    assert_eq!((watched.report().standing, watched.alarms()), (Standing::Whole, vec![]));
}

#[test]
fn figures_are_those_of_the_role() {
    let mut watched = Watched::with(healthy());
    for second in 0..120 {
        let frames = second * 10;
        watched.nodes[0].metrics = Some(format!(
            "cipher_chat_node_ready 1\ncipher_chat_node_lacks 1\ncipher_chat_gateway_frames_relayed_total {frames}\n\
             cipher_chat_process_open_fds 50\ncipher_chat_process_max_fds 100\n\
             cipher_chat_node_certificate_not_after_timestamp_seconds{{use=\"bus\"}} 2000000\n\
             cipher_chat_node_certificate_not_after_timestamp_seconds{{use=\"clients\"}} 1100000\n"
        ));
        watched.pass(1);
    }
    let report = watched.report();
    let gateway = report.nodes.iter().find(|node| node.role == "gateway").unwrap();
    assert_eq!((gateway.frames, gateway.matches, gateway.files), (Some(10.0), None, Some(0.5)));
    assert_eq!(gateway.state, State::Degraded);
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let left = 1_100_000.0 - watched.now.as_secs() as f64;
    assert_eq!(gateway.certificate, Some(left));
    let pairing = report.nodes.iter().find(|node| node.role == "pairing").unwrap();
    assert_eq!((pairing.frames, pairing.connections), (None, None));
}

#[test]
fn a_flood_of_names_fills_nothing() {
    let mut watched = Watched::with(healthy());
    watched.pass(10);
    for n in 0..5000 {
        let from: schemas::NodeId = format!("n{n}").parse().unwrap();
        let heartbeat = Heartbeat {
            boot: BootId(1),
            version: "x".repeat(1000),
            load: Load::default(),
            draining: false,
            time: None,
            url: None,
            orders: Vec::new(),
            counts: None,
            names_itself: false,
        };
        watched.hear(Observed::Heartbeat { service: Service::Gateway, from: from.clone(), heartbeat });
        watched.hear(Observed::Metrics { service: Service::Gateway, from, samples: Some("up 1\n".into()) });
    }
    let report = watched.report();
    assert_eq!(report.nodes.len(), 512);
    assert!(report.nodes.iter().all(|node| node.version.len() <= 64));
    assert!(report.nodes.iter().any(|node| node.node.as_str() == "gateway-1"));
}

#[test]
fn an_order_is_shown_as_long_as_some_node_has_it() {
    let mut watched = Watched::with(healthy());
    let (older, newer) = (UnixMillis::from_secs(999_000), UnixMillis::from_secs(999_900));
    let pause = |number, expires| OrderMark(OrderKind::Pause, number, expires);
    let later = UnixMillis::from_secs(1_003_600);
    watched.nodes[0].orders = vec![pause(newer, later), OrderMark(OrderKind::Notice, older, later)];
    watched.nodes[1].orders = vec![pause(newer, later), OrderMark(OrderKind::Resume, older, later)];
    // This one has not heard of the newer order yet, and has another that is over.
    watched.nodes[2].orders =
        vec![pause(older, later), OrderMark(OrderKind::Close, older, UnixMillis::from_secs(1_000_001))];
    watched.pass(4);
    let shown = |watched: &Watched| -> Vec<_> {
        let orders = watched.report().orders.into_iter();
        orders.map(|order| (order.kind, order.since, order.nodes, order.of)).collect()
    };
    let (pause, notice) = (OrderKind::Pause, OrderKind::Notice);
    assert_eq!(shown(&watched), [(pause, newer, 2, 3), (pause, older, 1, 3), (notice, older, 1, 3)]);
    let json = serde_json::to_value(watched.report()).unwrap();
    assert_eq!(
        json["orders"][0],
        serde_json::json!({
            "kind": "pause", "since": newer, "until": later, "nodes": 2, "of": 3
        })
    );
    watched.nodes.iter_mut().for_each(|node| node.orders.clear());
    watched.pass(2);
    assert_eq!(shown(&watched), []);
}

#[test]
fn whoever_floods_with_orders_fills_no_screen() {
    let mut watched = Watched::with(healthy());
    let mark = |n| OrderMark(OrderKind::Notice, UnixMillis(n), UnixMillis(u64::MAX));
    watched.nodes[0].orders = (0..5000).map(mark).collect();
    watched.pass(2);
    assert_eq!(watched.report().orders.len(), 32);
}
