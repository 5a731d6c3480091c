//! What holds for every screen.

use super::*;

#[test]
fn the_bar_tells_how_things_stand() {
    let mut evening = Evening::looking();
    assert_shows(&evening, "○ looking for somebody");
    evening.hear(Event::Met);
    assert_shows(&evening, "○ somebody is there, agreeing on keys");
    evening.hear(Event::Secured { safety: safety() });
    assert_shows(&evening, "● connected, end-to-end encrypted");
    evening.hear(Event::PeerAway);
    assert_shows(&evening, "! the other is away and may come back; what you write waits");
    evening.hear(Event::Disconnected { retry_in: Duration::from_millis(2300) });
    assert_shows(&evening, "! no connection, trying again in 3 s");
    evening.pass(1);
    assert_shows(&evening, "! no connection, trying again in 2 s");
    evening.pass(2);
    assert_shows(&evening, "! no connection, trying again now");
    evening.hear(Event::Resumed);
    evening.line("/leave");
    assert_shows(&evening, "○ saying goodbye");
    evening.hear(Event::Ended { end: End::Bye });
    assert_shows(&evening, "× over: you ended the chat");
}

#[test]
fn a_mark_tells_what_has_become_of_a_text() {
    let mut evening = Evening::talking();
    evening.say("text", 1);
    assert_shows(&evening, "you  text  ✓\n");
    evening.hear(Event::PeerAway);
    assert_shows(&evening, "you  text  ·\n");
    evening.hear(Event::PeerOnline);
    assert_shows(&evening, "you  text  ✓\n");
    evening.hear(Event::Delivered { number: number(1) });
    assert_shows(&evening, "you  text  ✓✓\n");
    evening.line("another");
    assert_shows(&evening, "you  another  ·\n");
    evening.hear(Event::Ended { end: End::PeerBye });
    assert_shows(&evening, "you  another  ✗ not delivered\n");
}

#[test]
fn a_mark_without_room_has_a_row_of_its_own() {
    let mut evening = Evening::with(Errand::Anybody, 20, 12);
    evening.meet();
    evening.say("1234567890123", 1);
    assert_shows(&evening, "you  1234567890123\n      ✓\n");
}

#[test]
fn no_text_can_pass_for_a_note_or_for_an_own_one() {
    let mut evening = Evening::talking();
    evening.hear_text("hi\n you  I agree  ✓✓\n   *  The other said goodbye.");
    assert_shows(&evening, "them  hi\n       you  I agree  ✓✓\n         *  The other said goodbye.\n");
}

#[test]
fn new_texts_below_the_screen_are_counted() {
    let mut evening = Evening::talking();
    (0..40).for_each(|n| evening.hear_text(&format!("text {n}")));
    evening.press(Key::Scroll(Scroll::PageUp));
    assert_shows(&evening, "PgDn: newer");
    evening.hear_text("new");
    assert_shows(&evening, "PgDn: 1 new");
    assert_shows(&evening, "text 10");
    evening.press(Key::Escape);
    assert_shows(&evening, "them  new");
}

#[test]
fn the_cursor_is_where_the_next_character_goes() {
    let mut evening = Evening::with(Errand::Anybody, 20, 12);
    let cursor = |evening: &Evening| {
        let mut terminal = Terminal::new(TestBackend::new(20, 12)).unwrap();
        terminal.draw(|frame| draw(&evening.model, Theme::None, frame)).unwrap();
        <(u16, u16)>::from(terminal.get_cursor_position().unwrap())
    };
    assert_eq!(cursor(&evening), (2, 11));
    evening.write("한a");
    assert_eq!(cursor(&evening), (5, 11));
    evening.press(Key::Go(Step::Left));
    assert_eq!(cursor(&evening), (4, 11));
    evening.write("123456789012345");
    assert_eq!(cursor(&evening), (2, 11));
    evening.press(Key::Go(Step::Home));
    assert_eq!(cursor(&evening), (2, 10));
}

#[test]
fn a_long_line_leaves_room_for_what_is_said() {
    let mut evening = Evening::talking();
    evening.paste(&"word ".repeat(1600));
    assert_shows(&evening, "192 bytes left");
    let rows = screen(&evening).iter().filter(|row| row.contains("word")).count();
    assert_eq!(rows, 4);
}

#[test]
fn everything_can_be_drawn_at_any_size() {
    for (width, height) in (0..50).flat_map(|width| (0..30).map(move |height| (width, height))) {
        for mut evening in [chat(width, height), inviting(width, height)] {
            screen(&evening);
            evening.press(Key::Delete(Step::Home));
            evening.line("/help");
            (0..3).for_each(|_| drop(evening.press(Key::Scroll(Scroll::Down))));
            screen(&evening);
        }
    }
}

#[test]
fn a_screen_that_has_just_shrunk_is_not_drawn_on() {
    let evening = chat(80, 24);
    let mut terminal = Terminal::new(TestBackend::new(40, 12)).unwrap();
    terminal.draw(|frame| draw(&evening.model, Theme::Colours, frame)).unwrap();
}

#[test]
fn without_colours_there_are_none() {
    for evening in [chat(80, 24), inviting(80, 24)] {
        let buffer = drawn(&evening, Theme::None);
        assert!(buffer.content().iter().all(|cell| (cell.fg, cell.bg) == (Color::Reset, Color::Reset)));
    }
}

#[test]
fn texts_have_the_colours_of_the_terminal() {
    let mut evening = chat(80, 24);
    evening.hear(Event::Ended { end: End::Fault(EndReason::Malformed) });
    let named = [Color::Reset, Color::Cyan, Color::Magenta, Color::Green, Color::Red];
    for cell in drawn(&evening, Theme::Colours).content() {
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
        // The upper left corner of the code: behind two light modules on a row that begins behind the bar.
        let size = u16::try_from(code.width()).unwrap();
        let (left, top) = (80 - 1 - 2 - size, 2 * (1 + 2) + 2);
        for (x, y) in (0..size).flat_map(|x| (0..size).map(move |y| (x, y))) {
            let dark = code[(x.into(), y.into())] == qrcode::Color::Dark;
            assert_eq!(is_dark(left + x, top + y), dark, "{theme:?} {x} {y}");
        }
    }
}
