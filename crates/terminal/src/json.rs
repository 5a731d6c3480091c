//! Output in lines of JSON, for programs: one object a line on standard output, described in
//! `docs/terminal.md`.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use client::{
    Closed,
    channel::{ChannelEnd, SafetyCode, Typing, Whose},
    chat::{End, Standing},
};
use schemas::{
    control::{EndReason, ServiceState},
    outlook::Outlook,
    text::is_replaced,
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    output::{Named, Report, Reporter},
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

/// A `waiting`, with what is known of what may be expected.
fn expected(outlook: Outlook) -> Value {
    let mut object = json!(outlook);
    object["event"] = json!("waiting");
    object
}

fn object(report: Report<'_>) -> Value {
    match report {
        Report::Invite(handout) => {
            json!({ "event": "invite", "link": *handout.link, "words": *handout.words })
        }
        Report::Waiting(outlook) | Report::Outlook(outlook) => expected(outlook),
        Report::StillWaiting => json!({ "event": "still-waiting" }),
        Report::Met => json!({ "event": "met" }),
        Report::Secured(code) => with_code("secured", code),
        Report::Safety(code) => with_code("safety", code),
        Report::Text { number, text, reply_to, vanishes_after } => json!({
            "event": "text", "number": number.get(), "text": text, "reply_to": reply_to.map(named),
            "vanishes_after_s": vanishes_after.map(|after| after.as_secs())
        }),
        Report::Reaction { to, reaction } => {
            json!({ "event": "reaction", "to": named(to), "reaction": reaction })
        }
        Report::Edited { of, text } => {
            json!({ "event": "edited", "number": of.target.number.get(), "text": text })
        }
        Report::Deleted(of) => json!({ "event": "deleted", "number": of.target.number.get() }),
        Report::Timer { by, vanish_after } => json!({
            "event": "timer", "by": side(by), "vanish_after_s": vanish_after.map_or(0, |after| after.as_secs())
        }),
        Report::Helper { standing, pass } => json!({
            "event": "helper", "standing": word(standing), "expires": pass.expires,
            "topics": pass.topics.as_ref().map(|topics| topics.iter().map(|topic| topic.folded()).collect::<Vec<_>>())
        }),
        Report::Handover => json!({ "event": "handover" }),
        Report::Unknown(number) => json!({ "event": "unknown", "number": number.get() }),
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
        Report::Reported { taken } => json!({ "event": "reported", "taken": taken }),
        Report::NotSent(texts) => json!({ "event": "not-sent", "texts": texts }),
        Report::Resting => json!({ "event": "resting" }),
    }
}

/// What a pass is worth, in a word.
fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Verified => "verified",
        Standing::Unlisted => "unlisted",
        Standing::ServerSays => "server-says",
        Standing::Unknown => "unknown",
    }
}

/// A message of either side.
fn named(message: Named) -> Value {
    json!({ "whose": side(message.target.whose), "number": message.target.number.get() })
}

fn side(whose: Whose) -> &'static str {
    match whose {
        Whose::Own => "own",
        Whose::Peer => "peer",
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
        End::Fault(fault @ (ChannelEnd::NoChannel | ChannelEnd::NoProof)) => fault.word().into(),
        End::Fault(fault) => format!("fault-{}", fault.word()),
        End::Closed(_) => "closed".into(),
    }
}

#[cfg(test)]
mod tests {
    use client::channel::Target;
    use schemas::control::ErrorCode;

    use super::*;
    use crate::model::tests::{number, safety};

    fn written(report: Report<'_>) -> String {
        line(&object(report))
    }

    #[test]
    fn a_text_is_one_line_whatever_is_in_it() {
        let text = "two\nlines \"quoted\" \u{1b}[2J \u{9b}2J \u{202e} \u{e0041} 한";
        let line = written(Report::Text { number: number(1), text, reply_to: None, vanishes_after: None });
        assert_eq!(line.matches('\n').count(), 1);
        assert!(!line.chars().any(|c| c != '\n' && is_replaced(c)), "{line:?}");
        let read: Value = serde_json::from_str(&line).unwrap();
        let rest = json!({ "reply_to": null, "vanishes_after_s": null });
        assert_eq!([&read["reply_to"], &read["vanishes_after_s"]], [&rest["reply_to"]; 2]);
        assert_eq!(
            [&read["event"], &read["number"], &read["text"]],
            [&json!("text"), &json!(1), &json!(text)]
        );
    }

    #[test]
    fn earlier_messages_are_named_by_side_and_number() {
        let named = |target| Named { target, back: Some(1) };
        let reply = object(Report::Text {
            number: number(2),
            text: "x",
            reply_to: Some(named(Target::own(number(1)))),
            vanishes_after: Some(std::time::Duration::from_secs(30)),
        });
        assert_eq!(reply["reply_to"], json!({ "whose": "own", "number": 1 }));
        assert_eq!(reply["vanishes_after_s"], 30);
        let reaction = "\u{1b}[2J";
        let reaction = written(Report::Reaction { to: named(Target::peer(number(3))), reaction });
        assert_eq!(
            reaction,
            "{\"event\":\"reaction\",\"reaction\":\"\\u001b[2J\",\"to\":{\"number\":3,\"whose\":\"peer\"}}\n"
        );
        let timer = object(Report::Timer { by: Whose::Peer, vanish_after: None });
        assert_eq!(timer, json!({ "event": "timer", "by": "peer", "vanish_after_s": 0 }));
    }

    #[test]
    fn a_helper_is_told_of_with_what_its_pass_is_worth() {
        let pass = crate::helper_text::tests::pass(Some(&["grief"]));
        let helper = object(Report::Helper { standing: Standing::ServerSays, pass: &pass });
        let expected = json!({
            "event": "helper", "standing": "server-says", "topics": ["grief"], "expires": 1_800_000_000
        });
        assert_eq!(helper, expected);
        assert_eq!(object(Report::Handover), json!({ "event": "handover" }));
    }

    #[test]
    fn an_authenticated_goodbye_has_a_word_of_its_own() {
        let reason = |end| object(Report::Ended(end))["reason"].as_str().unwrap().to_owned();
        assert_eq!(reason(End::PeerBye), "peer-bye");
        assert_eq!(reason(End::Room(EndReason::Left)), "left");
        assert_eq!(reason(End::Room(EndReason::Reported)), "left");
        assert_eq!(reason(End::Fault(ChannelEnd::Malformed)), "fault-malformed");
        assert_eq!(reason(End::Fault(ChannelEnd::NoProof)), "no-proof");
        assert_eq!(reason(End::Fault(ChannelEnd::BadCredential)), "fault-bad-credential");
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
