//! From nobody to somebody.

use client::Opening;
use schemas::control::ErrorCode;
use schemas::outlook::Outlook;

use super::*;

fn link() -> Input {
    Input::Invite(handout())
}

#[test]
fn a_match_is_followed_by_keys() {
    let mut harness = Harness::looking();
    assert_eq!(harness.handle_event(Event::Connected), []);
    assert_eq!(harness.handle_event(Event::Waiting(Outlook::default())), []);
    assert_eq!(harness.model.screen.stage, Stage::Waiting);
    assert_eq!(harness.handle_event(Event::Met), []);
    assert_eq!(harness.model.screen.stage, Stage::Meeting);
    assert_eq!(harness.handle_event(Event::Secured { safety: safety() }), []);
    assert_eq!(harness.model.screen.stage, Stage::Talking(safety()));
    assert!(harness.notes()[0].contains("stranger"));
}

#[test]
fn an_invite_link_is_shown_until_its_guest_arrives() {
    let mut harness = Harness::with(MeetingKind::CreatesInvite, 80, 24);
    harness.give(link());
    harness.handle_event(Event::Waiting(Outlook::default()));
    assert!(harness.model.screen.invite == Some(handout()));
    harness.handle_event(Event::Met);
    assert!(harness.model.screen.invite.is_none());
}

#[test]
fn the_next_invite_link_outlasts_the_end_of_this_chat() {
    let mut harness = Harness::with(MeetingKind::CreatesInvite, 80, 24);
    harness.meet();
    assert_eq!(harness.line("/next"), [Effect::Find]);
    harness.give(link());
    harness.end(End::Bye);
    assert_eq!(harness.model.screen.stage, Stage::Waiting);
    assert!(harness.model.screen.invite.is_some());
}

#[test]
fn a_find_may_follow_a_cancelled_one() {
    let mut harness = Harness::with(MeetingKind::CreatesInvite, 80, 24);
    harness.give(link());
    assert_eq!(harness.line("/leave"), [Effect::Cancel]);
    assert!(matches!(harness.model.screen.stage, Stage::Alone { .. }));
    assert!(harness.model.screen.invite.is_none());
    assert_eq!(harness.line("/leave"), []);
    assert_eq!(harness.line("/next"), [Effect::Find]);
    assert_eq!(harness.model.screen.stage, Stage::Waiting);
}

#[test]
fn a_match_after_cancelling_is_left_with_a_goodbye() {
    let mut harness = Harness::looking();
    harness.line("/leave");
    assert_eq!(harness.handle_event(Event::Met), [Effect::Leave]);
    assert_eq!(harness.handle_event(Event::Secured { safety: safety() }), []);
    harness.end(End::Bye);
    assert!(matches!(harness.model.screen.stage, Stage::Alone { .. }));
}

#[test]
fn a_busy_server_is_asked_again_and_a_refusal_is_final() {
    let mut harness = Harness::looking();
    let refused = |code| Event::Error { code, message: "no\x1b".into() };
    harness.handle_event(refused(ErrorCode::Unavailable));
    assert_eq!(harness.model.screen.stage, Stage::Waiting);
    assert!(harness.notice().contains("tries again"));
    harness.handle_event(refused(ErrorCode::TopicNotOffered));
    assert!(matches!(harness.model.screen.stage, Stage::Alone { .. }));
    assert!(harness.model.outcome().has_failed());
    harness.line("/next");
    harness.handle_event(refused(ErrorCode::BadMessage));
    assert!(harness.notes()[0].contains("no\u{fffd}"));
}

#[test]
fn an_opened_link_works_once() {
    let mut harness = Harness::with(MeetingKind::AcceptsInvite, 80, 24);
    harness.meet();
    assert!(!harness.notes()[0].contains("stranger"));
    assert_eq!(harness.line("/next"), []);
    assert_eq!(harness.model.screen.stage, Stage::Talking(safety()));
    harness.end(End::PeerBye);
    assert_eq!(harness.line("/next"), []);
    assert!(harness.notice().contains("once"));
    let mut spent = Harness::with(MeetingKind::AcceptsInvite, 80, 24);
    spent.handle_event(Event::Error { code: ErrorCode::InviteSpent, message: String::new() });
    assert_eq!(spent.line("/next"), []);
    let mut patient = Harness::with(MeetingKind::AcceptsInvite, 80, 24);
    patient.line("/leave");
    assert_eq!(patient.line("/next"), [Effect::Find]);
}

