//! What strangers write, on real terminals: it stays in its place, and leaves nothing behind.

mod tmux;

use client::chat::Event;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use self::tmux::Tmux;
use super::*;
use crate::{
    draft::Step,
    entry_rows::GUTTER,
    keys::Key,
    model::tests::{Harness, number},
    view::{Theme, draw},
};

/// A terminal that shows what a painter writes.
trait Emulator {
    fn write(&mut self, bytes: &[u8]);

    /// Its rows without the blanks at their ends, once it has drawn a last row that ends so.
    fn rows(&mut self, end: &str) -> Vec<String>;
}

impl Emulator for vt100::Parser {
    fn write(&mut self, bytes: &[u8]) {
        self.process(bytes);
    }

    fn rows(&mut self, end: &str) -> Vec<String> {
        let columns = self.screen().size().1;
        let rows: Vec<_> = self.screen().rows(0, columns).map(|row| row.trim_end().to_owned()).collect();
        assert!(rows.last().unwrap().ends_with(end), "{rows:?}");
        rows
    }
}

fn vt100() -> vt100::Parser {
    vt100::Parser::new(24, 80, 0)
}

/// A chat, and the terminal that shows it.
struct Shown<'a> {
    harness: Harness,
    painter: Painter,
    emulator: &'a mut dyn Emulator,
    /// How often it was drawn, which the draft says.
    times: u32,
}

impl<'a> Shown<'a> {
    fn new(emulator: &'a mut dyn Emulator) -> Self {
        Self { harness: Harness::talking(), painter: Painter::default(), emulator, times: 0 }
    }

    fn buffer(&self) -> Buffer {
        let mut buffer = Buffer::empty(Rect::from((Position::ORIGIN, self.harness.model.screen.size)));
        draw(&self.harness.model.screen, Theme::Colours, &mut buffer);
        buffer
    }

    /// Draws, and compares all that a stranger has not written with what should be there.
    #[track_caller]
    fn check(&mut self) {
        self.times += 1;
        self.harness.press(Key::Delete(Step::Home));
        self.harness.write(&format!("draft {}", self.times));
        let buffer = self.buffer();
        let mut bytes = Vec::new();
        let cursor = draw(&self.harness.model.screen, Theme::Colours, &mut buffer.clone());
        self.painter.paint(&mut bytes, buffer.clone(), cursor).unwrap();
        self.emulator.write(&bytes);
        let rows = self.emulator.rows(&format!("> draft {}", self.times));
        // The safety code is above the texts, and ours.
        for (y, row) in (0..).zip(&rows).filter(|(y, _)| *y != 1) {
            let cells: Vec<_> = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect();
            let gutter = cells[..GUTTER.into()].concat();
            let is_own = |cell: &str| cell.chars().all(|c| c.is_ascii() || "●─✓·…╭╮╰╯│".contains(c));
            if cells[GUTTER.into()..].iter().any(|cell| is_disputed(cell) && !is_own(cell)) {
                let begins = row.chars().take(GUTTER.into()).collect::<String>();
                assert_eq!(begins.trim_end(), gutter.trim_end(), "row {y} of {rows:#?}");
            } else {
                assert_eq!(row, cells.concat().trim_end(), "row {y} of {rows:#?}");
            }
        }
    }

    /// A stranger says something, this side answers, and then both say something plain.
    #[track_caller]
    fn survives(&mut self, texts: &[String]) {
        texts.iter().for_each(|text| self.harness.receive_text(text));
        self.check();
        self.harness.press(Key::Delete(Step::Home));
        self.harness.send_text("ok", 1);
        self.harness.handle_event(Event::Delivered { number: number(1) });
        self.check();
        let rows = self.emulator.rows("");
        let is_own = |row: &String| row.starts_with(" you  ok  ✓✓   ") && row.ends_with("  09:05");
        assert!(rows.iter().any(is_own), "{rows:#?}");
        (0..24).for_each(|_| self.harness.receive_text("plain"));
        self.check();
        let rows = self.emulator.rows("");
        assert!(rows[3..22].iter().all(|row| row.starts_with("them  plain   ")), "{rows:#?}");
    }
}

