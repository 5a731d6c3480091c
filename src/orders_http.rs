//! The operator's orders over HTTP, on the ops listener: to give one to this node, and to see which
//! are in force. Who may give one is decided by its signature.

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use bus::Clock;
use orders::Standing;
use schemas::{
    BootId, NodeId, codec,
    order::{Order, Outcome, SignedOrder},
    orders::Bringer,
};
use serde_json::{Value, json};
use serving::problem::respond;

/// Where, on the ops listener.
pub const PATH: &str = "/orders";

/// What an order is, as a body.
pub const CBOR: &str = "application/cbor";

/// Longer than the longest order.
const BODY_BYTES: usize = 4096;

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
        Order::Pause | Order::InvitesOnly | Order::Resume => {}
    }
    shown
}

/// This node takes the order. The others learn of it from its heartbeat.
async fn give(State(told): State<Told>, headers: HeaderMap, body: Body) -> Response {
    // A page of another site cannot send this without asking first.
    if headers.get(CONTENT_TYPE) != Some(&HeaderValue::from_static(CBOR)) {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return respond(status, "media-type", "an order is application/cbor", HeaderMap::new());
    }
    let read = to_bytes(body, BODY_BYTES).await.ok();
    let Some(order) = read.and_then(|bytes| codec::decode::<SignedOrder>(&bytes).ok()) else {
        return respond(StatusCode::BAD_REQUEST, "bad-body", "this is no signed order", HeaderMap::new());
    };
    let outcome = told.standing.take(told.clock.now(), &order, Bringer::Issuer);
    if outcome.stands() {
        let receipt = json!({ "node": told.node.as_str(), "outcome": outcome.word() });
        return Json(json!({ "receipts": [receipt] })).into_response();
    }
    let status = if outcome == Outcome::Forged { StatusCode::FORBIDDEN } else { StatusCode::CONFLICT };
    respond(status, outcome.word(), outcome.meaning(), HeaderMap::new())
}
