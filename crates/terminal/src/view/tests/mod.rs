//! Whole screens, as strings.

mod rules;
mod snapshots;

use std::time::Duration;

use client::{
    channel::{EndReason, Typing},
    chat::{End, Event},
};
use qrcode::{EcLevel, QrCode};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, layout::Size, style::Color};
use zeroize::Zeroizing;

use super::{Theme, draw};
use crate::{
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
