//! Whatever happens, in whatever order.

use std::collections::HashSet;

use proptest::{collection::vec, prelude::*};
use schemas::{
    CloseCode,
    close::Reconnect,
    control::{Category, PeerState},
};

use super::*;
use crate::machine::Refusal;

/// What can happen. Tokens and tickets are numbered as they are given out, so that the newest is
/// known.
#[derive(Clone, Debug)]
enum Occurrence {
    Deadline,
    Pass(u64),
    Opened,
    Refused(Option<u16>),
    Ready,
    Waiting,
    Paired,
    Resumed,
    Renewed,
    Peer,
    Ended,
    Drain(u64),
    SpareOpened,
    SpareRefused,
    SpareReady,
    SpareLost,
    Error(ErrorCode),
    Binary,
    Lost(Option<u16>),
    Commanded(Command),
}

fn occurrence() -> impl Strategy<Value = Occurrence> {
    use Occurrence::*;
    let codes =
        [ErrorCode::BadTicket, ErrorCode::InRoom, ErrorCode::NoRoom, ErrorCode::Unavailable, ErrorCode::Rate];
    let commands = [
        Command::Find(anybody()),
        Command::Next(about("birds")),
        Command::Cancel,
        Command::Leave,
        Command::Report(Category::Other),
        Command::Reconnect,
    ];
    prop_oneof![
        6 => Just(Deadline),
        2 => (0u64..60_000).prop_map(Pass),
        5 => Just(Opened),
        1 => proptest::option::of(prop_oneof![Just(401u16), Just(429), Just(503), Just(403)]).prop_map(Refused),
        5 => Just(Ready),
        2 => Just(Waiting),
        4 => Just(Paired),
        4 => Just(Resumed),
        2 => Just(Renewed),
        1 => Just(Peer),
        1 => Just(Ended),
        1 => (0u64..100_000).prop_map(Drain),
        3 => Just(SpareOpened),
        1 => Just(SpareRefused),
        3 => Just(SpareReady),
        1 => Just(SpareLost),
        2 => proptest::sample::select(codes.to_vec()).prop_map(Error),
        1 => Just(Binary),
        3 => proptest::option::of(prop_oneof![20 => Just(1012u16), 20 => 4000u16..4003, 1 => 1000u16..5000]).prop_map(Lost),
        4 => proptest::sample::select(commands.to_vec()).prop_map(Commanded),
        4 => Just(Commanded(Command::Frame("frame".into()))),
        4 => Just(Commanded(Command::Question("question".into()))),
    ]
}

/// What an observer knows who sees only what goes in and what comes out.
#[derive(Default)]
struct Observer {
    issued: u32,
    newest_token: String,
    newest_ticket: Option<String>,
    /// Whether there is a socket, or one is being opened.
    socket: bool,
    /// The same of the second one.
    spare: bool,
    /// The second one has just become the first.
    took_spare: bool,
    /// On this socket: `resume` was said since the last refusal of one.
    resumes: usize,
    /// On this socket: the room is there.
    inside: bool,
    closed: bool,
}

impl Observer {
    fn issue(&mut self, kind: &str) -> String {
        self.issued += 1;
        format!("{kind}{}", self.issued)
    }

