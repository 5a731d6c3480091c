//! Output in plain lines. The peer's texts may contain anything, so only what may be shown of them
//! is written to a terminal.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use client::{
    Closed,
    channel::{SafetyCode, Whose},
};
use schemas::outlook::Outlook;
use zeroize::Zeroizing;

use super::{
    helper_text,
    outlook_text::outlook,
    output::{Named, Report, Reporter},
    report_text::reported,
    service_text::service,
    streams,
    text::{Break, harmless, harmless_lines, rows},
    vanishing_text::after,
};

/// Columns of a terminal that does not tell.
const COLUMNS: u16 = 80;

/// Output in plain lines.
pub(super) struct Plain {
    texts: Target,
    status: Target,
}

/// Where lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// A terminal: each row has a mark, so that a text cannot be taken for a status line, wherever
    /// the terminal would wrap it.
    Terminal,
    /// A file or another program: lines as they are, without marks.
    Pipe,
}

impl Target {
    fn of(stream: &impl IsTerminal) -> Self {
        if stream.is_terminal() { Self::Terminal } else { Self::Pipe }
    }
}

impl Plain {
    pub(super) fn new() -> Self {
        Self { texts: Target::of(&io::stdout()), status: Target::of(&io::stderr()) }
    }

    /// Writes a text of the peer to standard output.
    fn text(&self, text: &str) -> io::Result<()> {
        let mut rows = Zeroizing::new(Vec::new());
        match self.texts {
            Target::Terminal => write_marked(&mut *rows, "> ", text, columns())?,
            Target::Pipe => text.lines().try_for_each(|line| writeln!(rows, "{}", harmless(line)))?,
        }
        streams::output()?.write_all(&rows)
    }

    /// Writes a status line to standard error. The terminal may wrap it: a link in it can then
    /// still be copied in one piece.
    fn status(&self, what: impl fmt::Display) {
        // If standard error is closed, nobody wants to read it.
        _ = writeln!(io::stderr(), "* {}", harmless(&what.to_string()));
    }

    /// What whoever waits may expect, if something is known.
    fn expect(&self, expected: &Outlook) {
        let words = outlook(expected);
        if !words.is_empty() {
            self.status(words);
        }
    }

    /// The same for words of the server or of the peer, which keep their mark on every row.
    fn words_of_others(&self, what: &str) {
        let mut out = io::stderr().lock();
        _ = match self.status {
            Target::Terminal => write_marked(&mut out, "* ", what, columns()),
            Target::Pipe => writeln!(out, "* {}", harmless(what)),
        };
    }

    /// What is said about texts that are written out already. Words of the peer are in it.
    fn about_earlier(&self, report: Report<'_>) {
        match report {
            Report::Reaction { to, reaction: "" } => {
                self.status(format_args!("the other person takes back the reaction to {}", place(to)));
            }
            Report::Reaction { to, reaction } => {
                self.words_of_others(&format!(
                    "the other person reacts to {}: {}",
                    place(to),
                    harmless(reaction)
                ));
            }
            Report::Edited { of, text } => {
                self.words_of_others(&format!(
                    "the other person has changed {}: {}",
                    place(of),
                    harmless(text)
                ));
            }
            Report::Deleted(of) => self.status(format_args!(
                "the other person has deleted {}; what is written here already stays",
                place(of)
            )),
            Report::Timer { by, vanish_after } => {
                let who = if by == Whose::Own { "you" } else { "the other person" };
                self.status(format_args!("{} (set by {who}); lines here stay", after(vanish_after)));
            }
            Report::Unknown(_) => self.status(
                "the other person's program is newer: it has said something that this version cannot show",
            ),
            _ => {}
        }
    }

    fn safety(&self, code: SafetyCode) {
        let emoji: Vec<_> =
            code.emoji().iter().map(|emoji| format!("{} {}", emoji.sign, emoji.name)).collect();
        self.status(format_args!("safety code: {} ({code})", emoji.join(" · ")));
        self.status(
            "compare it outside this chat, such as on a call: if it is the same, nobody is in between; \
             compared in here it proves nothing",
        );
    }
}

/// The columns of the terminal now. At its last one some terminals wrap already.
fn columns() -> usize {
    let columns = crossterm::terminal::size().map_or(COLUMNS, |(columns, _)| columns);
    usize::from(if columns == 0 { COLUMNS } else { columns })
}

/// Writes a text in rows that no terminal wraps, each behind the mark.
fn write_marked(out: &mut impl Write, mark: &str, text: &str, columns: usize) -> io::Result<()> {
    let text = harmless_lines(text);
    let columns = columns.saturating_sub(mark.len() + 1).max(1);
    let rows = rows(&text, columns, Break::Anywhere);
    rows.into_iter().try_for_each(|row| writeln!(out, "{mark}{}", &text[row]))
}

