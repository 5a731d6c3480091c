//! Draws a pop-up over the texts.

use ratatui::{
    layout::Rect,
    style::Style,
    widgets::{Block, BorderType, Clear, Widget},
};

use super::canvas::Canvas;
use crate::{
    layout::{popup_area, popup_columns, popup_scroll_max},
    popup_text,
    state::{About, Popup, ScreenState},
};

pub(super) fn draw(state: &ScreenState, popup: Popup, canvas: &mut Canvas<'_>) {
    let area = popup_area(state, popup);
    let title = match popup.about {
        About::Safety(_) => " Safety code ",
        About::Commands => " Commands and keys ",
        About::Report(_) => " Report ",
    };
    let below = popup_scroll_max(state).saturating_sub(popup.scroll);
    let hint = if below > 0 { " PgDn: more · Esc: close " } else { " Esc: close " };
    Clear.render(area, canvas.buffer);
    Block::bordered()
        .border_type(BorderType::Rounded)
        .title(title)
        .title_bottom(hint)
        .render(area, canvas.buffer);
    let inner =
        Rect { x: area.x + 2, y: area.y + 1, width: area.width, height: area.height.saturating_sub(2) };
    let lines = popup_text::lines(popup.about, &state.meeting, popup_columns(state));
    for (y, line) in (inner.y..inner.bottom()).zip(lines.iter().skip(popup.scroll)) {
        canvas.write(inner.x, y, line, Style::new());
    }
}
