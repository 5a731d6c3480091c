//! How the nodes tell each other that work belongs to one trace: [W3C Trace
//! Context](https://www.w3.org/TR/trace-context/), in a header of messages on the bus and in wants.
//! Nothing of it ever reaches a client, or is taken from one.

use serde::{Deserialize, Serialize};

use crate::{
    event::{KeyEvent, MatchEvent, RoomEvent, SessionEvent, WantEvent},
    message::Message,
    origin_keys::OriginEvent,
    subject::Subject,
};

/// The header of a message on the bus. It is written like this; a server may change its case.
pub const TRACEPARENT: &str = "traceparent";

/// Bytes of the id of a trace.
const TRACE: usize = 16;
/// Bytes of the id of a span.
const SPAN: usize = 8;

/// Where a trace goes on: its id, and that of the span which comes before. Both are random and say
/// nothing about anybody. Only of traces that are kept: what was not sampled is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TraceContext(#[serde(with = "serde_bytes")] [u8; TRACE + SPAN]);

impl TraceContext {
    /// From the ids of a trace and of a span.
    pub fn new(trace: [u8; TRACE], span: [u8; SPAN]) -> Self {
        let mut both = [0; TRACE + SPAN];
        both[..TRACE].copy_from_slice(&trace);
        both[TRACE..].copy_from_slice(&span);
        Self(both)
    }

    /// The id of the trace.
    pub fn trace(self) -> [u8; TRACE] {
        let mut trace = [0; TRACE];
        trace.copy_from_slice(&self.0[..TRACE]);
        trace
    }

    /// The id of the span.
    pub fn span(self) -> [u8; SPAN] {
        let mut span = [0; SPAN];
        span.copy_from_slice(&self.0[TRACE..]);
        span
    }

    /// The value of the header.
    pub fn header(self) -> String {
        format!("00-{}-{}-01", hex(&self.0[..TRACE]), hex(&self.0[TRACE..]))
    }

    /// Reads the value of a header; `None` if it is malformed, or its trace is not kept.
    pub fn from_header(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut next = || parts.next();
        let (version, trace, span, flags) = (next()?, next()?, next()?, next()?);
        let [version, flags] = [byte(version)?, byte(flags)?];
        // A later version may append something; 255 is none.
        let is_whole = version > 0 || parts.next().is_none();
        let is_kept = flags & 1 == 1;
        let context = Self::new(bytes(trace)?, bytes(span)?);
        (version < u8::MAX && is_whole && is_kept && context.is_valid()).then_some(context)
    }

