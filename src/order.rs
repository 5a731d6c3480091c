//! `cipher-chat order`: signs an order of the operator, gives it to the nodes, and says who has
//! taken it.

mod bus;
mod ops;
mod options;

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use ::bus::Clock;
use anyhow::{Context, bail};
use schemas::{
    BootId, NodeId, UnixMillis, limits,
    order::{Order, OrderKind, Outcome, SignedOrder},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use self::options::OrderFault;
pub use self::{bus::give, options::OrderOptions};
use crate::{FAILED, WRONG_OPTIONS, fail};

/// What became of the order at each node; `None` if the node has not answered.
type Answers = BTreeMap<NodeId, Option<Outcome>>;

/// Signs and gives the order. Ends with 0 if every node that there is has it.
pub async fn main(options: OrderOptions) -> ExitCode {
    let (wanted, life) = match options.check() {
        Ok(checked) => checked,
        Err(fault) => return fail(&fault.into(), WRONG_OPTIONS),
    };
    match run(&options, wanted, life).await {
        Ok(answers) => tell(&answers),
        Err(error) => fail(&error, FAILED),
    }
}

/// An order before it is known which run of which node it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// This one.
    Order(Order),
    /// To stop this node, in this run if it was said which.
    Drain(NodeId, Option<BootId>),
}

async fn run(options: &OrderOptions, wanted: Wanted, life: Duration) -> anyhow::Result<Answers> {
    let file = &options.key;
    let key = orders::files::private_key(file).with_context(|| file.display().to_string())?;
    let clock = Clock::start();
    let sign = |order| SignedOrder::sign(order, clock.now(), life, &key).map_err(anyhow::Error::new);
    let (order, answers) = if options.ops.is_some() || options.nats.is_empty() {
        let order = sign(wanted.of_run(|node| ops::boot_of(options, node))?)?;
        let answers = ops::give(options, &order)?;
        (order, answers)
    } else {
        let cluster = bus::Cluster::join(options).await?;
        let order = sign(wanted.of_run(|node| cluster.boot_of(node))?)?;
        let answers = cluster.give(&order).await;
        (order, answers)
    };
    if let Some(file) = &options.out {
        append(file, &order).with_context(|| file.display().to_string())?;
    }
    Ok(answers)
}

impl Wanted {
    /// With the run of the node, if it is for one.
    fn of_run(self, find: impl FnOnce(&NodeId) -> anyhow::Result<BootId>) -> anyhow::Result<Order> {
        Ok(match self {
            Self::Order(order) => order,
            Self::Drain(node, Some(boot)) => Order::Drain { node, boot },
            Self::Drain(node, None) => {
                let boot = find(&node)?;
                Order::Drain { node, boot }
            }
        })
    }
}

/// Adds the order to a file of orders.
fn append(file: &Path, order: &SignedOrder) -> anyhow::Result<()> {
    let (from, until) = (shown(order.number), shown(order.expires));
    let about = format!("{}, from {from} until {until}", order.kind().word());
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    file.write_all(orders::files::lines(order, &about).as_bytes())?;
    Ok(file.sync_all()?)
}

fn shown(time: UnixMillis) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let shown = OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|time| time.format(&Rfc3339).ok());
    shown.unwrap_or_else(|| seconds.to_string())
}

