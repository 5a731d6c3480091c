//! The parts of the screen: the status bar, the safety code, the texts, and the rule above the
//! draft.

use std::time::Duration;

use client::channel::{Typing, limits::MAX_TEXT};
use ratatui::{layout::Rect, style::Style};

use super::canvas::{Canvas, shortened};
use crate::{
    entry_rows::{EDITED, GUTTER, NOT_DELIVERED, Row, RowKind, Speaker, entry_rows},
    layout::safety_lines,
    log::{EntryStart, Mark},
    state::{MeetingKind, OwnConnection, Peer, ScreenState, Stage, Then},
    text::width,
};

/// The rule shows how many bytes are left when fewer than this still fit.
const ROOM_TOLD: usize = MAX_TEXT / 8;

/// The bar at the top: the state of the chat, and on the right how the two meet.
pub(super) fn status(state: &ScreenState, area: Rect, canvas: &mut Canvas<'_>) {
    let bar = canvas.theme.bar();
    canvas.fill(area, bar);
    let (sign, words) = standing(state);
    let room = usize::from(area.width).saturating_sub(4);
    let x = canvas.signs(area.x + 1, area.y, &format!("{sign} "), bar);
    let x = canvas.write(x, area.y, &shortened(&words, room), bar);
    let about = match &state.meeting {
        MeetingKind::Topic(topic) => shortened(topic, usize::from(area.width) / 3),
        MeetingKind::CreatesInvite | MeetingKind::AcceptsInvite => "by invitation".into(),
        MeetingKind::Anybody => "cipher-chat".into(),
    };
    canvas.write_right(x + 2, area.right().saturating_sub(1), area.y, &about, bar);
}

fn standing(state: &ScreenState) -> (char, String) {
    let words = |sign, words: &str| (sign, words.to_owned());
    match (&state.stage, state.own_connection, state.peer) {
        (Stage::Alone { why }, ..) => ('×', format!("over: {}", uncapitalised(why))),
        (Stage::Leaving(Then::Quit), ..) => words('○', "saying goodbye (Ctrl-C: at once)"),
        (Stage::Leaving(_), ..) => words('○', "saying goodbye"),
        (Stage::Opening(_), ..) => words('○', "connecting"),
        (_, OwnConnection::Down(until), _) => {
            match until.saturating_sub(state.now).as_millis().div_ceil(1000) {
                0 => words('!', "no connection, trying again now"),
                seconds => ('!', format!("no connection, trying again in {seconds} s")),
            }
        }
        (Stage::Waiting, ..) => match state.meeting {
            MeetingKind::CreatesInvite => words('○', "waiting for your guest"),
            MeetingKind::AcceptsInvite => words('○', "waiting for your host"),
            MeetingKind::Anybody | MeetingKind::Topic(_) => words('○', "looking for somebody"),
        },
        (Stage::Meeting, ..) => words('○', "somebody is there, agreeing on keys"),
        (Stage::Talking(_), _, Peer::Away { until }) => ('!', away(until, state.now)),
        (Stage::Talking(_), _, Peer::Online) => words('●', "connected, end-to-end encrypted"),
    }
}

fn away(until: Duration, now: Duration) -> String {
    let left = until.saturating_sub(now);
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    format!("the other person is away; their place is kept for {}:{:02}", seconds / 60, seconds % 60)
}

fn uncapitalised(sentence: &str) -> String {
    let mut letters = sentence.trim_end_matches('.').chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

/// The safety code.
pub(super) fn safety(state: &ScreenState, area: Rect, canvas: &mut Canvas<'_>) {
    if let Stage::Talking(code) = state.stage {
        for (y, line) in (area.y..area.bottom()).zip(safety_lines(code, state.size)) {
            canvas.write(area.x + 1, y, &line, Style::new());
        }
    }
}

/// The texts, the newest at the bottom.
pub(super) fn log(state: &ScreenState, area: Rect, canvas: &mut Canvas<'_>) {
    // From the bottom up, so that only visible entries are broken into rows.
    let mut skip = state.scroll;
    let mut y = area.bottom();
    for entry in state.log.entries().rev() {
        for row in entry_rows(&state.log, entry, area.width).into_iter().rev() {
            if skip > 0 {
                skip -= 1;
            } else if y > area.y {
                y -= 1;
                draw_row(state, row, Rect { y, height: 1, ..area }, canvas);
            } else {
                return;
            }
        }
    }
    if state.log.start == EntryStart::Wiped && y > area.y {
        canvas.write(area.x + GUTTER, y - 1, "(older texts are wiped)", canvas.theme.faint());
    }
}

fn draw_row(state: &ScreenState, row: Row<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let (name, name_style, style) = match row.speaker {
        Speaker::Mine => ("you", theme.mine(), Style::new()),
        Speaker::Theirs => ("them", theme.theirs(), Style::new()),
        Speaker::Note => ("*", theme.faint(), theme.faint()),
        Speaker::Trouble => ("!", theme.bad(), theme.bad()),
    };
    let style = match row.kind {
        RowKind::First | RowKind::Continuation => style,
        RowKind::Quote | RowKind::Reaction | RowKind::StandIn => theme.faint(),
    };
    match row.kind {
        RowKind::First | RowKind::StandIn => {
            canvas.write_right(area.x, area.x + GUTTER - 2, area.y, name, name_style);
        }
        // Before all texts, where none can draw them.
        RowKind::Quote => _ = canvas.signs(area.x + GUTTER - 2, area.y, "┃", theme.faint()),
        RowKind::Reaction => _ = canvas.signs(area.x + GUTTER - 2, area.y, "↳", theme.faint()),
        RowKind::Continuation => {}
    }
    if let Some(time) = row.time {
        canvas.write_right(area.x, area.right().saturating_sub(1), area.y, &time.to_string(), theme.faint());
    }
    let mut x = canvas.write(area.x + GUTTER, area.y, &row.text, style);
    if !row.text.is_empty() {
        x += 2;
    }
    if row.trail.edited {
        x = canvas.signs(x, area.y, EDITED, theme.faint()) + 1;
    }
    if let Some(mark) = row.trail.mark {
        let (sign, style) = match mark {
            Mark::Waiting => ("·", theme.faint()),
            Mark::Sent(_) if state.path_is_open() => ("✓", theme.faint()),
            Mark::Sent(_) => ("·", theme.faint()),
            Mark::Delivered => ("✓✓", theme.good()),
            Mark::NotDelivered => (NOT_DELIVERED, theme.bad()),
        };
        canvas.signs(x, area.y, sign, style);
    }
}

/// The rule above the draft: whether the peer writes, or the answer to a key. On the right: what is
/// out of sight.
pub(super) fn rule(state: &ScreenState, area: Rect, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    canvas.signs(area.x, area.y, &"─".repeat(area.width.into()), theme.faint());
    let aside = if state.scroll > 0 {
        match state.unseen {
            0 => " Esc: newest ".into(),
            texts => format!(" Esc: {texts} new "),
        }
    } else if state.draft.room() < ROOM_TOLD {
        format!(" {} bytes left ", state.draft.room())
    } else {
        String::new()
    };
    let mut x = area.x;
    if let Some(notice) = &state.notice {
        let room = usize::from(area.width).saturating_sub(width(&aside) + 4);
        x = canvas.write(x + 1, area.y, &format!(" {} ", shortened(notice, room)), theme.strong());
    } else if state.peer_typing == Typing::Active {
        x = canvas.signs(x + 1, area.y, " typing… ", theme.theirs());
    }
    canvas.write_right(x, area.right().saturating_sub(1), area.y, &aside, theme.strong());
}
