//! What a gateway that has been taken over can say of the attachments of others: on real NATS
//! servers, with the permissions and certificates of a cluster.

use bus::{Bus, NatsOptions, Status};
use schemas::{
    SessionId, Side, Stamp, Tag,
    event::{Attached, Attachment, Presence, RoomEvent, SessionEvent},
    message::Message,
};
use serde_json::json;

use crate::{
    integration::rogue::publish,
    support::{
        eventually,
        nats::NatsServer,
        person::{Person, couple, get_through, talk},
        process::{Launch, Process},
        secure::{Pki, SecureCluster},
        token::claims,
    },
};

/// A gateway's certificate in the hands of somebody else.
async fn rogue(cluster: &SecureCluster, name: &str) -> Bus {
    let file = |file: &str| Some(cluster.pki.file(&format!("{name}/{file}")));
    let options = NatsOptions {
        urls: cluster.urls().split(',').map(str::to_owned).collect(),
        ca: file("bus-ca.pem"),
        cert: file("bus.pem"),
        key: file("bus.key"),
    };
    let bus = Bus::nats(options, name.parse().unwrap()).await.unwrap();
    bus.status().wait_for(|status| *status == Status::Up).await.unwrap();
    bus
}

async fn say(rogue: &Bus, messages: &[Message]) {
    for message in messages {
        publish(rogue, message).await;
    }
    rogue.flush().await.unwrap();
}

async fn refused(at: &Process) -> f64 {
    at.metric("gateway_claims_refused_total").await
}

/// Waits until `at` believes of `named` only what it says itself: it has heard of both that they
/// name themselves, and some time has passed. What is said until then does no harm.
async fn is_on_its_guard(at: &Process, named: &str, rogue: &Bus) {
    let before = refused(at).await;
    let nobody = SessionId::from_random(rand::random());
    let event = SessionEvent::Attached { stamp: Stamp(1), node: named.parse().unwrap() };
    let harmless = Message::Session { session: nobody, speaker: schemas::Service::Gateway, event };
    eventually("nobody is believed in the name of another", async || {
        say(rogue, std::slice::from_ref(&harmless)).await;
        refused(at).await > before
    })
    .await;
}

/// The attachment of a person who is in a room, as its gateway would say it, but newer.
fn newer(person: &Person, node: &str) -> (schemas::RoomId, Attachment) {
    let ticket = claims(&person.ticket);
    let text = |name: &str| ticket[name].as_str().unwrap().to_owned();
    let side = if text("side") == "a" { Side::A } else { Side::B };
    let stamp = Stamp(ticket["stamp"].as_u64().unwrap() + 1_000);
    let session: SessionId = text("sub").parse().unwrap();
    let (node, owner) = (node.parse().unwrap(), session.tag());
    (text("room").parse().unwrap(), Attachment { side, stamp, node, owner })
}

/// All that claims a side of a room for `node`, to the gateway `to`.
fn claiming(person: &Person, node: &str, to: &str) -> Vec<Message> {
    let (room, at) = newer(person, node);
    let speaker = schemas::Service::Gateway;
    let peer = |event| Message::Peer { room, to: to.parse().unwrap(), event };
    let attached = Attached { peer: Stamp::NONE, side: at.side, stamp: at.stamp, owner: at.owner };
    let presence = Presence { node: at.node.clone(), rooms: vec![(room, attached)] };
    let gone = Attachment { stamp: Stamp(at.stamp.0 + 1), owner: Tag::from_bytes([0; 8]), ..at.clone() };
    let session = person.session.parse().unwrap();
    let event = SessionEvent::Attached { stamp: at.stamp, node: at.node.clone() };
    vec![
        peer(RoomEvent::Present(at.clone())),
        peer(RoomEvent::Joined(at.clone())),
        Message::Room { room, speaker, event: RoomEvent::Joined(at) },
        Message::Presence { to: to.parse().unwrap(), presence },
        peer(RoomEvent::Detached(gone.clone())),
        peer(RoomEvent::NotHere(gone)),
        Message::Session { session, speaker, event },
    ]
}

