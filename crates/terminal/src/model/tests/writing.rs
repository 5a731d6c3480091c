//! What is typed.

use client::channel::{SendError, limits::MAX_TEXT};

use super::*;
use crate::draft::Step;

#[test]
fn a_text_waits_is_sent_and_arrives() {
    let mut harness = Harness::talking();
    let [Effect::Send(id)] = harness.line("hello")[..] else { panic!("not sent") };
    assert_eq!(harness.model.screen.log.chat_text(id).unwrap().text.as_str(), "hello");
    assert_eq!(harness.marks(), [("hello", Mark::Waiting)]);
    assert_eq!(harness.model.screen.draft.text(), "");
    assert_eq!(harness.give(Input::Sent(id, Ok(number(1)), None)), []);
    assert_eq!(harness.marks(), [("hello", Mark::Sent(number(1)))]);
    assert_eq!(harness.handle_event(Event::Delivered { number: number(1) }), []);
    assert_eq!(harness.marks(), [("hello", Mark::Delivered)]);
}

#[test]
fn an_acknowledgement_marks_all_texts_up_to_it_and_none_after_it() {
    let mut harness = Harness::talking();
    (1..=3).for_each(|n| harness.send_text("x", n));
    harness.handle_event(Event::Delivered { number: number(2) });
    let marks: Vec<_> = harness.marks().into_iter().map(|(_, mark)| mark).collect();
    assert_eq!(marks, [Mark::Delivered, Mark::Delivered, Mark::Sent(number(3))]);
}

#[test]
fn texts_that_find_no_room_are_sent_later_in_order() {
    let mut harness = Harness::talking();
    let [Effect::Send(first)] = harness.line("first")[..] else { panic!("not sent") };
    assert_eq!(harness.give(Input::Sent(first, Err(SendError::Full), None)), []);
    assert_eq!(harness.line("second"), []);
    assert_eq!(harness.line("third"), []);
    let waiting = ids(&harness);
    assert_eq!(harness.handle_event(Event::WindowOpen), [Effect::Send(waiting[0])]);
    assert_eq!(harness.give(Input::Sent(waiting[0], Ok(number(1)), None)), [Effect::Send(waiting[1])]);
    assert_eq!(harness.give(Input::Sent(waiting[1], Err(SendError::Full), None)), []);
    assert_eq!(ids(&harness), waiting[1..]);
}

#[test]
fn at_most_64_texts_wait() {
    let mut harness = Harness::talking();
    for _ in 0..64 {
        harness.line("x");
    }
    assert_eq!(harness.line("one more"), []);
    assert_eq!((ids(&harness).len(), harness.model.screen.draft.text()), (64, "one more"));
    assert!(harness.notice().contains("on their way"));
}

#[test]
fn a_line_stays_when_there_is_nobody_to_read_it() {
    let mut harness = Harness::looking();
    assert_eq!(harness.line("anybody?"), []);
    assert!(harness.notice().contains("nobody"));
    harness.meet();
    assert_eq!(harness.model.screen.draft.text(), "anybody?");
    assert!(matches!(harness.press(Key::Enter)[..], [Effect::Send(_)]));
}

#[test]
fn blanks_are_not_a_text_and_two_slashes_begin_one() {
    let mut harness = Harness::talking();
    assert_eq!(harness.line("  "), []);
    harness.press(Key::Delete(Step::Home));
    let [Effect::Send(id)] = harness.line("//next")[..] else { panic!("not sent") };
    assert_eq!(harness.model.screen.log.chat_text(id).unwrap().text.as_str(), "/next");
}

#[test]
fn what_is_pasted_is_a_text_and_never_a_command_by_itself() {
    let mut harness = Harness::talking();
    assert_eq!(harness.paste("one\ntwo\n/quit\n"), [ACTIVE]);
    assert_eq!(harness.model.screen.draft.text(), "one two /quit");
    let [Effect::Send(_)] = harness.press(Key::Enter)[..] else { panic!("not sent") };
}

