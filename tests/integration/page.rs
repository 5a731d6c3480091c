//! `cipher-chat page`: the page compared with what real servers serve, through a host that changes it on
//! the way.

use std::{
    net::SocketAddr,
    process::{Command, Output},
    sync::Arc,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinSet, spawn_blocking},
};

use crate::support::{
    http::{self, Answer, call},
    in_time,
    process::{Launch, Process},
};

/// What a host does to the answer for a path.
type Change = Arc<dyn Fn(&str, &mut Answer) + Send + Sync>;

/// A host in front of a server that changes what it serves. Ends when it is dropped.
struct Host {
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Host {
    async fn before(server: &Process, change: impl Fn(&str, &mut Answer) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, server, change) =
            (listener.local_addr().unwrap(), server.address(), Arc::new(change) as Change);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(pass(client, server, change.clone()));
            }
        });
        Self { address, _serving: serving }
    }
}

async fn pass(mut client: TcpStream, server: SocketAddr, change: Change) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = client.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap();
    let mut answer = call(server, "GET", path, &[], "").await;
    change(path, &mut answer);
    let mut text = format!("HTTP/1.1 {} \r\n", answer.status);
    answer.headers.retain(|(name, _)| name != "content-length");
    for (name, value) in &answer.headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("content-length: {}\r\n\r\n", answer.body.len());
    // Whoever asks may have read enough.
    let _ = client.write_all(&[text.as_bytes(), &answer.body].concat()).await;
}

async fn page(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cipher-chat"));
    command.arg("page").args(words);
    in_time("an end", spawn_blocking(move || command.output())).await.unwrap().unwrap()
}

/// How it ended, and the differences that were named.
async fn verified(host: SocketAddr) -> (Option<i32>, Vec<String>) {
    let output = page(&["--verify", &format!("http://{host}")]).await;
    let lines = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    (output.status.code(), lines)
}

#[tokio::test]
async fn a_server_and_an_honest_host_serve_this_page() {
    let serve = Launch::new("serve").ready().await;
    let honest = Host::before(&serve, |_, _| {}).await;
    for host in [serve.address(), honest.address] {
        let (code, lines) = verified(host).await;
        assert_eq!((code, lines.len()), (Some(0), 1), "{lines:?}");
        assert!(lines[0].starts_with(&format!("http://{host} serves the page of cipher-chat ")), "{lines:?}");
    }
}

#[tokio::test]
async fn one_byte_that_a_host_changes_is_named() {
    let serve = Launch::new("serve").ready().await;
    let changing = Host::before(&serve, |path, answer| {
        if path == "/channel.js" {
            *answer.body.last_mut().unwrap() ^= 1;
        }
    });
    let (code, lines) = verified(changing.await.address).await;
    assert_eq!((code, lines.len()), (Some(1), 1), "{lines:?}");
    assert!(lines[0].starts_with("/channel.js has other content: sha256-"), "{lines:?}");
}

#[tokio::test]
async fn a_module_that_a_host_leaves_out_is_named() {
    let serve = Launch::new("serve").ready().await;
    let leaving_out = Host::before(&serve, |path, answer| {
        if path == "/languages/ko.js" {
            answer.status = 404;
        }
    });
    let (code, lines) = verified(leaving_out.await.address).await;
    assert_eq!(code, Some(1));
    assert_eq!(lines, ["/languages/ko.js is missing: the host answers with 404"]);
}

#[tokio::test]
async fn a_module_that_a_host_adds_is_named() {
    let serve = Launch::new("serve").ready().await;
    let adding = Host::before(&serve, |path, answer| {
        if path == "/" {
            let index = answer.text();
            let added = index.replace("</head>", "<script type=\"module\" src=\"more.js\"></script></head>");
            answer.body = added.into_bytes();
        }
    });
    let (code, lines) = verified(adding.await.address).await;
    assert_eq!((code, lines.len()), (Some(1), 2), "{lines:?}");
    assert!(lines[0].starts_with("/ has other content: sha256-"), "{lines:?}");
    assert_eq!(lines[1], "/ names more.js, which is no part of the page");
}