/// Lines of every 32 characters that there are, alone and between letters; of what is alike in
/// thousands, every 16th line.
fn every_block() -> Vec<String> {
    let code_points: Vec<u32> = (0..=u32::from(char::MAX)).step_by(32).collect();
    let characters = |start: u32| -> String {
        (start..start + 32)
            .filter_map(char::from_u32)
            .filter(|c| {
                !matches!(c, '\n' | '\r' | '\t') && c.general_category() != GeneralCategory::Unassigned
            })
            .collect()
    };
    let is_alike = |start: u32| matches!(start, 0x3400..0xa000 | 0xac00..0xd7a0 | 0xe000..0xf900 | 0x1_7000..0x1_8d00 | 0x2_0000..0x3_3500 | 0xf_0000..);
    let chosen = code_points.into_iter().filter(|start| !is_alike(*start) || start % 512 == 0);
    chosen
        .map(characters)
        .filter(|line| !line.is_empty())
        .flat_map(|line| {
            let apart: String = line.chars().take(20).flat_map(|c| [c, 'x']).collect();
            [line, apart]
        })
        .collect()
}

#[track_caller]
fn survives_every_block(emulator: &mut dyn Emulator) {
    let mut shown = Shown::new(emulator);
    every_block().chunks(19).for_each(|lines| shown.survives(lines));
}

#[test]
fn every_block_of_unicode_stays_in_its_place_in_tmux() {
    survives_every_block(&mut Tmux::open(80, 24));
}

#[test]
fn every_block_of_unicode_stays_in_its_place_in_vt100() {
    survives_every_block(&mut vt100());
}

/// What has been tried, or has happened.
fn attacks() -> Vec<String> {
    let after_signs = |text: &str| text.chars().flat_map(|c| ['\u{600}', c]).collect::<String>();
    vec![
        after_signs("  , send the money to me"),
        "क्षि".repeat(30),
        "🇰🇷".repeat(40),
        "👩‍👩‍👧".repeat(20),
        "👍🏽".repeat(40),
        "❤\u{fe0f}".repeat(40),
        "\u{115f}".repeat(60),
        "\u{1100}\u{1161}\u{1161}\u{1161}".repeat(30),
        format!("a{}", "\u{301}".repeat(300)),
        "\u{d4e}a".repeat(40),
        "\u{202e}fdp.exe\u{2066}".repeat(5),
        "\u{fdfd}".repeat(40),
        "\u{2e3b}".repeat(40),
        "\u{1242b}".repeat(40),
        "﷽ｗｉｄｅ".repeat(12),
        "\u{200b}\u{200d}\u{feff}".repeat(40),
        "\x1b[2J\x1b[1;1H\x1b]0;x\x07\u{9b}2J".into(),
        format!("{}* the other said goodbye", " ".repeat(73)),
    ]
}

#[test]
fn attacks_stay_in_their_place() {
    for emulator in [&mut Tmux::open(80, 24) as &mut dyn Emulator, &mut vt100()] {
        let mut shown = Shown::new(emulator);
        attacks().chunks(3).for_each(|texts| shown.survives(texts));
        attacks().iter().for_each(|text| shown.survives(std::slice::from_ref(text)));
    }
}

#[test]
fn a_popup_over_such_texts_is_whole_and_goes_away_whole() {
    for emulator in [&mut Tmux::open(80, 24) as &mut dyn Emulator, &mut vt100()] {
        let mut shown = Shown::new(emulator);
        attacks().iter().for_each(|text| shown.harness.receive_text(text));
        shown.check();
        shown.harness.press(Key::Delete(Step::Home));
        shown.harness.line("/help");
        let buffer = shown.buffer();
        let mut bytes = Vec::new();
        shown.painter.paint(&mut bytes, buffer.clone(), Some(Cursor::At { x: 2, y: 23 })).unwrap();
        shown.emulator.write(&bytes);
        // The next drawing shows whether anything has stayed.
        shown.check();
    }
}

#[test]
fn only_rows_that_have_changed_are_written() {
    let mut emulator = vt100();
    let mut shown = Shown::new(&mut emulator);
    shown.check();
    let buffer = shown.buffer();
    let mut bytes = Vec::new();
    shown.painter.paint(&mut bytes, buffer.clone(), Some(Cursor::At { x: 2, y: 23 })).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), "\x1b[?25l\x1b[24;3H\x1b[?25h");
    shown.painter.forget();
    let mut bytes = Vec::new();
    shown.painter.paint(&mut bytes, buffer, None).unwrap();
    let written = String::from_utf8(bytes).unwrap();
    assert!(written.contains("\x1b[2J") && written.contains("connected"), "{written:?}");
}
