//! Giving an order to one node, on its ops listener. The others of its cluster learn of it there.

use anyhow::{Context, bail};
use schemas::{
    BootId, NodeId, codec,
    order::{Outcome, SignedOrder},
};
use serde_json::Value;

use super::{Answers, OrderOptions, nowhere};
use crate::{
    orders_http::{CBOR, PATH},
    probe::{Answer, ask},
};

/// The run of the node.
pub(super) fn boot_of(options: &OrderOptions, node: &NodeId) -> anyhow::Result<BootId> {
    let Some(ops) = &options.ops else { return nowhere("nobody was asked for its run") };
    let told: Value = serde_json::from_str(&ask(ops, "GET", PATH, None)?.ok()?)?;
    if told["node"] != node.as_str() {
        return nowhere(&format!("the node that listens there is not {}", node.as_str()));
    }
    let boot = told["boot"].as_str().and_then(|boot| boot.parse().ok());
    boot.map(BootId).context("the node does not tell its run")
}

/// Gives the order to the node, if there is one.
pub(super) fn give(options: &OrderOptions, order: &SignedOrder) -> anyhow::Result<Answers> {
    let Some(ops) = &options.ops else { return Ok(Answers::new()) };
    let body = codec::encode(order)?;
    let Answer { status, body } = ask(ops, "POST", PATH, Some((CBOR, &body)))?;
    let told: Value = serde_json::from_str(&body).context("the node's answer is not JSON")?;
    if status != 200 {
        bail!("the node has not taken the order: {}", told["detail"].as_str().unwrap_or_default());
    }
    let receipts = told["receipts"].as_array().context("the node's answer names no node")?;
    let read = |receipt: &Value| -> Option<(NodeId, Option<Outcome>)> {
        let outcome = serde_json::from_value(receipt["outcome"].clone()).ok()?;
        Some((receipt["node"].as_str()?.parse().ok()?, Some(outcome)))
    };
    let mut answers: Answers = receipts
        .iter()
        .map(|receipt| read(receipt).context("the node's answer is not understood"))
        .collect::<Result<_, _>>()?;
    // A console, which has passed the order on, tells also who has not answered it.
    let silent = told["unanswered"].as_array().into_iter().flatten();
    answers.extend(silent.filter_map(|node| Some((node.as_str()?.parse().ok()?, None))));
    Ok(answers)
}
