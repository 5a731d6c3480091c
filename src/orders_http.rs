//! The operator's orders over HTTP, on the ops listener: to give one to this node, and to see which
//! are in force. Who may give one is decided by its signature. The console, which is no node, passes
//! on to all what it is given.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bus::{Bus, Clock};
use console_page::Watching;
use orders::Standing;
use overview::State as NodeState;
use schemas::{
    BootId, NodeId, codec, limits,
    order::{Order, Outcome, SignedOrder},
    orders::Bringer,
};
use serde_json::{Value, json};
use serving::problem::respond;
use tokio::sync::Mutex;

use crate::order;

/// Where, on the ops listener.
pub const PATH: &str = "/orders";

/// What an order is, as a body.
pub const CBOR: &str = "application/cbor";

/// The longest order, which is a list of revoked passes, has to fit into a message on the bus, too.
const BODY_BYTES: usize = limits::EVENT_BYTES;

#[derive(Clone)]
struct Told {
    standing: Standing,
    clock: Clock,
    node: NodeId,
    boot: BootId,
}

/// Serves [`PATH`].
pub fn router(standing: Standing, clock: Clock, node: NodeId, boot: BootId) -> Router {
    Router::new().route(PATH, get(show).post(give)).with_state(Told { standing, clock, node, boot })
}

async fn show(State(told): State<Told>) -> Json<Value> {
    let in_force: Vec<_> = told.standing.in_force(told.clock.now()).iter().map(shown).collect();
    // As text: not every program keeps 64 bits of a number.
    let boot = told.boot.0.to_string();
    Json(json!({ "node": told.node.as_str(), "boot": boot, "in_force": in_force }))
}

fn shown(order: &SignedOrder) -> Value {
    let (kind, number, expires) = (order.kind().word(), order.number.0, order.expires.0);
    let mut shown = json!({ "kind": kind, "number": number, "expires": expires });
    match &order.order {
        Order::Close(text) | Order::Notice(text) => shown["text"] = json!(text),
        Order::Admission(hashes) => shown["hashes"] = json!(hashes),
        Order::Drain { node, .. } => shown["node"] = json!(node.as_str()),
        // A list tells nothing at a glance; who holds a pass on it is nobody's business here.
        Order::Pause | Order::InvitesOnly | Order::RevokePasses(_) | Order::Resume => {}
    }
    shown
}

/// This node takes the order. The others learn of it from its heartbeat.
async fn give(State(told): State<Told>, headers: HeaderMap, body: Body) -> Response {
    let order = match read(&headers, body).await {
        Ok(order) => order,
        Err(refusal) => return refusal,
    };
    let outcome = told.standing.take(told.clock.now(), &order, Bringer::Issuer);
    if outcome.stands() {
        let receipt = json!({ "node": told.node.as_str(), "outcome": outcome.word() });
        return Json(json!({ "receipts": [receipt] })).into_response();
    }
    let status = if outcome == Outcome::Forged { StatusCode::FORBIDDEN } else { StatusCode::CONFLICT };
    respond(status, outcome.word(), outcome.meaning(), HeaderMap::new())
}

/// The order in a request.
async fn read(headers: &HeaderMap, body: Body) -> Result<SignedOrder, Response> {
    // A page of another site cannot send this without asking first.
    if headers.get(CONTENT_TYPE) != Some(&HeaderValue::from_static(CBOR)) {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(respond(status, "media-type", "an order is application/cbor", HeaderMap::new()));
    }
    let read = to_bytes(body, BODY_BYTES).await.ok();
    read.and_then(|bytes| codec::decode(&bytes).ok()).ok_or_else(|| {
        respond(StatusCode::BAD_REQUEST, "bad-body", "this is no signed order", HeaderMap::new())
    })
}

#[derive(Clone)]
struct Cluster {
    bus: Bus,
    watching: Watching,
    /// One order at a time: whoever reaches the listener cannot fill the bus with orders of nobody.
    turn: Arc<Mutex<()>>,
}

/// Serves [`PATH`] for a whole cluster, whose nodes judge what they are given.
pub fn passing_on(bus: Bus, watching: Watching) -> Router {
    let turn = Arc::default();
    Router::new().route(PATH, post(pass_on)).with_state(Cluster { bus, watching, turn })
}

async fn pass_on(State(cluster): State<Cluster>, headers: HeaderMap, body: Body) -> Response {
    let order = match read(&headers, body).await {
        Ok(order) => order,
        Err(refusal) => return refusal,
    };
    let heard = cluster.watching.report().map(|report| report.nodes).unwrap_or_default();
    let heard = heard.into_iter().filter(|node| node.state != NodeState::Silent);
    let nodes: BTreeSet<_> = heard.map(|node| node.node).collect();
    if nodes.is_empty() {
        let detail = "no node is heard: the order was not given";
        return respond(StatusCode::SERVICE_UNAVAILABLE, "nobody", detail, HeaderMap::new());
    }
    let _turn = cluster.turn.lock().await;
    let answers = order::give(&cluster.bus, nodes.into_iter(), &order).await;
    let receipt = |(node, outcome): (&NodeId, &Option<Outcome>)| {
        outcome.map(|outcome| json!({ "node": node.as_str(), "outcome": outcome.word() }))
    };
    let receipts: Vec<_> = answers.iter().filter_map(receipt).collect();
    let silent = answers.iter().filter(|(_, outcome)| outcome.is_none());
    let unanswered: Vec<_> = silent.map(|(node, _)| node.as_str()).collect();
    Json(json!({ "receipts": receipts, "unanswered": unanswered })).into_response()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_lc_rs::signature::Ed25519KeyPair;
    use schemas::UnixMillis;

    use super::*;

    #[tokio::test]
    async fn the_longest_order_is_read_and_nothing_longer() {
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let longest = Order::RevokePasses("x".repeat(limits::PASS_LIST_BYTES));
        let order = SignedOrder::sign(longest, UnixMillis(1), Duration::from_secs(1), &key).unwrap();
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(CBOR))]);
        let body = codec::encode(&order).unwrap();
        assert_eq!(read(&headers, Body::from(body)).await.unwrap(), order);
        let endless = read(&headers, Body::from(vec![0; BODY_BYTES + 1])).await;
        assert_eq!(endless.unwrap_err().status(), StatusCode::BAD_REQUEST);
    }
}
