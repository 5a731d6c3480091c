//! What is asked, and what becomes of the answers.

use schemas::control::{Category, ClientMessage, EndReason, ErrorCode, PeerState, ServerMessage};

use super::*;

fn send(message: ClientMessage) -> Effect {
    Effect::SendControl(message)
}

#[test]
fn two_people_meet_chat_and_leave() {
    let mut world = World::connected();
    assert_eq!(world.command(Command::Find(anybody())), [send(ClientMessage::Find(anybody()))]);
    assert_eq!(
        world.input(Input::Control(ServerMessage::Waiting(Outlook::default()))),
        [Effect::Emit(Event::Waiting(Outlook::default()))]
    );
    let met = Event::Paired { room: room(), side: Side::A, by: MatchBy::Random(None), role: None };
    assert_eq!(world.input(paired("k1")), [Effect::Emit(met)]);
    assert_eq!(world.command(Command::Frame("hello".into())), [Effect::SendFrame("hello".into())]);
    assert_eq!(world.input(Input::Binary("hi".into())), [Effect::Emit(Event::Frame("hi".into()))]);
    let away = ServerMessage::Peer { state: PeerState::Away };
    assert_eq!(
        world.input(Input::Control(away)),
        [Effect::Emit(Event::PeerAway { kept: Duration::from_millis(1) })]
    );
    let online = ServerMessage::Peer { state: PeerState::Online };
    assert_eq!(world.input(Input::Control(online)), [Effect::Emit(Event::PeerOnline)]);
    assert_eq!(world.command(Command::Leave), [send(ClientMessage::Leave)]);
    assert_eq!(world.command(Command::Frame("too late".into())), []);
    assert_eq!(world.input(over(EndReason::Left)), [ended(EndReason::Left)]);
}

#[test]
fn commands_given_before_there_is_a_connection_are_sent_once_there_is_one() {
    let mut world = World::new();
    assert_eq!(world.command(Command::Find(about("birds"))), []);
    assert_eq!(world.command(Command::Find(anybody())), [], "the last one counts");
    world.wait();
    assert_eq!(world.greet("t1"), [send(ClientMessage::Find(anybody()))]);
}

#[test]
fn a_match_after_cancelling_is_left_at_once() {
    let mut world = World::connected();
    world.command(Command::Find(anybody()));
    assert_eq!(world.command(Command::Cancel), [send(ClientMessage::Cancel)]);
    assert_eq!(world.input(Input::Control(ServerMessage::Waiting(Outlook::default()))), []);
    assert_eq!(world.input(paired("k1")), [send(ClientMessage::Leave)]);
    assert_eq!(world.input(Input::Binary("hi".into())), []);
    assert_eq!(world.input(over(EndReason::Left)), []);
    assert_eq!(world.input(error(ErrorCode::NoRoom)), []);
    assert_eq!(world.command(Command::Cancel), [], "there is nothing to cancel");
}

#[test]
fn the_next_person_is_asked_for_once() {
    let mut world = World::chatting();
    assert_eq!(world.command(Command::Next(about("birds"))), [send(ClientMessage::Next(about("birds")))]);
    assert_eq!(world.input(over(EndReason::Left)), [ended(EndReason::Left)]);
    assert_eq!(
        world.input(Input::Control(ServerMessage::Waiting(Outlook::default()))),
        [Effect::Emit(Event::Waiting(Outlook::default()))]
    );
    assert_eq!(world.input(paired("k2")).len(), 1);
}

#[test]
fn a_next_without_a_chat_is_a_find() {
    let mut world = World::connected();
    assert_eq!(world.command(Command::Next(anybody())), [send(ClientMessage::Find(anybody()))]);
}

#[test]
fn a_find_may_follow_a_leave_at_once() {
    let mut world = World::chatting();
    world.command(Command::Leave);
    assert_eq!(world.command(Command::Find(anybody())), [send(ClientMessage::Next(anybody()))]);
    assert_eq!(world.command(Command::Cancel), [send(ClientMessage::Cancel)]);
    assert_eq!(world.input(over(EndReason::Left)), [ended(EndReason::Left)]);
    assert_eq!(world.input(paired("k2")), [send(ClientMessage::Leave)]);
}

