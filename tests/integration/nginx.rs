//! Through Nginx with the configuration that is deployed: TLS to people, mutual TLS to the
//! gateways.

mod closed;
mod places;

use std::{collections::BTreeMap, net::SocketAddr, process::Command};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

use crate::support::{
    eventually, http, in_time,
    nginx::Nginx,
    process::Process,
    raw,
    secure::{Pki, SecureCluster},
    tap::{Hello, Tap},
};

/// Where the people of these tests come from: no address of a server.
const SOMEBODY: [u8; 4] = [127, 0, 0, 77];
const SOMEBODY_TEXT: &str = "127.0.0.77";

/// Two gateways and what belongs to them, behind Nginx.
struct House {
    nginx: Nginx,
    gateways: [Process; 2],
    _others: [Process; 2],
    cluster: SecureCluster,
}

impl House {
    async fn start(options: &[(&str, &str)]) -> Self {
        let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2"])).await;
        let order_key = |name: &str| cluster.pki.text(&format!("{name}/orders.pub"));
        let gateway = |name| {
            let launch = cluster.launch_with_doors("gateway", name).set("trusted-proxy", "127.0.0.1/32");
            launch.set("order-key", &order_key(name)).set_all(options).start()
        };
        let gateways = [gateway("gateway-1"), gateway("gateway-2")];
        let other = |role, name| cluster.launch(role, name).set("order-key", &order_key(name));
        let others = cluster.ready([other("pairing", "pairing-1"), other("janitor", "janitor-1")]).await;
        let addresses = gateways.each_ref().map(Process::address);
        let nginx = Nginx::start(&cluster.pki, &addresses).await;
        let house = Self { nginx, gateways, _others: others, cluster };
        for gateway in &addresses {
            eventually("a gateway makes sessions", async || {
                house.ask_gateway(*gateway, "POST", "/v1/sessions").await.status == 201
            })
            .await;
        }
        house
    }

    /// A request as Nginx sends it.
    async fn ask_gateway(&self, gateway: SocketAddr, method: &str, path: &str) -> http::Answer {
        let tls = self.cluster.pki.client("edge", Some("nginx/edge"));
        let asked = async {
            let stream =
                tls.connect("localhost".try_into().unwrap(), TcpStream::connect(gateway).await?).await?;
            http::over(stream, &http::request(method, path, &[], "")).await
        };
        in_time("an answer of a gateway", asked).await.unwrap()
    }

