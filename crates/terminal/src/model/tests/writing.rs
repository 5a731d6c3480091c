//! What is typed.

use client::channel::{SendError, limits::MAX_TEXT};

use super::*;
use crate::draft::Step;

#[test]
fn a_text_waits_is_sent_and_arrives() {
    let mut evening = Evening::talking();
    let [Effect::Send(id)] = evening.line("hello")[..] else { panic!("not sent") };
    assert_eq!(evening.model.log.text(id), Some("hello"));
    assert_eq!(evening.marks(), [("hello", Mark::Waiting)]);
    assert_eq!(evening.model.draft.text(), "");
    assert_eq!(evening.give(Input::Sent(id, Ok(number(1)))), []);
    assert_eq!(evening.marks(), [("hello", Mark::Sent(number(1)))]);
    assert_eq!(evening.hear(Event::Delivered { number: number(1) }), []);
    assert_eq!(evening.marks(), [("hello", Mark::Delivered)]);
}

#[test]
fn an_acknowledgement_is_for_all_texts_before_and_none_behind() {
    let mut evening = Evening::talking();
    (1..=3).for_each(|n| evening.say("x", n));
    evening.hear(Event::Delivered { number: number(2) });
    let marks: Vec<_> = evening.marks().into_iter().map(|(_, mark)| mark).collect();
    assert_eq!(marks, [Mark::Delivered, Mark::Delivered, Mark::Sent(number(3))]);
}

#[test]
fn texts_that_find_no_room_follow_one_after_the_other_in_their_order() {
    let mut evening = Evening::talking();
    let [Effect::Send(first)] = evening.line("first")[..] else { panic!("not sent") };
    assert_eq!(evening.give(Input::Sent(first, Err(SendError::Full))), []);
    assert_eq!(evening.line("second"), []);
    assert_eq!(evening.line("third"), []);
    let waiting = ids(&evening);
    assert_eq!(evening.hear(Event::WindowOpen), [Effect::Send(waiting[0])]);
    assert_eq!(evening.give(Input::Sent(waiting[0], Ok(number(1)))), [Effect::Send(waiting[1])]);
    assert_eq!(evening.give(Input::Sent(waiting[1], Err(SendError::Full))), []);
    assert_eq!(ids(&evening), waiting[1..]);
}

#[test]
fn more_than_64_texts_do_not_wait() {
    let mut evening = Evening::talking();
    for _ in 0..64 {
        evening.line("x");
    }
    assert_eq!(evening.line("one more"), []);
    assert_eq!((ids(&evening).len(), evening.model.draft.text()), (64, "one more"));
    assert!(evening.notice().contains("on their way"));
}

#[test]
fn a_line_for_nobody_is_kept() {
    let mut evening = Evening::looking();
    assert_eq!(evening.line("anybody?"), []);
    assert!(evening.notice().contains("nobody"));
    evening.meet();
    assert_eq!(evening.model.draft.text(), "anybody?");
    assert!(matches!(evening.press(Key::Enter)[..], [Effect::Send(_)]));
}

#[test]
fn blanks_are_not_a_text_and_two_slashes_begin_one() {
    let mut evening = Evening::talking();
    assert_eq!(evening.line("  "), []);
    evening.press(Key::Delete(Step::Home));
    let [Effect::Send(id)] = evening.line("//next")[..] else { panic!("not sent") };
    assert_eq!(evening.model.log.text(id), Some("/next"));
}

#[test]
fn what_is_pasted_is_a_text_and_never_a_command_by_itself() {
    let mut evening = Evening::talking();
    assert_eq!(evening.paste("one\ntwo\n/quit\n"), [ACTIVE]);
    assert_eq!(evening.model.draft.text(), "one two /quit");
    let [Effect::Send(_)] = evening.press(Key::Enter)[..] else { panic!("not sent") };
}

#[test]
fn a_line_has_at_most_8_kib() {
    let mut evening = Evening::talking();
    evening.paste(&"x".repeat(MAX_TEXT + 1));
    assert_eq!(evening.model.draft.text().len(), MAX_TEXT);
    assert!(evening.notice().contains("8 KiB"));
    evening.write("y");
    assert_eq!(evening.model.draft.text().len(), MAX_TEXT);
    assert!(matches!(evening.press(Key::Enter)[..], [Effect::Send(_)]));
}

#[test]
fn the_other_is_told_who_writes_and_who_rests() {
    let mut evening = Evening::talking();
    assert_eq!(evening.write("he"), [ACTIVE]);
    assert_eq!(evening.model.next_tick(), Some(Duration::from_secs(5)));
    assert_eq!(evening.pass(3), []);
    assert_eq!(evening.write("l"), []);
    assert_eq!(evening.pass(3), []);
    assert_eq!(evening.pass(2), [IDLE]);
    assert_eq!(evening.model.next_tick(), None);
    assert_eq!(evening.write("l"), [ACTIVE]);
    assert_eq!(evening.press(Key::Delete(Step::Home)), [IDLE]);
}

#[test]
fn nobody_is_told_of_commands_or_of_writing_before_there_is_a_chat() {
    let mut evening = Evening::looking();
    assert_eq!(evening.write("hello"), []);
    evening.meet();
    evening.press(Key::Delete(Step::Home));
    assert_eq!(evening.write("/saf"), []);
    evening.press(Key::Delete(Step::Home));
    // The first slash may be the beginning of a command, the second shows that it is not.
    assert_eq!(evening.write("//"), [ACTIVE]);
}

#[test]
fn a_text_that_is_sent_says_by_itself_that_its_writer_has_stopped() {
    let mut evening = Evening::talking();
    evening.write("hello");
    assert!(matches!(evening.press(Key::Enter)[..], [Effect::Send(_)]));
    assert_eq!(evening.model.next_tick(), None);
    assert_eq!(evening.write("x"), [ACTIVE]);
}

#[test]
fn a_wrong_command_is_kept_to_be_corrected() {
    let mut evening = Evening::talking();
    assert_eq!(evening.line("/report rudeness"), []);
    assert_eq!(evening.model.draft.text(), "/report rudeness");
    assert!(evening.notice().contains("/help"));
    evening.press(Key::Go(Step::Home));
    assert_eq!(evening.notice(), "");
}
