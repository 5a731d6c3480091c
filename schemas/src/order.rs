//! An operator's order to all nodes, signed with a key that no node has. Nodes know its public
//! half.
//!
//! What is signed begins with words of its own, names the kind, and holds everything that counts.
//! Whoever passes an order on can neither change it nor make another.

use std::time::Duration;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::{BootId, NodeId, UnixMillis, limits, words::words};

/// What a statement begins with: nothing else that is signed does.
const DOMAIN: &[u8] = b"cipher-chat.v1 order\0";

words! {
    /// The kinds of orders. Of each the one with the highest number counts.
    #[derive(PartialOrd, Ord)]
    pub enum OrderKind {
        /// Strangers are not matched; who waits keeps the place, chats and invites go on.
        Pause = "pause",
        /// Only people with an invite meet; nobody waits for strangers.
        InvitesOnly = "invites-only",
        /// No new sessions; those that there are go on.
        Close = "close",
        /// What a new session costs in work.
        Admission = "admission",
        /// A text that clients show.
        Notice = "notice",
        /// One node sends its clients to others and stops.
        Drain = "drain",
        /// Passes of helpers are taken back, by the list that the key of the passes has signed.
        RevokePasses = "revoke-passes",
        /// All is as usual again: ends what has a lower number of every other kind, but gives no
        /// pass back.
        Resume = "resume",
    }
}

/// What is ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// See [`OrderKind::Pause`].
    Pause,
    /// See [`OrderKind::InvitesOnly`].
    InvitesOnly,
    /// With a text that says why; it may be empty.
    Close(String),
    /// Hashes on average; 0 asks for no work.
    Admission(u32),
    /// The text; an empty one takes an earlier notice down.
    Notice(String),
    /// One run of one node: when it has started again this does not concern it.
    Drain {
        /// The node.
        node: NodeId,
        /// Its run.
        boot: BootId,
    },
    /// The signed list, as it stands in its file. Only who has the public keys of the passes can
    /// judge it.
    RevokePasses(String),
    /// See [`OrderKind::Resume`].
    Resume,
}

/// An order with its number, its end and the operator's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedOrder {
    /// The milliseconds of the operator's clock when it was signed.
    pub number: UnixMillis,
    /// From then on it is over.
    pub expires: UnixMillis,
    /// What is ordered.
    pub order: Order,
    /// [`SignedOrder::statement`], signed with Ed25519 (RFC 8032).
    #[serde(with = "serde_bytes")]
    pub signature: [u8; 64],
}

/// What is in force at a node, as its heartbeat tells it: kind, number and end, no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderMark(
    /// Its kind.
    pub OrderKind,
    /// Its number.
    pub UnixMillis,
    /// Its end.
    pub UnixMillis,
);

/// What a node has done with an order that it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The node.
    pub node: NodeId,
    /// What it has done.
    pub outcome: Outcome,
}

words! {
    /// What becomes of an order at a node.
    #[derive(PartialOrd, Ord)]
    pub enum Outcome {
        /// It is in force.
        Taken = "taken",
        /// The node has this one already.
        Known = "known",
        /// The operator's key has not signed it.
        Forged = "forged",
        /// It is over.
        Expired = "expired",
        /// Its number is ahead of the node's clock.
        Ahead = "ahead",
        /// The node knows one with a higher number.
        OutOfOrder = "out-of-order",
        /// It is longer, or lasts longer, than an order may.
        Unfit = "unfit",
        /// The node was given no key by which to judge it.
        NoKey = "no-key",
    }
}

impl Outcome {
    /// Whether the order stands at the node.
    pub const fn stands(self) -> bool {
        matches!(self, Self::Taken | Self::Known)
    }
}

/// Why something cannot be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Too long a text.
    #[error("a text has at most {} characters", limits::ORDER_TEXT_CHARS)]
    Long,
    /// A text that would disturb what shows it.
    #[error("a text has no control characters but line feeds")]
    Control,
    /// Not what a list of revoked passes looks like.
    #[error(
        "a list of revoked passes has at most {} bytes, all of them letters, digits, -, _ or .",
        limits::PASS_LIST_BYTES
    )]
    List,
    /// Neither no work nor work that is worth asking for, or more than anybody would do.
    #[error("work is 0, or {} to {} hashes", limits::ORDER_WORK.start(), limits::ORDER_WORK.end())]
    Work,
    /// It would end before it begins, or never.
    #[error("an order lasts more than nothing, and at most {} s", .0.as_secs())]
    Life(Duration),
}

