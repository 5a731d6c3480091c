//! The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt): how a proxy that passes
//! bytes through says whose they are, in a header before the first of them.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};

/// How long a header may take. A proxy sends it as soon as it has connected.
const HEADER_WAIT: Duration = Duration::from_secs(3);

/// The longest line of version 1, its end included (section 2.1).
const LINE_BYTES: usize = 107;

/// What tells the versions apart, and every whole header has.
const FIRST_BYTES: usize = 12;

/// The beginning of version 2: in no other protocol does a client say this.
const SIGNATURE: &[u8; FIRST_BYTES] = b"\r\n\r\n\0\r\nQUIT\n";

/// The beginning of version 1.
const WORD: &str = "PROXY ";

/// The most that may follow the first 16 bytes of version 2. The addresses take 36; what proxies
/// add (a unique id, the server name, the names of a certificate) takes hundreds.
const V2_BYTES: usize = 2048;

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// That of a client with this address.
    Client(IpAddr),
    /// The proxy's own: it looks whether we are well, or does not know.
    Proxy,
}

/// Why a header cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HeaderFault {
    #[error("the connection ended, or broke")]
    Broken(#[from] io::Error),
    #[error("it did not come in time")]
    Late,
    #[error("there is none")]
    Missing,
    #[error("it is not as version 1 or 2 of the protocol demand")]
    Malformed,
    #[error("it is too long")]
    TooLong,
}

/// Reads the header, and not a byte of what follows it.
pub(crate) async fn read(socket: &mut TcpStream) -> Result<Whose, HeaderFault> {
    timeout(HEADER_WAIT, header(socket)).await.map_err(|_| HeaderFault::Late)?
}

async fn header(socket: &mut TcpStream) -> Result<Whose, HeaderFault> {
    let mut held = [0; LINE_BYTES];
    socket.read_exact(&mut held[..FIRST_BYTES]).await?;
    if held.starts_with(SIGNATURE) {
        let mut fixed = [0; 4];
        socket.read_exact(&mut fixed).await?;
        let head = Head::parse(fixed)?;
        let mut rest = vec![0; head.length];
        socket.read_exact(&mut rest).await?;
        head.whose(&rest)
    } else if held.starts_with(WORD.as_bytes()) {
        let length = read_line(socket, &mut held).await?;
        whose_line(&held[..length])
    } else {
        Err(HeaderFault::Missing)
    }
}

/// Reads a line to its end. What lies behind it is looked at, and left where it is.
async fn read_line(socket: &mut TcpStream, held: &mut [u8; LINE_BYTES]) -> Result<usize, HeaderFault> {
    let mut length = FIRST_BYTES;
    while length < held.len() {
        let ahead = socket.peek(&mut held[length..]).await?;
        if ahead == 0 {
            return Err(HeaderFault::Broken(io::ErrorKind::UnexpectedEof.into()));
        }
        let end = held[length..length + ahead].iter().position(|byte| *byte == b'\n');
        let count = end.map_or(ahead, |at| at + 1);
        socket.read_exact(&mut held[length..length + count]).await?;
        length += count;
        if end.is_some() {
            return Ok(length);
        }
    }
    Err(HeaderFault::TooLong)
}

/// A line such as `PROXY TCP4 192.0.2.7 198.51.100.1 4711 443`.
fn whose_line(line: &[u8]) -> Result<Whose, HeaderFault> {
    let text = str::from_utf8(line).ok().and_then(|line| line.strip_prefix(WORD)?.strip_suffix("\r\n"));
    let fields: Vec<_> = text.ok_or(HeaderFault::Malformed)?.split(' ').collect();
    let client = match fields[..] {
        // What else such a line says counts for nothing.
        ["UNKNOWN", ..] => return Ok(Whose::Proxy),
        ["TCP4", from, to, from_port, to_port] if ports([from_port, to_port]) => {
            addresses::<Ipv4Addr>(from, to).map(IpAddr::V4)
        }
        ["TCP6", from, to, from_port, to_port] if ports([from_port, to_port]) => {
            addresses::<Ipv6Addr>(from, to).map(IpAddr::V6)
        }
        _ => None,
    };
    client.map(Whose::Client).ok_or(HeaderFault::Malformed)
}

fn addresses<A: std::str::FromStr>(from: &str, to: &str) -> Option<A> {
    to.parse::<A>().ok()?;
    from.parse().ok()
}

fn ports(ports: [&str; 2]) -> bool {
    ports.iter().all(|port| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

/// The four bytes behind the signature of version 2.
#[derive(Clone, Copy, Debug)]
struct Head {
    command: Command,
    family: u8,
    length: usize,
}

#[derive(Clone, Copy, Debug)]
enum Command {
    /// The proxy speaks for itself.
    Local,
    /// It speaks for a client.
    Proxy,
}

impl Head {
    fn parse([version, family, high, low]: [u8; 4]) -> Result<Self, HeaderFault> {
        let command = match version {
            0x20 => Command::Local,
            0x21 => Command::Proxy,
            _ => return Err(HeaderFault::Malformed),
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > V2_BYTES { Err(HeaderFault::TooLong) } else { Ok(Self { command, family, length }) }
    }

    /// By what follows: addresses and ports, then what nobody here asks for.
    fn whose(self, rest: &[u8]) -> Result<Whose, HeaderFault> {
        /// Source and destination, and a port of two bytes for each.
        const V4: usize = 2 * (4 + 2);
        const V6: usize = 2 * (16 + 2);
        const UNIX: usize = 2 * 108;
        let client = match (self.command, self.family) {
            (Command::Local, _) => return Ok(Whose::Proxy),
            // Unspecified, and a Unix socket of the proxy: nobody whom an address names.
            (_, 0x00) => return Ok(Whose::Proxy),
            (_, 0x31) if rest.len() >= UNIX => return Ok(Whose::Proxy),
            (_, 0x11) if rest.len() >= V4 => rest.first_chunk::<4>().map(|bytes| IpAddr::from(*bytes)),
            (_, 0x21) if rest.len() >= V6 => rest.first_chunk::<16>().map(|bytes| IpAddr::from(*bytes)),
            _ => None,
        };
        client.map(Whose::Client).ok_or(HeaderFault::Malformed)
    }
}

#[cfg(test)]
mod tests;
