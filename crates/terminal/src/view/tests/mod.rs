//! Whole screens, as strings.

mod rules;
mod snapshots;

use schemas::outlook::Outlook;
use std::time::Duration;

use client::{
    channel::{ChannelEnd, Target, Typing},
    chat::{End, Event},
};
use qrcode::{EcLevel, QrCode};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Color,
};

use super::{Cursor, Theme, draw};
use crate::{
    draft::Step,
    keys::{Key, Scroll},
    model::{
        Input,
        tests::{Harness, KEPT, handout, number, safety},
    },
    saying::Words,
    state::MeetingKind,
};

fn drawn(harness: &Harness, theme: Theme) -> Buffer {
    let mut buffer = Buffer::empty(Rect::from((Position::ORIGIN, harness.model.screen.size)));
    draw(&harness.model.screen, theme, &mut buffer);
    buffer
}

/// The rows of a screen without the blanks at their ends.
fn screen(harness: &Harness) -> Vec<String> {
    let buffer = drawn(harness, Theme::Colours);
    // What a piece of text covers is empty.
    let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..buffer.area.height).map(|y| row(y).trim_end().to_owned()).collect()
}

#[track_caller]
fn assert_screen(harness: &Harness, expected: &str) {
    let (screen, expected) = (screen(harness).join("\n"), expected.trim_matches('\n'));
    assert!(screen.trim_end() == expected, "is:\n{screen}\n\nshould be:\n{expected}");
}

#[track_caller]
fn assert_shows(harness: &Harness, text: &str) {
    // The times of texts are left out.
    let rows = screen(harness);
    let rows: Vec<_> = rows.iter().map(|row| row.trim_end_matches("09:05").trim_end()).collect();
    let screen = rows.join("\n");
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
    harness.give(Input::Invite(handout()));
    harness.handle_event(Event::Waiting(Outlook::default()));
    harness
}
