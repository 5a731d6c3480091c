//! A connection that has gone silent is asked, and replaced without being given up before.

use schemas::{
    CloseCode,
    reconnect::{ASK_AFTER, REPLACE_AFTER},
};

use super::*;
use crate::machine::{Closed, Refusal};

fn question() -> Command {
    Command::Question("q".into())
}

fn asked() -> Vec<Effect> {
    vec![Effect::SendControl(ClientMessage::Ping)]
}

fn spare(input: Input) -> Input {
    Input::Spare(Box::new(input))
}

fn connect_spare(url: usize, token: &str) -> Effect {
    Effect::ConnectSpare { url, token: token.to_owned().into() }
}

fn gap() -> Effect {
    Effect::Emit(Event::Disconnected { retry_in: Duration::ZERO })
}

impl World {
    /// A chat whose connection has gone silent, with a second one that is being opened.
    fn doubting() -> Self {
        let mut world = Self::chatting();
        world.command(question());
        assert_eq!(world.wait(), asked());
        assert_eq!(world.wait(), [connect_spare(1, "t1")]);
        world
    }
}

#[test]
fn an_answer_that_does_not_come_is_asked_for_and_then_the_connection_is_replaced() {
    let mut world = World::chatting();
    let start = world.now;
    assert_eq!(world.command(question()), [Effect::SendFrame("q".into())]);
    world.pass(Duration::from_secs(1));
    world.command(question());
    assert_eq!(world.wait(), asked());
    assert_eq!(world.now - start, ASK_AFTER, "since the first that is not answered");
    assert_eq!(world.wait(), [connect_spare(1, "t1")]);
    assert_eq!(world.now - start, ASK_AFTER + REPLACE_AFTER);
    let sent = [Effect::SendFrame("still".into())];
    assert_eq!(world.command(Command::Frame("still".into())), sent, "the first is not given up");
    assert_eq!(world.input(spare(Input::Opened)), []);
    assert_eq!(world.command(Command::Frame("still".into())), sent);
    let effects = world.input(spare(ready("t2")));
    let connected = Effect::Emit(Event::Connected);
    assert_eq!(effects, [Effect::TakeSpare, gap(), keep_token("t2"), connected, resume("k1")]);
    assert_eq!(world.command(Command::Frame("early".into())), [], "not before the room is there");
    assert_eq!(world.input(resumed("k2")), [Effect::Emit(Event::Resumed)]);
    assert_eq!(world.command(Command::Frame("now".into())), [Effect::SendFrame("now".into())]);
}

#[test]
fn control_messages_are_answered_too() {
    let mut world = World::connected();
    world.command(Command::Find(anybody()));
    assert_eq!(world.wait(), asked());
    world.input(Input::Control(ServerMessage::Pong));
    world.input(Input::Control(ServerMessage::Waiting(Outlook::default())));
    world.command(Command::Cancel);
    world.pass(ASK_AFTER + REPLACE_AFTER);
    assert_eq!(world.input(Input::Tick), [], "nothing answers a cancel");
}

#[test]
fn what_nobody_answers_is_not_waited_for() {
    let mut world = World::chatting();
    world.input(Input::Activity);
    world.command(Command::Frame("acknowledgement".into()));
    world.pass(ASK_AFTER + REPLACE_AFTER);
    assert_eq!(world.input(Input::Tick), []);
}

#[test]
fn whatever_arrives_ends_the_doubt() {
    let binary = Input::Binary("x".into());
    for sign in [Input::Activity, Input::Control(ServerMessage::Pong), binary] {
        let mut world = World::chatting();
        world.command(question());
        world.pass(ASK_AFTER / 2);
        world.input(sign.clone());
        world.pass(ASK_AFTER / 2);
        assert_eq!(world.input(Input::Tick), [], "{sign:?} before the question");
        world.command(question());
        assert_eq!(world.wait(), asked());
        world.input(sign.clone());
        world.pass(REPLACE_AFTER);
        assert_eq!(world.input(Input::Tick), [], "{sign:?} after the question");
        let mut world = World::doubting();
        assert_eq!(world.input(sign.clone())[0], Effect::DropSpare, "{sign:?} before the second is open");
        assert_eq!(world.command(Command::Frame("x".into())), [Effect::SendFrame("x".into())]);
    }
}