    fn watch(&mut self, effects: &[Effect], in_room_before: bool) {
        assert!(!self.closed || effects.is_empty(), "nothing comes after the end: {effects:?}");
        for effect in effects {
            match effect {
                Effect::Connect { token, .. } => {
                    assert!(!self.socket, "one socket at a time");
                    assert_eq!(token.expose(), self.newest_token);
                    (self.socket, self.resumes, self.inside) = (true, 0, false);
                }
                Effect::Close | Effect::Drop => self.socket = false,
                Effect::ConnectSpare { token, .. } => {
                    assert!(self.socket && !self.spare, "a second one beside the first");
                    assert_eq!(token.expose(), self.newest_token);
                    self.spare = true;
                }
                Effect::DropSpare => {
                    assert!(self.spare);
                    self.spare = false;
                }
                Effect::TakeSpare => {
                    assert!(self.spare);
                    self.took_spare = true;
                    (self.spare, self.resumes, self.inside) = (false, 0, false);
                }
                Effect::SendControl(ClientMessage::Resume(ticket)) => {
                    assert!(self.socket && !self.inside);
                    assert_eq!(Some(ticket), self.newest_ticket.as_ref());
                    self.resumes += 1;
                    assert_eq!(self.resumes, 1, "a room is resumed once for each connection");
                }
                Effect::SendControl(_) => assert!(self.socket),
                Effect::SendFrame(_) => {
                    assert!(self.socket && self.inside, "a frame needs a room that is there");
                    assert!(self.newest_ticket.is_some());
                }
                Effect::Emit(Event::Paired { .. }) => self.inside = true,
                Effect::Emit(Event::Resumed) => {
                    assert_eq!(self.resumes, 1);
                    self.inside = true;
                }
                Effect::Emit(Event::Ended { .. }) => {
                    assert!(in_room_before, "a room ends once");
                    (self.inside, self.newest_ticket, self.resumes) = (false, None, 0);
                }
                Effect::Emit(Event::Disconnected { retry_in }) => {
                    assert!(*retry_in <= Duration::from_secs(75));
                    (self.socket, self.inside) = (std::mem::take(&mut self.took_spare), false);
                }
                Effect::Emit(Event::Closed { .. }) => {
                    assert!(!self.spare, "nothing is left open");
                    (self.socket, self.closed) = (false, true);
                }
                Effect::Emit(_) | Effect::KeepToken(..) => {}
            }
        }
    }
}

/// What a machine is given when something happens, and the ticket that comes with it.
fn input_of(
    world: &mut World,
    seen: &mut Observer,
    occurrence: Occurrence,
    new_ticket: &mut Option<String>,
) -> Input {
    match occurrence {
        Occurrence::Deadline => {
            world.now = world.machine.deadline().map_or(world.now, |deadline| deadline.max(world.now));
            Input::Tick
        }
        Occurrence::Pass(milliseconds) => {
            world.pass(Duration::from_millis(milliseconds));
            Input::Tick
        }
        Occurrence::Opened => Input::Opened,
        Occurrence::Refused(None) => Input::Refused(Refusal::Unreachable),
        Occurrence::Refused(Some(status)) => Input::Refused(Refusal::Status { status, retry_after: None }),
        Occurrence::Ready => ready(&seen.issue("token")),
        Occurrence::Waiting => Input::Control(ServerMessage::Waiting(Outlook::default())),
        Occurrence::Paired => paired(new_ticket.insert(seen.issue("ticket"))),
        Occurrence::Resumed => resumed(new_ticket.insert(seen.issue("ticket"))),
        Occurrence::Renewed => {
            let ticket = new_ticket.insert(seen.issue("ticket")).clone();
            renewed(&seen.issue("token"), Some(&ticket))
        }
        Occurrence::Peer => Input::Control(ServerMessage::Peer { state: PeerState::Away }),
        Occurrence::Ended => over(EndReason::Left),
        Occurrence::Drain(reconnect_in_ms) => {
            Input::Control(ServerMessage::Drain { reconnect_in_ms, to: None })
        }
        Occurrence::SpareOpened => Input::Spare(Box::new(Input::Opened)),
        Occurrence::SpareRefused => Input::Spare(Box::new(Input::Refused(Refusal::Unreachable))),
        Occurrence::SpareReady => Input::Spare(Box::new(ready(&seen.issue("token")))),
        Occurrence::SpareLost => Input::Spare(Box::new(Input::Lost(None))),
        Occurrence::Error(code) => error(code),
        Occurrence::Binary => Input::Binary("peer".into()),
        Occurrence::Lost(code) => Input::Lost(code),
        Occurrence::Commanded(command) => Input::Command(command),
    }
}

