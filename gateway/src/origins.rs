//! The gateways tell each other the keys by which they make origins of addresses.
//!
//! A gateway offers the names of its keys. Whoever lacks one asks, with a public key that is made
//! for the question, and the keys are sealed to that. So no NATS server learns them, and an answer
//! that comes again later can no longer be opened. Where nodes have certificates, question and
//! answer are signed. The names are no secret: they stand in each want.

use std::{sync::Arc, time::Duration};

use bus::Status;
use schemas::{
    NodeId, codec,
    message::Message,
    origin_keys::{Asking, OriginEvent, OriginKey, OriginKeyId, SealedKeys, recipient_statement},
};
use serde_bytes::ByteBuf;
use session::Topology;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::{
    node::Node,
    origin_keys::Rank,
    sealed::{Parties, Recipient, Sealed, seal},
};

/// How often a gateway looks whether it is time for a new key, or asks for one.
const LOOK: Duration = Duration::from_secs(1);

/// How often the first gateway offers its keys to those that may have missed them.
const REPEAT: Duration = Duration::from_secs(10);

/// A gateway that starts listens so long to others, which may have a key. Alone on its bus it does
/// not.
const LISTEN_FIRST: Duration = Duration::from_secs(3);

/// What was heard of others' keys, and is to be acted on at the next look.
#[derive(Default)]
pub(crate) struct Exchange {
    /// To what others seal their keys, while this gateway asks.
    recipient: Option<Recipient>,
    /// Who has a key that this gateway lacks.
    lacks_of: Option<NodeId>,
    /// Whether somebody lacks a key of this gateway.
    is_missed: bool,
}

/// Makes keys in time, offers them, and asks for others', until shutdown.
pub(crate) async fn run(node: Arc<Node>, shutdown: CancellationToken) {
    let listen_first = match node.config().topology {
        Topology::Standalone => Duration::ZERO,
        Topology::Cluster => LISTEN_FIRST,
    };
    let mut listened_since = None;
    let mut repeat = Instant::now();
    let look = async {
        loop {
            if *node.bus().status().borrow() == Status::Up {
                let since = *listened_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= listen_first {
                    make_in_time(&node, &mut repeat);
                }
                ask_for_what_is_lacking(&node);
            } else {
                // Others may have a newer one when it is back.
                listened_since = None;
            }
            sleep(LOOK).await;
        }
    };
    shutdown.run_until_cancelled(look).await;
}

fn make_in_time(node: &Node, repeat: &mut Instant) {
    let rank = rank(node, None);
    let draw = || (OriginKeyId(rand::random()), rand::random());
    let is_new = node.origins().lock().tick(node.clock().now(), rank, draw);
    let is_missed = std::mem::take(&mut node.exchange().lock().is_missed);
    if is_new || is_missed || (rank == Rank::First && *repeat <= Instant::now()) {
        *repeat = Instant::now() + REPEAT;
        let names = node.origins().lock().names();
        if !names.is_empty() {
            publish(node, OriginEvent::Offered(names));
        }
    }
}

/// Asks whoever has offered more than this gateway has; without a key, whoever is there.
fn ask_for_what_is_lacking(node: &Node) {
    let is_without = node.origins().lock().is_without(node.clock().now());
    let of = node.exchange().lock().lacks_of.take();
    if (is_without || of.is_some())
        && let Some(asking) = asking(node, of)
    {
        publish(node, OriginEvent::Asked(asking.into()));
    }
}

/// A question. `None` if there are no random bytes for a key; it is tried again.
fn asking(node: &Node, of: Option<NodeId>) -> Option<Asking> {
    let recipient = {
        let mut exchange = node.exchange().lock();
        if exchange.recipient.is_none() {
            exchange.recipient = Recipient::new().ok();
        }
        exchange.recipient.as_ref()?.public()
    };
    let proof = node.bus().vouch(&recipient_statement(&recipient, &node.config().node));
    Some(Asking { of, recipient, proof })
}

/// Another gateway offers keys, asks for them, or tells them.
pub(crate) fn hear(node: &Node, from: &NodeId, event: &OriginEvent) {
    if *from == node.config().node {
        return;
    }
    match event {
        OriginEvent::Offered(names) => hear_offer(node, from, names),
        OriginEvent::Asked(asking) if is_asked(node, from, asking) => answer(node, from, asking),
        OriginEvent::Asked(_) => {}
        OriginEvent::Sealed(keys) => open(node, from, keys),
    }
}

fn hear_offer(node: &Node, from: &NodeId, names: &[OriginKeyId]) {
    let (lacks, is_missed) = {
        let origins = node.origins().lock();
        (origins.lacks_any(names), origins.uses_more_than(node.clock().now(), names))
    };
    let mut exchange = node.exchange().lock();
    if lacks {
        exchange.lacks_of = Some(from.clone());
    }
    exchange.is_missed |= is_missed;
}

