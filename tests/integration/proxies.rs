//! Proxies that pass bytes through and name their clients by the PROXY protocol.

use std::{fs, net::SocketAddr, path::PathBuf, process::Command};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::support::{
    certificates::Certificates,
    eventually, http, in_time,
    nats::free_port,
    person::{Person, pair, talk},
    process::{Launch, Process},
    unique,
};

/// The proxy's address. Tests without a proxy come from 127.0.0.1.
const PROXY: [u8; 4] = [127, 0, 0, 2];

/// A server of this proxy.
fn behind() -> Launch {
    Launch::new("serve").set("proxy-protocol", "true").set("trusted-proxy", "127.0.0.2")
}

/// A connection from this address that begins so.
async fn from(own: [u8; 4], to: SocketAddr, begins: &[u8]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((own, 0))).unwrap();
    let mut stream = socket.connect(to).await.unwrap();
    stream.write_all(begins).await.unwrap();
    stream
}

fn v1(client: &str) -> Vec<u8> {
    format!("PROXY TCP4 {client} 198.51.100.1 4711 443\r\n").into_bytes()
}

fn v2(client: [u8; 4]) -> Vec<u8> {
    let ends = [&client[..], &[198, 51, 100, 1, 1, 2, 3, 4]].concat();
    [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..], &ends].concat()
}

/// The status of the page; `None` if the connection was cut.
async fn page(stream: TcpStream) -> Option<u16> {
    let request = http::request("GET", "/", &[], "");
    in_time("an answer", http::over(stream, &request)).await.ok().map(|answer| answer.status)
}

#[tokio::test]
async fn only_a_trusted_proxy_names_its_clients_and_it_has_to() {
    let serve = behind().ready().await;
    let to = serve.address();
    assert_eq!(page(from(PROXY, to, &v1("198.51.100.7")).await).await, Some(200));
    assert_eq!(page(from(PROXY, to, &v2([198, 51, 100, 7])).await).await, Some(200));
    assert_eq!(page(from(PROXY, to, b"PROXY UNKNOWN\r\n").await).await, Some(200), "its health check");
    assert_eq!(page(from(PROXY, to, b"").await).await, None, "no header");
    assert_eq!(serve.metric("gateway_http_refusals_total").await, 1.0);
    serve.has_logged("no header of the PROXY protocol").await;
    assert_eq!(page(from([127, 0, 0, 1], to, b"").await).await, Some(200), "no proxy, no header");
    for forged in [v1("198.51.100.7"), v2([198, 51, 100, 7])] {
        assert_eq!(page(from([127, 0, 0, 1], to, &forged).await).await, Some(400), "{forged:?}");
    }
    assert!(!serve.log().contains("198.51.100"), "no address in a log");
}

#[tokio::test]
async fn limits_are_those_of_the_client_that_is_named() {
    let serve = behind().set("connections-per-address", "2").ready().await;
    let to = serve.address();
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = from(PROXY, to, &v1("198.51.100.7")).await;
        // When a request is answered, the connection is counted.
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        assert_ne!(stream.read(&mut [0; 16]).await.unwrap(), 0);
        open.push(stream);
    }
    assert_eq!(page(from(PROXY, to, &v1("198.51.100.7")).await).await, None, "a third of this client");
    for other in ["198.51.100.8", "198.51.100.9", "203.0.113.1"] {
        assert_eq!(page(from(PROXY, to, &v1(other)).await).await, Some(200), "{other}");
    }
    drop(open);
    eventually("there is room again", async || {
        page(from(PROXY, to, &v2([198, 51, 100, 7])).await).await == Some(200)
    })
    .await;
}

#[tokio::test]
async fn people_behind_a_proxy_that_passes_bytes_through_talk() {
    let serve = behind().ready().await;
    let (mut one, mut other) = (Person::new(&serve).await, Person::arrive(&serve).await);
    one.connect_over(from(PROXY, serve.address(), &v2([198, 51, 100, 7])).await).await;
    pair(&mut one, &mut other).await;
    talk(&mut one, &mut other).await;
}

