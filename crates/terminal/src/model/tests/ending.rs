//! How a chat ends, and the program.

use client::channel;
use schemas::control::{Category, EndReason};

use super::*;

fn is_alone(harness: &Harness) -> bool {
    matches!(harness.model.screen.stage, Stage::Alone { .. })
}

#[test]
fn ending_the_chat_wipes_its_texts() {
    let mut harness = Harness::talking();
    harness.send_text("mine", 1);
    harness.handle_event(Event::Delivered { number: number(1) });
    harness.receive_text("theirs");
    assert_eq!(harness.line("/leave"), [Effect::Leave]);
    assert_eq!(harness.model.screen.stage, Stage::Leaving(Then::Rest));
    assert_eq!(harness.end(End::Bye), []);
    assert!(is_alone(&harness) && harness.marks().is_empty() && harness.received().is_empty());
    assert!(harness.notes().iter().any(|note| note.contains("Forgotten: the keys and every text")));
    assert!(!harness.model.outcome().has_failed());
}

#[test]
fn texts_stay_readable_after_the_peer_ends_the_chat_until_the_next_one() {
    let mut harness = Harness::talking();
    harness.receive_text("theirs");
    harness.end(End::PeerBye);
    assert!(is_alone(&harness));
    assert_eq!(harness.received(), ["theirs"]);
    assert!(harness.notes().iter().any(|note| note.contains("this screen alone")));
    assert_eq!(harness.line("/next"), [Effect::Find]);
    assert!(harness.received().is_empty() && harness.notes().is_empty());
}

#[test]
fn texts_that_may_not_have_arrived_are_marked_and_counted() {
    let mut harness = Harness::talking();
    harness.send_text("sent", 1);
    harness.line("waits");
    harness.handle_event(Event::NotDelivered { number: number(1) });
    harness.end(End::Room(EndReason::Left));
    assert_eq!(harness.marks(), [("sent", Mark::NotDelivered), ("waits", Mark::NotDelivered)]);
    assert!(harness.notes().iter().any(|note| note.starts_with("2 of your texts")));
    assert!(harness.model.outcome().has_failed());
}

#[test]
fn next_ends_this_chat_and_begins_another() {
    let mut harness = Harness::talking();
    harness.receive_text("theirs");
    assert_eq!(harness.line("/next"), [Effect::Find]);
    assert_eq!(harness.model.screen.stage, Stage::Leaving(Then::Next));
    assert_eq!(harness.line("/next"), []);
    assert_eq!(harness.end(End::Bye), []);
    assert_eq!(harness.model.screen.stage, Stage::Waiting);
    assert!(harness.received().is_empty());
    harness.meet();
}

#[test]
fn leave_after_next_cancels_the_find() {
    let mut harness = Harness::talking();
    harness.line("/next");
    assert_eq!(harness.line("/leave"), [Effect::Cancel]);
    harness.end(End::Bye);
    assert!(is_alone(&harness));
}

#[test]
fn a_report_names_its_category() {
    let mut harness = Harness::looking();
    assert_eq!(harness.line("/report spam"), []);
    harness.meet();
    assert_eq!(harness.line("/report"), []);
    assert!(harness.notice().contains("say why"));
    assert_eq!(harness.line("/report spam"), []);
    let about = |harness: &Harness| harness.model.screen.popup.map(|popup| popup.about);
    assert_eq!(about(&harness), Some(About::Report(Category::Spam)));
    assert_eq!(harness.press(Key::Escape), []);
    assert_eq!(about(&harness), None);
    harness.line("/report spam");
    assert_eq!(harness.press(Key::Enter), [Effect::Report(Category::Spam)]);
    harness.end(End::Report);
    assert!(is_alone(&harness));
    assert_eq!(harness.notes()[0], "You ended the chat with a report.");
    harness.model.handle_event(Event::Reported { taken: true });
    assert!(harness.notice().contains("will not meet this person again"));
    harness.model.handle_event(Event::Reported { taken: false });
    assert!(harness.notice().contains("not confirmed your report"), "nothing is said that is not so");
}

#[test]
fn a_chat_that_the_other_has_left_can_be_reported_for_a_minute() {
    let mut harness = Harness::talking();
    harness.end(End::Room(EndReason::Left));
    harness.pass(59);
    assert_eq!(harness.line("/report abuse"), []);
    assert_eq!(harness.press(Key::Enter), [Effect::Report(Category::Abuse)]);
    assert!(harness.notice().contains("reporting"), "nobody has taken it yet");
    assert_eq!(harness.line("/report abuse"), []);
    assert!(harness.notice().contains("no chat"), "once");
    let mut harness = Harness::talking();
    harness.end(End::Room(EndReason::Left));
    harness.pass(60);
    harness.line("/report abuse");
    assert!(harness.notice().contains("no chat"));
    let mut harness = Harness::talking();
    harness.end(End::Report);
    harness.line("/report abuse");
    assert!(harness.notice().contains("no chat"));
}

#[test]
fn a_fault_of_the_encryption_is_shown_as_trouble() {
    let mut harness = Harness::talking();
    harness.end(End::Fault(channel::ChannelEnd::CommitmentBroken));
    let trouble = |entry: &crate::log::Entry| matches!(&entry.kind, EntryKind::Note(note, crate::log::NoteKind::Trouble) if note.contains("commitment-broken"));
    assert!(harness.model.screen.log.entries().any(trouble));
    assert!(harness.model.outcome().has_failed());
}

#[test]
fn quitting_a_chat_says_goodbye_first() {
    for quit in [Input::Key(Key::Interrupt), Input::Key(Key::EndOfInput), Input::Stop] {
        let mut harness = Harness::talking();
        assert_eq!(harness.give(quit), [Effect::Leave]);
        assert_eq!(harness.model.screen.stage, Stage::Leaving(Then::Quit));
        assert_eq!(harness.end(End::Bye), [Effect::Close]);
    }
}

#[test]
fn quitting_without_a_chat_ends_at_once() {
    let mut harness = Harness::looking();
    assert_eq!(harness.line("/quit"), [Effect::Close]);
}

#[test]
fn quitting_twice_does_not_wait_for_goodbyes() {
    let mut harness = Harness::talking();
    harness.press(Key::Interrupt);
    assert_eq!(harness.press(Key::Interrupt), [Effect::Abandon]);
}

#[test]
fn end_of_input_quits_only_on_an_empty_line() {
    let mut harness = Harness::talking();
    harness.write("x");
    assert_eq!(harness.press(Key::EndOfInput), []);
    assert_eq!(harness.model.screen.draft.text(), "x");
}

#[test]
fn no_text_is_sent_while_saying_goodbye() {
    let mut harness = Harness::talking();
    harness.line("/leave");
    assert_eq!(harness.line("wait"), []);
    assert!(harness.marks().is_empty());
    harness.receive_text("one last word");
    assert_eq!(harness.received(), ["one last word"]);
}

#[test]
fn a_server_that_goes_away_ends_the_chat_and_not_the_program() {
    let mut harness = Harness::talking();
    harness.receive_text("theirs");
    let reason = Closed::Unauthorized;
    harness.end(End::Closed(reason));
    harness.handle_event(Event::Closed { reason });
    assert!(is_alone(&harness));
    assert_eq!(harness.received(), ["theirs"]);
    assert_eq!(harness.line("/next"), [Effect::Open]);
}