#[test]
fn commands_that_do_not_fit_are_refused_without_the_server() {
    let mut world = World::connected();
    let refused = |effects: &[Effect], expected| match effects {
        [Effect::Emit(Event::Error { code, .. })] => assert_eq!(*code, expected),
        other => panic!("{other:?}"),
    };
    assert_eq!(world.command(Command::Leave), []);
    world.input(Input::Lost(None));
    assert_eq!(world.command(Command::Report(Category::Spam)), [reported(false)]);
    let mut world = World::chatting();
    refused(&world.command(Command::Find(anybody())), ErrorCode::InRoom);
    assert_eq!(world.command(Command::Cancel), []);
}

#[test]
fn a_room_that_has_just_ended_can_be_reported() {
    let mut world = World::chatting();
    world.input(over(EndReason::Left));
    let report = [send(ClientMessage::Report(Category::Abuse))];
    assert_eq!(world.command(Command::Report(Category::Abuse)), report);
    world.input(renewed("t2", None));
    world.command(Command::Find(anybody()));
    assert_eq!(world.command(Command::Report(Category::Abuse)), report);
}

fn reported(taken: bool) -> Effect {
    Effect::Emit(Event::Reported { taken })
}

#[test]
fn a_report_is_told_as_taken_when_the_server_has_answered_it_and_not_before() {
    let report = Command::Report(Category::Abuse);
    let mut world = World::chatting();
    world.command(report.clone());
    assert_eq!(world.input(renewed("t2", Some("k2"))), [keep_token("t2")], "by chance");
    assert_eq!(world.input(over(EndReason::Reported)), [ended(EndReason::Reported), reported(true)]);
    assert_eq!(world.input(renewed("t3", None)), [keep_token("t3")], "once");
    // The chat was over.
    assert_eq!(world.command(report.clone()), [send(ClientMessage::Report(Category::Abuse))]);
    assert_eq!(world.input(renewed("t4", None)), [keep_token("t4"), reported(true)]);
    world.command(report.clone());
    assert_eq!(world.input(error(ErrorCode::NoRoom)), [reported(false)]);
    world.command(report.clone());
    assert_eq!(world.input(Input::Lost(None)).len(), 1);
    world.wait();
    assert_eq!(world.greet("t5"), [reported(false)], "nobody knows");
    // The other side is faster; a token follows each end.
    let mut world = World::chatting();
    world.command(report);
    assert_eq!(world.input(over(EndReason::Left)), [ended(EndReason::Left)]);
    assert_eq!(world.input(renewed("t2", None)), [keep_token("t2")]);
    assert_eq!(world.input(renewed("t3", None)), [keep_token("t3"), reported(true)]);
}

#[test]
fn a_report_that_comes_too_fast_is_sent_again_and_never_names_somebody_else() {
    let report = Command::Report(Category::Abuse);
    let sent = send(ClientMessage::Report(Category::Abuse));
    let mut world = World::chatting();
    world.command(report.clone());
    assert_eq!(world.input(error(ErrorCode::Rate)), [emitted_error(ErrorCode::Rate)]);
    assert_eq!(world.wait(), std::slice::from_ref(&sent));
    world.input(error(ErrorCode::Rate));
    // Meanwhile the other side leaves.
    assert_eq!(world.input(over(EndReason::Left)), [ended(EndReason::Left), sent.clone()]);
    assert_eq!(world.input(renewed("t2", None)), [keep_token("t2")], "of the end");
    assert_eq!(world.input(error(ErrorCode::Rate)), [emitted_error(ErrorCode::Rate)]);
    assert_eq!(world.input(renewed("t3", None)), [keep_token("t3")], "by chance");
    assert_eq!(world.wait(), [sent]);
    assert_eq!(world.input(renewed("t4", None)), [keep_token("t4"), reported(true)]);
    // Somebody else comes before it could be repeated.
    let mut world = World::chatting();
    world.input(over(EndReason::Left));
    world.command(report);
    world.input(error(ErrorCode::Rate));
    world.command(Command::Find(anybody()));
    let met = world.input(paired("k2"));
    assert_eq!((met.len(), &met[0]), (2, &reported(false)));
}

#[test]
fn leaving_outlasts_a_lost_connection() {
    for (command, sent) in [
        (Command::Leave, vec![ClientMessage::Leave]),
        (Command::Report(Category::Abuse), vec![ClientMessage::Report(Category::Abuse)]),
        (Command::Next(anybody()), vec![ClientMessage::Next(anybody())]),
    ] {
        let mut world = World::chatting();
        world.input(Input::Lost(None));
        assert_eq!(world.command(command), []);
        world.wait();
        assert_eq!(world.greet("t2"), [resume("k1")]);
        let mut expected = vec![Effect::Emit(Event::Resumed)];
        expected.extend(sent.into_iter().map(Effect::SendControl));
        assert_eq!(world.input(resumed("k2")), expected);
    }
}

