//! The task between the bus and the fold: it reads the clock, listens, and says what the fold wants said.

use std::{collections::VecDeque, future, time::Duration};

use bus::{Answers, Bus, Clock, Heard, PublishError, ReplyTo, Status};
use schemas::{
    Service, UnixMillis,
    event::{Heartbeat, Load},
    limits,
    message::{Answer, Message},
    subject::Interest,
};
use tokio::{
    sync::watch,
    task::yield_now,
    time::{MissedTickBehavior, interval},
};

use crate::{
    Config, RunError,
    leases::{Effect, Input, Leases, SyncCursor, Terms},
    metrics::{Metrics, Question},
};

/// How long to listen for answers to a question of ours, and to go on with ours to one of another node.
const SYNC_TIME: Duration = Duration::from_secs(10);

/// How many nodes are told at a time what they missed; the others ask again.
const SYNCS: usize = 16;

/// How many batches of such an answer are sent before other things get their turn.
const BATCHES_PER_TURN: usize = 8;

/// How many messages are taken before other things get their turn.
const HEARD_PER_TURN: usize = 256;

/// All that concerns a janitor.
const INTERESTS: [Interest; 9] = [
    Interest::PeerEvents,
    Interest::RoomEvents,
    Interest::SessionEvents,
    Interest::Asks,
    Interest::Keys,
    Interest::Leases,
    Interest::Syncs,
    Interest::Heartbeats(Service::Janitor),
    Interest::Heartbeats(Service::Gateway),
];

/// Listens until the bus has been drained.
pub(crate) async fn listen(config: Config, bus: Bus, clock: Clock) -> Result<(), RunError> {
    let mut heard = bus.subscribe(&INTERESTS).await?;
    let mut janitor = Janitor::new(config, bus, clock.now());
    let mut tick = interval(limits::HEARTBEAT);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => janitor.tick(clock.now()),
            item = heard.next() => {
                janitor.hear(clock.now(), item.ok_or(RunError::Drained)?);
                for _ in 1..HEARD_PER_TURN {
                    let Some(item) = heard.try_next() else { break };
                    janitor.hear(clock.now(), item);
                }
            }
            answer = next_answer(&mut janitor.asked) => janitor.learn(clock.now(), answer),
            () = room_for_more(&janitor.bus, janitor.flow), if !janitor.answering.is_empty() => janitor.answer_syncs(clock.now()),
        }
    }
}

/// Never, if nothing was asked.
async fn next_answer(asked: &mut Option<Asked>) -> Option<Answer> {
    match asked {
        Some(asked) => asked.answers.next().await,
        None => future::pending().await,
    }
}

/// Resolves when the next part of a long answer may be sent.
async fn room_for_more(bus: &Bus, flow: Flow) {
    if flow == Flow::Full {
        bus.writable().await;
        // Whoever does not read its answers must not keep this task from anything else.
        yield_now().await;
    }
}

/// A question of ours that others are answering.
struct Asked {
    answers: Answers,
    until: UnixMillis,
}

/// Somebody who is being told what was missed.
struct Answering {
    to: ReplyTo,
    cursor: SyncCursor,
    until: UnixMillis,
}

/// Whether the bus takes more of a long answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Open,
    Full,
}

struct Janitor {
    leases: Leases,
    bus: Bus,
    status: watch::Receiver<Status>,
    heartbeat: Message,
    metrics: Metrics,
    asked: Option<Asked>,
    answering: VecDeque<Answering>,
    flow: Flow,
}

impl Janitor {
    fn new(config: Config, bus: Bus, now: UnixMillis) -> Self {
        let Config { boot, version, token_life, key_rotation, grace, capacity, metrics } = config;
        let heartbeat = Heartbeat { boot, version, load: Load::default(), draining: false };
        let from = bus.node().clone();
        Self {
            leases: Leases::new(from.clone(), Terms { token_life, key_rotation, grace, capacity }, now),
            status: bus.status(),
            bus,
            heartbeat: Message::Heartbeat { service: Service::Janitor, from, heartbeat },
            metrics,
            asked: None,
            answering: VecDeque::new(),
            flow: Flow::Open,
        }
    }

    fn tick(&mut self, now: UnixMillis) {
        // A change that has come and gone since the last tick is a gap too.
        let changed = self.status.has_changed().unwrap_or(true);
        let up = *self.status.borrow_and_update() == Status::Up;
        if changed || !up {
            self.fold(now, Input::Gap, None);
        }
        if up {
            self.say(&self.heartbeat);
            self.fold(now, Input::Tick, None);
        }
        self.asked.take_if(|asked| asked.until < now);
        self.answering.retain(|answering| answering.until >= now);
        self.metrics.set(self.leases.counts());
    }

    fn hear(&mut self, now: UnixMillis, heard: Heard) {
        match heard {
            Heard::Message { message, reply } => self.fold(now, Input::Heard(message), reply),
            Heard::Gap => {
                self.metrics.gap();
                self.fold(now, Input::Gap, None);
            }
            // No interest of ours brings frames.
            Heard::Frames { .. } => {}
        }
    }

    fn learn(&mut self, now: UnixMillis, answer: Option<Answer>) {
        match answer {
            Some(Answer::Sync(answer)) => self.fold(now, Input::Learned(answer), None),
            Some(Answer::Session(_)) => {}
            None => self.asked = None,
        }
    }

    fn fold(&mut self, now: UnixMillis, input: Input, reply: Option<ReplyTo>) {
        self.leases.handle(now, input);
        while let Some(effect) = self.leases.next_effect() {
            match (effect, &reply) {
                (Effect::Say(message), _) => {
                    self.metrics.said(&message);
                    self.say(&message);
                }
                (Effect::Answer(answer), Some(to)) => {
                    self.metrics.answered(Question::Ask);
                    self.count_refusal(self.bus.answer(to, &Answer::Session(answer)));
                }
                (Effect::AnswerSync, Some(to)) if self.answering.len() < SYNCS => {
                    self.metrics.answered(Question::Sync);
                    let (to, cursor, until) = (to.clone(), SyncCursor::default(), now + SYNC_TIME);
                    self.answering.push_back(Answering { to, cursor, until });
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

    /// Sends some batches to whoever has waited longest for one.
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
                // Whoever asked will ask again.
                refused @ Err(PublishError::Down | PublishError::TooLarge) => self.count_refusal(refused),
            }
        }
    }

    /// Now or never: what the bus does not take is not kept.
    fn say(&self, message: &Message) {
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