/// Lets one thing happen and checks what is done about it.
fn step(world: &mut World, seen: &mut Observer, occurrence: Occurrence, random: u64) {
    let was_refused_for_now =
        matches!(occurrence, Occurrence::Error(ErrorCode::Unavailable | ErrorCode::Rate));
    let mut new_ticket = None;
    let input = input_of(world, seen, occurrence, &mut new_ticket);
    let lost = match input {
        Input::Lost(code) if seen.socket => Some(code),
        _ => None,
    };
    if let Input::Spare(input) = &input
        && matches!(**input, Input::Refused(_) | Input::Lost(_))
    {
        seen.spare = false;
    }
    let in_room = seen.newest_ticket.is_some();
    let renewal = matches!(input, Input::Control(ServerMessage::Token { .. }));
    let effects = world.machine.handle(input, world.now, random);
    for effect in &effects {
        if let Effect::KeepToken(token, _) = effect {
            seen.newest_token = token.expose().to_owned();
        }
    }
    let got_a_ticket = effects.iter().any(|effect| {
        matches!(effect, Effect::Emit(Event::Paired { .. } | Event::Resumed))
            || (renewal && in_room && matches!(effect, Effect::KeepToken(..)))
    });
    if got_a_ticket && let Some(ticket) = new_ticket {
        seen.newest_ticket = Some(ticket);
    }
    if was_refused_for_now && !seen.inside {
        seen.resumes = 0;
    }
    seen.watch(&effects, in_room);
    if let Some(Some(code)) = lost
        && world.machine.deadline().is_none()
    {
        assert_eq!(CloseCode::advice(Some(code)), Reconnect::Never);
        assert!(seen.closed);
    }
}

/// Lets time pass, with a server that works, until the line is attached; `false` if it has been
/// closed.
fn settle(world: &mut World, seen: &mut Observer) -> bool {
    for _ in 0..20 {
        if seen.closed {
            return false;
        }
        let started = world.machine.deadline().expect("a line that is not closed waits for something");
        assert!(started.saturating_duration_since(world.now) <= Duration::from_secs(135));
        if !seen.socket {
            step(world, seen, Occurrence::Deadline, 0);
        }
        step(world, seen, Occurrence::Opened, 0);
        step(world, seen, Occurrence::Ready, 0);
        step(world, seen, Occurrence::Resumed, 0);
        let in_room = seen.newest_ticket.is_some();
        if seen.socket && (!in_room || seen.inside) {
            return true;
        }
        step(world, seen, Occurrence::Deadline, 0);
    }
    panic!("never attached");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_line_keeps_its_promises(occurrences in vec((occurrence(), any::<u64>()), 0..120)) {
        let mut world = World::new();
        let mut seen = Observer { newest_token: "t0".into(), ..Observer::default() };
        for (occurrence, random) in occurrences {
            step(&mut world, &mut seen, occurrence, random);
        }
        if settle(&mut world, &mut seen) && seen.newest_ticket.is_some() {
            // Unless the owner wants to leave, the room is there again.
            prop_assert!(seen.inside);
        }
    }

    #[test]
    fn without_a_word_to_the_contrary_every_loss_is_mended(
        losses in vec((prop_oneof![Just(None), (4000u16..4100).prop_map(Some), Just(Some(1012))], any::<u64>()), 1..40)
    ) {
        let mut world = World::chatting();
        let mut newest = "k1".to_owned();
        for (n, (code, random)) in losses.into_iter().enumerate() {
            let effects = world.machine.handle(Input::Lost(code), world.now, random);
            let [Effect::Emit(Event::Disconnected { retry_in })] = effects[..] else { panic!("{effects:?}") };
            prop_assert!(retry_in <= Duration::from_secs(15));
            let connects = matches!(world.wait()[..], [Effect::Connect { .. }]);
            prop_assert!(connects);
            prop_assert_eq!(world.greet("t"), [resume(&newest)]);
            newest = format!("ticket {n}");
            prop_assert_eq!(world.input(resumed(&newest)), [Effect::Emit(Event::Resumed)]);
            prop_assert_eq!(world.command(Command::Frame("x".into())), [Effect::SendFrame("x".into())]);
        }
    }

    #[test]
    fn clients_that_lose_their_gateway_at_once_come_back_spread_out(seed in any::<u64>()) {
        let pauses: HashSet<_> = (0..100u64)
            .map(|n| {
                let mut world = World::connected();
                let random = seed.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                let effects = world.machine.handle(Input::Lost(None), world.now, random);
                let [Effect::Emit(Event::Disconnected { retry_in })] = effects[..] else { panic!("{effects:?}") };
                assert!(retry_in < Duration::from_millis(250));
                retry_in.as_millis() / 10
            })
            .collect();
        prop_assert!(pauses.len() > 20, "{} of 25 slots of 10 ms", pauses.len());
    }
}
