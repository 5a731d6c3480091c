//! Where clients and operators come in: several addresses, Unix sockets, sockets that were passed.

use std::{
    net::{SocketAddr, TcpListener},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tokio::net::TcpStream;

use crate::support::{
    eventually,
    http::{self, get},
    nats::free_port,
    person::{Person, pair, talk},
    process::Launch,
    unique,
};

fn path(word: &str) -> PathBuf {
    std::env::temp_dir().join(unique(word))
}

/// To whoever reads and writes it, one stream is like another.
fn connect(path: &Path) -> TcpStream {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_nonblocking(true).unwrap();
    TcpStream::from_std(OwnedFd::from(stream).into()).unwrap()
}

fn probe(ops: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cipher-chat"));
    command.args(["probe", "--ops-listen", ops]).output().unwrap()
}

/// An address on which nobody listens, a moment ago.
fn free() -> SocketAddr {
    ([127, 0, 0, 1], free_port()).into()
}

#[tokio::test]
async fn clients_and_operators_come_in_at_every_address() {
    let (clients, ops, more) = (path("clients"), path("ops"), free());
    let launch =
        Launch::new("serve").set("listen", &format!("127.0.0.1:0,unix:{},{more}", clients.display()));
    let serve = launch.set("ops-listen", &format!("127.0.0.1:0,unix:{}", ops.display())).ready().await;
    serve.has_logged(&format!("open unix:{}", clients.display())).await;
    assert_eq!(get(serve.address(), "/").await.status, 200);
    assert_eq!(get(more, "/").await.status, 200);
    let opened = http::over(connect(&clients), &http::request("POST", "/v1/sessions", &[], "")).await;
    let (mut near, mut far) = (Person::with(opened.unwrap()), Person::arrive(&serve).await);
    near.connect_over(connect(&clients)).await;
    pair(&mut near, &mut far).await;
    talk(&mut near, &mut far).await;

    let told = probe(&format!("unix:{}", ops.display()));
    assert!(told.status.success() && !told.stdout.is_empty(), "{told:?}");
    let told = probe(&format!("10.255.255.1:9,unix:{}", ops.display()));
    assert!(told.status.success(), "of several, the one that needs no certificate: {told:?}");
    let metrics = http::over(connect(&ops), &http::request("GET", "/metrics", &[], "")).await.unwrap();
    assert!(metrics.text().contains("cipher_chat_gateway_connections_opened_total 2"), "{}", metrics.text());

    let mut serve = serve;
    serve.terminate();
    assert!(serve.ended().await.success());
    assert!(!clients.exists() && !ops.exists(), "their files went with them");
    assert_eq!(probe(&format!("unix:{}", ops.display())).status.code(), Some(1));
}

#[tokio::test]
async fn what_a_killed_process_left_is_taken_over_and_what_is_in_use_is_told() {
    let clients = path("clients");
    let launch = Launch::new("serve").set("listen", &format!("127.0.0.1:0,unix:{}", clients.display()));
    let mut first = launch.ready().await;
    let second = launch.command().output().unwrap();
    assert_eq!(second.status.code(), Some(3));
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(told.contains(&format!("cannot listen on --listen unix:{}", clients.display())), "{told}");
    first.kill();
    assert!(clients.exists());
    let _again = launch.ready().await;
    let page = http::over(connect(&clients), &http::request("GET", "/", &[], "")).await.unwrap();
    assert_eq!(page.status, 200);
}

#[tokio::test]
async fn a_socket_that_was_passed_serves_and_keeps_those_who_come_meanwhile() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let launch = Launch::new("serve").set("listen", &address.to_string()).passing(listener);
    // Before there is a process, and while another takes its place.
    let waiting = TcpStream::connect(address).await.unwrap();
    let mut serve = launch.ready().await;
    let request = http::request("GET", "/", &[], "");
    assert_eq!(http::over(waiting, &request).await.unwrap().status, 200);
    serve.terminate();
    assert!(serve.ended().await.success());
    let waiting = TcpStream::connect(address).await.unwrap();
    let _next = launch.ready().await;
    assert_eq!(http::over(waiting, &request).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_socket_that_was_passed_and_that_no_option_names_is_a_fault() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ended = Launch::new("serve").passing(listener).command().output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(told.contains(&format!("listens on {address}: neither --listen nor --ops-listen")), "{told}");
}

#[tokio::test]
async fn a_plain_ops_listener_of_this_machine_stays_plain_beside_one_with_certificates() {
    let certificates = crate::support::certificates::Certificates::for_names(&["node"]);
    let (ops, outside) = (path("ops"), free().port());
    let serve = Launch::new("serve")
        .set("ops-listen", &format!("127.0.0.1:0,0.0.0.0:{outside},unix:{}", ops.display()))
        .set("ops-tls-cert", &certificates.text("ours-node.pem"))
        .set("ops-tls-key", &certificates.text("ours-node.key"))
        .set("ops-tls-client-ca", &certificates.text("ours.pem"))
        .ready()
        .await;
    assert_eq!(get(serve.ops(), "/healthz").await.status, 200);
    assert!(probe(&format!("0.0.0.0:{outside},unix:{}", ops.display())).status.success());
    let plain = TcpStream::connect(("127.0.0.1", outside)).await.unwrap();
    let answer = http::over(plain, &http::request("GET", "/healthz", &[], "")).await;
    assert!(answer.is_err(), "without a certificate: {answer:?}");
    // Clients have no certificate at all here.
    eventually("pages are served", async || get(serve.address(), "/").await.status == 200).await;
}
