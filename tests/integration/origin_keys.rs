//! The keys by which gateways make origins of addresses, over a real NATS server with TLS: whoever
//! carries them does not learn them.

use std::sync::Arc;

use bus::{Bus, Heard};
use gateway::sealed::{Parties, Recipient, Sealed};
use parking_lot::Mutex;
use schemas::{
    NodeId, codec,
    message::Message,
    origin_keys::{Asking, OriginEvent, OriginKey, OriginKeyId, SealedKeys, recipient_statement},
    subject::Interest,
};
use serde_bytes::ByteBuf;
use tokio::task::JoinSet;

use super::rogue::{Secured, publish};
use crate::support::eventually;

fn node(name: &str) -> NodeId {
    name.parse().unwrap()
}

/// Somebody through whom all passes that gateways tell each other of their keys.
pub(super) struct Carrier {
    heard: Arc<Mutex<Vec<(NodeId, OriginEvent)>>>,
    _listening: JoinSet<()>,
}

impl Carrier {
    pub(super) async fn on(bus: &Bus) -> Self {
        let mut subscription = bus.subscribe(&[Interest::Origins]).await.unwrap();
        let heard = Arc::<Mutex<Vec<_>>>::default();
        let (kept, mut listening) = (heard.clone(), JoinSet::new());
        listening.spawn(async move {
            while let Some(heard) = subscription.next().await {
                if let Heard::Message { message: Message::Origin { from, event }, .. } = heard {
                    kept.lock().push((from, event));
                }
            }
        });
        Self { heard, _listening: listening }
    }

    /// The first event for which this gives something.
    pub(super) async fn first<T>(&self, what: &str, find: impl Fn(&NodeId, &OriginEvent) -> Option<T>) -> T {
        let found = || self.heard.lock().iter().find_map(|(from, event)| find(from, event));
        eventually(what, async || found().is_some()).await;
        found().unwrap()
    }

    /// The keys that were sealed to this key, as they were sent.
    async fn sealed_to(&self, recipient: [u8; 32]) -> (NodeId, SealedKeys) {
        self.first("the keys come", |from, event| match event {
            OriginEvent::Sealed(keys) if keys.recipient == recipient => {
                Some((from.clone(), (**keys).clone()))
            }
            _ => None,
        })
        .await
    }

    /// Whether these bytes were in any message.
    fn carried(&self, bytes: &[u8]) -> bool {
        self.heard.lock().iter().any(|(from, event)| {
            let message = Message::Origin { from: from.clone(), event: event.clone() };
            message.encode().unwrap().windows(bytes.len()).any(|window| window == bytes)
        })
    }
}

/// Asks a gateway for its keys as the gateway that the bus is of, which has a certificate.
async fn keys_of(gateway: &str, asker: &Bus, carrier: &Carrier) -> Vec<OriginKey> {
    let (from, to) = (node(gateway), asker.node().clone());
    let recipient = Recipient::new().unwrap();
    let proof = asker.vouch(&recipient_statement(&recipient.public(), &to));
    let asking = Asking { of: Some(from.clone()), recipient: recipient.public(), proof };
    let event = OriginEvent::Asked(asking.into());
    publish(asker, &Message::Origin { from: to.clone(), event }).await;
    let (by, keys) = carrier.sealed_to(recipient.public()).await;
    assert_eq!(by, from);
    let now = bus::Clock::start().now();
    asker.believe_said(&by, &keys.statement(&by), keys.proof.as_ref(), now).unwrap();
    let sealed = Sealed { ephemeral: keys.ephemeral, bytes: keys.content.into_vec() };
    let plain = recipient.open(&sealed, Parties { from: &from, to: &to }).unwrap();
    codec::decode(&plain).unwrap()
}

/// Waits until a gateway offers keys.
async fn has_key(gateway: &str, carrier: &Carrier) {
    carrier
        .first("it has made a key", |from, event| {
            (*from == node(gateway) && matches!(event, OriginEvent::Offered(_))).then_some(())
        })
        .await;
}

fn secrets(keys: &[OriginKey]) -> Vec<(OriginKeyId, [u8; 32])> {
    keys.iter().map(|key| (key.id, key.secret)).collect()
}

