//! What the parts of the screen are drawn on.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::style::Theme;
use crate::text::{clipped, width};

/// A buffer to draw on, and the colours.
pub(super) struct Canvas<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) theme: Theme,
}

impl Canvas<'_> {
    /// Writes as much of a text as fits, and returns the column after it.
    pub(super) fn write(&mut self, x: u16, y: u16, text: &str, style: Style) -> u16 {
        if y >= self.buffer.area.bottom() || x >= self.buffer.area.right() {
            return x;
        }
        self.buffer.set_stringn(x, y, text, usize::from(self.buffer.area.right() - x), style).0
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
