//! A QR code in half blocks: two of its rows in one row of the terminal.

use qrcode::{Color, EcLevel, QrCode};

use super::{canvas::Canvas, style::Theme};

/// Light modules around it. The standard asks for four. Two are enough for readers, and terminals
/// are small.
const QUIET: usize = 2;

pub(super) struct Qr(QrCode);

impl Qr {
    /// `None` if the text is too long for a QR code.
    pub(super) fn of(text: &str) -> Option<Self> {
        QrCode::with_error_correction_level(text, EcLevel::L).ok().map(Self)
    }

    pub(super) fn width(&self) -> u16 {
        u16::try_from(self.modules()).unwrap_or(u16::MAX)
    }

    pub(super) fn height(&self) -> u16 {
        self.width().div_ceil(2)
    }

    pub(super) fn draw(&self, left: u16, top: u16, canvas: &mut Canvas<'_>) {
        let style = canvas.theme.paper();
        for (y, row) in (top..).zip((0..self.modules()).step_by(2)) {
            let line: String =
                (0..self.modules()).map(|column| self.half_blocks(column, row, canvas.theme)).collect();
            canvas.signs(left, y, &line, style);
        }
    }

    fn modules(&self) -> usize {
        self.0.width() + 2 * QUIET
    }

    /// Two modules, one above the other. Without colours the light ones are drawn: most terminals
    /// are dark.
    fn half_blocks(&self, column: usize, row: usize, theme: Theme) -> char {
        let drawn = |row| (self.is_dark(column, row)) == (theme == Theme::Colours);
        match (drawn(row), row + 1 < self.modules() && drawn(row + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        }
    }

    fn is_dark(&self, column: usize, row: usize) -> bool {
        let inside = QUIET..QUIET + self.0.width();
        inside.contains(&column)
            && inside.contains(&row)
            && self.0[(column - QUIET, row - QUIET)] == Color::Dark
    }
}