#[test]
fn a_room_that_ended_meanwhile_ends_here_too_and_the_next_find_starts() {
    for (answer, reason) in
        [(over(EndReason::Expired), EndReason::Expired), (error(ErrorCode::BadTicket), EndReason::Expired)]
    {
        let mut world = World::chatting();
        world.input(Input::Lost(None));
        world.command(Command::Next(anybody()));
        world.wait();
        world.greet("t2");
        assert_eq!(world.input(answer), [ended(reason), send(ClientMessage::Find(anybody()))]);
    }
}

#[test]
fn a_report_and_a_next_are_sent_in_order() {
    let mut world = World::chatting();
    world.input(Input::Lost(None));
    world.command(Command::Report(Category::Minor));
    world.command(Command::Next(anybody()));
    world.wait();
    world.greet("t2");
    let said = world.input(resumed("k2"));
    let [_, report, next] = &said[..] else { panic!("{said:?}") };
    assert_eq!(*report, send(ClientMessage::Report(Category::Minor)));
    assert_eq!(*next, send(ClientMessage::Next(anybody())));
}

#[test]
fn a_room_tells_by_which_find_it_was_found() {
    let by = MatchBy::Invite("AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap());
    let invited = Criteria { by: by.clone(), ..anybody() };
    let mut world = World::connected();
    world.command(Command::Find(invited));
    let met = world.input(paired("k1"));
    assert_eq!(met, [Effect::Emit(Event::Paired { room: room(), side: Side::A, by, role: None })]);
    // Whoever looks for anybody meanwhile leaves that room; it is not opened as another one.
    let left = world.command(Command::Next(anybody()));
    assert_eq!(left, [send(ClientMessage::Next(anybody()))]);
}

#[test]
fn a_second_paired_ends_the_chat() {
    let mut world = World::chatting();
    assert_eq!(world.input(paired("k9")), [send(ClientMessage::Leave), ended(EndReason::Left)]);
    assert_eq!(world.input(Input::Control(ServerMessage::Waiting(Outlook::default()))), []);
}

#[test]
fn a_leave_that_comes_too_late_is_no_error() {
    let mut world = World::chatting();
    world.command(Command::Leave);
    assert_eq!(world.input(error(ErrorCode::NoRoom)), [ended(EndReason::Left)]);
    assert_eq!(world.input(error(ErrorCode::NoRoom)), []);
}

#[test]
fn a_find_ends_after_a_final_refusal_and_is_repeated_after_a_passing_one() {
    for hopeless in [ErrorCode::TopicNotOffered, ErrorCode::InviteSpent, ErrorCode::BadLanguage] {
        let mut world = World::connected();
        world.command(Command::Find(anybody()));
        assert_eq!(world.input(error(hopeless)), [emitted_error(hopeless)]);
        world.input(Input::Lost(None));
        world.wait();
        assert_eq!(world.greet("t2"), []);
    }
    for passing in [ErrorCode::Unavailable, ErrorCode::Rate] {
        let mut world = World::connected();
        world.command(Command::Find(anybody()));
        assert_eq!(world.input(error(passing)), [emitted_error(passing)]);
        assert_eq!(world.wait(), [send(ClientMessage::Find(anybody()))]);
    }
}

#[test]
fn a_resume_or_leave_is_repeated_after_a_passing_refusal() {
    let mut world = World::chatting();
    world.input(Input::Lost(None));
    world.wait();
    world.greet("t2");
    assert_eq!(world.input(error(ErrorCode::Unavailable)), [emitted_error(ErrorCode::Unavailable)]);
    assert_eq!(world.command(Command::Frame("x".into())), []);
    assert_eq!(world.wait(), [resume("k1")]);
    assert_eq!(world.input(resumed("k2")), [Effect::Emit(Event::Resumed)]);
    assert_eq!(world.command(Command::Leave), [send(ClientMessage::Leave)]);
    assert_eq!(world.input(error(ErrorCode::Rate)), [emitted_error(ErrorCode::Rate)]);
    assert_eq!(world.wait(), [send(ClientMessage::Leave)]);
}

#[test]
fn an_error_about_something_else_leaves_the_chat_alone() {
    let mut world = World::chatting();
    assert_eq!(world.input(error(ErrorCode::Rate)), [emitted_error(ErrorCode::Rate)]);
    assert_eq!(world.command(Command::Frame("x".into())), [Effect::SendFrame("x".into())]);
}
