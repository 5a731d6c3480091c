//! Draws the [`ScreenState`]. It uses only the sixteen named colours on the terminal's own
//! background, so that it suits light and dark terminals.

mod canvas;
mod parts;
mod popup;
mod qr;
mod style;
#[cfg(test)]
mod tests;
mod waiting;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use self::canvas::Canvas;
pub(super) use self::style::Theme;
use super::{
    layout::{Areas, PROMPT, draft_rows},
    state::{ScreenState, Stage},
    text::{is_disputed, width},
};

/// Where the cursor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cursor {
    /// In this cell.
    At { x: u16, y: u16 },
    /// After the text of this row. Only the terminal knows where that is.
    AfterText { y: u16 },
}

/// Draws the whole screen. Returns where the cursor goes, if anywhere.
pub(super) fn draw(state: &ScreenState, theme: Theme, buffer: &mut Buffer) -> Option<Cursor> {
    let areas = Areas::of(state);
    // The terminal may have shrunk since the size in the state was read.
    let screen = buffer.area;
    if areas.draft.bottom() > screen.bottom() || areas.draft.width > screen.width {
        return None;
    }
    let canvas = &mut Canvas { buffer, theme };
    parts::status(state, areas.status, canvas);
    parts::safety(state, areas.safety, canvas);
    match state.stage {
        Stage::Opening(_) | Stage::Waiting => waiting::draw(state, areas.body, canvas),
        _ => parts::log(state, areas.body, canvas),
    }
    parts::rule(state, areas.rule, canvas);
    let cursor = draw_draft(state, areas.draft, canvas);
    if let Some(popup) = state.popup {
        popup::draw(state, popup, canvas);
    }
    cursor
}

/// Draws the draft, scrolled to the cursor. Returns where the cursor is.
fn draw_draft(state: &ScreenState, area: Rect, canvas: &mut Canvas<'_>) -> Option<Cursor> {
    let rows = draft_rows(state);
    let at = rows.iter().rposition(|row| row.start <= state.draft.cursor()).unwrap_or(0);
    let first = (at + 1).saturating_sub(area.height.into());
    for (y, (n, row)) in (area.y..area.bottom()).zip(rows.iter().enumerate().skip(first)) {
        let prompt = if n == 0 { ">" } else { " " };
        canvas.write(area.x, y, prompt, canvas.theme.faint());
        canvas.write(area.x + PROMPT, y, &state.draft.text()[row.clone()], Style::new());
    }
    let row = rows.get(at)?;
    let before = &state.draft.text()[row.start..state.draft.cursor()];
    let x = area.x + PROMPT + u16::try_from(width(before)).ok()?;
    let y = area.y + u16::try_from(at.checked_sub(first)?).ok()?;
    if x >= area.right() || y >= area.bottom() {
        return None;
    }
    let at_end = state.draft.cursor() == row.end;
    Some(if at_end && is_disputed(before) { Cursor::AfterText { y } } else { Cursor::At { x, y } })
}
