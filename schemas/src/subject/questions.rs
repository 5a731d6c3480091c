//! Questions and where they are answered: the inboxes of nodes and operators, and the NATS micro
//! protocol.

use crate::NodeId;

/// What the inboxes of all nodes begin with. An answer goes to no other subject.
pub const INBOX: &str = "_INBOX_";

/// Longest name of an inbox after its prefix.
const INBOX_CHARS: usize = 32;

/// What the inboxes of a node begin with. It contains the node's id, so that a permission can name
/// them, and ends before a dot.
pub fn inbox_prefix(node: &NodeId) -> String {
    format!("{INBOX}{}", node.as_str())
}

/// The node whose inbox this is; `None` for any other subject. Whoever answered on whatever a
/// question names would publish on any subject in its own name.
pub fn asker_of_inbox(reply: &str) -> Option<NodeId> {
    let (asker, inbox) = reply.strip_prefix(INBOX)?.split_once('.')?;
    let form = (1..=INBOX_CHARS).contains(&inbox.len()) && inbox.bytes().all(|b| b.is_ascii_alphanumeric());
    asker.parse().ok().filter(|_| form)
}

/// What a node subscribes to in order to answer the NATS micro protocol (ADR-32).
pub const SERVICES: &str = "$SRV.>";

/// What a node is asked by the NATS micro protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Who is there?
    Ping,
    /// What is it?
    Info,
    /// What has it done?
    Stats,
    /// Is it ready? Our own endpoint.
    Ready,
}

impl Verb {
    const ALL: [Self; 4] = [Self::Ping, Self::Info, Self::Stats, Self::Ready];

    const fn word(self) -> &'static str {
        match self {
            Self::Ping => "PING",
            Self::Info => "INFO",
            Self::Stats => "STATS",
            Self::Ready => "READY",
        }
    }
}

/// What is asked of the service `name` on `node`; `None` if that is nothing, or of another. A
/// question is for all services, for those of a name, or for one.
pub fn asked_of_service(subject: &str, name: &str, node: &NodeId) -> Option<Verb> {
    let mut tokens = subject.strip_prefix("$SRV.")?.split('.');
    let word = tokens.next()?;
    let verb = Verb::ALL.into_iter().find(|verb| verb.word() == word)?;
    let is_ours = tokens.next().is_none_or(|of| of == name)
        && tokens.next().is_none_or(|of| of == node.as_str())
        && tokens.next().is_none();
    is_ours.then_some(verb)
}

/// Where all services are asked something at once.
pub fn asked_of_all(verb: Verb) -> String {
    format!("$SRV.{}", verb.word())
}

/// Where the service `name` on `node` is asked whether it is ready.
pub fn ready_endpoint(name: &str, node: &NodeId) -> String {
    format!("$SRV.{}.{name}.{}", Verb::Ready.word(), node.as_str())
}

/// To whose inboxes a node answers the NATS micro protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replies {
    /// `_INBOX_<asker>.` only, so that permissions tell whose they are: where nodes have
    /// certificates.
    OfNodes,
    /// Also `_INBOX.`, which every NATS client uses that was told nothing else.
    OfAnybody,
}

/// Longest inbox of an operator's tool: two ids of its own after the prefix.
const OPERATOR_INBOX_CHARS: usize = 64;

/// Whether an operator's question may be answered there.
pub fn is_operators_inbox(reply: &str, replies: Replies) -> bool {
    let Some((prefix, inbox)) = reply.split_once('.') else { return false };
    let asker = prefix.strip_prefix(INBOX).is_some_and(|asker| asker.parse::<NodeId>().is_ok());
    let known = asker || (replies == Replies::OfAnybody && prefix == "_INBOX");
    let tokens = || inbox.split('.');
    let form = inbox.len() <= OPERATOR_INBOX_CHARS
        && tokens().all(|token| !token.is_empty() && token.bytes().all(|b| b.is_ascii_alphanumeric()));
    known && form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_of_the_micro_protocol_is_for_all_of_a_name_or_of_one() {
        let node: NodeId = "g1".parse().unwrap();
        for (subject, verb) in [
            ("$SRV.PING", Some(Verb::Ping)),
            ("$SRV.INFO.cipher-chat-gateway", Some(Verb::Info)),
            ("$SRV.STATS.cipher-chat-gateway.g1", Some(Verb::Stats)),
            ("$SRV.STATS.cipher-chat-gateway.g1.x", None),
            ("$SRV.STATS.cipher-chat-gateway.g2", None),
            ("$SRV.STATS.other", None),
            ("$SRV.STOP", None),
            ("$SRV", None),
            ("cc.v1.PING", None),
        ] {
            assert_eq!(asked_of_service(subject, "cipher-chat-gateway", &node), verb, "{subject}");
        }
        assert_eq!(asked_of_all(Verb::Stats), "$SRV.STATS");
        let endpoint = ready_endpoint("cipher-chat-gateway", &node);
        assert_eq!(asked_of_service(&endpoint, "cipher-chat-gateway", &node), Some(Verb::Ready));
    }

    #[test]
    fn an_operator_is_answered_in_an_inbox() {
        for (reply, of_nodes, of_anybody) in [
            ("_INBOX_ops.abc", true, true),
            ("_INBOX_ops.abc.1", true, true),
            ("_INBOX.abc.1", false, true),
            ("_INBOX", false, false),
            ("_INBOX.", false, false),
            ("_INBOX.a..b", false, false),
            ("_INBOX_ops.>", false, false),
            ("_INBOX_.abc", false, false),
            ("cc.v1.want.g1", false, false),
            ("$SRV.PING", false, false),
        ] {
            assert_eq!(is_operators_inbox(reply, Replies::OfNodes), of_nodes, "{reply}");
            assert_eq!(is_operators_inbox(reply, Replies::OfAnybody), of_anybody, "{reply}");
        }
    }
}
