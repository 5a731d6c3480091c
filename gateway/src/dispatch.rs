//! What the bus brings goes to the sessions, to the keys, or straight to a socket.

use std::{sync::Arc, time::Duration};

use bus::{BusFault, Heard, ReplyTo, Status, SubscribeError, Subscription};
use schemas::{
    RoomId, Service,
    control::Strangers,
    event::{Heartbeat, Presence},
    frame::Frames,
    limits,
    message::{Answer, Message},
    subject::Interest,
    trace::TraceContext,
};
use session::{Asking, Others, SYNC_PATIENCE, Sessions, TICK};
use spans::{Instrument, span};
use tokio::{
    task::yield_now,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;
use websocket::put_binary;

use crate::{
    node::{Node, outboxes::ALL_OUTBOX_BYTES},
    origins,
    ws::{
        connection::{Connection, Delivered},
        outbox::RoomKey,
    },
};

/// Messages that are taken from the bus before the sockets that they were for are written: one
/// write for all that a tick brings.
const MESSAGES_PER_TURN: usize = 1024;
/// So many bytes for one client are written without waiting for more: copying them into its outbox
/// costs more than the system call.
const WORTH_A_WRITE: usize = 16 * 1024;
/// While there is something to do, timers are looked at this often, and else each [`TICK`]. After a
/// rush thousands are due in each tick: run in ten parts, they delay others for ten short moments
/// and not for one long one.
const TIMERS: Duration = Duration::from_millis(10);
/// Timers that run before other tasks have their turn: a fraction of a millisecond.
const TIMERS_PER_TURN: usize = 64;

/// How soon a refused sync is tried again: until an operator has changed the permissions.
const SYNC_AGAIN: Duration = Duration::from_secs(5);

/// Both subscriptions of a gateway.
pub(crate) struct Subscriptions {
    traffic: Subscription,
    events: Subscription,
}

/// Subscribes. To be called before anything is published, so that no answer is missed.
///
/// # Errors
/// If the bus is going away.
pub(crate) async fn listen(node: &Node) -> Result<Subscriptions, SubscribeError> {
    let all = Interest::of(Service::Gateway, &node.config().node).into_iter();
    // Frames have a subscription of their own: events never wait behind them.
    let (traffic, events): (Vec<_>, Vec<_>) =
        all.partition(|interest| matches!(interest, Interest::RoomTraffic(_)));
    Ok(Subscriptions {
        traffic: node.bus().subscribe(&traffic).await?,
        events: node.bus().subscribe(&events).await?,
    })
}

/// Takes what comes until the bus is drained.
pub(crate) async fn run(node: Arc<Node>, subscriptions: Subscriptions) {
    let Subscriptions { traffic, events } = subscriptions;
    tokio::join!(handle_traffic(&node, traffic), handle_events(&node, events));
}

/// Frames and the room events that precede them, in order. Never waits for a client.
async fn handle_traffic(node: &Node, mut traffic: Subscription) {
    let mut scratch = Vec::new();
    let mut to_flush = Vec::<Arc<Connection>>::new();
    while let Some(first) = traffic.next().await {
        let mut heard = first;
        for turn in 1.. {
            match heard {
                Heard::Frames { room, payload } => {
                    to_flush.extend(take_frames(node, room, &payload, &mut scratch));
                }
                Heard::Message { message, trace, .. } => handle(node, &message, None, trace.as_deref()),
                Heard::Gap => missed(node),
            }
            if turn == MESSAGES_PER_TURN {
                break;
            }
            match traffic.try_next() {
                Some(next) => heard = next,
                None => break,
            }
        }
        for connection in to_flush.drain(..) {
            connection.flush();
        }
    }
}

/// Hands frames to the side that is here. Returns its connection if it is to be flushed.
fn take_frames(node: &Node, room: RoomId, payload: &[u8], scratch: &mut Vec<u8>) -> Option<Arc<Connection>> {
    let found = Frames::parse(payload)
        .and_then(|frames| Some((node.routes().find(room, frames.side.other(), frames.stamp)?, frames)));
    let Some((connection, frames)) = found else {
        node.metrics().frames_refused.inc();
        return None;
    };
    for frame in frames.iter() {
        put_binary(scratch, frame);
    }
    let room = RoomKey::of(&room);
    let delivered = if scratch.len() < WORTH_A_WRITE {
        connection.append(room, scratch)
    } else {
        connection.deliver(room, scratch)
    };
    scratch.fill(0);
    scratch.clear();
    match delivered {
        Delivered::First => Some(connection),
        Delivered::Yes => None,
        Delivered::No => {
            node.metrics().frames_refused.inc();
            None
        }
    }
}

async fn handle_events(node: &Node, mut events: Subscription) {
    while let Some(heard) = events.next().await {
        match heard {
            Heard::Message { message, reply, trace } => handle(node, &message, reply, trace.as_deref()),
            Heard::Gap => missed(node),
            Heard::Frames { .. } => {}
        }
    }
}

fn handle(node: &Node, message: &Message, reply: Option<ReplyTo>, trace: Option<&TraceContext>) {
    if !node.bus().believe_stamps(message, node.clock().now()) {
        return;
    }
    let _entered = spans::process(message, trace).entered();
    match (message, reply) {
        (Message::Origin { from, event }, _) => origins::hear(node, from, event),
        (Message::Report { from, report }, _) => node.hear_report(from, report),
        (Message::Key { key, from, event, .. }, _) => node.tokens().hear(*key, from, event),
        (Message::Ask { session }, Some(reply)) => {
            if let Some(answer) = node.decide(|sessions, _| sessions.locate(*session)) {
                // The asker goes on without it.
                let _ = node.bus().answer(&reply, &Answer::Session(answer));
            }
        }
        // Also while this gateway learns itself: of two that start together, one may have missed
        // the other's key.
        (Message::Sync { from }, Some(reply)) if *from != node.config().node => {
            for answer in node.sync_answers() {
                let _ = node.bus().answer(&reply, &Answer::Sync(answer));
            }
        }
        (Message::Own { from, message }, _)
            if *from == node.config().node && matches!(**message, Message::Presence { .. }) =>
        {
            node.decide(Sessions::permit_names);
        }
        (message, _) => {
            match message {
                Message::Heartbeat { from, heartbeat, .. } => node.hear_counts(from, heartbeat),
                Message::Queue { states, .. } => node.hear_queues(states),
                _ => {}
            }
            if !node.decide(|sessions, now| sessions.handle(now, message)) {
                node.metrics().claims_refused.inc();
            }
        }
    }
}

/// Finds out whether the NATS servers permit this gateway to name itself in subjects: their
/// permissions may be of the version before. It says something to itself there, which comes back if
/// so.
fn try_names(node: &Node) -> bool {
    let names_itself = node.decide(|sessions, _| sessions.names_itself());
    if node.bus().refuses_names() {
        node.decide(|sessions, _| sessions.forbid_names());
        return false;
    }
    if !names_itself {
        let own = node.config().node.clone();
        let nothing = Presence { node: own.clone(), rooms: Vec::new() };
        let echo = Message::Presence { to: own, presence: nothing };
        // Said again in a second.
        let _ = echo.own().map(|echo| node.bus().publish(&echo));
    }
    names_itself
}

fn missed(node: &Node) {
    node.metrics().gaps.inc();
    node.ask_again();
}

/// Tells the sessions of each time that the bus goes and comes back. Nothing else is waited for
/// here, so that none is missed.
pub(crate) async fn follow_bus(node: Arc<Node>, shutdown: CancellationToken) {
    let mut status = node.bus().status();
    let follow = async {
        if *status.borrow_and_update() == Status::Down {
            node.tokens().cut_off();
            node.decide(|sessions, _| sessions.bus_awaited());
        }
        while status.changed().await.is_ok() {
            // Not asked in the `match`: it would be held while deciding, and what is decided is
            // said on the same bus.
            let now = *status.borrow_and_update();
            match now {
                Status::Up => node.decide(Sessions::bus_up),
                Status::Down => {
                    node.tokens().cut_off();
                    node.decide(Sessions::bus_down);
                }
            }
        }
    };
    shutdown.run_until_cancelled(follow).await;
}

/// Learns what others know: at the start, after the bus came back, and after a gap.
pub(crate) async fn sync(node: Arc<Node>, shutdown: CancellationToken) {
    let mut status = node.bus().status();
    let (mut refused, mut asking) = (false, Asking::default());
    loop {
        let mut again = None;
        if *status.borrow_and_update() == Status::Up {
            let asked = Instant::now();
            let is_answered = sync_once(&node).instrument(spans::root(|| span!(parent: None, "sync"))).await;
            // What was learned while the bus went down again may be half of it. And where the
            // question is refused, silence does not mean that there is nobody.
            refused = node.bus().faults().contains(&BusFault::SyncRefused);
            let after = asking.after(is_answered, node.others());
            if after.is_synced && *status.borrow() == Status::Up && !refused {
                node.set_synced();
            }
            again = after.asks_again.then_some(asked + SYNC_PATIENCE);
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = sleep(SYNC_AGAIN), if refused => {}
            () = sleep_until(again.unwrap_or_else(Instant::now)), if again.is_some() && !refused => {}
            // At most once in a while, however often something is missed: saying everything again
            // is no small thing.
            () = node.asked_again() => node.decide(Sessions::missed),
            changed = status.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

/// Keeps track of the other nodes.
pub(crate) async fn watch(node: Arc<Node>, shutdown: CancellationToken) {
    if node.health().watch(*node.clock(), shutdown).await.is_err() {
        tracing::error!(event = "bus.unheard", "cannot listen to the heartbeats of other nodes");
    }
}

/// Returns whether somebody has told all that it knows.
async fn sync_once(node: &Node) -> bool {
    let mut is_answered = false;
    let Ok(mut answers) = node.bus().ask(Message::Sync { from: node.config().node.clone() }) else {
        return is_answered;
    };
    let deadline = Instant::now() + SYNC_PATIENCE;
    while let Ok(Some(answer)) = timeout_at(deadline, answers.next()).await {
        if let Answer::Sync(answer) = answer {
            node.tokens().learn(&answer.keys);
            node.decide(|sessions, now| sessions.learn(now, &answer));
            is_answered |= answer.last;
        }
    }
    is_answered
}

impl Node {
    /// Who is there to tell what this gateway has missed.
    fn others(&self) -> Others {
        Others {
            gateways: self.decide(|sessions, _| sessions.has_neighbours()),
            janitor: !self.health().missing().contains(&Service::Janitor),
        }
    }
}

/// Lets time pass for the sessions, and says each second that this node lives.
pub(crate) async fn tick(node: Arc<Node>, shutdown: CancellationToken) {
    let mut next = Instant::now();
    let (mut all, mut beat) = (next, next);
    while shutdown.run_until_cancelled(sleep_until(next)).await.is_some() {
        while node.decide(|sessions, now| sessions.run_due_timers(now, TIMERS_PER_TURN)) {
            yield_now().await;
        }
        let mut rest = node.decide(|sessions, now| sessions.until_next_timer(now));
        let now = Instant::now();
        if node.decide(|sessions, _| sessions.renew_part()) {
            rest = TIMERS;
        }
        if now >= all {
            all = now + TICK;
            node.decide(Sessions::tick);
        }
        if now >= beat {
            beat = now + limits::HEARTBEAT;
            announce_heartbeat(&node);
            node.publish_counts();
            node.ask_who_is_there();
            node.relieve_outboxes(ALL_OUTBOX_BYTES);
            // A match that came to nothing brings somebody back into the queue.
            if node.config().orders.now().service.strangers == Strangers::NotOffered {
                node.decide(|sessions, _| sessions.stop_waiting_for_strangers());
            }
        }
        next = (now + rest.max(TIMERS)).min(all);
    }
}

/// Says that this node lives, or is about to stop.
pub(crate) fn announce_heartbeat(node: &Node) {
    let (config, now) = (node.config(), node.clock().now());
    let heartbeat = Heartbeat {
        boot: config.boot,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        load: node.load(),
        draining: node.is_draining(),
        time: Some(now),
        url: config.public_url.clone(),
        orders: config.orders.marks(now),
        counts: Some(node.counts()),
        names_itself: try_names(node),
    };
    let message = Message::Heartbeat { service: Service::Gateway, from: config.node.clone(), heartbeat };
    // Said again in a second.
    let _ = node.bus().publish(&message);
}

/// Pings the connections.
pub(crate) async fn keep_alive(node: Arc<Node>, shutdown: CancellationToken) {
    let mut next = Instant::now();
    while shutdown.run_until_cancelled(sleep_until(next)).await.is_some() {
        // Where time was lost it is not made up for: pings would go out at once.
        next = (next + node.keep_alive().turn()).max(Instant::now());
    }
}
