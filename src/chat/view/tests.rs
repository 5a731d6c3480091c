//! Whole screens, as strings.

use std::time::Duration;

use client::{
    channel::{EndReason, Typing},
    chat::{End, Event},
};
use qrcode::{EcLevel, QrCode};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, layout::Size, style::Color};
use zeroize::Zeroizing;

use super::{Theme, draw};
use crate::chat::{
    draft::Step,
    keys::{Key, Scroll},
    model::{
        Errand, Input,
        tests::{Evening, number, safety},
    },
    text::width,
};

fn drawn(evening: &Evening, theme: Theme) -> Buffer {
    let Size { width, height } = evening.model.size;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(&evening.model, theme, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// The rows of a screen without the blanks at their ends.
fn screen(evening: &Evening) -> Vec<String> {
    let buffer = drawn(evening, Theme::Colours);
    let row = |y| {
        let mut row = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            row.push_str(symbol);
            x += u16::try_from(width(symbol).max(1)).unwrap();
        }
        row.trim_end().to_owned()
    };
    (0..buffer.area.height).map(row).collect()
}

#[track_caller]
fn assert_screen(evening: &Evening, expected: &str) {
    let (screen, expected) = (screen(evening).join("\n"), expected.trim_matches('\n'));
    assert!(screen.trim_end() == expected, "is:\n{screen}\n\nshould be:\n{expected}");
}

#[track_caller]
fn assert_shows(evening: &Evening, text: &str) {
    let screen = screen(evening).join("\n");
    assert!(screen.contains(text), "{text:?} is not on:\n{screen}");
}

fn chat(width: u16, height: u16) -> Evening {
    let mut evening = Evening::with(Errand::Topic("music".into()), width, height);
    evening.meet();
    evening.say("hello there", 1);
    evening.hear(Event::Delivered { number: number(1) });
    evening.hear_text("안녕하세요, 반갑습니다 👋\nsecond line");
    evening.say("and a longer text that has to go on on the next row of the screen, for it is long", 2);
    evening.hear(Event::PeerTyping(Typing::Active));
    evening.write("half a tho");
    evening
}

const LINK: &str = "https://chat.example/#AAECAwQFBgcICQoLDA0ODw";

fn inviting(width: u16, height: u16) -> Evening {
    let mut evening = Evening::with(Errand::Inviting, width, height);
    evening.give(Input::Link(Zeroizing::new(LINK.into())));
    evening.hear(Event::Waiting);
    evening
}

#[test]
fn a_chat_in_a_usual_terminal() {
    assert_screen(
        &chat(80, 24),
        r#"
 ● connected, end-to-end encrypted                                        music
 🦋 Butterfly  📎 Paperclip  👓 Glasses  👓 Glasses  🔥 Fire  🎩 Hat  🐟 Fish
 13762 11557 20252












   *  You talk to a stranger. Only you two can read it; nothing is stored.
   *  Above is your safety code; /safety explains it. /help lists the commands.
 you  hello there  ✓✓
them  안녕하세요, 반갑습니다 👋
      second line
 you  and a longer text that has to go on on the next row of the screen, for it
      is long  ✓
─ typing… ──────────────────────────────────────────────────────────────────────
> half a tho
"#,
    );
}

#[test]
fn a_chat_in_a_small_terminal() {
    assert_screen(
        &chat(40, 12),
        r#"
 ● connected, end-to-end encrypted
 🦋 📎 👓 👓 🔥 🎩 🐟  13762 11557 20252
      /safety explains it. /help lists
      the commands.
 you  hello there  ✓✓
them  안녕하세요, 반갑습니다 👋
      second line
 you  and a longer text that has to go
      on on the next row of the screen,
      for it is long  ✓
─ typing… ──────────────────────────────
> half a tho
"#,
    );
}

#[test]
fn somebody_is_looked_for() {
    let mut evening = Evening::with(Errand::Topic("music".into()), 40, 12);
    evening.hear(Event::Waiting);
    assert_screen(
        &evening,
        r#"
 ○ looking for somebody           music
  Looking for somebody…
  Topic: music
  You will talk to a stranger. Keep
  your name, address and passwords to
  yourself, and leave whenever you
  like.
  /leave stops looking, /quit ends,
  /help lists the commands.

────────────────────────────────────────
>
"#,
    );
}

#[test]
fn a_link_to_hand_over_with_its_qr_code() {
    assert_screen(
        &inviting(80, 24),
        r#"
 ○ waiting for your guest                                         by invitation
  https://chat.example/#AAECAwQFBgcICQoLDA0ODw

  Your invite link
                                                █▀▀▀▀▀█ ▄▀ ▄████ ▄▀ ▄ █▀▀▀▀▀█
  Send it to one person, over a channel you     █ ███ █ ▀███▀▄█▄██▄█  █ ███ █
  trust. It works once, for as long as this     █ ▀▀▀ █ █▄ ▄ ▄▀▄█ ▀▄▀ █ ▀▀▀ █
  program runs.                                 ▀▀▀▀▀▀▀ █▄▀ █ ▀ █▄█▄█ ▀▀▀▀▀▀▀
                                                ██ █▄ ▀▀▄ █▄ ▄▀▄██ ▀ ▄██▀▄▀▀▄
  Whoever has the link can take your guest's    ▄▀ ▀▄▀▀ █▀▀  █▄▄▀ ▄█ ██▄▀▀██
  place. Compare the safety code once you are   ▄ ████▀▄  ▄▄█  █▀▄ ▄██▀▀ ▀ ▀▀
  connected.                                    ▄▄█▄▄█▀  █▀ █▄▄  ▄█▄▄▀▀▄▀█▀█▀
                                                 ▀▄███▀ ▀ █▀ ▄▀ ▄   ▀▀▄▄ ▄ ▀▄
  /leave discards it, /quit ends.               ▀   ▄▄▀ ▀▄█▄  ▀  ▄█ ▀▄▄▄█  ██
                                                ▀  ▀  ▀▀▄ ███ ▀ █▄▄ █▀▀▀█ █▄▄
                                                █▀▀▀▀▀█ ▀▄███▄   ▀▄ █ ▀ █▄▄█
                                                █ ███ █ ▄█▄█▀  ▄▀▄▄▄▀▀███▄▄█
                                                █ ▀▀▀ █ ▄ ▀▀▄▄▀ █████▄  █▀▀▄▀
                                                ▀▀▀▀▀▀▀ ▀ ▀         ▀▀  ▀▀ ▀



────────────────────────────────────────────────────────────────────────────────
>
"#,
    );
}

#[test]
fn a_link_to_hand_over_where_a_qr_code_has_no_room() {
    assert_screen(
        &inviting(40, 12),
        r#"
 ○ waiting for your guest
  Your invite link
  https://chat.example/#AAECAwQFBgcICQ
  oLDA0ODw
  Send it to one person, over a
  channel you trust. It works once,
  for as long as this program runs.
  Whoever has the link can take your
  guest's place. Compare the safety
  code once you are connected.
────────────────────────────────────────
>
"#,
    );
}

#[test]
fn the_safety_code_explained() {
    let mut evening = chat(80, 24);
    evening.press(Key::Delete(Step::Home));
    evening.line("/safety");
    assert_screen(
        &evening,
        r#"
 ● connected, end-to-end encrypted                                        music
 🦋 Butterfly  📎 Paperclip  👓 Glasses  👓 Glasses  🔥 Fire  🎩 Hat  🐟 Fish
 137╭ Safety code ─────────────────────────────────────────────────────────╮
    │ You and the other should see the same seven signs, in the same       │
    │ order:                                                               │
    │                                                                      │
    │ 🦋 Butterfly  📎 Paperclip  👓 Glasses  👓 Glasses  🔥 Fire  🎩 Hat  │
    │ 🐟 Fish                                                              │
    │                                                                      │
    │ or the same numbers: 13762 11557 20252                               │
    │                                                                      │
    │ Compare them on a call, or face to face. If they are the same,       │
    │ nobody sits between you and reads along. If they differ, leave the   │
    │ chat.                                                                │
    │                                                                      │
   *│ Compared in this chat they prove nothing: whoever sat between you    │
   *│ could change what you write about them.                              │ds.
 you│                                                                      │
them│ With a stranger you have no other way to reach, it proves little:    │
    │ that the chat is encrypted is certain, but not with whom.            │
 you╰ Esc: close ──────────────────────────────────────────────────────────╯ it
      is long  ✓
─ typing… ──────────────────────────────────────────────────────────────────────
>
"#,
    );
}

#[test]
fn the_commands_in_a_small_terminal() {
    let mut evening = chat(40, 12);
    evening.press(Key::Delete(Step::Home));
    evening.line("/help");
    assert_screen(
        &evening,
        r#"
 ● connected, end-to-end encrypted
╭ Commands and keys ───────────────────╮
│ /next     meet somebody else         │
│ /leave    end this chat, or search   │
│ /report   end this chat and report   │
│           it: as in /report spam, or │
│           abuse, minor, other        │
│ /safety   the safety code, explained │
│ /quit     end all (also Ctrl-C)      │
╰ PgDn: more · Esc: close ─────────────╯
─ typing… ──────────────────────────────
>
"#,
    );
}

#[test]
fn the_end_by_the_other_with_a_text_that_may_not_have_arrived() {
    let mut evening = chat(80, 24);
    evening.hear(Event::NotDelivered { number: number(2) });
    evening.hear(Event::Ended { end: End::PeerBye });
    assert_screen(
        &evening,
        r#"
 × over: the other said goodbye                                           music









   *  You talk to a stranger. Only you two can read it; nothing is stored.
   *  Above is your safety code; /safety explains it. /help lists the commands.
 you  hello there  ✓✓
them  안녕하세요, 반갑습니다 👋
      second line
 you  and a longer text that has to go on on the next row of the screen, for it
      is long  ✗ not delivered
   *  The other said goodbye.
   !  One of your texts may not have arrived.
   *  Forgotten: the keys. What you still see is on this screen alone, and is
      wiped when you go on.
   *  /next looks for somebody else, /quit ends.
────────────────────────────────────────────────────────────────────────────────
> half a tho
"#,
    );
}

#[test]
fn the_end_by_oneself() {
    let mut evening = chat(40, 12);
    evening.press(Key::Delete(Step::Home));
    evening.line("/leave");
    evening.hear(Event::Ended { end: End::Bye });
    assert_screen(
        &evening,
        r#"
 × over: you ended the chat       music

   *  You ended the chat.
   !  One of your texts may not have
      arrived.
   *  Forgotten: the keys and every
      text. The server only passed on
      ciphertext, and kept no copy.
   *  /next looks for somebody else,
      /quit ends.
────────────────────────────────────────
>
"#,
    );
}

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
