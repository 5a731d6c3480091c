//! A [`Line`] in a world of values: what happened goes in, exactly what is to be done comes out.

mod asking;
mod property;
mod reconnecting;

use std::time::{Duration, Instant};

use schemas::{
    RoomId, SessionId, Side,
    control::{ClientMessage, EndReason, ErrorCode, Find, FindBy, Limits, Place, ServerMessage},
};

use super::{Command, Effect, Event, Input, Line};

/// The largest random number: the whole of every window.
const WHOLE: u64 = u64::MAX;

/// A line, and the time.
struct World {
    line: Line,
    now: Instant,
}

impl World {
    /// A line that has not connected yet.
    fn new() -> Self {
        let now = tokio::time::Instant::now().into_std();
        Self { line: Line::new("t0".to_owned().into(), now), now }
    }

    /// A line with a connection that works.
    fn connected() -> Self {
        let mut world = Self::new();
        assert_eq!(world.does(Input::Tick), [connect(0, "t0")]);
        world.greet("t1");
        world
    }

    /// A line whose owner chats.
    fn chatting() -> Self {
        let mut world = Self::connected();
        world.want(Command::Find(anybody()));
        world.does(paired("k1"));
        world
    }

    fn does(&mut self, input: Input) -> Vec<Effect> {
        self.line.handle(input, self.now, WHOLE)
    }

    fn want(&mut self, command: Command) -> Vec<Effect> {
        self.does(Input::Command(command))
    }

    /// The connection opens and the server greets; what the line does about it, but for the usual.
    fn greet(&mut self, token: &str) -> Vec<Effect> {
        assert_eq!(self.does(Input::Opened), []);
        let effects = self.does(ready(token));
        assert_eq!(effects[..2], [remember(token), Effect::Tell(Event::Connected)]);
        effects[2..].to_vec()
    }

    /// Lets time pass up to the deadline.
    fn wait(&mut self) -> Vec<Effect> {
        self.now = self.line.deadline().expect("something is due");
        self.does(Input::Tick)
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }
}

fn connect(url: usize, token: &str) -> Effect {
    Effect::Connect { url, token: token.to_owned().into() }
}

fn remember(token: &str) -> Effect {
    Effect::Remember(token.to_owned().into())
}

fn resume(ticket: &str) -> Effect {
    Effect::Say(ClientMessage::Resume(ticket.to_owned()))
}

fn disconnected(milliseconds: u64) -> Effect {
    Effect::Tell(Event::Disconnected { retry_in: Duration::from_nanos(milliseconds * 1_000_000 - 1) })
}

fn ended(reason: EndReason) -> Effect {
    Effect::Tell(Event::Ended { reason })
}

fn anybody() -> Find {
    Find { by: FindBy::Random(None), role: None, language: None }
}

fn about(topic: &str) -> Find {
    Find { by: FindBy::Random(Some(topic.parse().unwrap())), role: None, language: None }
}

fn ready(token: &str) -> Input {
    Input::Control(ServerMessage::Ready {
        session: SessionId::from_random([7; 16]),
        token: token.into(),
        expires_at: 1,
        limits: Limits { frame_bytes: 1, control_bytes: 1, frame_rate: 1, byte_rate: 1, topic_chars: 1 },
        heartbeat_ms: 25_000,
    })
}

fn room() -> RoomId {
    RoomId::from_bytes([9; 16])
}

fn place(ticket: &str) -> Place {
    Place { room: room(), side: Side::A, ticket: ticket.into() }
}

fn paired(ticket: &str) -> Input {
    Input::Control(ServerMessage::Paired(place(ticket)))
}

fn resumed(ticket: &str) -> Input {
    Input::Control(ServerMessage::Resumed(place(ticket)))
}

fn over(reason: EndReason) -> Input {
    Input::Control(ServerMessage::Ended { reason })
}

fn renewed(token: &str, ticket: Option<&str>) -> Input {
    let ticket = ticket.map(str::to_owned);
    Input::Control(ServerMessage::Token { token: token.into(), ticket, expires_at: 1 })
}

fn error(code: ErrorCode) -> Input {
    Input::Control(ServerMessage::Error { code, message: "m".into() })
}

fn told(code: ErrorCode) -> Effect {
    Effect::Tell(Event::Error { code, message: "m".into() })
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
        Input::Command(Command::Find(about(secret))),
    ];
    let effects = [
        connect(0, secret),
        remember(secret),
        resume(secret),
        Effect::Send(secret.into()),
        Effect::Say(ClientMessage::Find(about(secret))),
        Effect::Tell(Event::Frame(secret.into())),
        Effect::Tell(Event::Error { code: ErrorCode::BadTopic, message: secret.into() }),
    ];
    let shown = format!("{inputs:?}{effects:?}");
    assert!(!shown.contains(secret), "{shown}");
    let bytes = format!("{:?}", secret.as_bytes());
    assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
}
