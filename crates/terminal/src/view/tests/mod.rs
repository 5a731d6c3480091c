//! Whole screens, as strings.

mod rules;
mod snapshots;

use std::time::Duration;

use client::{
    channel::{ChannelEnd, Typing},
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
        Input,
        tests::{Harness, number, safety},
    },
    state::MeetingKind,
    text::width,
};

fn drawn(harness: &Harness, theme: Theme) -> Buffer {
    let Size { width, height } = harness.model.screen.size;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(&harness.model.screen, theme, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// The rows of a screen without the blanks at their ends.
fn screen(harness: &Harness) -> Vec<String> {
    let buffer = drawn(harness, Theme::Colours);
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
fn assert_screen(harness: &Harness, expected: &str) {
    let (screen, expected) = (screen(harness).join("\n"), expected.trim_matches('\n'));
    assert!(screen.trim_end() == expected, "is:\n{screen}\n\nshould be:\n{expected}");
}

#[track_caller]
fn assert_shows(harness: &Harness, text: &str) {
    let screen = screen(harness).join("\n");
    assert!(screen.contains(text), "{text:?} is not on:\n{screen}");
}

fn chat(width: u16, height: u16) -> Harness {
    let mut harness = Harness::with(MeetingKind::Topic("music".into()), width, height);
    harness.meet();
    harness.send_text("hello there", 1);
    harness.handle_event(Event::Delivered { number: number(1) });
    harness.receive_text("안녕하세요, 반갑습니다 👋\nsecond line");
    harness.send_text("and a longer text that has to go on on the next row of the screen, for it is long", 2);
    harness.handle_event(Event::PeerTyping(Typing::Active));
    harness.write("half a tho");
    harness
}

const LINK: &str = "https://chat.example/#AAECAwQFBgcICQoLDA0ODw";

fn inviting(width: u16, height: u16) -> Harness {
    let mut harness = Harness::with(MeetingKind::CreatesInvite, width, height);
    harness.give(Input::Link(Zeroizing::new(LINK.into())));
    harness.handle_event(Event::Waiting);
    harness
}
