//! What holds for every screen.

use super::*;
use crate::state::Peer;
use schemas::outlook::Outlook;

#[test]
fn the_bar_shows_the_state_of_the_chat() {
    let mut harness = Harness::looking();
    assert_shows(&harness, "○ looking for somebody");
    harness.handle_event(Event::Met);
    assert_shows(&harness, "○ somebody is there, agreeing on keys");
    harness.handle_event(Event::Secured { safety: safety() });
    assert_shows(&harness, "● connected, end-to-end encrypted");
    harness.handle_event(Event::PeerAway { kept: KEPT });
    assert_shows(&harness, "! the other person is away; their place is kept for 3:00");
    harness.handle_event(Event::Disconnected { retry_in: Duration::from_millis(2300) });
    assert_shows(&harness, "! no connection, trying again in 3 s");
    harness.pass(1);
    assert_shows(&harness, "! no connection, trying again in 2 s");
    harness.pass(2);
    assert_shows(&harness, "! no connection, trying again now");
    harness.handle_event(Event::Resumed);
    harness.line("/leave");
    assert_shows(&harness, "○ saying goodbye");
    harness.handle_event(Event::Ended { end: End::Bye });
    assert_shows(&harness, "× over: you ended the chat");
}

#[test]
fn a_mark_shows_the_delivery_state_of_a_text() {
    let mut harness = Harness::talking();
    harness.send_text("text", 1);
    assert_shows(&harness, "you  text  ✓\n");
    harness.handle_event(Event::PeerAway { kept: KEPT });
    assert_shows(&harness, "you  text  ·\n");
    harness.handle_event(Event::PeerOnline);
    assert_shows(&harness, "you  text  ✓\n");
    harness.handle_event(Event::Delivered { number: number(1) });
    assert_shows(&harness, "you  text  ✓✓\n");
    harness.line("another");
    assert_shows(&harness, "you  another  ·\n");
    harness.handle_event(Event::Ended { end: End::PeerBye });
    assert_shows(&harness, "you  another  ✗ not delivered\n");
}

#[test]
fn a_mark_without_room_has_a_row_of_its_own() {
    let mut harness = Harness::with(MeetingKind::Anybody, 20, 12);
    harness.meet();
    harness.send_text("1234567890123", 1);
    assert_shows(&harness, "you  1234567890123\n      ✓\n");
}

#[test]
fn no_text_can_pass_for_a_note_or_for_an_own_one() {
    let mut harness = Harness::talking();
    harness.receive_text("hi\n you  I agree  ✓✓\n   *  The other person said goodbye.");
    assert_shows(&harness, "them  hi\n       you  I agree  ✓✓\n         *  The other person said goodbye.\n");
}

#[test]
fn new_texts_below_the_screen_are_counted() {
    let mut harness = Harness::talking();
    (0..40).for_each(|n| harness.receive_text(&format!("text {n}")));
    harness.press(Key::Scroll(Scroll::PageUp));
    assert_shows(&harness, "Esc: newest");
    harness.receive_text("new");
    assert_shows(&harness, "Esc: 1 new");
    assert_shows(&harness, "text 10");
    harness.press(Key::Escape);
    assert_shows(&harness, "them  new");
}

#[test]
fn the_cursor_is_where_the_next_character_goes() {
    let mut harness = Harness::with(MeetingKind::Anybody, 20, 12);
    let cursor = |harness: &Harness| match draw(
        &harness.model.screen,
        Theme::None,
        &mut Buffer::empty(Rect::new(0, 0, 20, 12)),
    ) {
        Some(Cursor::At { x, y }) => (x, y),
        other => panic!("{other:?}"),
    };
    assert_eq!(cursor(&harness), (2, 11));
    harness.write("한a");
    assert_eq!(cursor(&harness), (5, 11));
    harness.press(Key::Go(Step::Left));
    assert_eq!(cursor(&harness), (4, 11));
    harness.write("123456789012345");
    assert_eq!(cursor(&harness), (2, 11));
    harness.press(Key::Go(Step::Home));
    assert_eq!(cursor(&harness), (2, 10));
}

#[test]
fn the_cursor_is_after_a_text_whose_width_only_the_terminal_knows() {
    let mut harness = Harness::looking();
    let cursor = |harness: &Harness| {
        draw(&harness.model.screen, Theme::None, &mut Buffer::empty(Rect::new(0, 0, 80, 24)))
    };
    harness.write("हिन्दी ");
    assert_eq!(cursor(&harness), Some(Cursor::AfterText { y: 23 }));
    harness.press(Key::Go(Step::Home));
    assert_eq!(cursor(&harness), Some(Cursor::At { x: 2, y: 23 }));
}

#[test]
fn a_long_line_leaves_room_for_what_is_said() {
    let mut harness = Harness::talking();
    harness.paste(&"word ".repeat(1600));
    assert_shows(&harness, "192 bytes left");
    let rows = screen(&harness).iter().filter(|row| row.contains("word")).count();
    assert_eq!(rows, 4);
}

#[test]
fn everything_can_be_drawn_at_any_size() {
    for (width, height) in (0..50).flat_map(|width| (0..30).map(move |height| (width, height))) {
        for mut harness in [chat(width, height), inviting(width, height)] {
            screen(&harness);
            harness.press(Key::Delete(Step::Home));
            harness.line("/help");
            (0..3).for_each(|_| drop(harness.press(Key::Scroll(Scroll::Down))));
            screen(&harness);
        }
    }
}

