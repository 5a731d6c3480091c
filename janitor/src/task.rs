//! The task between the bus and the fold: it reads the clock, receives messages, and carries out
//! the effects.

use std::{collections::VecDeque, future, time::Duration};

use bus::{Answers, Bus, Clock, Heard, PublishError, ReplyTo, Status};
use orders::Standing;
use schemas::{
    Service, UnixMillis,
    event::{Heartbeat, KeyEvent},
    limits,
    message::{Answer, Message},
    subject::Interest,
};
use tokio::{
    sync::watch,
    task::yield_now,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Config, RunError},
    leases::{Effect, Input, LeasePolicy, Leases, SyncCursor},
    metrics::{Metrics, Question},
};

/// How long to wait for answers to a question of this node, and how long to go on answering one of
/// another node.
const SYNC_TIME: Duration = Duration::from_secs(10);

/// How many syncs are answered at a time; other nodes ask again.
const SYNCS: usize = 16;

/// How many batches of such answers are sent before other work gets its turn.
const BATCHES_PER_TURN: usize = 8;

/// How many messages are handled before other work gets its turn.
const HEARD_PER_TURN: usize = 256;

/// Receives messages until `shutdown`, or until the bus has been drained.
pub(crate) async fn listen(
    config: Config,
    bus: Bus,
    clock: Clock,
    shutdown: &CancellationToken,
) -> Result<(), RunError> {
    let bus = bus.with_role(Service::Janitor);
    let interests = Interest::of(Service::Janitor, bus.node());
    let Some(heard) = shutdown.run_until_cancelled(bus.subscribe(&interests)).await else {
        return Ok(());
    };
    let mut heard = heard?;
    let mut janitor = Janitor::new(config, bus, clock.now());
    let mut tick = interval(limits::HEARTBEAT);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => {
                janitor.announce(clock.now(), Draining::Yes);
                return Ok(());
            }
            _ = tick.tick() => janitor.tick(clock.now()),
            item = heard.next() => {
                janitor.receive(clock.now(), item.ok_or(RunError::Drained)?);
                for _ in 1..HEARD_PER_TURN {
                    let Some(item) = heard.try_next() else { break };
                    janitor.receive(clock.now(), item);
                }
            }
            answer = next_answer(&mut janitor.asked) => janitor.learn(clock.now(), answer),
            () = room_for_more(&janitor.bus, janitor.flow), if !janitor.answering.is_empty() => {
                janitor.answer_syncs(clock.now());
            }
        }
    }
}

/// The next answer. Never resolves if nothing was asked.
async fn next_answer(asked: &mut Option<Asked>) -> Option<Answer> {
    match asked {
        Some(asked) => asked.answers.next().await,
        None => future::pending().await,
    }
}

/// Resolves when the next part of an answer may be sent.
async fn room_for_more(bus: &Bus, flow: Flow) {
    if flow == Flow::Full {
        bus.writable().await;
        // A node that does not read its answers must not keep this task from other work.
        yield_now().await;
    }
}

/// A question of this node that others are answering.
struct Asked {
    answers: Answers,
    until: UnixMillis,
}

/// A sync that is being answered.
struct PendingSync {
    to: ReplyTo,
    cursor: SyncCursor,
    until: UnixMillis,
}

/// Whether the bus takes more of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Open,
    Full,
}

/// Whether a node is about to stop.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Draining {
    Yes,
    No,
}

struct Janitor {
    leases: Leases,
    bus: Bus,
    status: watch::Receiver<Status>,
    heartbeat: Heartbeat,
    metrics: Metrics,
    asked: Option<Asked>,
    answering: VecDeque<PendingSync>,
    flow: Flow,
    orders: Standing,
}

impl Janitor {
    fn new(config: Config, bus: Bus, now: UnixMillis) -> Self {
        let Config { boot, version, lifetimes, capacity, metrics, orders } = config;
        let heartbeat = Heartbeat::new(boot, version);
        Self {
            leases: Leases::new(bus.node().clone(), LeasePolicy { lifetimes, capacity }, now),
            status: bus.status(),
            bus: bus.with_role(Service::Janitor),
            heartbeat,
            metrics,
            asked: None,
            answering: VecDeque::new(),
            flow: Flow::Open,
            orders,
        }
    }

    fn tick(&mut self, now: UnixMillis) {
        // A short loss of the bus since the last tick is a gap too.
        let changed = self.status.has_changed().unwrap_or(true);
        let up = *self.status.borrow_and_update() == Status::Up;
        if changed || !up {
            self.fold(now, Input::Gap, None);
        }
        if up {
            self.announce(now, Draining::No);
            self.fold(now, Input::Tick, None);
        }
        self.asked.take_if(|asked| asked.until < now);
        self.answering.retain(|answering| answering.until >= now);
        self.metrics.set(self.leases.counts());
    }