#[test]
fn a_second_connection_that_is_open_is_kept_since_the_server_may_have_replaced_the_first() {
    let mut world = World::doubting();
    world.input(spare(Input::Opened));
    assert_eq!(world.input(Input::Binary("late".into())), [Effect::Emit(Event::Frame("late".into()))]);
    let replaced = Input::Lost(Some(CloseCode::Replaced.code()));
    assert_eq!(world.input(replaced), [Effect::TakeSpare, gap()], "by its own second connection");
    let connected = Effect::Emit(Event::Connected);
    assert_eq!(world.input(ready("t2")), [keep_token("t2"), connected, resume("k1")]);
}

#[test]
fn a_second_connection_that_was_given_up_too_late_does_not_end_the_chat() {
    let mut world = World::doubting();
    assert_eq!(world.input(Input::Activity), [Effect::DropSpare]);
    let replaced = CloseCode::Replaced.code();
    assert_eq!(world.input(Input::Lost(Some(replaced))), [disconnected(250)], "the server had taken it");
    world.wait();
    assert_eq!(world.greet("t2"), [resume("k1")]);
    let closed = Effect::Emit(Event::Closed { reason: Closed::ByServer(replaced) });
    assert_eq!(world.input(Input::Lost(Some(replaced))), [closed], "this one had no second");
}

#[test]
fn the_loss_of_the_first_connection_makes_the_second_the_only_one() {
    for code in [None, Some(4000), Some(1012), Some(CloseCode::Replaced.code())] {
        let mut world = World::doubting();
        assert_eq!(world.input(Input::Lost(code)), [Effect::TakeSpare, gap()], "{code:?}");
        assert_eq!(world.greet("t2"), [resume("k1")]);
    }
    let mut world = World::doubting();
    let over = CloseCode::SessionOver.code();
    let closed = Effect::Emit(Event::Closed { reason: Closed::ByServer(over) });
    assert_eq!(world.input(Input::Lost(Some(over))), [Effect::DropSpare, closed]);
}

#[test]
fn a_second_connection_that_fails_is_tried_again_and_costs_nothing() {
    let failures: [fn(&mut World) -> Vec<Effect>; 4] = [
        |world| world.input(spare(Input::Refused(Refusal::Status { status: 401, retry_after: None }))),
        |world| {
            world.input(spare(Input::Opened));
            world.input(spare(Input::Lost(None)))
        },
        World::wait,
        |world| {
            world.input(spare(Input::Opened));
            world.wait()
        },
    ];
    for (n, fail) in failures.into_iter().enumerate() {
        let mut world = World::doubting();
        let effects = fail(&mut world);
        assert!(effects.is_empty() || effects == [Effect::DropSpare], "{n}: {effects:?}");
        assert_eq!(world.command(Command::Frame("x".into())), [Effect::SendFrame("x".into())]);
        assert_eq!(world.wait(), [connect_spare(2, "t1")], "{n}");
        world.input(spare(Input::Opened));
        assert_eq!(world.input(spare(ready("t2")))[0], Effect::TakeSpare);
    }
    let mut world = World::doubting();
    world.input(spare(Input::Refused(Refusal::Unreachable)));
    world.input(Input::Activity);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.input(Input::Tick), [], "the first works again");
}

#[test]
fn a_silent_connection_is_lost_in_the_end_all_the_same() {
    let mut world = World::chatting();
    world.command(question());
    world.pass(Duration::from_secs(35));
    assert_eq!(world.input(Input::Tick), [Effect::Drop, disconnected(250)]);
}

#[test]
fn a_node_that_drains_is_left_for_the_second_connection() {
    let mut world = World::chatting();
    let drain = ServerMessage::Drain { reconnect_in_ms: 8_500, to: None };
    world.input(Input::Control(drain));
    world.command(question());
    world.wait();
    world.wait();
    assert_eq!(world.wait(), [Effect::TakeSpare, gap()]);
    assert_eq!(world.greet("t2"), [resume("k1")]);
}

#[test]
fn who_closes_gives_both_connections_up() {
    let mut world = World::doubting();
    let closed = Effect::Emit(Event::Closed { reason: Closed::Asked });
    assert_eq!(world.command(Command::Close), [Effect::Close, Effect::DropSpare, closed]);
}
