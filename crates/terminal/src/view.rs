//! Draws the [`Model`]. Only the sixteen named colours, each on the terminal's own background, so that light and dark ones will do.

mod parts;
mod popup;
mod qr;
mod style;
#[cfg(test)]
mod tests;
mod waiting;

use ratatui::{Frame, buffer::Buffer, layout::Rect, style::Style};

pub(super) use self::{popup::lines as popup_lines, style::Theme};
use super::{
    layout::{Areas, PROMPT, draft_rows},
    model::{Model, Stage},
    text::{clipped, width},
};

/// Draws all of the screen and places the cursor.
pub(super) fn draw(model: &Model, theme: Theme, frame: &mut Frame<'_>) {
    let areas = Areas::of(model);
    // The size that the model knows may be that of a moment ago.
    let screen = frame.area();
    let canvas = &mut Canvas { buffer: frame.buffer_mut(), theme };
    if areas.draft.bottom() > screen.bottom() || areas.draft.width > screen.width {
        return;
    }
    parts::status(model, areas.status, canvas);
    parts::safety(model, areas.safety, canvas);
    match model.stage {
        Stage::Opening(_) | Stage::Waiting => waiting::draw(model, areas.body, canvas),
        _ => parts::log(model, areas.body, canvas),
    }
    parts::rule(model, areas.rule, canvas);
    let cursor = draw_draft(model, areas.draft, canvas);
    if let Some(popup) = model.popup {
        popup::draw(model, popup, canvas);
    }
    if let Some(cursor) = cursor {
        frame.set_cursor_position(cursor);
    }
}

/// The line that is written, scrolled to the cursor; and where that is.
fn draw_draft(model: &Model, area: Rect, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let rows = draft_rows(model);
    let at = rows.iter().rposition(|row| row.start <= model.draft.cursor()).unwrap_or(0);
    let first = (at + 1).saturating_sub(area.height.into());
    for (y, (n, row)) in (area.y..area.bottom()).zip(rows.iter().enumerate().skip(first)) {
        let prompt = if n == 0 { ">" } else { " " };
        canvas.write(area.x, y, prompt, canvas.theme.faint());
        canvas.write(area.x + PROMPT, y, &model.draft.text()[row.clone()], Style::new());
    }
    let row = rows.get(at)?;
    let before = width(&model.draft.text()[row.start..model.draft.cursor()]);
    let x = area.x + PROMPT + u16::try_from(before).ok()?;
    let y = area.y + u16::try_from(at.checked_sub(first)?).ok()?;
    (x < area.right() && y < area.bottom()).then_some((x, y))
}

/// What is drawn on, and how.
struct Canvas<'a> {
    buffer: &'a mut Buffer,
    theme: Theme,
}

impl Canvas<'_> {
    /// Writes as much of a text as has room, and says where it ends.
    fn write(&mut self, x: u16, y: u16, text: &str, style: Style) -> u16 {
        if y >= self.buffer.area.bottom() || x >= self.buffer.area.right() {
            return x;
        }
        self.buffer.set_stringn(x, y, text, usize::from(self.buffer.area.right() - x), style).0
    }

    /// Writes so that the text ends before `right`, if it has room behind `left`.
    fn write_right(&mut self, left: u16, right: u16, y: u16, text: &str, style: Style) {
        let columns = u16::try_from(width(text)).unwrap_or(u16::MAX);
        if let Some(x) = right.checked_sub(columns)
            && x >= left
        {
            self.write(x, y, text, style);
        }
    }

    fn fill(&mut self, area: Rect, style: Style) {
        for y in area.y..area.bottom() {
            self.write(area.x, y, &" ".repeat(area.width.into()), style);
        }
    }
}

/// A text, shortened where it has no room.
fn shortened(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    format!("{}…", clipped(text, columns.saturating_sub(1)).trim_end())
}
