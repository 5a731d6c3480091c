//! Logs to a syslog server, beside standard error: one datagram a line (RFC 5424 over UDP, RFC
//! 5426). Nothing waits for the server: what it does not take is lost, and counted.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::counter::ConstCounter,
};
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::{
    MakeWriter,
    format::Writer,
    time::{FormatTime, SystemTime},
};

/// The longest datagram. A line of ours has some hundreds of bytes; every receiver takes 2048, and
/// most take 8192.
const DATAGRAM_BYTES: usize = 8 * 1024;

/// The facility `daemon`.
const FACILITY: u8 = 3;

/// How long it waits to look a name up again that is not known yet.
const LOOK_UP_AGAIN: Duration = Duration::from_secs(10);

/// Where a syslog server is: `HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// A name, or an address without brackets.
    pub host: String,
    /// Its UDP port.
    pub port: u16,
}

impl Server {
    /// Its address, if its name is known.
    fn address(&self) -> Option<SocketAddr> {
        (self.host.as_str(), self.port).to_socket_addrs().ok()?.next()
    }
}

/// Sends lines to a server. Clones share the socket.
#[derive(Clone, Debug)]
pub struct Syslog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// What follows the time in each line: who sends it.
    sender: String,
    link: OnceLock<(UdpSocket, SocketAddr)>,
    dropped: Arc<AtomicU64>,
}

impl Syslog {
    /// To this server, in the name of a node. A name that is not known is looked up again and
    /// again; lines are dropped meanwhile.
    pub fn start(server: Server, node: &str) -> Self {
        // Host, program, process, message id (none).
        let sender = format!("{node} cipher-chat {} -", std::process::id());
        let syslog = Self(Arc::new(Shared { sender, link: OnceLock::new(), dropped: Arc::default() }));
        // Only a name may take a while: an address is there at once.
        if server.host.parse::<IpAddr>().is_ok() {
            syslog.0.connect(&server);
            return syslog;
        }
        let shared = Arc::clone(&syslog.0);
        let looking = thread::Builder::new().name("syslog".to_owned()).spawn(move || {
            while !shared.connect(&server) {
                thread::sleep(LOOK_UP_AGAIN);
            }
        });
        if let Err(error) = looking {
            eprintln!("cipher-chat: no thread looks --syslog up: {error}");
        }
        syslog
    }

    fn line(&self, level: Level) -> Line<'_> {
        Line { shared: &self.0, level, text: Vec::new() }
    }

    /// How many lines were not sent.
    pub fn dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.0.dropped)
    }
}

impl Shared {
    fn connect(&self, server: &Server) -> bool {
        let opened = server.address().and_then(|address| {
            let any: IpAddr =
                if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
            let socket = UdpSocket::bind((any, 0)).ok()?;
            socket.set_nonblocking(true).ok()?;
            Some((socket, address))
        });
        opened.is_some_and(|link| self.link.set(link).is_ok())
    }

    fn send(&self, level: Level, line: &[u8]) {
        let mut datagram = format!("<{}>1 ", FACILITY * 8 + severity(level));
        // Cannot fail: into a string.
        let _ = SystemTime.format_time(&mut Writer::new(&mut datagram));
        // No structured data: the line itself is JSON.
        let mut datagram = [datagram.as_bytes(), b" ", self.sender.as_bytes(), b" - ", line].concat();
        datagram.truncate(DATAGRAM_BYTES);
        let sent = self.link.get().is_some_and(|(socket, server)| socket.send_to(&datagram, server).is_ok());
        if !sent {
            self.dropped.fetch_add(1, Relaxed);
        }
    }
}

/// How bad it is, as RFC 5424 counts.
fn severity(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

impl<'a> MakeWriter<'a> for Syslog {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        self.line(Level::INFO)
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Self::Writer {
        self.line(*metadata.level())
    }
}

/// One line, which is sent when it is dropped.
pub struct Line<'a> {
    shared: &'a Shared,
    level: Level,
    text: Vec<u8>,
}

impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

impl io::Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = DATAGRAM_BYTES.saturating_sub(self.text.len());
        self.text.extend_from_slice(&bytes[..bytes.len().min(room)]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let line = self.text.trim_ascii_end();
        if !line.is_empty() {
            self.shared.send(self.level, line);
        }
    }
}

/// Shows how many lines were lost.
#[derive(Debug)]
pub struct SyslogMetrics(pub Arc<AtomicU64>);

impl Collector for SyslogMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let help = "Lines of the log that could not be sent to --syslog";
        let counter = ConstCounter::new(self.0.load(Relaxed));
        counter.encode(encoder.encode_descriptor("node_syslog_dropped", help, None, counter.metric_type())?)
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::{fmt, layer::SubscriberExt};

    use super::*;

    fn log_to(syslog: &Syslog, log: impl FnOnce()) {
        let layer = fmt::layer().json().with_writer(syslog.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
    }

    fn server(address: SocketAddr) -> Server {
        Server { host: address.ip().to_string(), port: address.port() }
    }

    #[test]
    fn each_line_is_a_datagram_as_the_standard_has_it() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        receiver.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let syslog = Syslog::start(server(receiver.local_addr().unwrap()), "gateway-1");
        log_to(&syslog, || {
            tracing::warn!(days = 3, "a certificate ends soon");
            tracing::error!("{}", "long ".repeat(10_000));
            tracing::info!("last");
        });
        let mut room = vec![0; 2 * DATAGRAM_BYTES];
        let mut next = || {
            let (length, _) = receiver.recv_from(&mut room).unwrap();
            String::from_utf8(room[..length].to_vec()).unwrap()
        };
        let first = next();
        let fields: Vec<_> = first.splitn(8, ' ').collect();
        let process = std::process::id().to_string();
        assert_eq!([fields[0], fields[2], fields[3]], ["<28>1", "gateway-1", "cipher-chat"]);
        assert_eq!(fields[4..7], [process.as_str(), "-", "-"]);
        // RFC 3339, at most six digits of a second.
        assert!(fields[1].len() == 27 && fields[1].ends_with('Z') && fields[1].as_bytes()[10] == b'T');
        let line: serde_json::Value = serde_json::from_str(fields[7]).unwrap();
        assert_eq!(line["fields"], serde_json::json!({"days": 3, "message": "a certificate ends soon"}));
        let long = next();
        assert!(long.starts_with("<27>1 ") && long.len() == DATAGRAM_BYTES, "{}", long.len());
        assert!(next().contains("\"last\""));
        assert_eq!(syslog.dropped().load(Relaxed), 0);
    }

    #[test]
    fn what_cannot_be_sent_is_counted() {
        let unknown = Server { host: "nowhere.invalid".into(), port: 514 };
        let syslog = Syslog::start(unknown, "gateway-1");
        log_to(&syslog, || (0..3).for_each(|number| tracing::info!(number, "into the void")));
        assert_eq!(syslog.dropped().load(Relaxed), 3);
    }
}
