//! What whoever is inside may say and hear on the bus.

use crate::support::{
    eventually,
    nats_client::NatsClient,
    secure::{Pki, SecureCluster},
};

/// What somebody with one node's certificate tries.
struct Intruder {
    leaf: &'static str,
    /// On what it may publish.
    may_say: &'static [&'static str],
    /// On what it may not, although somebody may.
    may_not_say: &'static [&'static str],
    may_hear: &'static [&'static str],
    may_not_hear: &'static [&'static str],
}

const GATEWAY: Intruder = Intruder {
    leaf: "gateway-1/bus",
    may_say: &[
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.frame.gateway-2",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.peer.gateway-2",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.event.gateway",
        "cc.v1.presence.gateway-2",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.at-gateway-1.gateway-2",
        "cc.v1.joined.gateway-1.AAAAAAAAAAAAAAAAAAAAAA",
        "cc.v1.present.gateway-1.gateway-2",
        "cc.v1.attached.gateway-1.AAAAAAAAAAAAAAAAAAAAAA",
        "cc.v1.want.gateway-1",
        "cc.v1.lease.gateway-1",
        "cc.v1.node.gateway.gateway-1",
        "cc.v1.orders.ask",
        "_INBOX_gateway-2.abc",
        "_INBOX_janitor-1.abc",
        // Pairing asks which orders are in force.
        "_INBOX_pairing-1.abc",
        "_INBOX_ops.abc",
    ],
    may_not_say: &[
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.at-gateway-2.gateway-2",
        "cc.v1.joined.gateway-2.AAAAAAAAAAAAAAAAAAAAAA",
        "cc.v1.present.gateway-2.gateway-1",
        "cc.v1.attached.gateway-2.AAAAAAAAAAAAAAAAAAAAAA",
        "cc.v1.want.gateway-2",
        "cc.v1.lease.gateway-2",
        "cc.v1.sync.gateway-2",
        "cc.v1.node.gateway.gateway-2",
        "cc.v1.node.pairing.gateway-1",
        "cc.v1.node.janitor.janitor-1",
        "cc.v1.match.gateway-2",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.event.janitor",
        "cc.v1.session.AAAAAAAAAAAAAAAAAAAAAA.event.janitor",
        "cc.v1.key.AAAA.janitor",
        "cc.v1.order.pause",
        "_INBOX_sys.abc",
        "$SRV.PING",
        "$SYS.REQ.SERVER.PING",
        "cc.v2.anything",
        "anything",
    ],
    may_hear: &[
        "cc.v1.room.*.*.gateway-1",
        "cc.v1.room.*.event.*",
        "cc.v1.match.gateway-1",
        "cc.v1.joined.*.*",
        "cc.v1.present.*.gateway-1",
        "cc.v1.attached.*.*",
        "_INBOX_gateway-1.>",
    ],
    may_not_hear: &[
        ">",
        "cc.>",
        "cc.v1.room.>",
        "cc.v1.room.*.frame.*",
        "cc.v1.room.*.*.gateway-2",
        "cc.v1.room.*.peer.*",
        "cc.v1.want.*",
        "cc.v1.lease.*",
        "cc.v1.presence.gateway-2",
        "cc.v1.present.*.gateway-2",
        "cc.v1.match.*",
        "_INBOX_gateway-2.>",
        "_INBOX_*.>",
        "$SYS.>",
    ],
};

const PAIRING: Intruder = Intruder {
    leaf: "pairing-1/bus",
    may_say: &[
        "cc.v1.match.gateway-2",
        "cc.v1.node.pairing.pairing-1",
        "_INBOX_ops.abc",
        "_INBOX_pairing-1.a",
    ],
    may_not_say: &[
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.frame.gateway-1",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.event.gateway",
        "cc.v1.want.pairing-1",
        "cc.v1.key.AAAA.gateway",
        "cc.v1.key.AAAA.pairing",
        "cc.v1.sync.pairing-1",
        "cc.v1.node.pairing.pairing-2",
        "cc.v1.node.gateway.pairing-1",
        "cc.v1.order.pause",
        "_INBOX_gateway-1.abc",
    ],
    may_hear: &["cc.v1.want.*", "cc.v1.node.gateway.*", "$SRV.PING"],
    may_not_hear: &[
        "cc.v1.room.*.frame.*",
        "cc.v1.room.*.event.*",
        "cc.v1.key.>",
        "cc.v1.session.>",
        "cc.v1.lease.*",
        "cc.v1.match.*",
        "_INBOX_gateway-1.>",
    ],
};

const JANITOR: Intruder = Intruder {
    leaf: "janitor-1/bus",
    may_say: &[
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.event.janitor",
        "cc.v1.session.AAAAAAAAAAAAAAAAAAAAAA.event.janitor",
        "cc.v1.sync.janitor-1",
        "_INBOX_gateway-1.abc",
    ],
    may_not_say: &[
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.frame.gateway-1",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.peer.gateway-1",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.event.gateway",
        "cc.v1.session.AAAAAAAAAAAAAAAAAAAAAA.event.gateway",
        "cc.v1.session.AAAAAAAAAAAAAAAAAAAAAA.ask",
        "cc.v1.key.AAAA.gateway",
        "cc.v1.match.gateway-1",
        "cc.v1.sync.janitor-2",
        "cc.v1.lease.janitor-1",
        "cc.v1.order.pause",
    ],
    may_hear: &["cc.v1.room.*.peer.*", "cc.v1.lease.*", "cc.v1.sync.*"],
    may_not_hear: &[
        "cc.v1.room.*.frame.*",
        "cc.v1.room.*.*.gateway-1",
        "cc.v1.want.*",
        "cc.v1.match.*",
        "cc.v1.presence.*",
    ],
};