    /// Gives an order, which all nodes take.
    fn order(&self, words: &[&str]) {
        let output = self.cluster.order(words, &self.cluster.pki.text("ops/orders.key"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// A session of somebody, as the header of its requests has it.
    async fn session(&self) -> String {
        let opened = self.nginx.call_from(SOMEBODY, "POST", "/v1/sessions", &[]).await.json();
        format!("Bearer {}", opened["token"].as_str().unwrap())
    }

    /// Asks for a chat's connection; returns how the answer begins, and the connection.
    async fn upgrade(&self, bearer: &str) -> (String, TlsStream<TcpStream>) {
        let mut stream = self.nginx.connect_from(SOMEBODY).await;
        let upgrade = http::request("GET", "/v1/ws", &raw::upgrade_headers(bearer), "");
        stream.write_all(upgrade.as_bytes()).await.unwrap();
        let mut head = [0; 12];
        in_time("an answer to an upgrade", stream.read_exact(&mut head)).await.unwrap();
        (String::from_utf8_lossy(&head).into_owned(), stream)
    }
}

#[tokio::test]
async fn people_chat_through_nginx_with_the_library() {
    let house = House::start(&[]).await;
    people_chat(&house.nginx, &house.cluster.pki);
    house.cluster.has_no_violation();
}

fn people_chat(nginx: &Nginx, pki: &Pki) {
    let output = Command::new(env!("CARGO_BIN_EXE_cipher-chat"))
        .args(["bench", "steady", "--content", "e2e", "--pairs", "4", "--rate", "20", "--secs", "2"])
        .args(["--url", &nginx.url(), "--ca", &pki.text("authorities/public.pem")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("every promise was kept"), "{said}");
}

/// `passthrough.conf`: gateways end TLS, and hear from the proxy whose a connection is.
#[tokio::test]
async fn people_chat_through_nginx_that_passes_tls_through() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2"])).await;
    let gateway = |name: &str| {
        let own = |file: &str| cluster.pki.text(&format!("{name}/{file}"));
        let launch = cluster.launch("gateway", name).set("trusted-proxy", "127.0.0.1/32");
        let launch = launch.set("tls-cert", &own("public.pem")).set("tls-key", &own("public.key"));
        launch.set("proxy-protocol", "true").set("session-rate", "60").start()
    };
    let gateways = [gateway("gateway-1"), gateway("gateway-2")];
    let _others =
        cluster.ready([cluster.launch("pairing", "pairing-1"), cluster.launch("janitor", "janitor-1")]).await;
    for gateway in &gateways {
        gateway.is_ready().await;
    }
    let nginx = Nginx::passing(&cluster.pki, &gateways.each_ref().map(Process::address)).await;
    people_chat(&nginx, &cluster.pki);
    // Limits are those of the address that the proxy has seen.
    for gateway in &gateways {
        assert!(!gateway.log().contains("no header of the PROXY protocol"), "{}", gateway.log());
    }
    let log = nginx.requests(8).await;
    let known =
        ["bytes_received", "bytes_sent", "seconds", "status", "time", "upstream"].map(str::to_owned).to_vec();
    for connection in &log {
        assert_eq!(connection.as_object().unwrap().keys().cloned().collect::<Vec<_>>(), known);
    }
    let mut asked: Vec<_> = log.iter().map(|connection| connection["upstream"].to_string()).collect();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 2, "both gateways: {asked:?}");
    cluster.has_no_violation();
}

/// A connection of its own from Nginx to the gateway, as long as it is held; or the status of a
/// refusal.
async fn upgrade(nginx: &Nginx, token: &str) -> Result<TlsStream<TcpStream>, String> {
    let mut stream = nginx.connect_from(SOMEBODY).await;
    let request = http::request("GET", "/v1/ws", &raw::upgrade_headers(&format!("Bearer {token}")), "");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 12];
    in_time("an answer to an upgrade", stream.read_exact(&mut head)).await.unwrap();
    let head = String::from_utf8_lossy(&head).into_owned();
    if head == "HTTP/1.1 101" { Ok(stream) } else { Err(head) }
}

/// Who Nginx is, is proved once in a while, not for every person.
#[tokio::test]
async fn nginx_resumes_its_session_with_a_gateway_until_it_is_revoked() {
    let house = House::start(&[]).await;
    let tap = Tap::before(house.gateways[0].address()).await;
    let nginx = Nginx::start(&house.cluster.pki, &[tap.address()]).await;
    let token = async || {
        let opened = house.ask_gateway(house.gateways[0].address(), "POST", "/v1/sessions").await.json();
        opened["token"].as_str().unwrap().to_owned()
    };
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(upgrade(&nginx, &token().await).await.unwrap());
    }
    assert_eq!(tap.hellos(), [Hello::Full, Hello::Resumed, Hello::Resumed, Hello::Resumed]);

    // Whoever has stolen the session along with the certificate is not let in by it.
    let last = token().await;
    house.cluster.pki.run(&[("--revoke", "nginx")]);
    house.gateways[0].signal("HUP");
    house.gateways[0].has_logged("changed certificate files are used from the next connection on").await;
    assert_eq!(upgrade(&nginx, &last).await.err().as_deref(), Some("HTTP/1.1 502"));
    assert_eq!(tap.hellos()[4], Hello::Full);
}

