//! The texts for the person at the keyboard.

use std::time::Duration;

use client::{Closed, channel::Whose, chat::End};
use schemas::control::{EndReason, ErrorCode};

use zeroize::Zeroizing;

use crate::{
    state::{Handout, MeetingKind},
    text::harmless,
    vanishing_text::after,
};

pub(super) const CHECK: &str = "Above is your safety code; /safety explains it. /help lists the commands.";
pub(super) const FORGOTTEN: &str =
    "Forgotten: the keys and every text. The server only passed on ciphertext, and kept no copy.";
pub(super) const FORGOTTEN_BUT_SEEN: &str =
    "Forgotten: the keys. What you still see is on this screen alone, and is wiped when you go on.";
pub(super) const GO_ON: &str = "/next looks for somebody else, /invite makes a new link, /quit ends.";
pub(super) const SERVES_ONCE: &str =
    "An invite link works once. /invite makes a new one to hand over, /quit ends.";
pub(super) const REPORTING: &str = "reporting the chat that has ended…";
pub(super) const WHY_REPORT: &str = "say why: /report abuse, spam, minor or other (Tab completes)";
pub(super) const STOPPED: &str = "You stopped waiting.";
pub(super) const DISCARDED: &str = "You discarded the link.";
pub(super) const NOBODY: &str = "nobody is there to read it; your line is kept";
pub(super) const NO_CHAT: &str = "there is no chat";
pub(super) const NO_CODE: &str = "there is a safety code as soon as you are connected";
pub(super) const FULL_LINE: &str = "a text has at most 8 KiB; the rest was cut off";
pub(super) const FULL_WINDOW: &str = "many texts are still on their way; try again in a moment";
pub(super) const UNKNOWN_COMMAND: &str = "no such command; /help lists them, // begins a text with a slash";

pub(super) const CANNOT_SHOW: &str =
    "The other person's program is newer: it has said something that this version cannot show.";

/// After which time texts vanish, and who has set it.
pub(super) fn timer(by: Whose, vanish_after: Option<Duration>) -> String {
    format!("{} ({}).", after(vanish_after), if by == Whose::Own { "set by you" } else { "set by them" })
}

pub(super) fn begin(meeting: &MeetingKind) -> &'static str {
    match meeting {
        MeetingKind::Anybody | MeetingKind::Topic(_) => {
            "You are talking to a stranger. Only the two of you can read this."
        }
        MeetingKind::CreatesInvite | MeetingKind::AcceptsInvite => {
            "You are connected. Only the two of you can read this."
        }
    }
}

/// What a helper gives to the colleague who goes on.
pub(super) fn for_colleague(handout: &Handout) -> Zeroizing<String> {
    Zeroizing::new(format!("Give this link to your colleague: {}", *handout.link))
}

pub(super) fn lost(texts: usize) -> String {
    match texts {
        1 => "One of your texts may not have arrived.".into(),
        _ => format!("{texts} of your texts may not have arrived."),
    }
}

pub(super) fn end(end: End) -> String {
    match end {
        End::Bye => "You ended the chat.".into(),
        End::PeerBye => "The other person said goodbye.".into(),
        End::Report => "You ended the chat with a report.".into(),
        // Who is reported reads what everybody reads: to be told invites revenge.
        End::Room(EndReason::Left | EndReason::Reported) => "The other person has left.".into(),
        End::Room(EndReason::Expired) => "One of you was away for too long.".into(),
        End::Room(EndReason::Shutdown) => "The server is shutting down.".into(),
        End::Fault(client::channel::ChannelEnd::NoChannel) => {
            "The two of you could not agree on keys in time.".into()
        }
        End::Fault(client::channel::ChannelEnd::NoProof) => {
            "No proof came that the other side is a helper. Nothing that you wrote was sent.".into()
        }
        End::Fault(client::channel::ChannelEnd::BadCredential) => {
            "For your safety the chat was stopped: the other side showed a helper's pass that is not valid \
             for this chat. Somebody may pose as a helper."
                .into()
        }
        End::Fault(reason) if reason.is_peers_fault() => format!(
            "The other side broke the protocol ({reason}), so the chat was stopped. Its program has a \
             fault, or is not what it pretends to be. The encryption held."
        ),
        End::Fault(reason) => format!(
            "The encryption check failed ({reason}), so the chat was stopped. Either the other \
             person used a different link, or something on the way changed what was sent."
        ),
        End::Closed(reason) => closed(reason),
    }
}

pub(super) fn closed(reason: Closed) -> String {
    match reason {
        Closed::Unauthorized => {
            "The session is over: the server was restarted, or you were without a connection for too long."
                .into()
        }
        _ => format!("The connection is over: {}.", harmless(&reason.to_string())),
    }
}

pub(super) fn refusal(code: ErrorCode, message: &str) -> String {
    match code {
        ErrorCode::InviteSpent => {
            "This link has been used. If it was not your guest or host who used it, somebody else \
             had the link."
                .into()
        }
        ErrorCode::OtherVersion => {
            "The others here use another version of this program. One of the two has to be updated.".into()
        }
        ErrorCode::TopicNotOffered => "This server does not offer that topic.".into(),
        ErrorCode::MatchingNotOffered => "This server does not offer this way to meet.".into(),
        ErrorCode::Unavailable => {
            "the server cannot match anybody at the moment; this program tries again".into()
        }
        ErrorCode::Rate => "too many requests; this program tries again later".into(),
        _ => format!("The server refused: {}.", harmless(message)),
    }
}
