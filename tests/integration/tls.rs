//! TLS on the listeners, and who may connect where client certificates are required.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::support::{
    certificates::Certificates,
    http::{self, Answer},
    in_time,
    process::{Launch, Process},
};

const SERVER: &str = "chat.example";

/// A node whose listeners require a client certificate of our authority, valid for `nginx`.
fn guarded(certificates: &Certificates) -> Launch {
    Launch::new("serve")
        .set("tls-cert", &certificates.text(&format!("ours-{SERVER}.pem")))
        .set("tls-key", &certificates.text(&format!("ours-{SERVER}.key")))
        .set("tls-client-ca", &certificates.text("ours.pem"))
        .set("tls-client-name", "nginx")
}

async fn ask(
    certificates: &Certificates,
    shown: Option<&str>,
    to: SocketAddr,
    request: &str,
) -> std::io::Result<Answer> {
    let asked = async {
        let stream = TcpStream::connect(to).await?;
        let name = ServerName::try_from(SERVER).unwrap();
        let stream = certificates.client(shown).connect(name, stream).await?;
        http::over(stream, request).await
    };
    in_time("an answer over TLS", asked).await
}

async fn page(certificates: &Certificates, shown: Option<&str>, of: &Process) -> std::io::Result<u16> {
    let request = http::request("GET", "/", &[], "");
    ask(certificates, shown, of.address(), &request).await.map(|answer| answer.status)
}

#[tokio::test]
async fn a_certificate_that_has_ended_is_told_at_the_start() {
    let certificates = Certificates::for_names(&[]);
    certificates.add_ended();
    let serve = Launch::new("serve")
        .set("tls-cert", &certificates.text("ended.pem"))
        .set("tls-key", &certificates.text("ended.key"))
        .start();
    serve.has_logged("this server's certificate has expired").await;
}

#[tokio::test]
async fn only_the_right_certificate_opens_a_guarded_listener() {
    let certificates = Certificates::for_names(&[SERVER, "nginx", "someone"]);
    let serve = guarded(&certificates).ready().await;
    assert_eq!(page(&certificates, Some("ours-nginx"), &serve).await.unwrap(), 200);
    for wrong in [None, Some("ours-someone"), Some("theirs-nginx")] {
        assert!(page(&certificates, wrong, &serve).await.is_err(), "{wrong:?}");
    }
    // Plain HTTP is not answered.
    let plain = TcpStream::connect(serve.address()).await.unwrap();
    let answer = http::over(plain, &http::request("GET", "/", &[], "")).await;
    assert!(answer.is_err());
    // Over TLS the page demands TLS from then on, and a session is opened as usual.
    let answer =
        ask(&certificates, Some("ours-nginx"), serve.address(), &http::request("GET", "/", &[], "")).await;
    assert!(answer.unwrap().header("strict-transport-security").is_some());
    let opened = http::request("POST", "/v1/sessions", &[], "");
    let answer = ask(&certificates, Some("ours-nginx"), serve.address(), &opened).await;
    assert_eq!(answer.unwrap().status, 201);
}

#[tokio::test]
async fn an_ops_listener_that_is_not_on_loopback_requires_a_certificate() {
    let certificates = Certificates::for_names(&[SERVER, "nginx", "watcher"]);
    let serve = guarded(&certificates).set("ops-listen", "0.0.0.0:0").start();
    let ops = SocketAddr::from(([127, 0, 0, 1], serve.ops().port()));
    let request = http::request("GET", "/healthz", &[], "");
    let answer = ask(&certificates, Some("ours-watcher"), ops, &request).await;
    assert_eq!(answer.unwrap().status, 200, "any certificate of the authority");
    for wrong in [None, Some("theirs-watcher")] {
        assert!(ask(&certificates, wrong, ops, &request).await.is_err(), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_web_socket_opens_over_tls_and_chats() {
    let certificates = Certificates::for_names(&[SERVER, "nginx"]);
    let serve = guarded(&certificates).ready().await;
    let mut sockets = Vec::new();
    for _ in 0..2 {
        let opened = http::request("POST", "/v1/sessions", &[], "");
        let session = ask(&certificates, Some("ours-nginx"), serve.address(), &opened).await.unwrap().json();
        let stream = TcpStream::connect(serve.address()).await.unwrap();
        let name = ServerName::try_from(SERVER).unwrap();
        let stream = certificates.client(Some("ours-nginx")).connect(name, stream).await.unwrap();
        let mut request = format!("wss://{SERVER}/v1/ws").into_client_request().unwrap();
        let offer = format!("cipher-chat.v1, bearer.{}", session["token"].as_str().unwrap());
        request.headers_mut().insert("sec-websocket-protocol", offer.parse().unwrap());
        let (mut socket, _) = client_async(request, stream).await.unwrap();
        socket.send(Message::text(r#"{"type":"find"}"#)).await.unwrap();
        sockets.push(socket);
    }
    let [mut one, mut other] = <[_; 2]>::try_from(sockets).unwrap();
    for socket in [&mut one, &mut other] {
        let paired =
            async { while !socket.next().await.unwrap().unwrap().to_text().unwrap().contains("paired") {} };
        in_time("they meet", paired).await;
    }
    // In many TLS records, in both directions.
    let frame: Vec<u8> = (0..65_536_u32).map(|n| (n % 241) as u8).collect();
    for n in 0..20 {
        passes(&mut one, &mut other, &frame[n..]).await;
        passes(&mut other, &mut one, &frame[n..]).await;
    }
}

type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// A frame is received as it was sent.
async fn passes(from: &mut Socket, to: &mut Socket, frame: &[u8]) {
    from.send(Message::binary(frame.to_vec())).await.unwrap();
    let heard = loop {
        match in_time("a frame", to.next()).await.unwrap().unwrap() {
            Message::Binary(heard) => break heard,
            Message::Ping(_) => {}
            other => panic!("{other:?} instead of a frame"),
        }
    };
    let wrong = heard.iter().zip(frame).position(|(heard, sent)| heard != sent);
    assert_eq!((heard.len(), wrong), (frame.len(), None));
}

#[test]
fn files_that_are_no_certificates_are_told() {
    let certificates = Certificates::for_names(&[SERVER]);
    for (option, file) in [
        ("tls-cert", "ours-chat.example.key"),
        ("tls-key", "ours-chat.example.pem"),
        ("tls-client-ca", "ours-chat.example.key"),
        ("tls-key", "theirs-chat.example.key"),
    ] {
        let output = guarded(&certificates).set(option, &certificates.text(file)).command().output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{option} {file}");
        assert!(!output.stderr.is_empty());
    }
}