impl Reporter for Plain {
    fn report(&mut self, report: Report<'_>) -> io::Result<()> {
        match report {
            Report::Text { text, reply_to, .. } => {
                if let Some(named) = reply_to {
                    self.status(format_args!("the next text answers {}", place(named)));
                }
                return self.text(text);
            }
            Report::Reaction { .. }
            | Report::Edited { .. }
            | Report::Deleted(_)
            | Report::Timer { .. }
            | Report::Unknown(_) => self.about_earlier(report),
            Report::Helper { standing, pass } => self.status(helper_text::standing(standing, pass)),
            Report::Handover => self.status(helper_text::HANDOVER),
            Report::Sent { .. } | Report::PeerTyping(_) => {}
            Report::Delivered { pending, .. } if pending > 0 => {}
            Report::Delivered { .. } => self.status("✓ delivered"),
            Report::Invite(handout) => {
                self.status(format_args!(
                    "give this link to one person, who can use it once: {}",
                    &*handout.link
                ));
                self.status(format_args!(
                    "or read out its twelve words, and name the server: {}",
                    &*handout.words
                ));
            }
            Report::Secured(code) => {
                self.status("connected, end-to-end encrypted");
                self.safety(code);
            }
            Report::Safety(code) => self.safety(code),
            Report::PeerAway(kept) => self.status(away(kept)),
            Report::Disconnected { retry_in } => {
                self.status(format_args!("no connection; trying again in {:.1} s", retry_in.as_secs_f64()));
            }
            Report::Ended(end) => self.status(end),
            Report::Closed(reason) if reason != Closed::Asked => self.status(reason),
            Report::Closed(_) => {}
            Report::Refused { message, .. } => self.words_of_others(message),
            Report::Answer { message, .. } => self.status(message),
            Report::Service(state) => {
                service(state).iter().for_each(|sentence| self.words_of_others(sentence));
            }
            Report::Reported { taken } => self.status(reported(taken)),
            Report::NotSent(1) => self.status("a text was not sent"),
            Report::NotSent(texts) => self.status(format_args!("{texts} texts were not sent")),
            Report::Waiting(expected) => {
                self.status("looking for somebody");
                self.expect(&expected);
            }
            Report::Outlook(expected) => self.expect(&expected),
            Report::StillWaiting => {
                self.status(
                    "nobody else is looking in this way at the moment; /any looks for anybody, /quit ends",
                );
            }
            Report::Met => self.status("somebody is there; agreeing on keys"),
            Report::NotDelivered(_) => self.status("a text may not have arrived"),
            Report::AllReceived => self.status("the other person has received everything"),
            Report::PeerOnline => self.status("the other person is back"),
            Report::Resumed => self.status("connected again"),
            Report::Resting => {
                self.status("/next looks for another person, /invite makes a new link, /quit ends")
            }
        }
        Ok(())
    }
}

/// Which text is meant.
fn place(named: Named) -> String {
    let text = match named.target.whose {
        Whose::Own => "your text",
        Whose::Peer => "their text",
    };
    match named.back {
        Some(1) => format!("{text} 1 (the newest)"),
        Some(back) => format!("{text} {back} (counted back from the newest)"),
        None => "a message that is gone".into(),
    }
}

fn away(kept: Duration) -> String {
    let kept = match kept.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{} minutes", seconds / 60),
    };
    format!(
        "the other person has lost the connection; their place is kept for {kept}; your texts are sent when they return"
    )
}

#[cfg(test)]
mod tests {
    use client::channel::limits::MAX_TEXT;

    use super::*;
    use crate::text::width;

    fn marked(text: &str, columns: usize) -> Vec<String> {
        let mut out = Vec::new();
        write_marked(&mut out, "> ", text, columns).unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn every_row_that_a_terminal_could_wrap_to_has_its_mark() {
        let attack = format!("{}* the other said goodbye", " ".repeat(77));
        assert_eq!(marked(&attack, 80).len(), 2);
        for text in
            [attack, "👩‍👩‍👧क्षि🇰🇷".repeat(50), "\u{301}".repeat(MAX_TEXT / 2), "a\rb\n* c\u{2028}* d".into()]
        {
            for columns in [1, 2, 3, 20, 80] {
                let rows = marked(&text, columns);
                assert!(rows.iter().all(|row| row.starts_with("> ")), "{rows:?}");
                if columns > 12 {
                    assert!(rows.iter().all(|row| width(row) < columns), "{rows:?}");
                }
            }
        }
        assert_eq!(marked("a\n\nb", 80), ["> a", "> ", "> b"]);
    }

    #[test]
    fn a_peer_that_is_away_is_kept_for_a_time_that_is_told() {
        assert!(away(Duration::from_secs(180)).contains("kept for 3 minutes"));
        assert!(away(Duration::from_secs(60)).contains("kept for 60 s"));
    }
}
