//! Where the server meets strangers: too many of them, those who may not come in, and those who ask
//! by another name.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::support::{eventually, http, process::Launch};

/// What a visitor gets: nothing, if it is cut off.
async fn visit(address: SocketAddr) -> String {
    // The reset may come before the connection is known to be one.
    let Ok(mut socket) = TcpStream::connect(address).await else { return String::new() };
    answer(&mut socket, LAST).await
}

/// What comes back before the other end closes.
async fn answer(socket: &mut TcpStream, request: &[u8]) -> String {
    // Somebody who was cut off can neither write nor read.
    let _ = socket.write_all(request).await;
    let mut came = Vec::new();
    let _ = socket.read_to_end(&mut came).await;
    String::from_utf8_lossy(&came).into_owned()
}

const LAST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn without_a_file_to_open_health_is_told_and_strangers_are_sent_away_at_once() {
    let serve = Launch::new("serve").files(200).ready().await;
    let mut open = Vec::new();
    for _ in 0..150 {
        open.push(TcpStream::connect(serve.address()).await);
    }
    eventually("it is full", async || serve.metric("gateway_http_refusals_total").await > 0.0).await;
    for _ in 0..5 {
        assert_eq!(http::get(serve.ops(), "/healthz").await.status, 200);
        assert_eq!(http::get(serve.ops(), "/readyz").await.status, 200);
    }
    assert_eq!(visit(serve.address()).await, "", "cut off");
    serve.has_logged("as many as may be").await;
    let told = serve.log().matches("as many as may be").count();
    assert!((1..10).contains(&told), "46 and more were cut off: {}", serve.log());
    drop(open);
    eventually("there is room again", async || visit(serve.address()).await.starts_with("HTTP/1.1 200 "))
        .await;
}

#[tokio::test]
async fn so_many_connections_as_the_operator_says() {
    let serve = Launch::new("serve").set("connections", "10").ready().await;
    let mut open = Vec::new();
    for _ in 0..10 {
        open.push(TcpStream::connect(serve.address()).await.unwrap());
    }
    eventually("all are counted", async || serve.metric("gateway_connections").await == 10.0).await;
    assert_eq!(visit(serve.address()).await, "");
}

#[tokio::test]
async fn a_plain_listener_that_others_reach_serves_its_proxies_alone() {
    let launch = Launch::new("serve").without("listen").set("insecure-listen", "0.0.0.0:0");
    let serve = launch.set("trusted-proxy", "127.0.0.2").ready().await;
    let address = SocketAddr::from(([127, 0, 0, 1], serve.address().port()));
    let from = async |own: [u8; 4]| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((own, 0))).unwrap();
        match socket.connect(address).await {
            Ok(mut socket) => answer(&mut socket, LAST).await,
            Err(_) => String::new(),
        }
    };
    assert!(from([127, 0, 0, 2]).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(from([127, 0, 0, 1]).await, "", "anybody else");
    serve.has_logged("served without TLS").await;
    serve.has_logged("did not come from --trusted-proxy").await;
}

#[tokio::test]
async fn a_proxy_that_is_not_named_is_told_of_once() {
    let serve = Launch::new("serve").ready().await;
    for _ in 0..3 {
        let forwarded = [("x-forwarded-for", "198.51.100.7")];
        assert_eq!(http::call(serve.address(), "POST", "/v1/sessions", &forwarded, "").await.status, 201);
    }
    serve.has_logged("--trusted-proxy does not name it").await;
    assert_eq!(serve.log().matches("--trusted-proxy does not name it").count(), 1, "{}", serve.log());
    assert!(!serve.log().contains("198.51.100"), "no address in a log");
}

#[tokio::test]
async fn a_foreign_page_is_counted_and_the_operator_is_told_what_to_do() {
    let serve = Launch::new("serve").ready().await;
    for _ in 0..20 {
        let foreign = [("origin", "https://chat.example")];
        let refused = http::call(serve.address(), "POST", "/v1/sessions", &foreign, "").await;
        assert_eq!(refused.problem(), (403, "origin".into()));
    }
    assert_eq!(serve.metric("gateway_http_refusals_total").await, 20.0);
    serve.has_logged("proxy_set_header Host").await;
    assert!(serve.log().matches("proxy_set_header Host").count() < 10, "not for each of them");
    assert!(!serve.log().contains("chat.example"), "nothing that a client wrote");
}

#[tokio::test]
async fn health_is_told_to_nobody_who_asks_by_a_name_of_their_own() {
    let serve = Launch::new("serve").ready().await;
    let ask = async |host: &str| {
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let mut socket = TcpStream::connect(serve.ops()).await.unwrap();
        answer(&mut socket, request.as_bytes()).await
    };
    assert!(ask("localhost").await.starts_with("HTTP/1.1 200 "));
    assert!(ask(&serve.ops().to_string()).await.starts_with("HTTP/1.1 200 "));
    let rebound = ask("evil.example").await;
    assert!(rebound.starts_with("HTTP/1.1 421 ") && !rebound.contains("# HELP"), "{rebound}");
}
