//! When a connection is made again, and what it begins with.

use schemas::CloseCode;

use super::*;
use crate::machine::{Closed, Refusal};

fn status(status: u16) -> Input {
    Input::Refused(Refusal::Status { status, retry_after: None })
}

#[test]
fn a_broken_connection_is_made_again_within_a_quarter_of_a_second() {
    let mut world = World::chatting();
    assert_eq!(world.input(Input::Lost(None)), [disconnected(250)]);
    assert_eq!(world.input(Input::Lost(None)), [], "it cannot get lost twice");
    assert_eq!(world.wait(), [connect(1, "t1")]);
    assert_eq!(world.greet("t2"), [resume("k1")]);
    assert_eq!(world.command(Command::Frame("early".into())), [], "not before the room is there");
    assert_eq!(world.input(resumed("k2")), [Effect::Emit(Event::Resumed)]);
    assert_eq!(world.command(Command::Frame("now".into())), [Effect::SendFrame("now".into())]);
}

#[test]
fn an_owner_who_knows_that_a_connection_is_dead_has_it_made_again() {
    let mut world = World::chatting();
    assert_eq!(world.command(Command::Reconnect), [Effect::Drop, disconnected(250)]);
    assert_eq!(world.command(Command::Reconnect), [], "it is being made again");
    assert_eq!(world.wait(), [connect(1, "t1")]);
    assert_eq!(world.greet("t2"), [resume("k1")]);
    world.command(Command::Close);
    assert_eq!(world.command(Command::Reconnect), []);
}

#[test]
fn the_newest_token_and_ticket_are_used() {
    let mut world = World::chatting();
    assert_eq!(world.input(renewed("t2", Some("k2"))), [keep_token("t2")]);
    assert_eq!(world.input(renewed("t3", None)), [keep_token("t3")]);
    world.input(Input::Lost(None));
    assert_eq!(world.wait(), [connect(1, "t3")]);
    assert_eq!(world.greet("t4"), [resume("k2")]);
    world.input(resumed("k3"));
    world.input(Input::Lost(None));
    assert_eq!(world.wait(), [connect(2, "t4")]);
    assert_eq!(world.greet("t5"), [resume("k3")]);
}

#[test]
fn a_find_is_repeated_on_a_new_connection() {
    let mut world = World::connected();
    world.command(Command::Find(about("birds")));
    world.input(Input::Lost(Some(4000)));
    world.wait();
    assert_eq!(world.greet("t2"), [Effect::SendControl(ClientMessage::Find(about("birds")))]);
}

#[test]
fn each_close_code_has_its_consequence() {
    for code in CloseCode::ALL {
        let mut world = World::chatting();
        let effects = world.input(Input::Lost(Some(code.code())));
        match code {
            CloseCode::Restart => assert_eq!(effects, [disconnected(250)]),
            CloseCode::NoPong | CloseCode::SlowConsumer | CloseCode::Rate => {
                assert_eq!(effects, [disconnected(1000)], "{code:?}");
            }
            _ => {
                let reason = Closed::ByServer(code.code());
                assert_eq!(effects, [Effect::Emit(Event::Closed { reason })], "{code:?}");
                assert_eq!(world.machine.deadline(), None);
                assert_eq!(world.input(Input::Tick), []);
                assert_eq!(world.command(Command::Find(anybody())), []);
            }
        }
    }
}

#[test]
fn pauses_grow_until_a_connection_has_lasted() {
    let mut world = World::connected();
    assert_eq!(world.input(Input::Lost(None)), [disconnected(250)]);
    world.wait();
    assert_eq!(world.input(Input::Refused(Refusal::Unreachable)), [disconnected(500)]);
    world.wait();
    world.greet("t2");
    assert_eq!(world.input(Input::Lost(None)), [disconnected(1000)], "a short one is no success");
    world.wait();
    world.greet("t3");
    world.pass(Duration::from_secs(2));
    assert_eq!(world.input(Input::Lost(None)), [disconnected(250)]);
}

#[test]
fn the_pause_that_a_server_asks_for_is_kept_within_limits() {
    let mut world = World::new();
    world.wait();
    let wait = |status, seconds| {
        Input::Refused(Refusal::Status { status, retry_after: Some(Duration::from_secs(seconds)) })
    };
    assert_eq!(world.input(wait(503, 7)), [disconnected(7250)]);
    world.wait();
    assert_eq!(world.input(wait(503, u64::MAX)), [disconnected(60_500)]);
    world.wait();
    assert_eq!(world.input(wait(429, 280)), [disconnected(281_000)], "when there is room for this one");
    world.wait();
    assert_eq!(world.input(wait(429, u64::MAX)), [disconnected(902_000)]);
}

