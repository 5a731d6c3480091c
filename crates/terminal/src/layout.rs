//! Where everything is on the screen, and how many rows it takes. The model uses it to scroll, and
//! the view to draw.

use std::ops::Range;

use client::channel::SafetyCode;
use ratatui::layout::{Rect, Size};

use crate::{
    entry_rows::entry_rows,
    log::{EntryId, EntryStart},
    popup_text,
    state::{Popup, ScreenState, Stage},
    text::{Break, packed, rows},
};

/// Columns before the draft.
pub(super) const PROMPT: u16 = 2;

/// Below this many rows the signs of the safety code have no names, and then the code is not shown.
const ROWS_FOR_NAMES: u16 = 20;
const ROWS_FOR_CODE: u16 = 8;

/// The draft may take one fifth of the screen's height.
const DRAFT_SHARE: u16 = 5;

/// The parts of the screen, from top to bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Areas {
    /// The state of the chat.
    pub(super) status: Rect,
    pub(super) safety: Rect,
    /// The texts.
    pub(super) body: Rect,
    /// Whether the peer writes, and answers to keys.
    pub(super) rule: Rect,
    pub(super) draft: Rect,
}

impl Areas {
    pub(super) fn of(state: &ScreenState) -> Self {
        let Size { width, height } = state.size;
        let mut free = height;
        let mut take = |rows: u16| {
            let taken = rows.min(free);
            free -= taken;
            taken
        };
        // The most important parts take their rows first.
        let draft = take(small(draft_rows(state).len()).clamp(1, (height / DRAFT_SHARE).max(1)));
        let status = take(1);
        let rule = take(1);
        let safety = match state.stage {
            Stage::Talking(code) => take(small(safety_lines(code, state.size).len())),
            _ => 0,
        };
        let mut top = 0;
        let mut place = |height: u16| {
            let area = Rect::new(0, top, width, height);
            top += height;
            area
        };
        Self {
            status: place(status),
            safety: place(safety),
            body: place(free),
            rule: place(rule),
            draft: place(draft),
        }
    }
}

/// The safety code in rows: signs with names and numbers, as far as they fit.
pub(super) fn safety_lines(code: SafetyCode, size: Size) -> Vec<String> {
    let columns = usize::from(size.width.saturating_sub(1));
    let signs = code.emoji();
    let named = signs.iter().map(|emoji| format!("{} {}", emoji.sign, emoji.name));
    let named = packed(named.chain([code.to_string()]), columns);
    if size.height >= ROWS_FOR_NAMES && named.len() <= 2 {
        named
    } else if size.height >= ROWS_FOR_CODE {
        packed([signs.map(|emoji| emoji.sign).join(" "), code.to_string()].into_iter(), columns)
    } else {
        Vec::new()
    }
}

/// The rows of the draft, as ranges of its bytes.
pub(super) fn draft_rows(state: &ScreenState) -> Vec<Range<usize>> {
    // One column is for the cursor after the last character.
    let columns = state.size.width.saturating_sub(PROMPT + 1);
    rows(state.draft.text(), usize::from(columns).max(1), Break::Anywhere)
}

/// How many rows a text or note takes.
pub(super) fn height(state: &ScreenState, id: EntryId) -> usize {
    let entry = state.log.entries().rev().find(|entry| entry.id == id);
    entry.map_or(0, |entry| entry_rows(&state.log, entry, state.size.width).len())
}

/// How far the texts can be scrolled, in rows.
pub(super) fn scroll_max(state: &ScreenState) -> usize {
    let rows: usize =
        state.log.entries().map(|entry| entry_rows(&state.log, entry, state.size.width).len()).sum();
    let wiped = usize::from(state.log.start == EntryStart::Wiped);
    (rows + wiped).saturating_sub(Areas::of(state).body.height.into())
}

/// Where a pop-up is drawn: over the texts, and in a small terminal over everything but the draft.
pub(super) fn popup_area(state: &ScreenState, popup: Popup) -> Rect {
    let areas = Areas::of(state);
    let above = areas.rule.y.saturating_sub(areas.status.height);
    let size = state.size.width.min(POPUP_COLUMNS);
    let lines = popup_text::lines(popup.about, &state.meeting, popup_columns(state)).len();
    let height = small(lines).saturating_add(2).min(above);
    Rect::new((state.size.width - size) / 2, areas.status.height + (above - height) / 2, size, height)
}

/// Longer lines are hard to read.
const POPUP_COLUMNS: u16 = 72;

/// Columns of a pop-up's text, between its border and a blank on both sides.
pub(super) fn popup_columns(state: &ScreenState) -> usize {
    usize::from(state.size.width.min(POPUP_COLUMNS).saturating_sub(4)).max(1)
}

/// How far a pop-up can be scrolled, in rows.
pub(super) fn popup_scroll_max(state: &ScreenState) -> usize {
    state.popup.map_or(0, |popup| {
        let lines = popup_text::lines(popup.about, &state.meeting, popup_columns(state)).len();
        lines.saturating_sub(popup_area(state, popup).height.saturating_sub(2).into())
    })
}

/// A number of rows, capped at the largest screen.
fn small(rows: usize) -> u16 {
    u16::try_from(rows).unwrap_or(u16::MAX)
}