#[tokio::test]
async fn a_gateway_that_was_taken_over_claims_no_side_for_another() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2", "gateway-3"])).await;
    let [one, two, _pairing] = cluster
        .ready([
            cluster.launch("gateway", "gateway-1"),
            cluster.launch("gateway", "gateway-2"),
            cluster.launch("pairing", "pairing-1"),
        ])
        .await;
    let rogue = rogue(&cluster, "gateway-3").await;
    let (mut anna, mut ben) = couple(&one, &two).await;
    is_on_its_guard(&one, "gateway-2", &rogue).await;
    is_on_its_guard(&two, "gateway-1", &rogue).await;

    // In the name of the gateway that holds Ben's side, to the one that holds Anna's; and of both
    // sides in the name of one that nobody has heard of.
    let before = [refused(&one).await, refused(&two).await];
    let of_ben = claiming(&ben, "gateway-2", "gateway-1");
    say(&rogue, &of_ben).await;
    for (person, to) in [(&ben, "gateway-1"), (&anna, "gateway-2"), (&anna, "gateway-1"), (&ben, "gateway-2")]
    {
        say(&rogue, &claiming(person, "ghost", to)).await;
    }
    // Of seven five are for one gateway, and two for all. What is said in its own name a gateway
    // does not refuse: it changes nothing.
    let expected = [7. + 2. * 7. + 2. * 2., 2. * 7. + 2. * 2.];
    for (gateway, (before, expected)) in [&one, &two].into_iter().zip(before.into_iter().zip(expected)) {
        eventually("all are refused", async || refused(gateway).await >= before + expected).await;
    }
    talk(&mut anna, &mut ben).await;

    // On subjects that name a gateway only that gateway speaks, and of itself.
    let own: Vec<_> = of_ben.iter().map(|message| message.own().unwrap()).collect();
    say(&rogue, &own).await;
    eventually("the servers refuse another's name", async || rogue.refuses_names()).await;
    let from = rogue.node().clone();
    let lies = of_ben.into_iter().map(|message| Message::Own { from: from.clone(), message: message.into() });
    say(&rogue, &lies.collect::<Vec<_>>()).await;
    let dropped = async || one.metric("bus_wrong_speaker_total").await >= 7.0;
    eventually("who names itself and speaks of another is dropped", dropped).await;
    talk(&mut anna, &mut ben).await;
    assert_eq!(two.metric("bus_stamps_ahead_total").await, 0.0, "nothing was dropped for another reason");

    // Those who hold the sides still say so, and are believed.
    anna.lose();
    ben.peer_is("away").await;
    anna.come_back(&two).await;
    ben.peer_is("online").await;
    talk(&mut anna, &mut ben).await;
}

/// As during an update: the permissions of the servers are those of the version before.
#[tokio::test]
async fn without_the_permission_to_name_themselves_gateways_go_on_as_before() {
    let nats = NatsServer::with_config(
        "accounts: { A: { users: [ { user: u, password: p, permissions: {
            publish: { deny: [\"cc.v1.joined.>\", \"cc.v1.present.>\", \"cc.v1.attached.>\"] }
            subscribe: { deny: [\"cc.v1.joined.>\", \"cc.v1.present.>\", \"cc.v1.attached.>\"] } } } ] } }
        no_auth_user: u",
    );
    let launch = |role| Launch::new(role).set("nats", &nats.url());
    let _pairing = launch("pairing").start();
    let (one, two) = (launch("gateway").ready().await, launch("gateway").ready().await);
    for gateway in [&one, &two] {
        gateway.has_logged("the permissions of the NATS servers are those of an older version").await;
    }
    let (mut anna, mut ben) = couple(&one, &two).await;
    talk(&mut anna, &mut ben).await;
    anna.lose();
    ben.peer_is("away").await;
    anna.come_back(&two).await;
    ben.peer_is("online").await;
    ben.lose();
    anna.peer_is("away").await;
    ben.come_back(&one).await;
    get_through(&mut anna, &mut ben).await;
    get_through(&mut ben, &mut anna).await;
    for gateway in [&one, &two] {
        assert_eq!(gateway.metric("bus_server_errors_total").await, 0.0, "no fault of this node");
        assert_eq!(refused(gateway).await, 0.0);
    }
    assert_eq!(anna.call(&one, "GET", "/v1/sessions/me").await.json()["state"], json!("paired"));
}
