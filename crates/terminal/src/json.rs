//! Output in lines of JSON, for programs: one object a line on standard output, described in
//! `docs/terminal.md`.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use client::{
    Closed,
    channel::{ChannelEnd, SafetyCode, Typing},
    chat::End,
};
use schemas::{
    control::{EndReason, ServiceState},
    text::is_replaced,
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    output::{Report, Reporter},
    streams,
};

/// Output in lines of JSON.
pub(super) struct Json(());

impl Json {
    pub(super) fn new() -> Self {
        Self(())
    }
}

impl Reporter for Json {
    fn report(&mut self, report: Report<'_>) -> io::Result<()> {
        let line = Zeroizing::new(line(&object(report)));
        streams::output()?.write_all(line.as_bytes())
    }
}

/// An object on one line. Whatever could command a terminal is escaped: it may be one that shows
/// it.
fn line(object: &Value) -> String {
    let plain = Zeroizing::new(object.to_string());
    let mut line = String::with_capacity(plain.len() + 1);
    for c in plain.chars() {
        // In JSON these characters are only in strings. A line feed is escaped already.
        if is_replaced(c) {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| _ = write!(line, "\\u{unit:04x}"));
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    line
}

fn object(report: Report<'_>) -> Value {
    match report {
        Report::Invite(handout) => {
            json!({ "event": "invite", "link": *handout.link, "words": *handout.words })
        }
        Report::Waiting => json!({ "event": "waiting" }),
        Report::StillWaiting => json!({ "event": "still-waiting" }),
        Report::Met => json!({ "event": "met" }),
        Report::Secured(code) => with_code("secured", code),
        Report::Safety(code) => with_code("safety", code),
        Report::Text { number, text } => json!({ "event": "text", "number": number.get(), "text": text }),
        Report::Sent { number, id } => json!({ "event": "sent", "number": number.get(), "id": id }),
        Report::Delivered { number, .. } => json!({ "event": "delivered", "number": number.get() }),
        Report::NotDelivered(number) => json!({ "event": "not-delivered", "number": number.get() }),
        Report::AllReceived => json!({ "event": "all-received" }),
        Report::PeerTyping(typing) => json!({ "event": "typing", "active": typing == Typing::Active }),
        Report::PeerAway(kept) => {
            json!({ "event": "peer-away", "kept_s": kept.as_secs() })
        }
        Report::PeerOnline => json!({ "event": "peer-online" }),
        Report::Disconnected { retry_in } => {
            let millis = u64::try_from(retry_in.as_millis()).unwrap_or(u64::MAX);
            json!({ "event": "disconnected", "retry_in_ms": millis })
        }
        Report::Resumed => json!({ "event": "resumed" }),
        Report::Ended(end) => json!({ "event": "ended", "reason": reason(end) }),
        Report::Closed(reason) => {
            json!({ "event": "closed", "asked": reason == Closed::Asked, "message": reason.to_string() })
        }
        Report::Refused { code, message } => {
            json!({ "event": "error", "code": code.word(), "message": message })
        }
        Report::Answer { code, message } => json!({ "event": "error", "code": code, "message": message }),
        Report::Service(ServiceState { strangers, closed, notice }) => json!({
            "event": "service", "strangers": strangers.word(), "closed": closed, "notice": notice
        }),
        Report::ReportedLate => json!({ "event": "reported" }),
        Report::NotSent(texts) => json!({ "event": "not-sent", "texts": texts }),
        Report::Resting => json!({ "event": "resting" }),
    }
}

fn with_code(event: &str, code: SafetyCode) -> Value {
    let emoji = code.emoji().map(|emoji| json!({ "sign": emoji.sign, "name": emoji.name }));
    json!({ "event": event, "numbers": code.numbers(), "emoji": emoji })
}

/// Why a chat is over, in a word. Only `peer-bye` is authenticated by the peer's keys: everything
/// else is what the server says, or what this side has done or found.
fn reason(end: End) -> String {
    match end {
        End::Bye => "bye".into(),
        End::PeerBye => "peer-bye".into(),
        End::Report => "report".into(),
        // Who is reported reads what everybody reads: to be told invites revenge.
        End::Room(EndReason::Reported) => EndReason::Left.word().into(),
        End::Room(reason) => reason.word().into(),
        End::Fault(ChannelEnd::NoChannel) => "no-channel".into(),
        End::Fault(fault) => format!("fault-{}", fault.word()),
        End::Closed(_) => "closed".into(),
    }
}

#[cfg(test)]
mod tests {
    use schemas::control::ErrorCode;

    use super::*;
    use crate::model::tests::{number, safety};

    fn written(report: Report<'_>) -> String {
        line(&object(report))
    }

    #[test]
    fn a_text_is_one_line_whatever_is_in_it() {
        let text = "two\nlines \"quoted\" \u{1b}[2J \u{9b}2J \u{202e} \u{e0041} 한";
        let line = written(Report::Text { number: number(1), text });
        assert_eq!(line.matches('\n').count(), 1);
        assert!(!line.chars().any(|c| c != '\n' && is_replaced(c)), "{line:?}");
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read, json!({ "event": "text", "number": 1, "text": text }));
    }

    #[test]
    fn an_authenticated_goodbye_has_a_word_of_its_own() {
        let reason = |end| object(Report::Ended(end))["reason"].as_str().unwrap().to_owned();
        assert_eq!(reason(End::PeerBye), "peer-bye");
        assert_eq!(reason(End::Room(EndReason::Left)), "left");
        assert_eq!(reason(End::Room(EndReason::Reported)), "left");
        assert_eq!(reason(End::Fault(ChannelEnd::Malformed)), "fault-malformed");
    }

    #[test]
    fn codes_and_refusals_are_for_programs() {
        let secured: Value = serde_json::from_str(&written(Report::Secured(safety()))).unwrap();
        assert_eq!(secured["emoji"].as_array().unwrap().len(), 7);
        assert_eq!(secured["numbers"].as_array().unwrap().len(), 3);
        let refused = object(Report::Refused { code: ErrorCode::InviteSpent, message: "used" });
        assert_eq!(refused, json!({ "event": "error", "code": "invite-spent", "message": "used" }));
        let sent = object(Report::Sent { number: number(2), id: None });
        assert_eq!(sent, json!({ "event": "sent", "number": 2, "id": null }));
    }
}