/// The first of those that run answers, if nobody is named. Whoever asks may be the first of all.
fn is_asked(node: &Node, from: &NodeId, asking: &Asking) -> bool {
    match &asking.of {
        Some(of) => *of == node.config().node,
        None => rank(node, Some(from)) == Rank::First,
    }
}

/// Tells a gateway all keys, so that nobody else learns them.
fn answer(node: &Node, to: &NodeId, asking: &Asking) {
    let now = node.clock().now();
    let keys = node.origins().lock().told(now);
    let asked = recipient_statement(&asking.recipient, to);
    if keys.is_empty() || node.bus().believe_said(to, &asked, asking.proof.as_ref(), now).is_err() {
        return;
    }
    let from = &node.config().node;
    let Ok(plain) = codec::encode(&keys).map(Zeroizing::new) else { return };
    let Ok(sealed) = seal(&asking.recipient, &plain, Parties { from, to }) else { return };
    let Sealed { ephemeral, bytes } = sealed;
    let (recipient, content) = (asking.recipient, ByteBuf::from(bytes));
    let mut keys = SealedKeys { recipient, ephemeral, content, proof: None };
    keys.proof = node.bus().vouch(&keys.statement(from));
    publish(node, OriginEvent::Sealed(keys.into()));
}

/// Learns keys that were sealed to this gateway. What is for others, or comes again when this
/// question is over, is nobody's loss.
fn open(node: &Node, from: &NodeId, keys: &SealedKeys) {
    let is_ours = |recipient: &Recipient| recipient.public() == keys.recipient;
    if !node.exchange().lock().recipient.as_ref().is_some_and(is_ours) {
        return;
    }
    let (now, to) = (node.clock().now(), &node.config().node);
    if node.bus().believe_said(from, &keys.statement(from), keys.proof.as_ref(), now).is_err() {
        return;
    }
    let sealed = Sealed { ephemeral: keys.ephemeral, bytes: keys.content.to_vec() };
    let mut exchange = node.exchange().lock();
    let opened = exchange.recipient.as_ref().and_then(|it| it.open(&sealed, Parties { from, to }).ok());
    let Some(Ok(keys)) = opened.map(|plain| codec::decode::<Vec<OriginKey>>(&plain)) else { return };
    node.origins().lock().learn(now, &keys);
    exchange.recipient = None;
}

fn rank(node: &Node, but: Option<&NodeId>) -> Rank {
    if node.decide(|sessions, _| sessions.is_first(but)) { Rank::First } else { Rank::Other }
}

fn publish(node: &Node, event: OriginEvent) {
    // What is lost is told again.
    let _ = node.bus().publish(&Message::Origin { from: node.config().node.clone(), event });
}

#[cfg(test)]
mod tests {
    use bus::{Clock, Local};
    use schemas::{BootId, Origin};
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::{config::Config, dispatch, metrics::Metrics, origin_keys::ClientNetwork};

    /// Longer than anything here takes on a busy machine.
    const PATIENCE: Duration = Duration::from_secs(60);

    struct Running {
        node: Arc<Node>,
        stop: CancellationToken,
    }

    async fn start(local: &Local, name: &str, topology: Topology, tasks: &TaskTracker) -> Running {
        let config = Config { topology, ..Config::new(name.parse().unwrap(), BootId(1)) };
        let bus = local.join(config.node.clone());
        let node = Arc::new(Node::new(config, bus, Clock::start(), Metrics::default()));
        let stop = CancellationToken::new();
        let subscriptions = dispatch::listen(&node).await.unwrap();
        tasks.spawn(stop.clone().run_until_cancelled_owned(dispatch::run(node.clone(), subscriptions)));
        tasks.spawn(dispatch::tick(node.clone(), stop.clone()));
        tasks.spawn(run(node.clone(), stop.clone()));
        Running { node, stop }
    }

    fn origin(running: &Running) -> Option<Origin> {
        let network = ClientNetwork::of([192, 0, 2, 1].into());
        running.node.origins().lock().origin(running.node.clock().now(), network)
    }

    async fn until(mut condition: impl FnMut() -> bool) {
        let waiting = async {
            while !condition() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("it should have happened by now");
    }

    #[tokio::test]
    async fn all_gateways_make_the_same_origins_whoever_starts_or_stops() {
        let (local, tasks) = (Local::new(), TaskTracker::new());
        let first = start(&local, "n2", Topology::Standalone, &tasks).await;
        until(|| origin(&first).is_some()).await;
        let expected = origin(&first);
        // The second has the lower id, and so is the first of all once it runs: it asks before.
        let second = start(&local, "n1", Topology::Cluster, &tasks).await;
        until(|| origin(&second) == expected).await;
        // The one that made the key goes; the next that comes is told by the other.
        first.stop.cancel();
        let third = start(&local, "n3", Topology::Cluster, &tasks).await;
        until(|| origin(&third) == expected).await;
        [second, third].iter().for_each(|running| running.stop.cancel());
        tasks.close();
        tokio::time::timeout(PATIENCE, tasks.wait()).await.unwrap();
    }
}
