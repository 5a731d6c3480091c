//! From nobody to somebody.

use schemas::control::ErrorCode;

use super::*;

const LINK: &str = "https://chat.example/#AAECAwQFBgcICQoLDA0ODw";

fn link() -> Input {
    Input::Link(Zeroizing::new(LINK.into()))
}

#[test]
fn somebody_is_met_and_then_there_are_keys() {
    let mut evening = Evening::looking();
    assert_eq!(evening.hear(Event::Connected), []);
    assert_eq!(evening.hear(Event::Waiting), []);
    assert_eq!(evening.model.stage, Stage::Searching);
    assert_eq!(evening.hear(Event::Met), []);
    assert_eq!(evening.model.stage, Stage::Meeting);
    assert_eq!(evening.hear(Event::Secured { safety: safety() }), []);
    assert_eq!(evening.model.stage, Stage::Talking(safety()));
    assert!(evening.notes()[0].contains("stranger"));
}

#[test]
fn a_link_is_shown_until_somebody_has_come_by_it() {
    let mut evening = Evening::with(Errand::Inviting, 80, 24);
    evening.give(link());
    evening.hear(Event::Waiting);
    assert_eq!(evening.model.invite.as_deref().map(String::as_str), Some(LINK));
    evening.hear(Event::Met);
    assert_eq!(evening.model.invite, None);
}

#[test]
fn the_link_of_the_next_outlasts_the_end_of_this_chat() {
    let mut evening = Evening::with(Errand::Inviting, 80, 24);
    evening.meet();
    assert_eq!(evening.line("/next"), [Effect::Find]);
    evening.give(link());
    evening.end(End::Bye);
    assert_eq!(evening.model.stage, Stage::Searching);
    assert!(evening.model.invite.is_some());
}

#[test]
fn whoever_stops_looking_may_look_again() {
    let mut evening = Evening::with(Errand::Inviting, 80, 24);
    evening.give(link());
    assert_eq!(evening.line("/leave"), [Effect::Cancel]);
    assert!(matches!(evening.model.stage, Stage::Alone { .. }));
    assert_eq!(evening.model.invite, None);
    assert_eq!(evening.line("/leave"), []);
    assert_eq!(evening.line("/next"), [Effect::Find]);
    assert_eq!(evening.model.stage, Stage::Searching);
}

#[test]
fn whoever_is_found_too_late_hears_a_goodbye() {
    let mut evening = Evening::looking();
    evening.line("/leave");
    assert_eq!(evening.hear(Event::Met), [Effect::Leave]);
    assert_eq!(evening.hear(Event::Secured { safety: safety() }), []);
    evening.end(End::Bye);
    assert!(matches!(evening.model.stage, Stage::Alone { .. }));
}

#[test]
fn a_busy_server_is_waited_for_and_a_refusal_is_final() {
    let mut evening = Evening::looking();
    let refused = |code| Event::Error { code, message: "no\x1b".into() };
    evening.hear(refused(ErrorCode::Unavailable));
    assert_eq!(evening.model.stage, Stage::Searching);
    assert!(evening.notice().contains("tries again"));
    evening.hear(refused(ErrorCode::TopicNotOffered));
    assert!(matches!(evening.model.stage, Stage::Alone { .. }));
    assert_eq!(evening.model.outcome(), Outcome::Badly);
    evening.line("/next");
    evening.hear(refused(ErrorCode::BadMessage));
    assert!(evening.notes()[0].contains("no\u{fffd}"));
}

#[test]
fn a_link_that_was_opened_serves_once() {
    let mut evening = Evening::with(Errand::Invited, 80, 24);
    evening.meet();
    assert!(!evening.notes()[0].contains("stranger"));
    assert_eq!(evening.line("/next"), []);
    assert_eq!(evening.model.stage, Stage::Talking(safety()));
    evening.end(End::PeerBye);
    assert_eq!(evening.line("/next"), []);
    assert!(evening.notice().contains("once"));
    let mut spent = Evening::with(Errand::Invited, 80, 24);
    spent.hear(Event::Error { code: ErrorCode::InviteSpent, message: String::new() });
    assert_eq!(spent.line("/next"), []);
    let mut patient = Evening::with(Errand::Invited, 80, 24);
    patient.line("/leave");
    assert_eq!(patient.line("/next"), [Effect::Find]);
}

#[test]
fn a_session_that_is_over_is_replaced_for_the_next() {
    let mut evening = Evening::talking();
    evening.hear(Event::Disconnected { retry_in: Duration::from_secs(1) });
    evening.end(End::Closed(Closed::Unauthorized));
    assert_eq!(evening.hear(Event::Closed { reason: Closed::Unauthorized }), []);
    assert!(matches!(&evening.model.stage, Stage::Alone { why } if why.contains("started anew")));
    assert_eq!(evening.line("/next"), [Effect::Open]);
    assert_eq!(evening.model.stage, Stage::Opening(Search::Anew));
    assert_eq!(evening.give(Input::OpenFailed("nobody answers".into())), []);
    assert!(matches!(&evening.model.stage, Stage::Alone { why } if why.contains("nobody answers")));
    assert_eq!(evening.line("/next"), [Effect::Open]);
    assert_eq!(evening.give(Input::Opened), [Effect::Find]);
    assert_eq!((evening.model.link, &evening.model.stage), (Link::Up, &Stage::Searching));
}

#[test]
fn whoever_waits_goes_on_waiting_in_a_new_session_with_the_same_link() {
    let mut evening = Evening::with(Errand::Inviting, 80, 24);
    evening.give(link());
    evening.hear(Event::Disconnected { retry_in: Duration::from_secs(1) });
    assert_eq!(evening.hear(Event::Closed { reason: Closed::Unauthorized }), [Effect::Open]);
    assert_eq!(evening.give(Input::Opened), [Effect::FindAgain]);
    assert_eq!((evening.model.link, &evening.model.stage), (Link::Up, &Stage::Searching));
    assert_eq!(evening.model.invite.as_deref().map(String::as_str), Some(LINK));
    assert_eq!(evening.model.outcome(), Outcome::Well);
}

#[test]
fn a_server_that_does_not_want_this_client_is_not_asked_again() {
    let mut evening = Evening::looking();
    assert_eq!(evening.hear(Event::Closed { reason: Closed::Refused(403) }), []);
    assert!(matches!(evening.model.stage, Stage::Alone { .. }));
    assert_eq!(evening.model.outcome(), Outcome::Badly);
}