#[test]
fn a_line_has_at_most_8_kib() {
    let mut harness = Harness::talking();
    harness.paste(&"x".repeat(MAX_TEXT + 1));
    assert_eq!(harness.model.screen.draft.text().len(), MAX_TEXT);
    assert!(harness.notice().contains("8 KiB"));
    harness.write("y");
    assert_eq!(harness.model.screen.draft.text().len(), MAX_TEXT);
    assert!(matches!(harness.press(Key::Enter)[..], [Effect::Send(_)]));
}

#[test]
fn the_peer_sees_when_somebody_writes_and_stops() {
    let mut harness = Harness::talking();
    assert_eq!(harness.write("he"), [ACTIVE]);
    assert_eq!(harness.model.next_tick(), Some(Duration::from_secs(5)));
    assert_eq!(harness.pass(3), []);
    assert_eq!(harness.write("l"), []);
    assert_eq!(harness.pass(3), []);
    assert_eq!(harness.pass(2), [IDLE]);
    assert_eq!(harness.model.next_tick(), None);
    assert_eq!(harness.write("l"), [ACTIVE]);
    assert_eq!(harness.press(Key::Delete(Step::Home)), [IDLE]);
}

#[test]
fn no_typing_notice_is_sent_for_commands_or_before_a_chat() {
    let mut harness = Harness::looking();
    assert_eq!(harness.write("hello"), []);
    harness.meet();
    harness.press(Key::Delete(Step::Home));
    assert_eq!(harness.write("/saf"), []);
    harness.press(Key::Delete(Step::Home));
    // The first slash may be the beginning of a command, the second shows that it is not.
    assert_eq!(harness.write("//"), [ACTIVE]);
}

#[test]
fn sending_a_text_ends_typing_without_a_notice() {
    let mut harness = Harness::talking();
    harness.write("hello");
    assert!(matches!(harness.press(Key::Enter)[..], [Effect::Send(_)]));
    assert_eq!(harness.model.next_tick(), None);
    assert_eq!(harness.write("x"), [ACTIVE]);
}

#[test]
fn a_wrong_command_is_kept_to_be_corrected() {
    let mut harness = Harness::talking();
    assert_eq!(harness.line("/report rudeness"), []);
    assert_eq!(harness.model.screen.draft.text(), "/report rudeness");
    assert!(harness.notice().contains("/help"));
    harness.press(Key::Go(Step::Home));
    assert_eq!(harness.notice(), "");
}

#[test]
fn tab_completes_a_command_and_shows_what_could_be_meant() {
    let mut harness = Harness::talking();
    harness.write("/repo");
    harness.press(Key::Complete);
    assert_eq!(harness.model.screen.draft.text(), "/report ");
    harness.press(Key::Complete);
    assert!(harness.notice().contains("/report spam"));
    harness.write("s");
    harness.press(Key::Complete);
    assert_eq!(harness.model.screen.draft.text(), "/report spam");
    harness.press(Key::Delete(Step::Home));
    harness.write("a text");
    assert_eq!(harness.press(Key::Complete), []);
    assert_eq!(harness.model.screen.draft.text(), "a text");
}

#[test]
fn own_texts_come_back_and_what_was_being_written_does_too() {
    let mut harness = Harness::talking();
    harness.send_text("first", 1);
    harness.send_text("second", 2);
    harness.write("half");
    let draft = |harness: &Harness| harness.model.screen.draft.text().to_owned();
    for (key, expected) in [
        (Key::Newer, "half"),
        (Key::Older, "second"),
        (Key::Older, "first"),
        (Key::Older, "first"),
        (Key::Newer, "second"),
        (Key::Newer, "half"),
        (Key::Newer, "half"),
    ] {
        harness.press(key);
        assert_eq!(draft(&harness), expected, "{key:?}");
    }
    harness.press(Key::Older);
    assert!(matches!(harness.press(Key::Enter)[..], [Effect::Send(_)]));
    harness.press(Key::Older);
    assert_eq!(draft(&harness), "second");
    harness.line("");
    harness.end(End::Bye);
    harness.press(Key::Delete(Step::Home));
    harness.press(Key::Older);
    assert_eq!(draft(&harness), "", "forgotten with the chat");
}

#[test]
fn a_draft_is_kept_when_the_chat_ends() {
    let mut harness = Harness::talking();
    harness.write("half a tho");
    harness.end(End::PeerBye);
    assert_eq!(harness.model.screen.draft.text(), "half a tho");
}
