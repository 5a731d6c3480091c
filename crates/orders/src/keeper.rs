//! The task that hears the operator's orders, answers for them, and asks others for them.

use std::{future, time::Duration};

use bus::{Answers, Bus, Clock, Heard, ReplyTo, Status, SubscribeError};
use schemas::{
    BootId, Service, UnixMillis,
    limits::HEARTBEAT,
    message::{Answer, Message},
    order::{Outcome, Receipt, SignedOrder},
    orders::Bringer,
    subject::{Interest, Kind},
};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::standing::Standing;

/// How often others are asked after a start, a gap or a new connection, once a second: what is
/// asked may be lost, and so may the answer.
const QUESTIONS: u32 = 3;

/// How often a heartbeat that tells of newer orders makes a node ask. Somebody could make them up.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// Keeps the orders of one process.
pub struct Keeper {
    standing: Standing,
    bus: Bus,
    clock: Clock,
    boot: BootId,
    answers: bool,
    status: watch::Receiver<Status>,
    /// How many more times others are asked.
    questions: u32,
    asked_for_newer: UnixMillis,
    /// Cancelled when this run of this node is told to stop.
    drained: CancellationToken,
    /// Orders refused since it was said last.
    refused: u64,
}

impl Keeper {
    /// Of a process that fills these roles.
    pub fn new(standing: Standing, bus: Bus, clock: Clock, boot: BootId, roles: &[Service]) -> Self {
        Self {
            answers: roles.iter().any(|role| Kind::OrdersAsk.answered_by().contains(role)),
            status: bus.status(),
            questions: QUESTIONS,
            asked_for_newer: UnixMillis::default(),
            drained: CancellationToken::new(),
            refused: 0,
            standing,
            bus,
            clock,
            boot,
        }
    }

    /// Cancelled when the operator tells this run of this node to stop.
    pub fn drained(&self) -> CancellationToken {
        self.drained.clone()
    }

    /// Keeps orders until `stop`, or until the bus has been drained.
    ///
    /// # Errors
    /// If the bus takes no subscription.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), SubscribeError> {
        let mut interests = Interest::of_orders();
        interests.extend(Interest::of_all());
        let mut heard = self.bus.subscribe(&interests).await?;
        let mut asked: Option<Answers> = None;
        let mut tick = interval(HEARTBEAT);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                item = heard.next() => match item {
                    Some(item) => self.receive(item),
                    None => return Ok(()),
                },
                answer = next_answer(&mut asked) => match answer {
                    Some(answer) => self.learn(answer),
                    None => asked = None,
                },
                changed = self.status.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    self.questions = QUESTIONS;
                }
                _ = tick.tick() => {
                    if self.questions > 0 && *self.status.borrow() == Status::Up {
                        self.questions -= 1;
                        asked = self.bus.ask(Message::OrdersAsk).ok();
                    }
                    self.look();
                }
            }
        }
    }

    /// Lets time pass, and says what was refused.
    fn look(&mut self) {
        let now = self.clock.now();
        self.standing.refresh(now);
        if self.standing.drains(now, self.bus.node(), self.boot) {
            self.drained.cancel();
        }
        if self.refused > 0 {
            tracing::warn!(
                event = "order.refused",
                times = self.refused,
                "orders were refused: the metric orders_refused tells why"
            );
            self.refused = 0;
        }
    }

    fn receive(&mut self, heard: Heard) {
        match heard {
            Heard::Message { message: Message::Order(order), reply, .. } => self.hear(&order, reply),
            Heard::Message { message: Message::OrdersAsk, reply: Some(reply), .. } if self.answers => {
                let kept = self.standing.kept(self.clock.now());
                // Who asks asks again.
                let _ = self.bus.answer(&reply, &Answer::Orders(kept));
            }
            Heard::Message { message: Message::Heartbeat { heartbeat, .. }, .. } => {
                let now = self.clock.now();
                if now.since(self.asked_for_newer) >= ASK_AGAIN && self.standing.is_behind(&heartbeat.orders)
                {
                    self.asked_for_newer = now;
                    self.questions = self.questions.max(1);
                }
            }
            Heard::Gap => self.questions = QUESTIONS,
            Heard::Message { .. } | Heard::Frames { .. } => {}
        }
    }

    /// An order comes from its issuer, who wants to know what becomes of it.
    fn hear(&mut self, order: &SignedOrder, reply: Option<ReplyTo>) {
        let outcome = self.standing.take(self.clock.now(), order, Bringer::Issuer);
        self.refused += u64::from(!outcome.stands());
        if let Some(reply) = reply {
            let receipt = Receipt { node: self.bus.node().clone(), outcome };
            // Who has issued it repeats it.
            let _ = self.bus.answer(&reply, &Answer::Receipt(receipt));
        }
        self.look_for_drain();
    }

    fn learn(&mut self, answer: Answer) {
        let Answer::Orders(answer) = answer else { return };
        let now = self.clock.now();
        for order in &answer.orders {
            let outcome = self.standing.take(now, order, Bringer::Keeper);
            let is_wrong = matches!(outcome, Outcome::Forged | Outcome::Unfit | Outcome::Ahead);
            self.refused += u64::from(is_wrong);
        }
        self.look_for_drain();
    }

    fn look_for_drain(&self) {
        if self.standing.drains(self.clock.now(), self.bus.node(), self.boot) {
            self.drained.cancel();
        }
    }
}

/// The next answer. Never resolves if nothing was asked.
async fn next_answer(asked: &mut Option<Answers>) -> Option<Answer> {
    match asked {
        Some(asked) => asked.next().await,
        None => future::pending().await,
    }
}
