//! Headers as proxies write them, and as nobody may.

use proptest::prelude::*;
use tokio::{io::AsyncWriteExt, net::TcpListener};

use super::*;

fn line(text: &str) -> Vec<u8> {
    format!("PROXY {text}\r\n").into_bytes()
}

/// A header of version 2 with so much behind it.
fn v2(version: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[version, family], &length, rest].concat()
}

/// The source, some destination, and ports.
fn ends(source: IpAddr) -> Vec<u8> {
    match source {
        IpAddr::V4(v4) => [&v4.octets()[..], &[198, 51, 100, 1], &[1, 2, 3, 4]].concat(),
        IpAddr::V6(v6) => [&v6.octets()[..], &[7; 16], &[1, 2, 3, 4]].concat(),
    }
}

/// What is read of these pieces, and what is left behind the header.
async fn read_pieces(pieces: &[&[u8]]) -> (Result<Whose, HeaderFault>, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    client.set_nodelay(true).unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    let send = async move {
        for piece in pieces {
            // Whoever reads no further is no fault of the test.
            let _ = client.write_all(piece).await;
            tokio::task::yield_now().await;
        }
        let _ = client.shutdown().await;
        client
    };
    let (read, _client) = tokio::join!(read(&mut server), send);
    let mut left = Vec::new();
    let _ = server.read_to_end(&mut left).await;
    (read, left)
}

async fn read_whole(header: &[u8]) -> Result<Whose, HeaderFault> {
    let (read, left) = read_pieces(&[header, b"GET /"]).await;
    if read.is_ok() {
        assert_eq!(left, b"GET /", "not a byte more");
    }
    read
}

fn client(address: &str) -> Whose {
    Whose::Client(address.parse().unwrap())
}

#[tokio::test]
async fn what_proxies_write_is_understood() {
    let longest =
        "TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff7 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535";
    for (header, whose) in [
        (line("TCP4 192.0.2.7 198.51.100.1 4711 443"), client("192.0.2.7")),
        (line("TCP6 2001:db8::7 2001:db8::1 4711 443"), client("2001:db8::7")),
        (line(longest), client("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff7")),
        (line("UNKNOWN"), Whose::Proxy),
        (line("UNKNOWN what it likes"), Whose::Proxy),
        (v2(0x21, 0x11, &ends("192.0.2.7".parse().unwrap())), client("192.0.2.7")),
        (v2(0x21, 0x21, &ends("2001:db8::7".parse().unwrap())), client("2001:db8::7")),
        (v2(0x21, 0x11, &[&ends("192.0.2.7".parse().unwrap())[..], &[4; 300]].concat()), client("192.0.2.7")),
        (v2(0x20, 0x11, &ends("192.0.2.7".parse().unwrap())), Whose::Proxy),
        (v2(0x20, 0x00, b""), Whose::Proxy),
        (v2(0x21, 0x00, b""), Whose::Proxy),
        (v2(0x21, 0x31, &[0; 216]), Whose::Proxy),
    ] {
        assert_eq!(read_whole(&header).await.unwrap(), whose, "{header:?}");
        let bytes: Vec<_> = header.chunks(1).chain([&b"GET /"[..]]).collect();
        let (read, left) = read_pieces(&bytes).await;
        assert_eq!((read.unwrap(), &left[..]), (whose, &b"GET /"[..]), "in pieces: {header:?}");
    }
}

