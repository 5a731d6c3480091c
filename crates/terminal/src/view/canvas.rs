//! What the parts of the screen are drawn on.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_segmentation::UnicodeSegmentation;

use super::style::Theme;
use crate::text::{clipped, is_disputed, width};

/// A buffer to draw on, and the colours.
pub(super) struct Canvas<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) theme: Theme,
}

impl Canvas<'_> {
    /// Writes as much of a text as fits, and returns the column after its place. From its first
    /// disputed character on it is in one cell, and covers as many as any terminal needs for it: a
    /// terminal draws it in one piece, and whatever follows is put behind its place.
    pub(super) fn write(&mut self, x: u16, y: u16, text: &str, style: Style) -> u16 {
        if y >= self.buffer.area.bottom() {
            return x;
        }
        let text = clipped(text, self.buffer.area.right().saturating_sub(x).into());
        let mut graphemes = text.grapheme_indices(true);
        let disputed = graphemes.find(|(_, grapheme)| is_disputed(grapheme)).map_or(text.len(), |(at, _)| at);
        let x = text[..disputed].graphemes(true).fold(x, |x, part| self.put(x, y, part, style));
        if disputed < text.len() { self.put(x, y, &text[disputed..], style) } else { x }
    }

    /// Puts one piece into its place, if there is room for it.
    fn put(&mut self, x: u16, y: u16, piece: &str, style: Style) -> u16 {
        let columns = u16::try_from(width(piece)).unwrap_or(u16::MAX);
        let Some(after) = x.checked_add(columns).filter(|after| *after <= self.buffer.area.right()) else {
            return x;
        };
        for covered in x..after {
            self.buffer[(covered, y)].set_symbol("").set_style(style);
        }
        self.buffer[(x, y)].set_symbol(piece);
        after
    }

    /// Writes signs of this program, each of which takes one column: what is after it is put there.
    pub(super) fn signs(&mut self, x: u16, y: u16, signs: &str, style: Style) -> u16 {
        let mut x = x;
        for sign in signs.chars() {
            if y < self.buffer.area.bottom() && x < self.buffer.area.right() {
                self.buffer[(x, y)].set_char(sign).set_style(style);
                x += 1;
            }
        }
        x
    }

    /// Writes a text that ends before `right`, if it fits after `left`.
    pub(super) fn write_right(&mut self, left: u16, right: u16, y: u16, text: &str, style: Style) {
        let columns = u16::try_from(width(text)).unwrap_or(u16::MAX);
        if let Some(x) = right.checked_sub(columns)
            && x >= left
        {
            self.write(x, y, text, style);
        }
    }

    pub(super) fn fill(&mut self, area: Rect, style: Style) {
        for y in area.y..area.bottom() {
            self.write(area.x, y, &" ".repeat(area.width.into()), style);
        }
    }
}

/// A text, shortened if it does not fit.
pub(super) fn shortened(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    format!("{}…", clipped(text, columns.saturating_sub(1)).trim_end())
}
