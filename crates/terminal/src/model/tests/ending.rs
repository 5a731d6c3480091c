//! How a chat ends, and the evening.

use client::channel;
use schemas::control::{Category, EndReason};

use super::*;

fn is_alone(evening: &Evening) -> bool {
    matches!(evening.model.stage, Stage::Alone { .. })
}

#[test]
fn what_was_said_goes_with_whoever_ends_the_chat() {
    let mut evening = Evening::talking();
    evening.say("mine", 1);
    evening.hear(Event::Delivered { number: number(1) });
    evening.hear_text("theirs");
    assert_eq!(evening.line("/leave"), [Effect::Leave]);
    assert_eq!(evening.model.stage, Stage::Parting(Then::Rest));
    assert_eq!(evening.end(End::Bye), []);
    assert!(is_alone(&evening) && evening.marks().is_empty() && evening.heard().is_empty());
    assert!(evening.notes().iter().any(|note| note.contains("Forgotten: the keys and every text")));
    assert_eq!(evening.model.outcome(), Outcome::Well);
}

#[test]
fn what_was_said_stays_readable_where_the_other_ends_the_chat_until_one_goes_on() {
    let mut evening = Evening::talking();
    evening.hear_text("theirs");
    evening.end(End::PeerBye);
    assert!(is_alone(&evening));
    assert_eq!(evening.heard(), ["theirs"]);
    assert!(evening.notes().iter().any(|note| note.contains("this screen alone")));
    assert_eq!(evening.line("/next"), [Effect::Find]);
    assert!(evening.heard().is_empty() && evening.notes().is_empty());
}

#[test]
fn texts_that_may_not_have_arrived_are_marked_and_counted() {
    let mut evening = Evening::talking();
    evening.say("sent", 1);
    evening.line("waits");
    evening.hear(Event::NotDelivered { number: number(1) });
    evening.end(End::Room(EndReason::Left));
    assert_eq!(evening.marks(), [("sent", Mark::NotDelivered), ("waits", Mark::NotDelivered)]);
    assert!(evening.notes().iter().any(|note| note.starts_with("2 of your texts")));
    assert_eq!(evening.model.outcome(), Outcome::Badly);
}

#[test]
fn next_ends_this_chat_and_begins_another() {
    let mut evening = Evening::talking();
    evening.hear_text("theirs");
    assert_eq!(evening.line("/next"), [Effect::Find]);
    assert_eq!(evening.model.stage, Stage::Parting(Then::Next));
    assert_eq!(evening.line("/next"), []);
    assert_eq!(evening.end(End::Bye), []);
    assert_eq!(evening.model.stage, Stage::Searching);
    assert!(evening.heard().is_empty());
    evening.meet();
}

#[test]
fn whoever_thinks_better_of_next_stays_alone() {
    let mut evening = Evening::talking();
    evening.line("/next");
    assert_eq!(evening.line("/leave"), [Effect::Cancel]);
    evening.end(End::Bye);
    assert!(is_alone(&evening));
}

#[test]
fn a_report_names_its_category() {
    let mut evening = Evening::looking();
    assert_eq!(evening.line("/report spam"), []);
    evening.meet();
    assert_eq!(evening.line("/report spam"), [Effect::Report(Category::Spam)]);
    evening.end(End::Report);
    assert!(is_alone(&evening));
    assert!(evening.notes()[0].contains("not meet this person again"));
}

#[test]
fn a_fault_of_the_encryption_is_told_as_trouble() {
    let mut evening = Evening::talking();
    evening.end(End::Fault(channel::EndReason::CommitmentBroken));
    let trouble = |entry: &crate::log::Entry| matches!(&entry.what, What::Note(note, Tone::Trouble) if note.contains("commitment-broken"));
    assert!(evening.model.log.entries().any(trouble));
    assert_eq!(evening.model.outcome(), Outcome::Badly);
}

#[test]
fn quitting_a_chat_says_goodbye_first() {
    for quit in [Input::Key(Key::Interrupt), Input::Key(Key::EndOfInput), Input::Stop] {
        let mut evening = Evening::talking();
        assert_eq!(evening.give(quit), [Effect::Leave]);
        assert_eq!(evening.model.stage, Stage::Parting(Then::Quit));
        assert_eq!(evening.end(End::Bye), [Effect::Close]);
    }
}

#[test]
fn quitting_without_a_chat_ends_at_once() {
    let mut evening = Evening::looking();
    assert_eq!(evening.line("/quit"), [Effect::Close]);
}

#[test]
fn whoever_asks_twice_does_not_wait_for_goodbyes() {
    let mut evening = Evening::talking();
    evening.press(Key::Interrupt);
    assert_eq!(evening.press(Key::Interrupt), [Effect::Abandon]);
}

#[test]
fn the_end_of_input_ends_all_only_where_nothing_is_written() {
    let mut evening = Evening::talking();
    evening.write("x");
    assert_eq!(evening.press(Key::EndOfInput), []);
    assert_eq!(evening.model.draft.text(), "x");
}

#[test]
fn nothing_is_said_while_saying_goodbye() {
    let mut evening = Evening::talking();
    evening.line("/leave");
    assert_eq!(evening.line("wait"), []);
    assert!(evening.marks().is_empty());
    evening.hear_text("one last word");
    assert_eq!(evening.heard(), ["one last word"]);
}

#[test]
fn a_server_that_goes_away_ends_the_chat_and_not_the_evening() {
    let mut evening = Evening::talking();
    evening.hear_text("theirs");
    let reason = Closed::Unauthorized;
    evening.end(End::Closed(reason));
    evening.hear(Event::Closed { reason });
    assert!(is_alone(&evening));
    assert_eq!(evening.heard(), ["theirs"]);
    assert_eq!(evening.line("/next"), [Effect::Open]);
}