#[test]
fn a_refusal_that_will_not_change_is_final() {
    for (code, times, reason) in
        [(401, 3, Closed::Unauthorized), (403, 1, Closed::Refused(403)), (404, 1, Closed::Refused(404))]
    {
        let mut world = World::new();
        for _ in 1..times {
            world.wait();
            assert!(matches!(world.input(status(code))[..], [Effect::Emit(Event::Disconnected { .. })]));
        }
        world.wait();
        assert_eq!(world.input(status(code)), [Effect::Emit(Event::Closed { reason })]);
    }
    for passing in [408, 421, 425, 429, 500, 502, 503] {
        let mut world = World::new();
        for _ in 0..5 {
            world.wait();
            assert!(matches!(world.input(status(passing))[..], [Effect::Emit(Event::Disconnected { .. })]));
        }
    }
}

#[test]
fn a_node_that_drains_is_left_at_the_time_it_said() {
    let mut world = World::chatting();
    let drain = ServerMessage::Drain { reconnect_in_ms: 3000, to: None };
    assert_eq!(world.input(Input::Control(drain)), []);
    let before = world.now;
    assert_eq!(
        world.command(Command::Frame("x".into())),
        [Effect::SendFrame("x".into())],
        "until then it works"
    );
    let gap = Effect::Emit(Event::Disconnected { retry_in: Duration::ZERO });
    assert_eq!(world.wait(), [Effect::Close, gap, connect(1, "t1")]);
    assert_eq!(world.now - before, Duration::from_secs(3));
    assert_eq!(world.greet("t2"), [resume("k1")]);
}

#[test]
fn a_node_that_drains_may_name_another_that_the_client_knows() {
    for (named, place) in [
        ("https://a.example", 3),
        ("https://b.example/", 1),
        ("https://c.example", 2),
        ("https://elsewhere.example", 2),
        ("http://b.example", 2),
        ("not an address", 2),
    ] {
        let mut world = World::connected();
        world.input(Input::Lost(None));
        world.wait();
        world.greet("t2");
        let drain = ServerMessage::Drain { reconnect_in_ms: 0, to: Some(named.into()) };
        world.input(Input::Control(drain));
        let effects = world.wait();
        assert_eq!(effects.last(), Some(&connect(place, "t2")), "{named}: this one is the second of three");
    }
}

#[test]
fn silence_ends_a_connection_and_any_message_keeps_it() {
    let mut world = World::connected();
    world.pass(Duration::from_secs(30));
    world.input(Input::Activity);
    world.pass(Duration::from_secs(34));
    assert_eq!(world.input(Input::Tick), []);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.input(Input::Tick), [Effect::Drop, disconnected(250)]);
}

#[test]
fn a_server_that_does_not_answer_is_left_for_another() {
    let mut world = World::new();
    world.wait();
    let before = world.now;
    assert_eq!(world.wait(), [Effect::Drop, disconnected(250)], "no connection");
    assert_eq!(world.now - before, Duration::from_secs(5));
    assert_eq!(world.wait(), [connect(1, "t0")]);
    world.input(Input::Opened);
    assert_eq!(world.wait(), [Effect::Drop, disconnected(500)], "no greeting");
    let mut world = World::chatting();
    world.input(Input::Lost(None));
    world.wait();
    world.greet("t2");
    let before = world.now;
    let asked = world.wait();
    assert_eq!(asked, [Effect::SendControl(ClientMessage::Ping)], "no answer to resume");
    let next = Effect::ConnectSpare { url: 2, token: "t2".to_owned().into() };
    assert_eq!(world.wait(), [next]);
    let gap = Effect::Emit(Event::Disconnected { retry_in: Duration::ZERO });
    assert_eq!(world.wait(), [Effect::Drop, Effect::TakeSpare, gap]);
    assert_eq!(world.now - before, Duration::from_secs(10));
    assert_eq!(world.greet("t3"), [resume("k1")]);
}

#[test]
fn who_closes_is_not_connected_again() {
    for mut world in [World::new(), World::connected(), World::chatting()] {
        let closed = Effect::Emit(Event::Closed { reason: Closed::Asked });
        assert_eq!(world.command(Command::Close), [Effect::Close, closed]);
        assert_eq!(world.machine.deadline(), None);
        assert_eq!(world.input(Input::Lost(None)), []);
    }
}
