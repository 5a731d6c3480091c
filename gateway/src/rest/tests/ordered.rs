//! What the operator's orders change for clients over HTTP.

use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use orders::Standing;
use schemas::{
    order::{Order, Outcome, SignedOrder},
    orders::Bringer,
};

use super::*;

/// A gateway, and the operator who gives it orders.
struct Ordered {
    gateway: Gateway,
    standing: Standing,
    key: Ed25519KeyPair,
}

impl Ordered {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let key = Ed25519KeyPair::generate().unwrap();
        let public = key.public_key().as_ref().try_into().unwrap();
        let standing = Standing::new(Some(public), orders::Metrics::default());
        let given = standing.clone();
        let gateway = Gateway::new(move |config| {
            config.orders = given;
            change(config);
        });
        Self { gateway, standing, key }
    }

    fn order(&self, order: Order) {
        // Each with a number of its own, whatever the clock shows.
        let now = self.gateway.state.node.clock().now() + Duration::from_millis(self.standing.taken());
        let order = SignedOrder::sign(order, now, Duration::from_secs(60), &self.key).unwrap();
        assert_eq!(self.standing.take(now, &order, Bringer::Issuer), Outcome::Taken);
    }

    async fn open(&self) -> Response<Body> {
        self.gateway.send(request("POST", "/v1/sessions", &[], "")).await
    }

    async fn status(&self) -> Value {
        body(self.gateway.send(request("GET", "/v1/status", &[], "")).await).await
    }
}

#[tokio::test]
async fn a_closed_service_opens_no_session_says_why_and_serves_those_that_there_are() {
    let ordered = Ordered::new(|_| ());
    ordered.order(Order::Close("back at 8".into()));
    let refused = ordered.open().await;
    assert_eq!(refused.headers()["retry-after"], "30");
    let problem = body(refused).await;
    assert_eq!((&problem["code"], &problem["status"]), (&json!("closed"), &json!(503)));
    assert_eq!(problem["detail"], "no new sessions are opened here now: back at 8");
    expect_problem(ordered.gateway.send(request("GET", "/v1/challenge", &[], "")).await, 503, "closed").await;
    assert_eq!(ordered.status().await["closed"], "back at 8");
    let authorization = bearer(&ordered.gateway.token());
    let mine = with_token("GET", "/v1/sessions/me", Some(&authorization));
    assert_eq!(ordered.gateway.send(mine).await.status(), 200);
    ordered.order(Order::Resume);
    assert_eq!(ordered.open().await.status(), 201);
    assert_eq!(ordered.status().await.get("closed"), None);
}

#[tokio::test]
async fn work_is_asked_for_and_not_asked_for_as_it_is_ordered() {
    for configured in [None, Some(5000)] {
        let ordered = Ordered::new(|config| config.admission = configured);
        let expected = |work: Option<u32>| if work.is_some() { 428 } else { 201 };
        assert_eq!(ordered.open().await.status(), expected(configured));
        ordered.order(Order::Admission(2000));
        assert_eq!(ordered.open().await.status(), 428);
        ordered.order(Order::Admission(0));
        assert_eq!(ordered.open().await.status(), 201);
        ordered.order(Order::Resume);
        assert_eq!(ordered.open().await.status(), expected(configured));
    }
}

#[tokio::test]
async fn the_start_screen_is_told_what_is_not_as_usual() {
    let ordered = Ordered::new(|_| ());
    let status = ordered.status().await;
    assert_eq!((status.get("paused"), status.get("notice")), (None, None));
    ordered.order(Order::Pause);
    ordered.order(Order::Notice("hello".into()));
    let status = ordered.status().await;
    assert_eq!((&status["paused"], &status["notice"]), (&json!(true), &json!("hello")));
    assert_eq!(status["matching"], json!(["random", "invite"]), "it is offered, and paused");
    ordered.order(Order::InvitesOnly);
    let status = ordered.status().await;
    assert_eq!((&status["matching"], status.get("paused")), (&json!(["invite"]), None));
}

#[tokio::test]
async fn counts_are_published_once_there_is_one() {
    let ordered = Ordered::new(|_| ());
    let asked = || ordered.gateway.send(request("GET", "/v1/transparency", &[], ""));
    expect_problem(asked().await, 503, "unavailable").await;
}
