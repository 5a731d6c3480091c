//! The columns of the table of nodes.

use std::cmp::Ordering;

use overview::{Node, amount, bytes, lasting, percent, time_left};
use schemas::UnixMillis;

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Node,
    Role,
    State,
    Chatting,
    Waiting,
    Connections,
    Frames,
    Requests,
    Refused,
    SlowestRequest,
    SlowestMatch,
    Processor,
    Memory,
    Files,
    Certificate,
    Uptime,
    Version,
}

/// The space between two columns.
pub(super) const GAP: u16 = 1;

impl Column {
    /// All of them, from left to right.
    pub(super) const ALL: [Self; 17] = [
        Self::Node,
        Self::Role,
        Self::State,
        Self::Chatting,
        Self::Waiting,
        Self::Connections,
        Self::Frames,
        Self::Requests,
        Self::Refused,
        Self::SlowestRequest,
        Self::SlowestMatch,
        Self::Processor,
        Self::Memory,
        Self::Files,
        Self::Certificate,
        Self::Uptime,
        Self::Version,
    ];

    /// Its name as an option's value.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Role => "role",
            Self::State => "state",
            Self::Chatting => "chatting",
            Self::Waiting => "waiting",
            Self::Connections => "connections",
            Self::Frames => "frames",
            Self::Requests => "requests",
            Self::Refused => "refused",
            Self::SlowestRequest => "slowest-request",
            Self::SlowestMatch => "slowest-match",
            Self::Processor => "processor",
            Self::Memory => "memory",
            Self::Files => "files",
            Self::Certificate => "certificate",
            Self::Uptime => "uptime",
            Self::Version => "version",
        }
    }

    /// Its heading, and its width.
    pub(super) const fn heading(self) -> (&'static str, u16) {
        match self {
            Self::Node => ("NODE", 10),
            Self::Role => ("ROLE", 7),
            Self::State => ("STATE", 9),
            Self::Chatting => ("CHAT", 5),
            Self::Waiting => ("WAIT", 5),
            Self::Connections => ("CONN", 5),
            Self::Frames => ("FR/S", 5),
            Self::Requests => ("REQ/S", 5),
            Self::Refused => ("REF/S", 5),
            Self::SlowestRequest => ("REQ99", 6),
            Self::SlowestMatch => ("MEET99", 6),
            Self::Processor => ("CPU", 4),
            Self::Memory => ("MEM", 5),
            Self::Files => ("FILES", 5),
            Self::Certificate => ("CERT", 5),
            Self::Uptime => ("UP", 5),
            Self::Version => ("VERSION", 8),
        }
    }

    /// What it means, in the details of a node.
    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Role => "role",
            Self::State => "state",
            Self::Chatting => "people chatting",
            Self::Waiting => "people waiting",
            Self::Connections => "connections",
            Self::Frames => "frames a second",
            Self::Requests => "requests a second",
            Self::Refused => "refused a second",
            Self::SlowestRequest => "99 of 100 requests within",
            Self::SlowestMatch => "99 of 100 people matched within",
            Self::Processor => "processors in use",
            Self::Memory => "memory",
            Self::Files => "open files, of those allowed",
            Self::Certificate => "first certificate ends in",
            Self::Uptime => "heard for, or silent for",
            Self::Version => "version",
        }
    }

    /// Which are left out first where there is no room: the higher, the sooner.
    const fn rank(self) -> u8 {
        match self {
            Self::Node | Self::State => 0,
            Self::Chatting => 1,
            Self::Role => 2,
            Self::Waiting => 3,
            Self::Frames => 4,
            Self::SlowestRequest => 5,
            Self::Certificate => 6,
            Self::Connections => 7,
            Self::Processor => 8,
            Self::Memory => 9,
            Self::SlowestMatch => 10,
            Self::Version => 11,
            Self::Refused => 12,
            Self::Uptime => 13,
            Self::Requests => 14,
            Self::Files => 15,
        }
    }

    /// Those that fit, from left to right, with their widths; the name of the node has what is
    /// left.
    pub(super) fn that_fit(width: u16) -> Vec<(Self, u16)> {
        let mut chosen = Self::ALL.to_vec();
        let needed = |chosen: &[Self]| -> u16 { chosen.iter().map(|column| column.heading().1 + GAP).sum() };
        // Room for a name of some length.
        const NAME: u16 = 6;
        while needed(&chosen) + NAME > width + GAP {
            let Some(last) = chosen.iter().copied().max_by_key(|column| column.rank()) else { break };
            if last.rank() == 0 {
                break;
            }
            chosen.retain(|column| *column != last);
        }
        let left = (width + GAP).saturating_sub(needed(&chosen));
        let wide = |column: Self| if column == Self::Node { left.min(24) } else { 0 };
        chosen.into_iter().map(|column| (column, column.heading().1 + wide(column))).collect()
    }

    /// Whether its texts stand at the left.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Node | Self::Role | Self::State | Self::Version)
    }

    /// What it shows of a node. `-` is what the node does not tell.
    pub(super) fn text(self, node: &Node) -> String {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let number = |number: Option<u32>| or_none(number.map(|number| amount(f64::from(number))));
        let seconds = |seconds: Option<f64>| or_none(seconds.map(short_time));
        match self {
            Self::Node => node.node.as_str().to_owned(),
            Self::Role => node.role.to_owned(),
            Self::State => node.state.word().to_owned(),
            Self::Chatting => number(node.chatting),
            Self::Waiting => number(node.waiting),
            Self::Connections => number(node.connections),
            Self::Frames => or_none(node.frames.map(amount)),
            Self::Requests => or_none(node.requests.map(amount)),
            Self::Refused => or_none(node.refused.map(amount)),
            Self::SlowestRequest => seconds(node.slowest_request),
            Self::SlowestMatch => seconds(node.slowest_match),
            Self::Processor => or_none(node.processor.map(percent)),
            Self::Memory => or_none(node.memory.map(bytes)),
            Self::Files => or_none(node.files.map(percent)),
            Self::Certificate => or_none(node.certificate.map(time_left)),
            Self::Uptime => lasting(node.for_ms),
            Self::Version => node.version.clone(),
        }
    }

    /// Which of two nodes comes first: the one that a person looks for. What is worse, or more, is
    /// above.
    pub(super) fn compare(self, one: &Node, other: &Node) -> Ordering {
        let more = |of: fn(&Node) -> Option<f64>| descending(of(one), of(other));
        let count = |of: fn(&Node) -> Option<u32>| of(other).cmp(&of(one));
        let order = match self {
            Self::Node => Ordering::Equal,
            Self::Role => one.role.cmp(other.role),
            Self::State => one.state.cmp(&other.state),
            Self::Chatting => count(|node| node.chatting),
            Self::Waiting => count(|node| node.waiting),
            Self::Connections => count(|node| node.connections),
            Self::Frames => more(|node| node.frames),
            Self::Requests => more(|node| node.requests),
            Self::Refused => more(|node| node.refused),
            Self::SlowestRequest => more(|node| node.slowest_request),
            Self::SlowestMatch => more(|node| node.slowest_match),
            Self::Processor => more(|node| node.processor),
            Self::Memory => more(|node| node.memory),
            Self::Files => more(|node| node.files),
            // The soonest first.
            Self::Certificate => more(|node| node.certificate.map(|left| -left)),
            Self::Uptime => one.for_ms.cmp(&other.for_ms),
            Self::Version => one.version.cmp(&other.version),
        };
        order.then_with(|| one.node.cmp(&other.node)).then_with(|| one.role.cmp(other.role))
    }
}

/// What is missing comes last.
fn descending(one: Option<f64>, other: Option<f64>) -> Ordering {
    match (one, other) {
        (Some(one), Some(other)) => other.total_cmp(&one),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// A short time in milliseconds, a longer one in seconds.
fn short_time(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0}ms", seconds * 1000.0) } else { format!("{}s", amount(seconds)) }
}

/// How long ago something was.
pub(super) fn ago(now: UnixMillis, then: UnixMillis) -> String {
    lasting(schemas::time::millis(now.since(then)))
}