#[tokio::test]
async fn a_policy_that_a_host_takes_away_is_named_and_so_is_what_it_adds_to_the_headers() {
    let serve = Launch::new("serve").ready().await;
    let weakening = Host::before(&serve, |path, answer| {
        if path == "/" {
            answer.headers.retain(|(name, _)| name != "content-security-policy");
            answer.headers.push(("set-cookie".to_owned(), "visitor=7".to_owned()));
        }
    });
    let (code, lines) = verified(weakening.await.address).await;
    assert_eq!(code, Some(1));
    assert_eq!(
        lines,
        [
            "/ comes without the header content-security-policy",
            "/ comes with the header set-cookie, which the page has not: visitor=7",
        ]
    );
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_not_taken_for_one_that_differs() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let (code, lines) = verified(address).await;
    assert_eq!((code, lines), (Some(6), Vec::new()));
    let nothing_asked = page(&[]).await;
    assert_eq!(nothing_asked.status.code(), Some(2));
}

#[tokio::test]
async fn the_hashes_are_those_of_what_is_served() {
    let serve = Launch::new("serve").ready().await;
    let output = page(&["--hashes"]).await;
    assert!(output.status.success());
    let hashes = String::from_utf8(output.stdout).unwrap();
    assert!(hashes.lines().count() > 60);
    for line in hashes.lines() {
        let (digits, path) = line.split_once("  ").unwrap();
        let served = http::get(serve.address(), &format!("/{path}")).await;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &served.body);
        let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((served.status, hex.as_str()), (200, digits), "{path}");
    }
}

#[tokio::test]
async fn the_manifest_for_webcat_is_of_what_is_served() {
    let serve = Launch::new("serve").ready().await;
    let output = page(&["--webcat"]).await;
    assert!(output.status.success());
    let manifest: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let start = http::get(serve.address(), "/").await;
    assert_eq!(manifest["default_csp"].as_str(), start.header("content-security-policy"));
    let files = manifest["files"].as_object().unwrap();
    assert!(files.len() > 60);
    for (path, digest) in files {
        let served = http::get(serve.address(), path).await;
        let ours = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &served.body);
        let ours = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, ours);
        assert_eq!((served.status, Some(ours.as_str())), (200, digest.as_str()), "{path}");
    }
}

#[tokio::test]
async fn pages_from_files_are_let_in_where_they_are_named_and_have_a_rate_of_their_own() {
    let serve = Launch::new("serve")
        .set_all(&[("allowed-origin", "null"), ("null-session-rate", "10"), ("session-rate", "5")])
        .ready()
        .await;
    let open =
        async |headers: &[(&str, &str)]| call(serve.address(), "POST", "/v1/sessions", headers, "").await;
    let from_file = [("origin", "null")];
    for _ in 0..4 {
        let opened = open(&from_file).await;
        assert_eq!((opened.status, opened.header("access-control-allow-origin")), (201, Some("null")));
        assert_eq!(opened.header("access-control-allow-credentials"), None);
    }
    let refused = open(&from_file).await;
    assert_eq!(
        refused.header("ratelimit-policy"),
        Some(r#""null-session";q=1;w=60"#),
        "a tenth from one address"
    );
    assert_eq!(refused.problem(), (429, "rate".into()));
    for _ in 0..20 {
        assert_eq!(open(&[]).await.status, 201, "others of the address have all of theirs");
    }
    assert_eq!(open(&[]).await.header("ratelimit-policy"), Some(r#""session";q=5;w=60"#));

    let preflight = [
        ("origin", "null"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization"),
    ];
    let answer = call(serve.address(), "OPTIONS", "/v1/status", &preflight, "").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("null")));
    assert_eq!(
        answer.header("access-control-allow-credentials"),
        None,
        "never with what a browser has of the server"
    );
    assert_eq!(open(&[("origin", "https://evil.example")]).await.problem(), (403, "origin".into()));
}

#[tokio::test]
async fn the_rate_of_pages_from_files_can_be_turned_off() {
    let serve =
        Launch::new("serve").set_all(&[("allowed-origin", "null"), ("null-session-rate", "0")]).ready().await;
    for _ in 0..300 {
        let opened = call(serve.address(), "POST", "/v1/sessions", &[("origin", "null")], "").await;
        assert_eq!(opened.status, 201);
    }
}
