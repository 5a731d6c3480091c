use std::time::Duration;

use bus::{Observed, Status};
use overview::Cluster;
use ratatui::{buffer::Buffer, layout::Rect};
use schemas::{
    BootId, NodeId, Service, UnixMillis,
    event::{Heartbeat, Load},
    order::{OrderKind, OrderMark},
};

use crate::{
    column::Column,
    model::{Key, Model, Page},
    printed,
    view::{Theme, draw},
};

/// A cluster that was watched for a minute: `gateway-3` has fallen silent.
fn watched(gateways: u32) -> overview::Report {
    let mut cluster = Cluster::new().unwrap();
    let mut now = UnixMillis::from_secs(1_000_000);
    cluster.hear(now, Observed::Bus(Status::Up));
    for second in 0..90_u32 {
        now += Duration::from_secs(1);
        let gateways = (1..=gateways).map(|n| (Service::Gateway, format!("gateway-{n}"), n));
        let others =
            [(Service::Pairing, "pairing-1".to_owned(), 0), (Service::Janitor, "janitor-1".to_owned(), 0)];
        for (service, name, n) in gateways.chain(others) {
            if second > 80 && n == 3 {
                continue;
            }
            let from: NodeId = name.parse().unwrap();
            let load = Load { connections: 10 * n, waiting: n, chatting: 100 / n.max(1) };
            let version = "0.1.0\u{1b}[31m".to_owned();
            let pause =
                OrderMark(OrderKind::Pause, UnixMillis::from_secs(999_000), UnixMillis::from_secs(1_007_290));
            let orders = if n == 2 { vec![pause] } else { Vec::new() };
            let heartbeat = Heartbeat {
                boot: BootId(1),
                version,
                load,
                draining: false,
                time: None,
                url: None,
                orders,
                counts: None,
                names_itself: false,
            };
            cluster.hear(now, Observed::Heartbeat { service, from: from.clone(), heartbeat });
            if second % 2 == 0 {
                let frames = second * n;
                let text = format!(
                    "cipher_chat_node_ready 1\ncipher_chat_node_lacks 0\ncipher_chat_gateway_frames_relayed_total {frames}\n\
                     cipher_chat_pairing_leading {}\ncipher_chat_janitor_moved_total 1\n\
                     cipher_chat_process_resident_memory_bytes 50000000\n\
                     cipher_chat_node_certificate_not_after_timestamp_seconds{{use=\"bus\"}} 8780000\n",
                    u32::from(service == Service::Pairing)
                );
                cluster.hear(now, Observed::Metrics { service, from, samples: Some(text) });
            }
        }
        if second % 2 == 0 {
            cluster.hear(now, Observed::Asked);
        }
    }
    cluster.report(now)
}

fn model(gateways: u32) -> Model {
    let mut model = Model::new(Column::Node);
    model.report = Some(watched(gateways));
    model
}

fn screen(model: &Model, width: u16, height: u16) -> Vec<String> {
    let mut buffer = Buffer::empty(Rect { x: 0, y: 0, width, height });
    draw(model, Theme::Colours, &mut buffer);
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(row).collect()
}

#[test]
fn a_usual_screen_shows_nodes_charts_what_is_wrong_and_the_keys() {
    let lines = screen(&model(3), 80, 24);
    let text = lines.join("\n");
    assert!(
        lines[0].starts_with(" cipher-chat  0.1.0[31m  5 nodes: nothing is wrong yet, 1 to watch"),
        "{text}"
    );
    assert!(lines[1].starts_with(" chatting  150, 3 waiting") && lines[1].contains('█'), "{text}");
    assert!(lines[2].starts_with(" frames/s  3 "), "{text}");
    assert_eq!(lines[4], " ordered   pause for 2h more, at 1 of 4 nodes");
    for heading in ["NODE▾", "ROLE", "STATE", "CHAT", "WAIT", "FR/S", "REQ99", "CERT"] {
        assert!(lines[5].contains(heading), "{heading} in\n{text}");
    }
    let of = |name: &str| lines.iter().find(|line| line.starts_with(name)).unwrap();
    assert!(of("gateway-1").contains("ready") && of("gateway-1").contains("100"), "{text}");
    assert!(of("gateway-3").contains("silent"), "{text}");
    assert!(of("janitor-1").contains("janitor") && of("janitor-1").contains(" 90d"), "{text}");
    assert!(text.contains("NodeDown: gateway-3 does not answer."), "{text}");
    assert_eq!(lines[23], " ←→ sort  r reverse  ↑↓ choose  Enter details  a alarms  q quit");
}

#[test]
fn every_size_is_drawn_and_many_nodes_are_scrolled_to_the_chosen_one() {
    let mut model = model(30);
    for (width, height) in [(1, 1), (39, 11), (40, 12), (60, 15), (80, 24), (132, 50), (300, 100)] {
        for page in [Page::Nodes, Page::Details, Page::Alarms] {
            model.page = page;
            let lines = screen(&model, width, height);
            assert_eq!(lines.len(), usize::from(height));
        }
    }
    model.page = Page::Nodes;
    assert!(!screen(&model, 80, 24).join("\n").contains("pairing-1"));
    for _ in 0..40 {
        model.press(Key::Down);
    }
    let text = screen(&model, 80, 24).join("\n");
    assert!(text.contains("pairing-1") && !text.contains("gateway-1 "), "{text}");
    model.press(Key::Up);
    model.press(Key::Details);
    let text = screen(&model, 80, 30).join("\n");
    assert!(text.contains("first certificate ends in") && text.contains("janitor"), "{text}");
}

#[test]
fn keys_sort_choose_and_leave() {
    let mut model = model(3);
    let names =
        |model: &Model| model.nodes().iter().map(|node| node.node.as_str().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&model)[..2], ["gateway-1", "gateway-2"]);
    model.press(Key::Reverse);
    assert_eq!(names(&model)[0], "pairing-1");
    model.press(Key::Reverse);
    model.press(Key::Right);
    model.press(Key::Right);
    assert_eq!((model.sort, names(&model)[0].as_str()), (Column::State, "gateway-3"));
    model.press(Key::Right);
    assert_eq!((model.sort, names(&model)[0].as_str()), (Column::Chatting, "gateway-1"));
    // What was chosen stays so when the order changes.
    model.press(Key::Down);
    model.press(Key::Left);
    let nodes = model.nodes();
    assert_eq!(nodes[model.chosen(&nodes)].node.as_str(), "gateway-2");
    model.press(Key::Alarms);
    assert!(screen(&model, 80, 24).join("\n").contains("WRONG AND WHAT WAS (1"));
    model.press(Key::Down);
    model.press(Key::Alarms);
    assert_eq!(model.page, Page::Nodes);
    model.press(Key::Details);
    model.press(Key::Back);
    assert!(!model.is_over);
    model.press(Key::Back);
    assert!(model.is_over);
    for _ in 0..Column::ALL.len() {
        model.press(Key::Left);
        assert_eq!(model.nodes().len(), 5);
    }
}

#[test]
fn what_is_printed_once_has_every_node_and_every_alarm() {
    let text = printed(watched(12), Column::State);
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[1].starts_with(" ordered   pause"), "{text}");
    assert!(lines[3].starts_with("gateway-3") && lines[3].contains("silent"), "{text}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("gateway-")).count(), 12, "{text}");
    assert!(text.contains("VERSION") && lines.last().unwrap().contains("NodeDown"), "{text}");
}