impl Order {
    /// Its kind.
    pub const fn kind(&self) -> OrderKind {
        match self {
            Self::Pause => OrderKind::Pause,
            Self::InvitesOnly => OrderKind::InvitesOnly,
            Self::Close(_) => OrderKind::Close,
            Self::Admission(_) => OrderKind::Admission,
            Self::Notice(_) => OrderKind::Notice,
            Self::Drain { .. } => OrderKind::Drain,
            Self::RevokePasses(_) => OrderKind::RevokePasses,
            Self::Resume => OrderKind::Resume,
        }
    }

    /// How long it may last.
    pub const fn longest_life(&self) -> Duration {
        match self {
            Self::Drain { .. } => limits::DRAIN_ORDER_LIFE,
            _ => limits::ORDER_LIFE,
        }
    }

    /// The part of the statement that belongs to its kind.
    fn argument(&self) -> Vec<u8> {
        match self {
            Self::Pause | Self::InvitesOnly | Self::Resume => Vec::new(),
            Self::Close(text) | Self::Notice(text) | Self::RevokePasses(text) => text.as_bytes().to_vec(),
            Self::Admission(hashes) => hashes.to_be_bytes().to_vec(),
            Self::Drain { node, boot } => [&boot.0.to_be_bytes()[..], node.as_str().as_bytes()].concat(),
        }
    }

    /// Whether it is within the limits.
    ///
    /// # Errors
    /// With the limit that it exceeds.
    pub fn check(&self) -> Result<(), OrderError> {
        match self {
            Self::Close(text) | Self::Notice(text) => {
                if text.chars().count() > limits::ORDER_TEXT_CHARS {
                    return Err(OrderError::Long);
                }
                let disturbs = |c: char| c.is_control() && c != '\n';
                if text.contains(disturbs) { Err(OrderError::Control) } else { Ok(()) }
            }
            Self::Admission(0) => Ok(()),
            Self::Admission(hashes) if limits::ORDER_WORK.contains(hashes) => Ok(()),
            Self::Admission(_) => Err(OrderError::Work),
            Self::RevokePasses(list) => {
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
                let fits = (1..=limits::PASS_LIST_BYTES).contains(&list.len());
                if fits && list.bytes().all(is_plain) { Ok(()) } else { Err(OrderError::List) }
            }
            Self::Pause | Self::InvitesOnly | Self::Drain { .. } | Self::Resume => Ok(()),
        }
    }
}

impl SignedOrder {
    /// Signs an order that begins now and lasts so long.
    ///
    /// # Errors
    /// If it exceeds a limit.
    pub fn sign(
        order: Order,
        now: UnixMillis,
        life: Duration,
        key: &Ed25519KeyPair,
    ) -> Result<Self, OrderError> {
        let mut signed = Self { number: now, expires: now + life, order, signature: [0; 64] };
        signed.check()?;
        let signature = key.sign(&signed.statement());
        signed.signature.copy_from_slice(signature.as_ref());
        Ok(signed)
    }

    /// What is signed: the kind, the number, the end, and what belongs to the kind.
    pub fn statement(&self) -> Vec<u8> {
        let (number, expires) = (self.number.0.to_be_bytes(), self.expires.0.to_be_bytes());
        let kind = self.order.kind().word().as_bytes();
        [DOMAIN, kind, &[0], &number, &expires, &self.order.argument()].concat()
    }

    /// Whether it is signed with the private half of this key.
    pub fn is_signed_with(&self, public: &[u8; 32]) -> bool {
        UnparsedPublicKey::new(&ED25519, public).verify(&self.statement(), &self.signature).is_ok()
    }

    /// Whether it is within the limits.
    ///
    /// # Errors
    /// With the limit that it exceeds.
    pub fn check(&self) -> Result<(), OrderError> {
        let longest = self.order.longest_life();
        if self.expires <= self.number || self.expires.since(self.number) > longest {
            return Err(OrderError::Life(longest));
        }
        self.order.check()
    }

    /// Its kind.
    pub const fn kind(&self) -> OrderKind {
        self.order.kind()
    }

