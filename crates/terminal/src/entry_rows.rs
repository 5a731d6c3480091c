//! The rows that a text or a note takes on the screen.

use std::borrow::Cow;

use client::channel::Whose;

use crate::{
    clock::ClockTime,
    log::{ChatText, Entry, EntryKind, Log, Mark, NoteKind, TextState},
    text::{Break, clipped, rows, width},
};

/// Columns before every text, for the speaker's name. No text reaches them, so no text can look
/// like somebody else's.
pub(super) const GUTTER: u16 = 6;

/// Columns on the right, for the time of a text. A narrow screen has none.
const CLOCK: u16 = 7;
const COLUMNS_FOR_CLOCK: u16 = 60;

/// What stands for a text that is no longer there.
const DELETED: &str = "(deleted)";
const GONE: &str = "(a message that is gone)";

/// Behind a text that its writer has changed.
pub(super) const EDITED: &str = "(edited)";

/// One row of a text or note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    pub(super) speaker: Speaker,
    pub(super) kind: RowKind,
    pub(super) text: Cow<'a, str>,
    /// What follows the text on its last row.
    pub(super) trail: Trail,
    /// When it was sent or received, on its first row.
    pub(super) time: Option<ClockTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    Mine,
    Theirs,
    Note,
    Trouble,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowKind {
    /// Only this one names the speaker.
    First,
    Continuation,
    /// The beginning of what the text answers, before its first row.
    Quote,
    /// After the text.
    Reaction,
    /// A stand-in for a text, which names the speaker.
    StandIn,
}

/// What follows a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trail {
    pub(super) edited: bool,
    /// The delivery state of an own text.
    pub(super) mark: Option<Mark>,
}

/// The mark of a text that may not have arrived.
pub(super) const NOT_DELIVERED: &str = "✗ not delivered";

/// The rows of one text or note.
pub(super) fn entry_rows<'a>(log: &'a Log, entry: &'a Entry, columns: u16) -> Vec<Row<'a>> {
    match &entry.kind {
        EntryKind::Text(text) => text_rows(log, text, columns),
        EntryKind::Note(note, kind) => {
            let speaker = match kind {
                NoteKind::Plain => Speaker::Note,
                NoteKind::Trouble => Speaker::Trouble,
            };
            broken(note, speaker, usize::from(columns.saturating_sub(GUTTER + 1)).max(1))
        }
    }
}

fn text_rows<'a>(log: &'a Log, text: &'a ChatText, columns: u16) -> Vec<Row<'a>> {
    let speaker = match text.whose {
        Whose::Own => Speaker::Mine,
        Whose::Peer => Speaker::Theirs,
    };
    let time = (columns >= COLUMNS_FOR_CLOCK).then_some(text.time);
    let clock = if time.is_some() { CLOCK } else { 0 };
    let columns = usize::from(columns.saturating_sub(GUTTER + 1 + clock)).max(1);
    let row = |kind, text| Row { speaker, kind, text, trail: Trail::default(), time: None };
    if !text.is_shown() {
        return vec![Row { time, ..row(RowKind::StandIn, DELETED.into()) }];
    }
    let mut rows = broken(&text.text, speaker, columns);
    if let Some(first) = rows.first_mut() {
        first.time = time;
    }
    let trail = Trail { edited: text.state == TextState::Edited, mark: text.mark };
    if let Some(needed) = trail.width() {
        let last = rows.last().map_or(0, |row| width(&row.text));
        if last + 2 + needed > columns {
            rows.push(row(RowKind::Continuation, "".into()));
        }
        if let Some(last) = rows.last_mut() {
            last.trail = trail;
        }
    }
    if text.answers.is_some() {
        let quoted = log.quoted(text).map_or(GONE, |quoted| quoted.text.lines().next().unwrap_or_default());
        rows.insert(0, row(RowKind::Quote, clipped(quoted, columns).into()));
    }
    for (who, reaction) in [("them", &text.reactions.peer), ("you", &text.reactions.own)] {
        if !reaction.is_empty() {
            let told = format!("{who}: {}", reaction.as_str());
            rows.push(row(RowKind::Reaction, clipped(&told, columns).to_owned().into()));
        }
    }
    rows
}

/// A text in rows; the first one names the speaker.
fn broken(text: &str, speaker: Speaker, columns: usize) -> Vec<Row<'_>> {
    let mut kind = RowKind::First;
    let broken = rows(text, columns, Break::Words).into_iter().map(|row| Row {
        speaker,
        kind: std::mem::replace(&mut kind, RowKind::Continuation),
        text: text[row].into(),
        trail: Trail::default(),
        time: None,
    });
    broken.collect()
}

impl Trail {
    /// The columns that it takes; `None` if there is none. They are the same for all marks before
    /// the end, so that a text does not move when it is delivered.
    fn width(self) -> Option<usize> {
        let mark = self.mark.map(|mark| match mark {
            Mark::Waiting | Mark::Sent(_) | Mark::Delivered => 2,
            Mark::NotDelivered => width(NOT_DELIVERED),
        });
        match (self.edited, mark) {
            (false, mark) => mark,
            (true, None) => Some(EDITED.len()),
            (true, Some(mark)) => Some(EDITED.len() + 1 + mark),
        }
    }
}
