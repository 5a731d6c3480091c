//! The order `close`: all gateways refuse newcomers with 503, and none of them has failed.

use serde_json::json;

use super::*;

/// More than Nginx has gateways, and than it would forgive of them.
const NEWCOMERS: usize = 12;

#[tokio::test]
async fn of_a_closed_service_newcomers_are_told_why_and_all_else_goes_on() {
    let house = House::start(&[]).await;
    let inside = house.session().await;
    house.order(&["close", "back at 8"]);
    for _ in 0..NEWCOMERS {
        let refused = house.nginx.call_from(SOMEBODY, "POST", "/v1/sessions", &[]).await;
        assert_eq!(refused.problem(), (503, "closed".to_owned()));
        assert!(refused.json()["detail"].as_str().unwrap().ends_with(": back at 8"), "{refused:?}");
        let puzzle = house.nginx.call_from(SOMEBODY, "GET", "/v1/challenge", &[]).await;
        assert_eq!(puzzle.problem(), (503, "closed".to_owned()));
    }
    assert_eq!(house.nginx.call_from(SOMEBODY, "GET", "/", &[]).await.status, 200, "the page");
    let status = house.nginx.call_from(SOMEBODY, "GET", "/v1/status", &[]).await;
    assert_eq!((status.status, &status.json()["closed"]), (200, &json!("back at 8")));
    let bearer = [("authorization", inside.as_str())];
    let mine = house.nginx.call_from(SOMEBODY, "GET", "/v1/sessions/me", &bearer).await;
    assert_eq!(mine.status, 200, "{mine:?}");
    assert_eq!(house.upgrade(&inside).await.0, "HTTP/1.1 101");
    assert_eq!(http::get(house.nginx.health(), "/healthz").await.status, 200);

    house.order(&["resume"]);
    let let_in = house.nginx.call_from(SOMEBODY, "POST", "/v1/sessions", &[]).await;
    assert_eq!(let_in.status, 201, "{let_in:?}");
}