    /// Whether it names a trace and a span: ids of zeros stand for none.
    pub fn is_valid(self) -> bool {
        self.0[..TRACE].iter().any(|byte| *byte != 0) && self.0[TRACE..].iter().any(|byte| *byte != 0)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Two hexadecimal digits, as the standard wants them: in lower case.
fn byte(text: &str) -> Option<u8> {
    let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    (text.len() == 2 && text.bytes().all(is_digit)).then(|| u8::from_str_radix(text, 16).ok())?
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (n, one) in bytes.iter_mut().enumerate() {
        *one = byte(text.get(2 * n..2 * n + 2)?)?;
    }
    Some(bytes)
}

impl Subject {
    /// The subject with names in place of the ids: what a trace may say of it.
    pub const fn template(&self) -> &'static str {
        match self {
            Self::Frames(..) => "cc.v1.room.{room}.frame.{node}",
            Self::Peer(..) => "cc.v1.room.{room}.peer.{node}",
            Self::Room(..) => "cc.v1.room.{room}.event.{role}",
            Self::Presence(_) => "cc.v1.presence.{node}",
            Self::Want(_) => "cc.v1.want.{node}",
            Self::Report(_) => "cc.v1.report.{node}",
            Self::Origin(_) => "cc.v1.origin.{node}",
            Self::Match(_) => "cc.v1.match.{node}",
            Self::Session(..) => "cc.v1.session.{session}.event.{role}",
            Self::OwnPeer(..) => "cc.v1.room.{room}.at-{own}.{node}",
            Self::OwnRoom(..) => "cc.v1.joined.{own}.{room}",
            Self::OwnPresence(..) => "cc.v1.present.{own}.{node}",
            Self::OwnSession(..) => "cc.v1.attached.{own}.{session}",
            Self::Ask(_) => "cc.v1.session.{session}.ask",
            Self::Key(..) => "cc.v1.key.{key}.{role}.{node}",
            Self::Lease(_) => "cc.v1.lease.{node}",
            Self::Sync(_) => "cc.v1.sync.{node}",
            Self::Node(..) => "cc.v1.node.{role}.{node}",
            Self::Order(_) => "cc.v1.order.{kind}",
            Self::Queue(_) => "cc.v1.queue.{node}",
            Self::OrdersAsk => "cc.v1.orders.ask",
        }
    }
}

impl Message {
    /// The name of its event, as `events.cddl` has it.
    pub fn event_word(&self) -> &'static str {
        match self {
            Self::Peer { event, .. } | Self::Room { event, .. } => match event {
                RoomEvent::Joined(_) => "joined",
                RoomEvent::Present(_) => "present",
                RoomEvent::Detached(_) => "detached",
                RoomEvent::NotHere(_) => "not-here",
                RoomEvent::Declined => "declined",
                RoomEvent::Ended(_) => "ended",
                RoomEvent::Reported(_) => "reported",
                RoomEvent::Expired => "expired",
            },
            Self::Presence { .. } => "presence",
            Self::Want { event, .. } => match event {
                WantEvent::Waiting(_) => "waiting",
                WantEvent::Withdrawn(_) => "withdrawn",
                WantEvent::Met(_) => "met",
                WantEvent::Asked(_) => "asked",
            },
            Self::Report { .. } => "report",
            Self::Origin { event, .. } => match event {
                OriginEvent::Asked(_) => "asked",
                OriginEvent::Offered(_) => "offered",
                OriginEvent::Sealed(_) => "sealed",
            },
            Self::Match { event, .. } => match event {
                MatchEvent::Pair(_) => "pair",
                MatchEvent::Spent(_) => "spent",
            },
            Self::Queue { .. } => "queue-states",
            Self::Session { event, .. } => match event {
                SessionEvent::Attached { .. } => "attached",
                SessionEvent::Revoked { .. } => "revoked",
                SessionEvent::Left(_) => "left",
                SessionEvent::StartedOver { .. } => "started-over",
                SessionEvent::Expired => "expired",
                SessionEvent::HeldTwice => "held-twice",
            },
            Self::Own { message, .. } => message.event_word(),
            Self::Ask { .. } => "ask",
            Self::Key { event, .. } => match event {
                KeyEvent::Announced(_) => "announced",
                KeyEvent::Expired => "expired",
            },
            Self::Lease { .. } => "lease",
            Self::Sync { .. } => "sync",
            Self::Heartbeat { .. } => "heartbeat",
            Self::Order(_) => "order",
            Self::OrdersAsk => "orders-ask",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::tests::{every_subject, key, node, own, room, session};

    /// The example of the standard.
    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_header_is_read_as_it_is_written() {
        let context = TraceContext::from_header(EXAMPLE).unwrap();
        assert_eq!(context.header(), EXAMPLE);
        assert_eq!((context.trace()[0], context.span()[7]), (0x4b, 0xb7));
        assert_eq!(TraceContext::new(context.trace(), context.span()), context);
        let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03-something";
        assert_eq!(TraceContext::from_header(later), Some(context));
    }

    #[test]
    fn what_is_malformed_or_not_kept_is_no_context() {
        for wrong in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceContext::from_header(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_template_is_the_subject_without_its_ids() {
        for subject in every_subject() {
            let role = match &subject {
                Subject::Room(_, role)
                | Subject::Session(_, role)
                | Subject::Key(_, role, _)
                | Subject::Node(role, _) => role.word(),
                _ => "",
            };
            let kind = if let Subject::Order(kind) = &subject { kind.word() } else { "" };
            let filled = [
                ("{room}", room().text()),
                ("{session}", session().text()),
                ("{key}", key().text()),
                ("{role}", role.to_owned()),
                ("{node}", node().as_str().to_owned()),
                ("{own}", own().as_str().to_owned()),
                ("{kind}", kind.to_owned()),
            ];
            let text =
                filled.iter().fold(subject.template().to_owned(), |text, (name, id)| text.replace(name, id));
            assert_eq!(text, subject.text());
        }
    }
}