/// A line for each node. That nobody was asked is no failure.
fn tell(answers: &Answers) -> ExitCode {
    let width = answers.keys().map(|node| node.as_str().len()).max().unwrap_or_default();
    for (node, outcome) in answers {
        let told = match outcome {
            Some(outcome) if outcome.stands() => outcome.word().to_owned(),
            Some(outcome) => format!("{}: {}", outcome.word(), outcome.meaning()),
            None => "has not answered".to_owned(),
        };
        println!("{:width$}  {told}", node.as_str());
    }
    let all_have_it = answers.values().all(|outcome| outcome.is_some_and(Outcome::stands));
    if all_have_it { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

/// Which kinds name a text, a number or a node.
fn wanted(kind: OrderKind, argument: Option<&str>, boot: Option<u64>) -> Result<Wanted, OrderFault> {
    let needed = || argument.ok_or(OrderFault::Missing(kind));
    let order = match kind {
        OrderKind::Pause => Order::Pause,
        OrderKind::InvitesOnly => Order::InvitesOnly,
        OrderKind::Resume => Order::Resume,
        OrderKind::RevokePasses => Order::RevokePasses(list(needed()?)?),
        OrderKind::Close => Order::Close(argument.unwrap_or_default().to_owned()),
        OrderKind::Notice => Order::Notice(needed()?.to_owned()),
        OrderKind::Admission => {
            let hashes = needed()?;
            let hashes = if hashes == "off" { Ok(0) } else { hashes.parse() };
            Order::Admission(hashes.map_err(|_| OrderFault::Hashes)?)
        }
        OrderKind::Drain => {
            let node = needed()?.parse().map_err(|_| OrderFault::Node)?;
            return Ok(Wanted::Drain(node, boot.map(BootId)));
        }
    };
    let takes_none = matches!(kind, OrderKind::Pause | OrderKind::InvitesOnly | OrderKind::Resume);
    if takes_none && argument.is_some() {
        return Err(OrderFault::Needless(kind));
    }
    if boot.is_some() {
        return Err(OrderFault::Boot);
    }
    order.check()?;
    Ok(Wanted::Order(order))
}

/// The list of a file. Whether the key of the passes has signed it, gateways judge.
fn list(file: &str) -> Result<String, OrderFault> {
    let unreadable = |fault: io::Error| OrderFault::List(fault.to_string());
    let mut text = String::new();
    // One byte more is too long, and the check of the order says so.
    let most = u64::try_from(limits::PASS_LIST_BYTES).unwrap_or(u64::MAX).saturating_add(2);
    File::open(file).and_then(|file| file.take(most).read_to_string(&mut text)).map_err(unreadable)?;
    Ok(text.trim().to_owned())
}

/// Without a place where the order could go there is nothing to do.
fn nowhere<T>(what: &str) -> anyhow::Result<T> {
    bail!("{what}: give --boot, as `GET /orders` on its ops listener and its heartbeats tell it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_takes_what_belongs_to_it() {
        let text = |text: &str| text.to_owned();
        for (kind, argument, expected) in [
            (OrderKind::Pause, None, Ok(Order::Pause)),
            (OrderKind::Pause, Some("x"), Err(OrderFault::Needless(OrderKind::Pause))),
            (OrderKind::Close, None, Ok(Order::Close(String::new()))),
            (OrderKind::Close, Some("at 8"), Ok(Order::Close(text("at 8")))),
            (OrderKind::Notice, None, Err(OrderFault::Missing(OrderKind::Notice))),
            (OrderKind::Notice, Some(""), Ok(Order::Notice(String::new()))),
            (OrderKind::Admission, Some("off"), Ok(Order::Admission(0))),
            (OrderKind::Admission, Some("300000"), Ok(Order::Admission(300_000))),
            (OrderKind::Admission, Some("many"), Err(OrderFault::Hashes)),
            (OrderKind::Resume, None, Ok(Order::Resume)),
        ] {
            assert_eq!(wanted(kind, argument, None), expected.map(Wanted::Order), "{kind:?} {argument:?}");
        }
        let node: NodeId = "g1".parse().unwrap();
        assert_eq!(wanted(OrderKind::Drain, Some("g1"), None), Ok(Wanted::Drain(node.clone(), None)));
        let drain = wanted(OrderKind::Drain, Some("g1"), Some(5));
        assert_eq!(drain, Ok(Wanted::Drain(node, Some(BootId(5)))));
        assert_eq!(wanted(OrderKind::Drain, Some("a.b"), None), Err(OrderFault::Node));
        assert_eq!(wanted(OrderKind::Pause, None, Some(5)), Err(OrderFault::Boot));
        assert!(matches!(wanted(OrderKind::Admission, Some("2000000"), None), Err(OrderFault::Order(_))));
    }

    #[test]
    fn it_succeeds_only_if_every_node_has_the_order() {
        let answers = |outcome| Answers::from([("g1".parse().unwrap(), outcome)]);
        assert_eq!(tell(&answers(Some(Outcome::Taken))), ExitCode::SUCCESS);
        assert_eq!(tell(&answers(Some(Outcome::Known))), ExitCode::SUCCESS);
        for failed in [None, Some(Outcome::Forged), Some(Outcome::Expired), Some(Outcome::Ahead)] {
            assert_eq!(tell(&answers(failed)), ExitCode::from(FAILED), "{failed:?}");
        }
    }
}
