//! `cipher-chat probe`: asks the node on this machine how it is, for the health checks of
//! containers and for scripts.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args;
use serving::socket::Address;

/// How long each step may take: connecting, a write, a read. Health checks have their own time-out,
/// which is longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// More than all metrics of a node, in bytes.
const ANSWER_BYTES: u64 = 4 * 1024 * 1024;

/// The options of `cipher-chat probe`.
#[derive(Args, Clone, Debug)]
pub struct ProbeOptions {
    /// Where the node tells of health and metrics, its --ops-listen: of several addresses, the
    /// first that is of this machine alone, and so without TLS
    #[arg(
        long,
        value_name = "ADDRESS[,ADDRESS…]",
        env = "CIPHER_CHAT_OPS_LISTEN",
        default_value = "127.0.0.1:9090",
        value_delimiter = ','
    )]
    ops_listen: Vec<Address>,
    /// Ask only whether the process is running, not whether it is ready
    #[arg(long, conflicts_with = "metric")]
    alive: bool,
    /// Print this metric, a line `NAME{LABELS} VALUE` for each series (repeatable)
    #[arg(long, value_name = "NAME")]
    metric: Vec<String>,
}

/// Asks, prints the answer, and ends with 0 if the node is well.
pub fn main(options: &ProbeOptions) -> ExitCode {
    match run(options) {
        Ok(answer) => {
            print!("{answer}");
            ExitCode::SUCCESS
        }
        Err(error) => crate::fail(&error, crate::FAILED),
    }
}

fn run(options: &ProbeOptions) -> anyhow::Result<String> {
    let listens = &options.ops_listen;
    let local = listens.iter().find(|address| address.is_local());
    let node = &reachable(local.or(listens.first()).context("no address is given")?);
    if options.metric.is_empty() {
        return get(node, if options.alive { "/healthz" } else { "/readyz" });
    }
    let metrics = get(node, "/metrics")?;
    let lines = metrics.lines().filter(|line| options.metric.iter().any(|name| is_of(line, name)));
    Ok(lines.map(|line| format!("{line}\n")).collect())
}

/// A line of the metrics begins with the name, and goes on with labels or a value.
fn is_of(line: &str, name: &str) -> bool {
    line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
}

/// A node that listens on all addresses is asked on this machine's own.
fn reachable(listens: &Address) -> Address {
    let Address::Tcp(listens) = listens else { return listens.clone() };
    let address = match listens.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    Address::Tcp(SocketAddr::new(address, listens.port()))
}

/// The body of an answer.
///
/// # Errors
/// If there is none, or if it is not a success: with what it said.
fn get(node: &Address, path: &str) -> anyhow::Result<String> {
    ask(node, "GET", path, None)?.ok()
}

/// What a node has answered.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body of a success.
    ///
    /// # Errors
    /// If it is none: with what it said.
    pub fn ok(self) -> anyhow::Result<String> {
        if self.status == 200 { Ok(self.body) } else { bail!("{}", self.body.trim_end()) }
    }
}

/// Asks a node on this machine; a body is of this type.
///
/// # Errors
/// If there is no answer.
pub fn ask(node: &Address, method: &str, path: &str, body: Option<(&str, &[u8])>) -> anyhow::Result<Answer> {
    let mut stream = connect(node).with_context(|| format!("no node listens on {node} for operators"))?;
    let host = match node {
        Address::Tcp(address) => address.to_string(),
        Address::Unix(_) => "localhost".to_owned(),
    };
    let of_body =
        body.map(|(kind, body)| format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len()));
    let of_body = of_body.unwrap_or_default();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{of_body}Connection: close\r\n\r\n")?;
    stream.write_all(body.map(|(_, body)| body).unwrap_or_default())?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES).read_to_string(&mut answer).context("the node does not answer")?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the node's answer is not HTTP")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok(Answer { status: status.context("the node's answer is not HTTP")?, body: body.to_owned() })
}

/// Whatever can be asked.
trait Connection: Read + Write {}

impl Connection for TcpStream {}
impl Connection for UnixStream {}

/// A connection that nobody waits on for long. (The kernel of a node answers for its Unix socket at
/// once, unless very many wait there.)
fn connect(node: &Address) -> io::Result<Box<dyn Connection>> {
    match node {
        Address::Tcp(address) => {
            let stream = TcpStream::connect_timeout(address, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(Box::new(stream))
        }
        Address::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(Box::new(stream))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_not_taken_for_one_whose_name_begins_alike() {
        for line in ["cc_frames_total 7", "cc_frames_total{reason=\"rate\"} 7"] {
            assert!(is_of(line, "cc_frames_total"));
            assert!(!is_of(line, "cc_frames"));
        }
        assert!(!is_of("# TYPE cc_frames_total counter", "cc_frames_total"));
    }

    #[test]
    fn a_node_that_listens_everywhere_is_asked_on_loopback() {
        for (listens, asked) in [
            ("0.0.0.0:9090", "127.0.0.1:9090"),
            ("[::]:9090", "[::1]:9090"),
            ("10.0.0.1:1", "10.0.0.1:1"),
            ("unix:/run/ops.sock", "unix:/run/ops.sock"),
        ] {
            assert_eq!(reachable(&listens.parse().unwrap()), asked.parse().unwrap());
        }
    }
}