#[test]
fn a_session_that_is_over_is_replaced_for_the_next() {
    let mut harness = Harness::talking();
    harness.handle_event(Event::Disconnected { retry_in: Duration::from_secs(1) });
    harness.end(End::Closed(Closed::Unauthorized));
    assert_eq!(harness.handle_event(Event::Closed { reason: Closed::Unauthorized }), []);
    assert!(matches!(&harness.model.screen.stage, Stage::Alone { why } if why.contains("restarted")));
    assert_eq!(harness.line("/next"), [Effect::Open]);
    assert_eq!(harness.model.screen.stage, Stage::Opening(AfterOpening::FindNew));
    assert_eq!(harness.give(Input::Opening(Opening::Working(0.25))), []);
    assert!(harness.model.screen.notice.as_deref().is_some_and(|notice| notice.ends_with("25 %")));
    assert_eq!(harness.give(Input::OpenFailed("nobody answers".into())), []);
    harness.give(Input::Opening(Opening::Working(0.5)));
    assert_eq!(harness.model.screen.notice, None, "nothing is being opened");
    assert!(matches!(&harness.model.screen.stage, Stage::Alone { why } if why.contains("nobody answers")));
    assert_eq!(harness.line("/next"), [Effect::Open]);
    harness.give(Input::Opening(Opening::Waiting(Duration::from_secs(3))));
    assert_eq!(harness.give(Input::Opened), [Effect::Find]);
    assert_eq!(harness.model.screen.notice, None);
    assert_eq!(
        (harness.model.screen.own_connection, &harness.model.screen.stage),
        (OwnConnection::Up, &Stage::Waiting)
    );
}

#[test]
fn a_find_goes_on_in_a_new_session_with_the_same_link() {
    let mut harness = Harness::with(MeetingKind::CreatesInvite, 80, 24);
    harness.give(link());
    harness.handle_event(Event::Disconnected { retry_in: Duration::from_secs(1) });
    assert_eq!(harness.handle_event(Event::Closed { reason: Closed::Unauthorized }), [Effect::Open]);
    assert_eq!(harness.give(Input::Opened), [Effect::FindSame]);
    assert_eq!(
        (harness.model.screen.own_connection, &harness.model.screen.stage),
        (OwnConnection::Up, &Stage::Waiting)
    );
    assert!(harness.model.screen.invite == Some(handout()));
    assert!(!harness.model.outcome().has_failed());
}

#[test]
fn a_server_that_does_not_want_this_client_is_not_asked_again() {
    let mut harness = Harness::looking();
    assert_eq!(harness.handle_event(Event::Closed { reason: Closed::Refused(403) }), []);
    assert!(matches!(harness.model.screen.stage, Stage::Alone { .. }));
    assert!(harness.model.outcome().has_failed());
}

#[test]
fn somebody_who_waits_for_long_is_told_once_and_may_look_for_anybody() {
    let topic = MeetingKind::Topic("music".into());
    let mut harness = Harness::with(topic, 80, 24);
    harness.handle_event(Event::Waiting(Outlook::default()));
    assert_eq!(harness.model.next_tick(), Some(LONG_WAIT));
    assert_eq!(harness.pass(LONG_WAIT.as_secs()), []);
    assert_eq!(harness.model.next_tick(), None);
    assert_eq!(harness.line("/any"), [Effect::Find]);
    assert_eq!(harness.model.screen.meeting, MeetingKind::Anybody);
    assert_eq!(harness.model.next_tick(), Some(2 * LONG_WAIT));
    assert_eq!(harness.line("/any"), []);
    for meeting in [MeetingKind::CreatesInvite, MeetingKind::AcceptsInvite] {
        assert_eq!(Harness::with(meeting, 80, 24).model.next_tick(), None);
    }
}

#[test]
fn an_invite_can_follow_any_chat() {
    for meeting in [MeetingKind::AcceptsInvite, MeetingKind::CreatesInvite, MeetingKind::Anybody] {
        let mut harness = Harness::with(meeting, 80, 24);
        harness.meet();
        harness.end(End::PeerBye);
        assert_eq!(harness.line("/invite"), [Effect::Find]);
        assert_eq!(harness.model.screen.meeting, MeetingKind::CreatesInvite);
        harness.give(link());
        assert_eq!(harness.model.screen.stage, Stage::Waiting);
    }
    let mut harness = Harness::talking();
    assert_eq!(harness.line("/invite"), [Effect::Find]);
    assert_eq!(harness.model.screen.stage, Stage::Leaving(Then::Next));
}