#[tokio::test]
async fn no_key_of_origins_passes_in_the_clear_and_who_starts_later_learns_it() {
    let cluster = Secured::start(&["gateway-1", "gateway-2", "gateway-3", "carrier"]);
    let carrier = Carrier::on(&cluster.join("carrier").await).await;
    let _one = cluster.launch("gateway", "gateway-1").ready().await;
    has_key("gateway-1", &carrier).await;
    let third = cluster.join("gateway-3").await;
    let keys = keys_of("gateway-1", &third, &carrier).await;
    assert_eq!(keys.len(), 1);
    let two = cluster.launch("gateway", "gateway-2").ready().await;
    let seconds_question = carrier
        .first("the second asks", |from, event| match event {
            OriginEvent::Asked(asking) if *from == node("gateway-2") => Some(asking.recipient),
            _ => None,
        })
        .await;
    let (by, answer) = carrier.sealed_to(seconds_question).await;
    let seconds = keys_of("gateway-2", &third, &carrier).await;
    assert_eq!(secrets(&seconds), secrets(&keys), "it has the same");
    // An answer that comes again, when its question is over, cannot even be opened.
    publish(&third, &Message::Origin { from: by, event: OriginEvent::Sealed(answer.into()) }).await;
    assert_eq!(secrets(&keys_of("gateway-2", &third, &carrier).await), secrets(&keys));
    assert!(carrier.carried(&keys[0].id.0), "names are offered");
    assert!(!carrier.carried(&keys[0].secret), "keys are sealed");
    assert_eq!(two.metric("bus_doubted_keys_total").await, 0.0);
}

#[tokio::test]
async fn keys_that_are_forged_change_nothing() {
    let cluster = Secured::start(&["gateway-1", "gateway-3", "rogue"]);
    let rogue = cluster.join("rogue").await;
    let carrier = Carrier::on(&rogue).await;
    let one = cluster.launch("gateway", "gateway-1").ready().await;
    has_key("gateway-1", &carrier).await;
    let third = cluster.join("gateway-3").await;
    let keys = keys_of("gateway-1", &third, &carrier).await;

    // In the name of a gateway that is not there it offers a key that would be used before all
    // others.
    let (named, victim, id) = (node("gateway-2"), node("gateway-1"), OriginKeyId([0; 4]));
    let tell = |event| Message::Origin { from: named.clone(), event };
    publish(&rogue, &tell(OriginEvent::Offered(vec![id]))).await;
    let recipient = carrier
        .first("it asks", |from, event| match event {
            OriginEvent::Asked(asking) if *from == victim && asking.of.as_ref() == Some(&named) => {
                Some(asking.recipient)
            }
            _ => None,
        })
        .await;
    let key = OriginKey { id, age: std::time::Duration::ZERO, secret: [7; 32] };
    let plain = codec::encode(&vec![key]).unwrap();
    let seal = |parties| {
        let Sealed { ephemeral, bytes } = gateway::sealed::seal(&recipient, &plain, parties).unwrap();
        SealedKeys { recipient, ephemeral, content: ByteBuf::from(bytes), proof: None }
    };
    let unsigned = seal(Parties { from: &named, to: &victim });
    let mut by_rogue = unsigned.clone();
    by_rogue.proof = rogue.vouch(&by_rogue.statement(&named));
    // What a gateway has signed of something else.
    let (_, before) = carrier
        .first("it was answered before", |from, event| match event {
            OriginEvent::Sealed(keys) => Some((from.clone(), (**keys).clone())),
            _ => None,
        })
        .await;
    let mut stolen = unsigned.clone();
    stolen.proof = before.proof.clone();
    for forged in [unsigned, by_rogue, stolen] {
        publish(&rogue, &tell(OriginEvent::Sealed(forged.into()))).await;
    }
    publish(&rogue, &Message::Origin { from: victim.clone(), event: OriginEvent::Sealed(before.into()) })
        .await;
    rogue.flush().await.unwrap();
    let doubted = async || one.metric("bus_doubted_keys_total").await >= 3.0;
    eventually("it is doubted", doubted).await;

    // A question that nobody vouches for is not answered: the next one is.
    let stranger = Recipient::new().unwrap();
    let asking = Asking { of: Some(victim), recipient: stranger.public(), proof: None };
    publish(&third, &Message::Origin { from: node("gateway-3"), event: OriginEvent::Asked(asking.into()) })
        .await;
    assert_eq!(secrets(&keys_of("gateway-1", &third, &carrier).await), secrets(&keys));
    let was_answered =
        carrier.heard.lock().iter().any(
            |(_, event)| matches!(event, OriginEvent::Sealed(keys) if keys.recipient == stranger.public()),
        );
    assert!(!was_answered);
}
