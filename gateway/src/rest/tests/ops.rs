//! What operators see of a gateway on its other listener.

use axum::body::to_bytes;
use prometheus_client::registry::Registry;
use serving::ops;

use super::*;

async fn get(node: &Arc<Node>, path: &str) -> (u16, String) {
    let mut registry = Registry::default();
    node.metrics().register(&mut registry);
    let asked = node.clone();
    let app = ops::router(move || asked.readiness(), Arc::new(registry), axum::Router::new(), None);
    let response = app.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 64 * 1024).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_gateway_is_alive_before_it_is_ready_and_after() {
    let config = Config::new("n1".parse().unwrap(), BootId(1));
    let bus = Local::new().join(config.node.clone());
    let node = Arc::new(Node::new(config, bus, Clock::start(), Metrics::default()));
    assert_eq!(get(&node, "/healthz").await, (200, "ok\n".into()));
    let lacks =
        "- no pairing node is running: nobody is matched\n- no janitor node is running: nothing expires\n";
    let unready = format!("not ready\n- the other gateways' keys are not known yet\n{lacks}");
    assert_eq!(get(&node, "/readyz").await, (503, unready));
    node.tokens().first_key_announced();
    node.set_synced();
    assert_eq!(get(&node, "/readyz").await, (200, format!("degraded\n{lacks}")));
    node.start_draining();
    assert_eq!(
        get(&node, "/readyz").await,
        (503, format!("not ready\n- this node is about to stop\n{lacks}"))
    );
    assert_eq!(get(&node, "/healthz").await.0, 200);
    let (status, metrics) = get(&node, "/metrics").await;
    assert_eq!(status, 200);
    assert!(
        metrics.contains("gateway_sessions_created_total 0") && metrics.ends_with("# EOF\n"),
        "{metrics}"
    );
    assert_eq!(get(&node, "/v1/sessions").await.0, 404);
}

#[tokio::test]
async fn an_operator_decides_which_roles_a_gateway_needs() {
    let gateway = Gateway::new(|config| config.ready_needs = vec![schemas::Service::Janitor]);
    let (status, body) = get(&gateway.state.node, "/readyz").await;
    assert_eq!(status, 503);
    assert_eq!(body.lines().nth(1), Some("- no janitor node is running: nothing expires"), "{body}");
}