    /// Says that this node lives, or is about to stop.
    fn announce(&mut self, now: UnixMillis, draining: Draining) {
        let (service, from) = (Service::Janitor, self.bus.node().clone());
        let (draining, orders) = (draining == Draining::Yes, self.orders.marks(now));
        let heartbeat = Heartbeat { draining, time: Some(now), orders, ..self.heartbeat.clone() };
        self.publish(&Message::Heartbeat { service, from, heartbeat });
    }

    fn receive(&mut self, now: UnixMillis, heard: Heard) {
        match heard {
            Heard::Message {
                message: Message::Key { from, event: KeyEvent::Announced(key), .. }, ..
            } if !self.leases.knows(&key) && self.bus.believe_of(&from, &key, now).is_err() => {}
            Heard::Message { message, .. } if !self.bus.believe_stamps(&message, now) => {}
            Heard::Message { message, reply, trace } => {
                let _entered = spans::process(&message, trace.as_deref()).entered();
                self.fold(now, Input::Received(message), reply);
            }
            Heard::Gap => {
                self.metrics.gap();
                self.fold(now, Input::Gap, None);
            }
            // No interest of this node delivers frames.
            Heard::Frames { .. } => {}
        }
    }

    fn learn(&mut self, now: UnixMillis, answer: Option<Answer>) {
        match answer {
            Some(Answer::Sync(mut answer)) => {
                // What its maker does not vouch for is dropped, and counted by the bus.
                answer.keys.retain(|key| self.leases.knows(key) || self.bus.believe(key, now).is_ok());
                self.fold(now, Input::Learned(answer), None);
            }
            Some(Answer::Session(_) | Answer::Receipt(_) | Answer::Orders(_)) => {}
            None => self.asked = None,
        }
    }

    fn fold(&mut self, now: UnixMillis, input: Input, reply: Option<ReplyTo>) {
        self.leases.handle(now, input);
        while let Some(effect) = self.leases.next_effect() {
            match (effect, &reply) {
                (Effect::Publish(message), _) => {
                    self.metrics.said(&message);
                    self.publish(&message);
                }
                (Effect::Answer(answer), Some(to)) => {
                    self.metrics.answered(Question::Ask);
                    self.count_refusal(self.bus.answer(to, &Answer::Session(answer)));
                }
                (Effect::AnswerSync, Some(to)) if self.answering.len() < SYNCS => {
                    self.metrics.answered(Question::Sync);
                    let (to, cursor, until) = (to.clone(), SyncCursor::default(), now + SYNC_TIME);
                    self.answering.push_back(PendingSync { to, cursor, until });
                }
                (Effect::Answer(_) | Effect::AnswerSync, _) => {}
                (Effect::AskSync, _) => self.ask_sync(now),
            }
        }
    }

    fn ask_sync(&mut self, now: UnixMillis) {
        let question = Message::Sync { from: self.bus.node().clone() };
        let asked = self.bus.ask(question);
        self.asked = asked.ok().map(|answers| Asked { answers, until: now + SYNC_TIME });
    }

    /// Sends some batches, first to the node that has waited longest for one.
    fn answer_syncs(&mut self, now: UnixMillis) {
        self.flow = Flow::Open;
        for _ in 0..BATCHES_PER_TURN {
            let Some(mut answering) = self.answering.pop_front() else { return };
            let mut cursor = answering.cursor;
            let batch = self.leases.sync_batch(now, &mut cursor);
            let last = batch.last;
            match self.bus.answer(&answering.to, &Answer::Sync(batch)) {
                Ok(()) if last => {}
                Ok(()) => {
                    answering.cursor = cursor;
                    self.answering.push_back(answering);
                }
                Err(PublishError::Full) => {
                    self.flow = Flow::Full;
                    self.answering.push_front(answering);
                    return;
                }
                // The node will ask again.
                refused @ Err(PublishError::Down | PublishError::TooLarge) => self.count_refusal(refused),
            }
        }
    }

    /// Publishes a message. What the bus does not take is dropped and counted.
    fn publish(&self, message: &Message) {
        self.count_refusal(self.bus.publish(message));
    }

    fn count_refusal(&self, published: Result<(), PublishError>) {
        if published.is_err() {
            self.metrics.unsaid();
        }
    }
}

#[cfg(test)]
mod tests;
