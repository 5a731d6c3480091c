//! The pure half of a connection: when to connect, what to say first, when to give up. It has no clock, no randomness and no
//! sockets of its own; [`connection`](crate::connection) lends it all three.
//!
//! What it promises:
//! - a lost connection is made again, after a jittered pause, unless the server said not to come back;
//! - the first thing said on a new connection brings back what there was: the room by its newest ticket, or the search;
//! - a frame is sent only on a connection that is attached to its room;
//! - a wish to leave a room outlasts a loss of the connection, too.

mod answers;
mod backoff;
mod losses;
mod purpose;
#[cfg(test)]
mod tests;
mod wants;
mod words;

use std::time::{Duration, Instant};

use schemas::control::ClientMessage;

pub use self::words::{Closed, Event};
pub(crate) use self::words::{Command, Effect, Input, Refusal};
use self::{backoff::BackOff, purpose::Purpose};
use crate::Secret;

/// How long an attempt to open a WebSocket may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// How long the server may take for `ready`, and for the answer to `resume` (1 s by the protocol if the peer is silent).
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// Beyond the server's own interval between two pings, how much silence is taken for a dead connection.
const SILENCE_GRACE: Duration = Duration::from_secs(10);

/// The interval between pings that is believed: what a server says is bounded, or a slip of its would keep a dead line for ever.
const HEARTBEAT_RANGE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(120));

/// The longest pause before a reconnect that a `drain` or a `Retry-After` can ask for.
const ASKED_PAUSE_MAX: Duration = Duration::from_secs(60);

/// A connection that was of use for this long was a success, and the pauses start from the shortest again.
const STABLE: Duration = Duration::from_secs(2);

/// How many times in a row 401 is taken for a mistake: a gateway that has just started may not know every key for a moment.
const UNAUTHORIZED_MAX: u32 = 3;

/// A line to a service, kept up over any number of connections.
pub(crate) struct Line {
    token: Secret,
    url: usize,
    link: Link,
    purpose: Purpose,
    reconnects: BackOff,
    retries: BackOff,
    unauthorized: u32,
    effects: Vec<Effect>,
}

/// The one connection at a time.
enum Link {
    /// There is none before `until`.
    Pausing { until: Instant },
    /// It is being opened.
    Opening { deadline: Instant },
    /// It is open, and `ready` has not come.
    Greeting { deadline: Instant },
    /// It works.
    Attached(Attachment),
    /// There will be none.
    Closed,
}

struct Attachment {
    since: Instant,
    heard: Instant,
    /// After this much of it the connection is dead.
    silence: Duration,
    /// When to move to another node.
    drain: Option<Instant>,
    /// When to say again what was refused for now.
    retry: Option<Instant>,
    standing: Standing,
}

/// How this connection stands to a room.
enum Standing {
    Outside,
    /// `resume` was said.
    Resuming {
        deadline: Instant,
    },
    Inside,
}

/// How a connection came to its end.
enum Loss {
    /// Without a word.
    Broken,
    /// With a close code.
    Code(u16),
    /// It never began; the server asks for this pause.
    Refused(Option<Duration>),
}

impl Line {
    /// A line that connects at `now`.
    pub(crate) fn new(token: Secret, now: Instant) -> Self {
        Self {
            token,
            url: 0,
            link: Link::Pausing { until: now },
            purpose: Purpose::Nothing,
            reconnects: BackOff::of_connections(),
            retries: BackOff::of_requests(),
            unauthorized: 0,
            effects: Vec::new(),
        }
    }

    /// Takes in what happened and says what to do. `random` is drawn evenly for each call.
    pub(crate) fn handle(&mut self, input: Input, now: Instant, random: u64) -> Vec<Effect> {
        if let Link::Attached(attachment) = &mut self.link
            && matches!(input, Input::Heard | Input::Control(_) | Input::Binary(_))
        {
            attachment.heard = now;
        }
        match (&self.link, input) {
            (Link::Closed, _) => {}
            (_, Input::Command(command)) => self.command(command, now, random),
            (_, Input::Tick) => self.tick(now, random),
            (Link::Opening { .. }, Input::Opened) => {
                self.link = Link::Greeting { deadline: now + ANSWER_PATIENCE };
            }
            (Link::Opening { .. }, Input::Refused(refusal)) => self.refused(refusal, now, random),
            (Link::Greeting { .. } | Link::Attached(_), Input::Control(message)) => {
                self.control(message, now, random);
            }
            (Link::Attached(_), Input::Binary(bytes)) if matches!(self.purpose, Purpose::Chatting(_)) => {
                self.tell(Event::Frame(bytes));
            }
            (Link::Opening { .. } | Link::Greeting { .. } | Link::Attached(_), Input::Lost(code)) => {
                self.lost(code.map_or(Loss::Broken, Loss::Code), now, random);
            }
            _ => {}
        }
        std::mem::take(&mut self.effects)
    }

    /// When [`Input::Tick`] is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.link {
            Link::Pausing { until: deadline } | Link::Opening { deadline } | Link::Greeting { deadline } => {
                Some(*deadline)
            }
            Link::Attached(attachment) => attachment.deadline(),
            Link::Closed => None,
        }
    }

    fn tell(&mut self, event: Event) {
        self.effects.push(Effect::Tell(event));
    }

    fn say(&mut self, message: ClientMessage) {
        self.effects.push(Effect::Say(message));
    }
}

impl Attachment {
    fn deadline(&self) -> Option<Instant> {
        [Some(self.heard + self.silence), self.drain, self.retry, self.answer_deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    fn answer_deadline(&self) -> Option<Instant> {
        match self.standing {
            Standing::Resuming { deadline } => Some(deadline),
            Standing::Outside | Standing::Inside => None,
        }
    }

    /// One on which `resume` was never answered was of no use.
    fn was_of_use(&self, now: Instant) -> bool {
        let resuming = matches!(self.standing, Standing::Resuming { .. });
        !resuming && now.saturating_duration_since(self.since) >= STABLE
    }

    fn is_dead(&self, now: Instant) -> bool {
        self.heard + self.silence <= now || self.answer_deadline().is_some_and(|deadline| deadline <= now)
    }
}