/// A proxy that runs in a directory of its own, and ends with the test.
struct Proxy {
    child: std::process::Child,
    directory: PathBuf,
}

impl Proxy {
    fn start(program: &str, arguments: &[&str], config: &str) -> Self {
        let directory = std::env::temp_dir().join(unique("proxy"));
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("conf"), config).unwrap();
        // Debian's are where only root's path looks.
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin";
        let mut command = Command::new(program);
        let child = command.args(arguments).env("PATH", path).current_dir(&directory).spawn().unwrap();
        Self { child, directory }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The page over TLS that ends at the server, and how many connections of one client get through at
/// once.
async fn passes_through(certificates: &Certificates, port: u16, serve: &Process) {
    let client = certificates.client(None);
    let connect = async || {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        client.connect("chat.example".try_into().unwrap(), stream).await
    };
    eventually("the proxy is up", async || TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
    let get = http::request("GET", "/", &[("connection", "keep-alive")], "");
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = in_time("a handshake", connect()).await.unwrap();
        let answer = in_time("an answer", http::over(&mut stream, &get)).await.unwrap();
        assert_eq!(answer.status, 200);
        open.push(stream);
    }
    // The client is 127.0.0.1, which is no proxy here: with 127.0.0.2, which is, there would be no
    // limit.
    let third = async { http::over(connect().await?, &get).await };
    assert!(in_time("an end", third).await.is_err(), "a third of the same client");
    serve.has_logged("their address has as many as may be").await;
    assert!(!serve.log().contains("no header of the PROXY protocol"), "{}", serve.log());
}

/// A gateway that ends TLS itself and counts two connections of one client.
async fn ending_tls(certificates: &Certificates) -> Process {
    let launch = behind()
        .set("tls-cert", &certificates.text("ours-chat.example.pem"))
        .set("tls-key", &certificates.text("ours-chat.example.key"))
        .set("connections-per-address", "2");
    launch.ready().await
}

#[tokio::test]
async fn nginx_passes_tls_through_with_version_1() {
    let certificates = Certificates::for_names(&["chat.example"]);
    let serve = ending_tls(&certificates).await;
    let (port, to) = (free_port(), serve.address());
    let module = "/usr/lib/nginx/modules/ngx_stream_module.so";
    let module = if fs::exists(module).unwrap() { format!("load_module {module};") } else { String::new() };
    let config = format!(
        "{module} daemon off; master_process off; pid nginx.pid; error_log stderr;\nevents {{}}\nstream {{ server {{ listen \
         127.0.0.1:{port}; proxy_pass {to}; proxy_bind 127.0.0.2; proxy_protocol on; }} }}\n"
    );
    let nginx = Proxy::start("nginx", &["-p", ".", "-c", "conf", "-e", "stderr"], &config);
    passes_through(&certificates, port, &serve).await;
    drop(nginx);
}

#[tokio::test]
async fn haproxy_passes_tls_through_with_version_2_and_looks_whether_we_are_well() {
    let certificates = Certificates::for_names(&["chat.example"]);
    let serve = ending_tls(&certificates).await;
    let (port, to) = (free_port(), serve.address());
    let config = format!(
        "defaults\n mode tcp\n timeout connect 2s\n timeout client 60s\n timeout server 60s\n\
         frontend clients\n bind 127.0.0.1:{port}\n default_backend gateways\n\
         backend gateways\n source 127.0.0.2\n \
         server gateway {to} send-proxy-v2-ssl-cn check check-ssl verify none inter 200ms fall 1 rise 1\n"
    );
    let haproxy = Proxy::start("haproxy", &["-db", "-f", "conf"], &config);
    passes_through(&certificates, port, &serve).await;
    drop(haproxy);
}
