//! The screen while somebody waits for a match, with the invite link to hand over.

use ratatui::{layout::Rect, style::Style};
use zeroize::Zeroizing;

use super::{canvas::Canvas, qr::Qr};
use crate::{
    outlook_text::outlook,
    state::{AfterOpening, Handout, MeetingKind, ScreenState, Stage},
    text::{Break, rows},
};

/// Empty columns on both sides.
const MARGIN: u16 = 2;

/// Longer lines are hard to read.
const COLUMNS: u16 = 64;

/// The text needs this many columns beside a QR code.
const COLUMNS_BESIDE_QR: u16 = 30;

/// A paragraph, its style, and where its rows may end.
type Paragraph<'a> = (&'a str, Style, Break);

pub(super) fn draw(state: &ScreenState, area: Rect, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let (faint, plain) = (theme.faint(), Style::new());
    let strong = |text| (text, theme.strong(), Break::Words);
    let (topic, expected);
    let paragraphs: Vec<Paragraph<'_>> = match (&state.stage, &state.meeting, &state.invite) {
        (Stage::Opening(AfterOpening::FindNew), ..) => vec![strong("Connecting…")],
        (_, MeetingKind::CreatesInvite, Some(handout)) => {
            return draw_invite(handout, area, canvas);
        }
        (_, MeetingKind::CreatesInvite, None) => vec![strong("Waiting for your guest…")],
        (_, MeetingKind::AcceptsInvite, _) => vec![
            strong("Waiting for your host…"),
            (
                "They may have closed their program, or somebody else has used the link already.",
                plain,
                Break::Words,
            ),
            ("/leave stops waiting, /quit ends.", faint, Break::Words),
        ],
        (_, MeetingKind::Anybody | MeetingKind::Topic(_), _) => {
            topic = match &state.meeting {
                MeetingKind::Topic(topic) => format!("Topic: {topic}"),
                _ => "Any topic".into(),
            };
            expected = outlook(&state.outlook);
            vec![
                strong("Looking for somebody…"),
                (&topic, plain, Break::Words),
                (
                    "You will talk to a stranger. Keep your name, address and passwords to yourself, and leave whenever you like.",
                    plain,
                    Break::Words,
                ),
                ("/leave stops waiting, /quit ends, /help lists the commands.", faint, Break::Words),
            ]
            .into_iter()
            .chain((!expected.is_empty()).then_some((expected.as_str(), plain, Break::Words)))
            .chain(long_wait(state).map(|why| (why, theme.strong(), Break::Words)))
            .collect()
        }
    };
    write_all(&paragraphs, inset(area), canvas);
}

/// Why nobody was met, for somebody who has waited for long, and what else there is.
fn long_wait(state: &ScreenState) -> Option<&'static str> {
    state.long_wait.filter(|at| *at <= state.now)?;
    Some(match state.meeting {
        MeetingKind::Topic(_) => {
            "Nobody else names this topic at the moment. You can wait on, or meet anybody with /any, or \
             invite somebody with /invite."
        }
        _ => "Nobody else is looking at the moment. You can wait on, or invite somebody with /invite.",
    })
}

fn draw_invite(handout: &Handout, area: Rect, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let link = handout.link.as_str();
    let words = Zeroizing::new(format!("To be read out, with the server's name: {}", &*handout.words));
    let mut paragraphs: Vec<Paragraph<'_>> = vec![
        ("Your invite link", theme.strong(), Break::Words),
        (link, Style::new(), Break::Anywhere),
        (
            "Send it to one person, over a channel you trust. It works once, for as long as this program runs.",
            Style::new(),
            Break::Words,
        ),
        (
            "Whoever has the link can take your guest's place. Compare the safety code once you are connected.",
            Style::new(),
            Break::Words,
        ),
        (&words, Style::new(), Break::Words),
        ("/leave discards it, /quit ends.", theme.faint(), Break::Words),
    ];
    let qr = Qr::of(link).filter(|qr| qr.height() <= area.height);
    let Some(qr) = qr else { return write_all(&paragraphs, inset(area), canvas) };
    let beside = area.width.saturating_sub(qr.width() + 2 * MARGIN);
    // The link goes above the code if it fits on one row there, so that it can be copied in one
    // piece.
    let below = area.height.saturating_sub(qr.height());
    if below >= 2
        && usize::from(area.width.saturating_sub(2 * MARGIN)) >= link.len()
        && beside >= COLUMNS_BESIDE_QR
    {
        let (link, ..) = paragraphs.remove(1);
        canvas.write(area.x + MARGIN, area.y, link, Style::new());
        let rest = Rect { y: area.y + 2, height: area.height - 2, ..area };
        draw_beside(&paragraphs, &qr, rest, beside, canvas);
    } else if beside >= COLUMNS_BESIDE_QR {
        draw_beside(&paragraphs, &qr, area, beside, canvas);
    } else {
        write_all(&paragraphs, inset(area), canvas);
    }
}

fn draw_beside(paragraphs: &[Paragraph<'_>], qr: &Qr, area: Rect, columns: u16, canvas: &mut Canvas<'_>) {
    qr.draw(area.right() - qr.width() - MARGIN / 2, area.y, canvas);
    write_all(paragraphs, Rect { x: area.x + MARGIN, width: columns, ..area }, canvas);
}

fn inset(area: Rect) -> Rect {
    let top = u16::from(area.height > 10);
    Rect {
        x: area.x + MARGIN,
        y: area.y + top,
        width: area.width.saturating_sub(2 * MARGIN).min(COLUMNS),
        height: area.height.saturating_sub(top),
    }
}

/// Writes paragraphs, with a blank row between them if there is room.
fn write_all(paragraphs: &[Paragraph<'_>], area: Rect, canvas: &mut Canvas<'_>) {
    let columns = usize::from(area.width).max(1);
    let needed: usize =
        paragraphs.iter().map(|(text, _, breaks)| rows(text, columns, *breaks).len() + 1).sum();
    let gap = u16::from(needed <= usize::from(area.height) + 1);
    let mut y = area.y;
    for (text, style, breaks) in paragraphs {
        for row in rows(text, columns, *breaks) {
            if y < area.bottom() {
                canvas.write(area.x, y, &text[row], *style);
            }
            y += 1;
        }
        y += gap;
    }
}