    /// How heartbeats tell of it.
    pub const fn mark(&self) -> OrderMark {
        OrderMark(self.kind(), self.number, self.expires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const NOW: UnixMillis = UnixMillis(258);

    fn key() -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
    }

    fn public(key: &Ed25519KeyPair) -> [u8; 32] {
        use aws_lc_rs::signature::KeyPair;
        key.public_key().as_ref().try_into().unwrap()
    }

    fn sign(order: Order) -> Result<SignedOrder, OrderError> {
        SignedOrder::sign(order, NOW, Duration::from_millis(1), &key())
    }

    #[test]
    fn a_statement_names_its_kind_its_number_its_end_and_what_belongs_to_it() {
        let drain = Order::Drain { node: "g1".parse().unwrap(), boot: BootId(5) };
        for (order, argument) in [
            (Order::Pause, &b"pause\0\0\0\0\0\0\0\x01\x02\0\0\0\0\0\0\x01\x03"[..]),
            (Order::Notice("hi".into()), b"notice\0\0\0\0\0\0\0\x01\x02\0\0\0\0\0\0\x01\x03hi"),
            (
                Order::RevokePasses("a.b.c".into()),
                b"revoke-passes\0\0\0\0\0\0\0\x01\x02\0\0\0\0\0\0\x01\x03a.b.c",
            ),
            (Order::Admission(258_000), b"admission\0\0\0\0\0\0\0\x01\x02\0\0\0\0\0\0\x01\x03\0\x03\xef\xd0"),
            (drain, b"drain\0\0\0\0\0\0\0\x01\x02\0\0\0\0\0\0\x01\x03\0\0\0\0\0\0\0\x05g1"),
        ] {
            let expected = [b"cipher-chat.v1 order\0", argument].concat();
            assert_eq!(sign(order).unwrap().statement(), expected);
        }
    }

    #[test]
    fn nobody_can_change_an_order_or_make_one() {
        let (ours, other) = (key(), Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap());
        let order = SignedOrder::sign(Order::Close("back at 8".into()), NOW, HOUR, &ours).unwrap();
        assert!(order.is_signed_with(&public(&ours)));
        assert!(!order.is_signed_with(&public(&other)));
        for changed in [
            SignedOrder { number: UnixMillis(259), ..order.clone() },
            SignedOrder { expires: order.expires + HOUR, ..order.clone() },
            SignedOrder { order: Order::Notice("back at 8".into()), ..order.clone() },
            SignedOrder { order: Order::Close("back at 9".into()), ..order.clone() },
            SignedOrder { signature: [0; 64], ..order.clone() },
        ] {
            assert!(!changed.is_signed_with(&public(&ours)), "{changed:?}");
        }
    }

    #[test]
    fn an_order_has_limits() {
        let most = "é".repeat(limits::ORDER_TEXT_CHARS);
        for text in ["", "two\nlines", &most] {
            assert!(sign(Order::Notice(text.into())).is_ok(), "{text}");
        }
        assert_eq!(sign(Order::Close(most.clone() + "e")), Err(OrderError::Long));
        assert_eq!(sign(Order::Notice("a\u{1b}[2J".into())), Err(OrderError::Control));
        let list = "x".repeat(limits::PASS_LIST_BYTES);
        assert!(sign(Order::RevokePasses(list.clone())).is_ok());
        for wrong in [list + "x", String::new(), "a b".into(), "a.b\n".into()] {
            assert_eq!(sign(Order::RevokePasses(wrong)), Err(OrderError::List));
        }
        for (hashes, fits) in [(0, true), (1, true), (1_000_000, true), (1_000_001, false)] {
            assert_eq!(sign(Order::Admission(hashes)).is_ok(), fits, "{hashes}");
        }
        let lasting = |order: &Order, life| SignedOrder::sign(order.clone(), NOW, life, &key()).map(drop);
        let drain = Order::Drain { node: "g1".parse().unwrap(), boot: BootId(5) };
        let millisecond = Duration::from_millis(1);
        for (order, longest) in [(drain, limits::DRAIN_ORDER_LIFE), (Order::Pause, limits::ORDER_LIFE)] {
            assert_eq!(lasting(&order, longest), Ok(()));
            assert_eq!(lasting(&order, longest + millisecond), Err(OrderError::Life(longest)));
            assert_eq!(lasting(&order, Duration::ZERO), Err(OrderError::Life(longest)));
        }
    }
}
