//! The gateways tell each other the keys by which they make origins of addresses.

use std::{sync::Arc, time::Duration};

use bus::Status;
use schemas::{
    NodeId,
    event::{OriginEvent, OriginKeyId},
    message::Message,
};
use session::Topology;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{node::Node, origin_keys::Rank};

/// How often a gateway looks whether it is time for a new key, or asks for one.
const LOOK: Duration = Duration::from_secs(1);

/// How often the first gateway tells its keys to those that may have missed them.
const REPEAT: Duration = Duration::from_secs(10);

/// A gateway that starts listens so long to others, which may have a key. Alone on its bus it does
/// not.
const LISTEN_FIRST: Duration = Duration::from_secs(3);

/// Makes keys in time, and tells them, until shutdown.
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
                } else {
                    publish(&node, OriginEvent::Asked);
                }
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
    if is_new || (rank == Rank::First && *repeat <= Instant::now()) {
        *repeat = Instant::now() + REPEAT;
        tell(node);
    }
}

/// Another gateway has told its keys, or asks for them.
pub(crate) fn hear(node: &Node, from: &NodeId, event: &OriginEvent) {
    if *from == node.config().node {
        return;
    }
    match event {
        OriginEvent::Keys(keys) => node.origins().lock().learn(node.clock().now(), keys),
        // The first of those that know answers. Whoever asks may be the first of all.
        OriginEvent::Asked if rank(node, Some(from)) == Rank::First => tell(node),
        OriginEvent::Asked => {}
    }
}

fn rank(node: &Node, but: Option<&NodeId>) -> Rank {
    if node.decide(|sessions, _| sessions.is_first(but)) { Rank::First } else { Rank::Other }
}

fn tell(node: &Node) {
    let keys = node.origins().lock().told(node.clock().now());
    if !keys.is_empty() {
        publish(node, OriginEvent::Keys(keys));
    }
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