#[tokio::test]
async fn a_request_that_a_draining_gateway_refuses_goes_to_the_next() {
    let house = House::start(&[("drain-wait", "60s")]).await;
    let [leaving, staying] = &house.gateways;
    // As long as somebody stays, the gateway does.
    let opened = house.ask_gateway(leaving.address(), "POST", "/v1/sessions").await.json();
    let bearer = format!("Bearer {}", opened["token"].as_str().unwrap());
    let tls = house.cluster.pki.client("edge", Some("nginx/edge"));
    let stream = TcpStream::connect(leaving.address()).await.unwrap();
    let mut staying_on = tls.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    let upgrade = http::request("GET", "/v1/ws", &raw::upgrade_headers(&bearer), "");
    staying_on.write_all(upgrade.as_bytes()).await.unwrap();
    let mut head = [0; 12];
    in_time("an upgrade", staying_on.read_exact(&mut head)).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 101");

    leaving.terminate();
    eventually("it drains", async || {
        house.ask_gateway(leaving.address(), "POST", "/v1/sessions").await.status == 503
    })
    .await;
    for _ in 0..20 {
        let answer = house.nginx.call_from(SOMEBODY, "POST", "/v1/sessions", &[]).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    let log = house.nginx.requests(20).await;
    let went_on = log.iter().find(|request| request["upstream_status"] == "503, 201");
    let both = format!("{}, {}", leaving.address(), staying.address());
    assert_eq!(went_on.unwrap_or_else(|| panic!("{log:?}"))["upstream"], both);
}

/// Nginx forgives a gateway once a request to it has ended well, and a chat's connection ends hours
/// later: it must not leave a gateway out for having failed.
#[tokio::test]
async fn gateways_that_were_all_away_get_every_chat_back_at_once() {
    let house = House::start(&[]).await;
    let people = join_all((0..8).map(|_| house.session())).await;
    house.gateways.iter().for_each(Process::pause);
    let refused = join_all(people.iter().map(|bearer| house.upgrade(bearer))).await;
    assert!(refused.iter().all(|(head, _)| head.starts_with("HTTP/1.1 50")), "they hang");
    house.gateways.iter().for_each(Process::go_on);
    for gateway in &house.gateways {
        eventually("a gateway goes on", async || {
            house.ask_gateway(gateway.address(), "POST", "/v1/sessions").await.status == 201
        })
        .await;
    }
    let back = join_all(people.iter().map(|bearer| house.upgrade(bearer))).await;
    let heads: Vec<_> = back.iter().map(|(head, _)| head.as_str()).collect();
    assert_eq!(heads, ["HTTP/1.1 101"; 8]);
}

/// The gateway says what is wrong with a body that is a little too large; one that is far too large
/// stays at Nginx.
#[tokio::test]
async fn a_body_that_is_too_large_is_refused_by_who_can_say_why() {
    let house = House::start(&[]).await;
    let json = [("content-type", "application/json")];
    let ask = async |request: &str| {
        let asked = http::over(house.nginx.connect_from(SOMEBODY).await, request);
        in_time("an answer", asked).await.unwrap()
    };
    let large = ask(&http::request("POST", "/v1/sessions", &json, &"x".repeat(8 * 1024))).await;
    assert_eq!(large.problem(), (413, "too-large".to_owned()));
    // It is not waited for.
    let head =
        "POST /v1/sessions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 17000\r\n\r\n";
    let larger = ask(head).await;
    assert_eq!((larger.status, larger.header("content-type")), (413, Some("text/html")));
}

#[tokio::test]
async fn nobody_chooses_the_address_that_they_come_from() {
    let house = House::start(&[("session-rate", "3")]).await;
    let made = async |own: [u8; 4], forged: &str| {
        let headers = [
            ("x-forwarded-for", forged),
            ("x-real-ip", forged),
            ("true-client-ip", forged),
            ("cf-connecting-ip", forged),
            ("forwarded", &format!("for={forged}")),
        ];
        house.nginx.call_from(own, "POST", "/v1/sessions", &headers).await.status
    };
    // Each of the two gateways counts for itself, and lets some in at once.
    let mut answers = Vec::new();
    for last in 1..=60 {
        answers.push(made(SOMEBODY, &format!("198.51.100.{last}")).await);
    }
    let refused = answers.iter().filter(|status| **status == 429).count();
    assert!(refused > 20, "{answers:?}");
    // Another is not counted with them.
    assert_eq!(made([127, 0, 0, 78], "198.51.100.20").await, 201);
}

#[tokio::test]
async fn the_access_log_names_nobody() {
    let house = House::start(&[]).await;
    let agent = [("user-agent", "Somebody/1.0"), ("referer", "https://where-they-came-from.example/")];
    let made = house.nginx.call_from(SOMEBODY, "POST", "/v1/sessions?who=somebody", &agent).await;
    assert_eq!(made.status, 201);
    let (session, token) = (made.json()["session"].clone(), made.json()["token"].clone());
    let bearer = format!("Bearer {}", token.as_str().unwrap());
    let me = house.nginx.call_from(SOMEBODY, "GET", "/v1/sessions/me", &[("authorization", &bearer)]).await;
    assert_eq!(me.status, 200);
    house.nginx.call_from(SOMEBODY, "GET", "/wp-admin/somebody?password=secret", &agent).await;
    house.nginx.call_from(SOMEBODY, "GET", "/", &agent).await;
    // What Nginx refuses itself, and what is no HTTP at all.
    house.nginx.call_from(SOMEBODY, "GET", "/", &[("somebody", &"x".repeat(9000))]).await;
    let mut nonsense = house.nginx.connect_from(SOMEBODY).await;
    nonsense.write_all(b"somebody says hello\r\n\r\n").await.unwrap();
    let _ = nonsense.read_to_end(&mut Vec::new()).await;

    let log = house.nginx.requests(6).await;
    let routes: Vec<_> = log.iter().map(|request| request["route"].as_str().unwrap()).collect();
    assert_eq!(routes[..4], ["sessions", "session", "other", "page"]);
    let keys: Vec<_> = log[0].as_object().unwrap().keys().map(String::as_str).collect();
    let known = [
        "bytes_sent",
        "method",
        "resumed",
        "route",
        "seconds",
        "status",
        "time",
        "tls",
        "upstream",
        "upstream_seconds",
        "upstream_status",
    ];
    assert_eq!(keys, known);
    let text = house.nginx.log();
    let private = [
        SOMEBODY_TEXT,
        "omebody",
        "where-they",
        "wp-admin",
        "secret",
        session.as_str().unwrap(),
        token.as_str().unwrap(),
    ];
    for word in private {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

#[tokio::test]
async fn each_header_of_an_answer_is_there_once() {
    let house = House::start(&[]).await;
    for path in ["/", "/v1/sessions/me", "/nothing"] {
        let direct = house.ask_gateway(house.gateways[0].address(), "GET", path).await;
        let through = house.nginx.call_from(SOMEBODY, "GET", path, &[]).await;
        assert_eq!(through.status, direct.status);
        let by_name = |answer: &http::Answer| {
            let mut counts = BTreeMap::<String, Vec<String>>::new();
            for (name, value) in &answer.headers {
                // Of each connection and moment.
                if !["connection", "date", "server", "keep-alive"].contains(&name.as_str()) {
                    counts.entry(name.clone()).or_default().push(value.clone());
                }
            }
            counts
        };
        assert_eq!(by_name(&through), by_name(&direct), "{path}");
        for (name, values) in by_name(&through) {
            assert_eq!(values.len(), 1, "{path}: {name}");
        }
        assert_eq!(through.header("server"), Some("nginx"), "without a version");
        assert!(through.header("x-content-type-options").is_some(), "{through:?}");
    }
}

#[tokio::test]
async fn health_of_nginx_is_that_of_a_gateway_behind_it() {
    let mut house = House::start(&[]).await;
    assert_eq!(http::get(house.nginx.health(), "/healthz").await.status, 200);
    assert_eq!(http::get(house.nginx.health(), "/").await.status, 404, "nothing else is served without TLS");
    house.gateways[0].kill();
    assert_eq!(http::get(house.nginx.health(), "/healthz").await.status, 200);
    house.gateways[1].kill();
    let status = http::get(house.nginx.health(), "/healthz").await.status;
    assert!((500..600).contains(&status), "{status}");
}

/// A server of the same name and of another authority that is called the same gets no request.
#[tokio::test]
async fn nginx_speaks_to_gateways_only() {
    let house = House::start(&[]).await;
    let foreign = SecureCluster::start(Pki::with_gateways(&["gateway-1"])).await;
    let believed = house.cluster.pki.text("gateway-1/edge-ca.pem");
    let impostor = foreign.launch_with_doors("gateway", "gateway-1").set("tls-client-ca", &believed).start();
    let nginx = Nginx::start(&house.cluster.pki, &[impostor.address()]).await;
    assert_eq!(nginx.call_from(SOMEBODY, "POST", "/v1/sessions", &[]).await.status, 502);
    // With its own authority's certificate, which Nginx does not believe, the same server would
    // answer.
    let ours = Nginx::start(&house.cluster.pki, &[house.gateways[0].address()]).await;
    assert_eq!(ours.call_from(SOMEBODY, "POST", "/v1/sessions", &[]).await.status, 201);
}