#[tokio::test]
async fn what_is_no_header_is_refused() {
    for text in [
        "TCP4 192.0.2.7 198.51.100.1 4711",
        "TCP4 192.0.2.7 198.51.100.1 4711 443 1",
        "TCP4  192.0.2.7 198.51.100.1 4711 443",
        "TCP4 2001:db8::7 2001:db8::1 4711 443",
        "TCP6 192.0.2.7 198.51.100.1 4711 443",
        "TCP4 192.0.2.7 198.51.100.1 +4711 443",
        "TCP4 192.0.2.7 198.51.100.1 65536 443",
        "TCP4 192.0.2.7 198.51.100.256 1 443",
        "TCP4 nobody 198.51.100.1 1 443",
        "UDP4 192.0.2.7 198.51.100.1 4711 443",
        "unknown",
        "TCP4 192.0.2.7 198.51.100.1 \u{e9} 443",
    ] {
        assert!(matches!(read_whole(&line(text)).await, Err(HeaderFault::Malformed)), "{text}");
    }
    let bare = b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\n";
    assert!(matches!(read_whole(bare).await, Err(HeaderFault::Malformed)));
    let long = format!("UNKNOWN {}", "x".repeat(LINE_BYTES));
    assert!(matches!(read_whole(&line(&long)).await, Err(HeaderFault::TooLong)));
    let v4 = ends("192.0.2.7".parse().unwrap());
    for (version, family, rest) in [
        (0x11, 0x11, &v4[..]),
        (0x22, 0x11, &v4),
        (0x21, 0x12, &v4),
        (0x21, 0x11, &v4[..11]),
        (0x21, 0x21, &v4),
        (0x21, 0x31, &v4),
        (0x21, 0xff, &v4),
    ] {
        let read = read_whole(&v2(version, family, rest)).await;
        assert!(matches!(read, Err(HeaderFault::Malformed)), "{version:x} {family:x}");
    }
    let read = read_whole(&v2(0x21, 0x11, &[0; V2_BYTES + 1])).await;
    assert!(matches!(read, Err(HeaderFault::TooLong)));
    for other in
        [&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\0\0\0"]
    {
        assert!(matches!(read_whole(other).await, Err(HeaderFault::Missing)));
    }
}

#[tokio::test]
async fn a_header_that_ends_early_is_refused() {
    for header in [line("TCP4 192.0.2.7 198.51.100.1 4711 443"), v2(0x21, 0x11, &ends([192, 0, 2, 7].into()))]
    {
        for length in 0..header.len() {
            let (read, _) = read_pieces(&[&header[..length]]).await;
            assert!(matches!(read, Err(HeaderFault::Broken(_))), "{length} bytes: {read:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_header_that_does_not_come_is_not_waited_for_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    client.write_all(b"PROXY TCP4 192.0.2.7").await.unwrap();
    assert!(matches!(read(&mut server).await, Err(HeaderFault::Late)));
}

fn parsed(bytes: &[u8]) -> Result<Whose, HeaderFault> {
    match bytes.strip_prefix(SIGNATURE) {
        Some(rest) => {
            let (fixed, rest) = rest.split_first_chunk::<4>().ok_or(HeaderFault::Missing)?;
            let head = Head::parse(*fixed)?;
            head.whose(rest.get(..head.length).ok_or(HeaderFault::Missing)?)
        }
        None => whose_line(bytes),
    }
}

proptest! {
    /// Whoever the client is, both versions say it.
    #[test]
    fn both_versions_say_who_it_is(v4: [u8; 4], v6: [u8; 16], ports: [u16; 2], more in prop::collection::vec(any::<u8>(), 0..100)) {
        for (word, family, address) in [("TCP4", 0x11, IpAddr::from(v4)), ("TCP6", 0x21, IpAddr::from(v6))] {
            let text = line(&format!("{word} {address} {address} {} {}", ports[0], ports[1]));
            prop_assert!(text.len() <= LINE_BYTES);
            prop_assert_eq!(parsed(&text).unwrap(), Whose::Client(address));
            let binary = v2(0x21, family, &[ends(address), more.clone()].concat());
            prop_assert_eq!(parsed(&binary).unwrap(), Whose::Client(address));
        }
    }

    /// Whatever comes, it is a header or a fault.
    #[test]
    fn nothing_breaks_the_reader(mut bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0..3) {
        match kind {
            0 => bytes.splice(..0, SIGNATURE.iter().copied()).for_each(drop),
            1 => bytes.splice(..0, *b"PROXY TCP4 ").for_each(drop),
            _ => {}
        }
        let _ = parsed(&bytes);
    }
}