const OPERATOR: Intruder = Intruder {
    leaf: "ops/bus",
    may_say: &["$SRV.PING", "$SRV.STATS.cipher-chat-gateway", "cc.v1.order.pause", "cc.v1.orders.ask"],
    may_not_say: &[
        "cc.v1.node.gateway.gateway-1",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.event.janitor",
        "cc.v1.key.AAAA.janitor",
        "cc.v1.sync.ops",
        "cc.v1.match.gateway-1",
        "_INBOX_gateway-1.abc",
    ],
    may_hear: &[
        "cc.v1.node.>",
        "cc.v1.room.*.event.>",
        "cc.v1.room.*.peer.*",
        "cc.v1.joined.>",
        "cc.v1.key.>",
        "_INBOX_ops.>",
    ],
    may_not_hear: &[
        "cc.v1.>",
        "cc.v1.room.>",
        "cc.v1.room.*.frame.*",
        "cc.v1.room.*.*.gateway-1",
        "cc.v1.want.*",
        "cc.v1.lease.*",
        "cc.v1.match.>",
        "cc.v1.session.>",
        "$SYS.>",
    ],
};

const SYSTEM: Intruder = Intruder {
    leaf: "sys/bus",
    may_say: &["$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.PING.CONNZ"],
    may_not_say: &[
        "cc.v1.node.gateway.gateway-1",
        "$SRV.PING",
        "$SYS.REQ.SERVER.X.RELOAD",
        "$SYS.REQ.SERVER.X.KICK",
    ],
    may_hear: &["$SYS.SERVER.>", "_INBOX_sys.>"],
    may_not_hear: &["cc.v1.>", ">", "_INBOX_ops.>"],
};

#[tokio::test]
async fn nobody_says_or_hears_on_the_bus_what_is_not_its_own() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2"])).await;
    for intruder in [GATEWAY, PAIRING, JANITOR, OPERATOR, SYSTEM] {
        let tls = cluster.pki.client("bus", Some(intruder.leaf));
        let mut client = NatsClient::connect(cluster.servers[0].clients(), &tls).await.unwrap();
        assert_eq!(client.publish(intruder.may_say).await, Vec::<String>::new(), "{}", intruder.leaf);
        assert_eq!(client.subscribe(intruder.may_hear).await, Vec::<String>::new(), "{}", intruder.leaf);
        for (direction, subjects) in
            [("Publish", intruder.may_not_say), ("Subscription", intruder.may_not_hear)]
        {
            let refused = match direction {
                "Publish" => client.publish(subjects).await,
                _ => client.subscribe(subjects).await,
            };
            let expected: Vec<_> = subjects
                .iter()
                .map(|subject| format!("'Permissions Violation for {direction} to \"{subject}\"'"))
                .collect();
            assert_eq!(refused, expected, "{}", intruder.leaf);
        }
        // Who is asked answers into an inbox of the asker, and on nothing else.
        if intruder.leaf == OPERATOR.leaf {
            assert_eq!(client.ask("$SRV.PING", "cc.v1.match.gateway-1").await.len(), 0);
        }
    }
    let asked = cluster.violations();
    assert!(!asked.is_empty(), "the servers log what they refuse");
}

/// Who asks chooses where the answer goes. With permissions for answers that are given by asking,
/// that would be any subject that the asked may not use otherwise.
#[tokio::test]
async fn an_asker_cannot_make_others_publish_for_it() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2"])).await;
    let _pairing = cluster.launch("pairing", "pairing-1").ready().await;
    let _gateway = cluster.launch("gateway", "gateway-1").ready().await;
    let address = cluster.servers[0].clients();
    let mut janitor =
        NatsClient::connect(address, &cluster.pki.client("bus", Some("janitor-1/bus"))).await.unwrap();
    assert_eq!(janitor.subscribe(&["cc.v1.lease.*", "cc.v1.sync.*"]).await.len(), 0);
    let mut ops = NatsClient::connect(address, &cluster.pki.client("bus", Some("ops/bus"))).await.unwrap();
    for subject in ["cc.v1.lease.forged", "cc.v1.sync.forged"] {
        assert_eq!(ops.ask("$SRV.PING", subject).await.len(), 0, "the question itself is allowed");
    }
    // Nodes do not answer there, and the servers would refuse it. Questions are handled in their
    // order: after this one is answered, the answers to those before it would have come.
    assert_eq!(ops.subscribe(&["_INBOX_ops.>"]).await.len(), 0);
    assert_eq!(ops.ask("$SRV.PING", "_INBOX_ops.abc").await.len(), 0);
    eventually("the last question is answered", async || {
        ops.settle().await.unwrap();
        ops.heard.iter().any(|subject| subject == "_INBOX_ops.abc")
    })
    .await;
    janitor.settle().await.unwrap();
    assert!(!janitor.heard.iter().any(|subject| subject.ends_with(".forged")), "{:?}", janitor.heard);
}
