//! The options of `cipher-chat order`.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use schemas::{
    limits,
    order::{OrderError, OrderKind},
};
use serving::socket::Address;

use super::{Wanted, wanted};
use crate::duration;

/// How long an order lasts unless it is said.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// The options of `cipher-chat order`.
#[derive(Args, Clone, Debug)]
pub struct OrderOptions {
    /// pause (strangers are not matched), invites-only, close (no new sessions; TEXT says why),
    /// admission (COUNT hashes, or off), notice (TEXT; an empty one takes it down), drain (NODE
    /// stops), revoke-passes (FILE, the list of `pass revoke`), or resume (all is as usual again)
    #[arg(value_name = "KIND", value_parser = kind)]
    kind: OrderKind,
    /// What belongs to it
    #[arg(value_name = "TEXT|COUNT|NODE|FILE")]
    argument: Option<String>,
    /// File of the operator's key, as `cipher-chat pki` writes orders.key
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,
    /// How long it lasts [default: 24h; drain 60s, resume as long as any other]
    #[arg(long = "for", value_name = "TIME", value_parser = duration::parse)]
    life: Option<Duration>,
    /// NATS servers of the cluster
    #[arg(long, value_name = "URL[,URL…]", value_delimiter = ',', env = "CIPHER_CHAT_NATS")]
    pub(super) nats: Vec<String>,
    /// File of the certificate authorities (PEM) of the NATS servers
    #[arg(long, value_name = "FILE", env = "CIPHER_CHAT_NATS_CA")]
    pub(super) nats_ca: Option<PathBuf>,
    /// File of the operator's certificate for NATS (PEM)
    #[arg(long, value_name = "FILE", env = "CIPHER_CHAT_NATS_CERT", requires = "nats_key")]
    pub(super) nats_cert: Option<PathBuf>,
    /// File of that certificate's private key (PEM)
    #[arg(long, value_name = "FILE", env = "CIPHER_CHAT_NATS_KEY", requires = "nats_cert")]
    pub(super) nats_key: Option<PathBuf>,
    /// Instead of over NATS, give it to one node on this machine, at its ops listener:
    /// http://127.0.0.1:9090 or unix:/PATH
    #[arg(long, value_name = "URL", value_parser = ops)]
    pub(super) ops: Option<Address>,
    /// Add the order to this file, for --orders of the nodes
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// For drain: the run of the node, if it cannot be asked
    #[arg(long, value_name = "ID")]
    boot: Option<u64>,
}

/// What is wrong with the options.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderFault {
    /// Its text, count or node is not there.
    #[error("{} needs {}", .0.word(), argument_of(*.0))]
    Missing(OrderKind),
    /// Something that does not belong to it.
    #[error("{} takes no text", .0.word())]
    Needless(OrderKind),
    /// Not a count.
    #[error("admission needs off, or a whole number of hashes")]
    Hashes,
    /// Not the id of a node.
    #[error("drain needs the id of a node")]
    Node,
    /// A file that cannot be read.
    #[error("the list of revoked passes: {0}")]
    List(String),
    /// A run where no node is named.
    #[error("--boot belongs to drain")]
    Boot,
    /// A time for what has its own.
    #[error("{} lasts as long as it always does: leave --for out", .0.word())]
    Life(OrderKind),
    /// Nobody to give it to.
    #[error("say where the order is to go: --nats, --ops or --out")]
    Nowhere,
    /// A limit.
    #[error(transparent)]
    Order(#[from] OrderError),
}

impl OrderOptions {
    /// What is wanted, and for how long.
    pub(super) fn check(&self) -> Result<(Wanted, Duration), OrderFault> {
        if self.nats.is_empty() && self.ops.is_none() && self.out.is_none() {
            return Err(OrderFault::Nowhere);
        }
        let wanted = wanted(self.kind, self.argument.as_deref(), self.boot)?;
        let own = match self.kind {
            OrderKind::Drain => Some(limits::DRAIN_ORDER_LIFE),
            // As long as anything that it has ended might come back.
            OrderKind::Resume => Some(limits::ORDER_LIFE),
            // Nobody means to give a pass back by the end of a day.
            OrderKind::RevokePasses => Some(limits::ORDER_LIFE),
            _ => None,
        };
        let life = match (own, self.life) {
            (Some(_), Some(_)) => return Err(OrderFault::Life(self.kind)),
            (Some(own), None) => own,
            (None, life) => life.unwrap_or(LIFE),
        };
        if life.is_zero() || life > limits::ORDER_LIFE {
            return Err(OrderError::Life(limits::ORDER_LIFE).into());
        }
        Ok((wanted, life))
    }
}

fn argument_of(kind: OrderKind) -> &'static str {
    match kind {
        OrderKind::Admission => "a number of hashes, or off",
        OrderKind::Drain => "the id of a node",
        OrderKind::RevokePasses => "the file of a list that `pass revoke` wrote",
        _ => "a text",
    }
}

fn kind(text: &str) -> Result<OrderKind, String> {
    let all = || OrderKind::ALL.iter().copied();
    let words: Vec<_> = all().map(OrderKind::word).collect();
    all().find(|kind| kind.word() == text).ok_or_else(|| format!("choose one of {}", words.join(", ")))
}

/// The ops listener of this machine. Elsewhere it speaks TLS, and whoever asks shows a certificate
/// or a token: the operator gives orders to a cluster over NATS.
fn ops(text: &str) -> Result<Address, String> {
    let address = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
    let address = address
        .strip_prefix("localhost:")
        .map(|port| format!("127.0.0.1:{port}"))
        .unwrap_or(address.to_owned());
    let address: Address = address.parse().map_err(|fault| format!("it is not an address: {fault}"))?;
    if address.is_local() { Ok(address) } else { Err("it must be of this machine".to_owned()) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: OrderOptions,
    }

    fn check(words: &str) -> Result<(Wanted, Duration), OrderFault> {
        let line = format!("order {words} --key orders.key");
        Line::try_parse_from(line.split(' ')).unwrap_or_else(|fault| panic!("{fault}")).options.check()
    }

    #[test]
    fn an_order_lasts_a_day_unless_it_is_said_or_has_its_own_time() {
        let life = |words: &str| check(words).map(|(_, life)| life);
        assert_eq!(life("pause --out f"), Ok(LIFE));
        assert_eq!(life("pause --for 10m --out f"), Ok(Duration::from_secs(600)));
        assert_eq!(life("drain g1 --out f"), Ok(limits::DRAIN_ORDER_LIFE));
        assert_eq!(life("resume --out f"), Ok(limits::ORDER_LIFE));
        assert_eq!(life("resume --for 1h --out f"), Err(OrderFault::Life(OrderKind::Resume)));
        assert!(matches!(life("pause --for 9000h --out f"), Err(OrderFault::Order(_))));
        assert!(matches!(life("pause --for 0 --out f"), Err(OrderFault::Order(_))));
        assert_eq!(life("pause"), Err(OrderFault::Nowhere));
    }

    #[test]
    fn a_listener_is_of_this_machine() {
        for good in ["http://127.0.0.1:9090", "127.0.0.1:9090", "http://localhost:9090/", "unix:/run/ops"] {
            assert!(ops(good).is_ok(), "{good}");
        }
        for bad in ["https://chat.example", "http://10.0.0.1:9090", "x"] {
            assert!(ops(bad).is_err(), "{bad}");
        }
    }
}