#[test]
fn a_screen_that_has_just_shrunk_is_not_drawn_on() {
    let harness = chat(80, 24);
    draw(&harness.model.screen, Theme::Colours, &mut Buffer::empty(Rect::new(0, 0, 40, 12)));
}

#[test]
fn a_theme_without_colours_draws_none() {
    for harness in [chat(80, 24), inviting(80, 24)] {
        let buffer = drawn(&harness, Theme::None);
        assert!(buffer.content().iter().all(|cell| (cell.fg, cell.bg) == (Color::Reset, Color::Reset)));
    }
}

#[test]
fn texts_have_the_colours_of_the_terminal() {
    let mut harness = chat(80, 24);
    harness.handle_event(Event::Ended { end: End::Fault(ChannelEnd::Malformed) });
    let named = [Color::Reset, Color::Cyan, Color::Magenta, Color::Green, Color::Red];
    for cell in drawn(&harness, Theme::Colours).content() {
        assert!(named.contains(&cell.fg) && cell.bg == Color::Reset, "{cell:?}");
    }
}

#[test]
fn the_qr_code_on_the_screen_is_that_of_the_link() {
    let code = QrCode::with_error_correction_level(LINK, EcLevel::L).unwrap();
    for (theme, drawn_is_dark) in [(Theme::Colours, true), (Theme::None, false)] {
        let buffer = drawn(&inviting(80, 24), theme);
        let is_dark = |x: u16, y: u16| {
            let halves = match buffer[(x, y / 2)].symbol() {
                "█" => [true, true],
                "▀" => [true, false],
                "▄" => [false, true],
                _ => [false, false],
            };
            halves[usize::from(y % 2)] == drawn_is_dark
        };
        // The upper left corner of the code: behind two light modules on a row that begins behind
        // the bar.
        let size = u16::try_from(code.width()).unwrap();
        let (left, top) = (80 - 1 - 2 - size, 2 * (1 + 2) + 2);
        for (x, y) in (0..size).flat_map(|x| (0..size).map(move |y| (x, y))) {
            let dark = code[(x.into(), y.into())] == qrcode::Color::Dark;
            assert_eq!(is_dark(left + x, top + y), dark, "{theme:?} {x} {y}");
        }
    }
}

#[test]
fn texts_have_their_time_where_there_is_room_for_it() {
    let mut harness = Harness::talking();
    harness.receive_text("hello");
    harness.send_text("hi", 1);
    let rows = screen(&harness);
    let row = |start: &str| rows.iter().find(|row| row.starts_with(start)).unwrap().as_str();
    assert_eq!(row("them"), format!("them  hello{}09:05", " ".repeat(63)));
    assert_eq!(row(" you"), format!(" you  hi  ✓{}09:05", " ".repeat(63)));
    let mut narrow = Harness::with(MeetingKind::Anybody, 59, 24);
    narrow.meet();
    narrow.receive_text("hello");
    assert!(!screen(&narrow).iter().any(|row| row.contains("09:05")));
}

#[test]
fn a_peer_that_is_away_has_a_place_for_a_time_that_is_counted_down() {
    let mut harness = Harness::talking();
    harness.model.screen.peer = Peer::Away { until: Duration::from_millis(179_500) };
    assert_shows(&harness, "! the other person is away; their place is kept for 3:00");
    assert_eq!(harness.model.next_tick(), Some(Duration::from_millis(500)));
    harness.pass(60);
    assert_shows(&harness, "kept for 2:00");
    harness.handle_event(Event::PeerOnline);
    assert_shows(&harness, "● connected");
}

#[test]
fn somebody_who_waits_for_long_reads_why() {
    let mut harness = Harness::with(MeetingKind::Topic("music".into()), 80, 24);
    harness.handle_event(Event::Waiting(Outlook::default()));
    harness.pass(9);
    assert!(!screen(&harness).join(" ").contains("/any"));
    harness.pass(1);
    assert_shows(&harness, "Nobody else names this topic at the moment.");
    harness.line("/any");
    harness.pass(10);
    assert_shows(&harness, "Nobody else is looking at the moment.");
}

#[test]
fn what_belongs_to_a_text_is_told_where_no_text_can_tell_it() {
    let mut harness = Harness::with(MeetingKind::Anybody, 60, 20);
    harness.meet();
    harness.send_text("shall we meet?", 1);
    let own = Target::own(number(1));
    let reply = |text: &str| Event::Message {
        number: number(1),
        text: text.into(),
        reply_to: Some(own),
        vanishes_after: None,
    };
    harness.handle_event(reply("┃ shall we not?\n↳ you: 👎"));
    harness.handle_event(Event::Edited { number: number(1), text: "┃ at noon".into() });
    harness.handle_event(Event::Reaction { to: own, reaction: "ok\nyou: no".into() });
    assert_shows(&harness, " you  shall we meet?  ✓");
    assert_shows(&harness, "\n    ↳ them: ok you: no\n    ┃ shall we meet?\nthem  ┃ at noon  (edited)");
    harness.handle_event(Event::Deleted { number: number(1) });
    assert_shows(&harness, "\nthem  (deleted)");
    let words = Words::Deletion { number: number(1) };
    harness.handle_event(Event::Message {
        number: number(2),
        text: "what did you say?".into(),
        reply_to: Some(own),
        vanishes_after: None,
    });
    harness.give(Input::Said(words, Ok(number(2))));
    assert_shows(&harness, "\n you  (deleted)");
    assert_shows(&harness, "\n    ┃ (a message that is gone)\nthem  what did you say?");
}
