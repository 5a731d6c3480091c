//! A [`ConnectionMachine`] in a world of values: what happened goes in, exactly what is to be done
//! comes out.

mod commands;
mod property;
mod reconnecting;
mod silence;

use std::time::{Duration, Instant};

use schemas::{
    RoomId, SessionId, Side,
    control::{Admission, ClientMessage, EndReason, ErrorCode, Limits, ServerMessage},
    criteria::{Criteria, MatchBy},
};

use schemas::outlook::Outlook;

use super::{Command, ConnectionMachine, Effect, Event, Input};

/// The largest random number: the whole of every window.
const WHOLE: u64 = u64::MAX;

/// A line, and the time.
struct World {
    machine: ConnectionMachine,
    now: Instant,
}

impl World {
    /// A line that has not connected yet.
    fn new() -> Self {
        let now = tokio::time::Instant::now().into_std();
        let addresses = ["https://a.example", "https://b.example", "https://c.example"];
        let addresses = addresses.map(|address| address.parse().unwrap()).to_vec();
        Self { machine: ConnectionMachine::new("t0".to_owned().into(), addresses, now), now }
    }

    /// A line with a connection that works.
    fn connected() -> Self {
        let mut world = Self::new();
        assert_eq!(world.input(Input::Tick), [connect(0, "t0")]);
        world.greet("t1");
        world
    }

    /// A line whose owner chats.
    fn chatting() -> Self {
        let mut world = Self::connected();
        world.command(Command::Find(anybody()));
        world.input(paired("k1"));
        world
    }

    fn input(&mut self, input: Input) -> Vec<Effect> {
        self.machine.handle(input, self.now, WHOLE)
    }

    fn command(&mut self, command: Command) -> Vec<Effect> {
        self.input(Input::Command(command))
    }

    /// The connection opens and the server greets; what the line does about it, but for the usual.
    fn greet(&mut self, token: &str) -> Vec<Effect> {
        assert_eq!(self.input(Input::Opened), []);
        let effects = self.input(ready(token));
        assert_eq!(effects[..2], [keep_token(token), Effect::Emit(Event::Connected)]);
        effects[2..].to_vec()
    }

    /// Lets time pass up to the deadline.
    fn wait(&mut self) -> Vec<Effect> {
        self.now = self.machine.deadline().expect("something is due");
        self.input(Input::Tick)
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }
}

fn connect(url: usize, token: &str) -> Effect {
    Effect::Connect { url, token: token.to_owned().into() }
}

/// The life of a token, as the server tells it.
const LIFE: Duration = Duration::from_secs(600);

fn keep_token(token: &str) -> Effect {
    Effect::KeepToken(token.to_owned().into(), LIFE)
}

fn resume(ticket: &str) -> Effect {
    Effect::SendControl(ClientMessage::Resume(ticket.to_owned()))
}

fn disconnected(milliseconds: u64) -> Effect {
    Effect::Emit(Event::Disconnected { retry_in: Duration::from_nanos(milliseconds * 1_000_000 - 1) })
}

fn ended(reason: EndReason) -> Effect {
    Effect::Emit(Event::Ended { reason })
}

fn anybody() -> Criteria {
    Criteria {
        by: MatchBy::Random(None),
        role: None,
        language: None,
        channel: schemas::criteria::ChannelVersion::CURRENT,
    }
}

fn about(topic: &str) -> Criteria {
    Criteria {
        by: MatchBy::Random(Some(topic.parse().unwrap())),
        role: None,
        language: None,
        channel: schemas::criteria::ChannelVersion::CURRENT,
    }
}

fn ready(token: &str) -> Input {
    Input::Control(ServerMessage::Ready {
        session: SessionId::from_random([7; 16]),
        token: token.into(),
        expires_at: 1,
        expires_in: LIFE.as_secs(),
        limits: Limits {
            frame_bytes: 1,
            control_bytes: 1,
            frame_rate: 1,
            byte_rate: 1,
            topic_chars: 1,
            grace_ms: 1,
        },
        heartbeat_ms: 25_000,
    })
}

fn room() -> RoomId {
    RoomId::from_bytes([9; 16])
}

fn admission(ticket: &str) -> Admission {
    Admission { room: room(), side: Side::A, ticket: ticket.into(), expect: None }
}

fn paired(ticket: &str) -> Input {
    Input::Control(ServerMessage::Paired(admission(ticket)))
}

fn resumed(ticket: &str) -> Input {
    Input::Control(ServerMessage::Resumed(admission(ticket)))
}

fn over(reason: EndReason) -> Input {
    Input::Control(ServerMessage::Ended { reason })
}

fn renewed(token: &str, ticket: Option<&str>) -> Input {
    let ticket = ticket.map(str::to_owned);
    let (expires_at, expires_in) = (1, LIFE.as_secs());
    Input::Control(ServerMessage::Token { token: token.into(), ticket, expires_at, expires_in })
}

fn error(code: ErrorCode) -> Input {
    Input::Control(ServerMessage::Error { code, message: "m".into() })
}

fn emitted_error(code: ErrorCode) -> Effect {
    Effect::Emit(Event::Error { code, message: "m".into() })
}

#[test]
fn nothing_secret_is_shown_by_debug() {
    let secret = "s3cr3t";
    let inputs = [
        ready(secret),
        paired(secret),
        resumed(secret),
        renewed(secret, Some(secret)),
        error(ErrorCode::BadTopic),
        Input::Binary(secret.into()),
        Input::Command(Command::Frame(secret.into())),
        Input::Command(Command::Question(secret.into())),
        Input::Spare(Box::new(ready(secret))),
        Input::Command(Command::Find(about(secret))),
    ];
    let effects = [
        connect(0, secret),
        Effect::ConnectSpare { url: 0, token: secret.to_owned().into() },
        keep_token(secret),
        resume(secret),
        Effect::SendFrame(secret.into()),
        Effect::SendControl(ClientMessage::Find(about(secret))),
        Effect::Emit(Event::Frame(secret.into())),
        Effect::Emit(Event::Error { code: ErrorCode::BadTopic, message: secret.into() }),
    ];
    let shown = format!("{inputs:?}{effects:?}");
    assert!(!shown.contains(secret), "{shown}");
    let bytes = format!("{:?}", secret.as_bytes());
    assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
}
