//! The head of a request, judged before hyper sees it. hyper forgives much that is not HTTP/1.1,
//! and what two programs read differently is how requests are smuggled past one of them (RFC 9112,
//! section 11.2).

use http::uri::Authority;

/// More headers than a browser and two proxies send together.
pub(crate) const HEADERS: usize = 64;

/// Of a request's head, in bytes: a bearer token of 8 KiB, and as much again.
pub(crate) const HEAD_BYTES: usize = 16 * 1024;

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    /// So many bytes of a body, then the next head.
    Body(u64),
    /// Something whose end is not looked for, so that no other request may follow: a body in
    /// chunks, or what comes after an upgrade.
    Anything,
}

/// Why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadFault {
    /// Not HTTP/1.1, with what is wrong.
    Malformed(&'static str),
    /// More headers or bytes than anybody needs.
    TooLarge,
    /// It did not arrive in time.
    Late,
}

/// Where the head at the beginning of `bytes` ends, behind its empty line; `None` if that has not
/// come. `seen` bytes have been looked at before.
pub(crate) fn end(bytes: &[u8], seen: usize) -> Result<Option<usize>, HeadFault> {
    // The end may begin among what was looked at before.
    let mut from = seen.saturating_sub(3);
    while let Some(found) = bytes[from..].iter().position(|byte| *byte == b'\n') {
        let line_feed = from + found;
        if !bytes[..line_feed].ends_with(b"\r") {
            return Err(HeadFault::Malformed("a line ends without a carriage return"));
        }
        if bytes[..line_feed].ends_with(b"\r\n\r") {
            return within(line_feed + 1).map(Some);
        }
        from = line_feed + 1;
    }
    within(bytes.len()).map(|_| None)
}

fn within(length: usize) -> Result<usize, HeadFault> {
    if length > HEAD_BYTES { Err(HeadFault::TooLarge) } else { Ok(length) }
}

/// Judges a whole head.
pub(crate) fn judge(head: &[u8]) -> Result<Follows, HeadFault> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(HeadFault::TooLarge),
        Ok(httparse::Status::Partial) | Err(_) => {
            return Err(HeadFault::Malformed("this is not a request of HTTP/1.1"));
        }
    }
    check_host(&request)?;
    let named = |name: &'static str| values(&request, name);
    let follows = framing(named("content-length"), named("transfer-encoding"), request.version)?;
    let leaves_http = named("upgrade").next().is_some() || request.method == Some("CONNECT");
    Ok(if leaves_http { Follows::Anything } else { follows })
}

fn values<'r, 'h, 'b>(
    request: &'r httparse::Request<'h, 'b>,
    name: &'static str,
) -> impl Iterator<Item = &'b [u8]> + use<'r, 'h, 'b> {
    let named = request.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    named.map(|header| header.value)
}

/// One `Host`, a host with or without a port (RFC 9112, section 3.2). HTTP/1.0 may leave it out.
fn check_host(request: &httparse::Request<'_, '_>) -> Result<(), HeadFault> {
    let mut hosts = values(request, "host");
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_host(host) => Ok(()),
        (None, None) if request.version == Some(0) => Ok(()),
        _ => Err(HeadFault::Malformed("one Host header is needed, with a host and at most a port")),
    }
}

fn is_host(host: &[u8]) -> bool {
    let Some(authority) = str::from_utf8(host).ok().and_then(|host| host.parse::<Authority>().ok()) else {
        return false;
    };
    // `Authority` takes a port that is no number for none.
    let writes_port = authority.as_str().len() > authority.host().len();
    !authority.host().is_empty()
        && !authority.as_str().contains('@')
        && authority.port_u16().is_some() == writes_port
}

/// How long the body is (RFC 9112, section 6.3), where there is no doubt about it.
fn framing<'a>(
    mut lengths: impl Iterator<Item = &'a [u8]>,
    mut codings: impl Iterator<Item = &'a [u8]>,
    version: Option<u8>,
) -> Result<Follows, HeadFault> {
    let (length, second) = (lengths.next(), lengths.next());
    match (length, second, codings.next(), codings.next()) {
        (None, _, None, _) => Ok(Follows::Body(0)),
        (Some(length), None, None, _) => match parse_length(length) {
            Some(length) => Ok(Follows::Body(length)),
            None => Err(HeadFault::Malformed("Content-Length is a number of bytes")),
        },
        (None, _, Some(coding), None) if version == Some(1) && coding.eq_ignore_ascii_case(b"chunked") => {
            Ok(Follows::Anything)
        }
        _ => Err(HeadFault::Malformed("the length of the body is given in more than one way")),
    }
}

/// Digits alone: other programs' parsers take a sign, and some take blanks.
fn parse_length(text: &[u8]) -> Option<u64> {
    let digits = str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MALFORMED: &str = "malformed";

    fn judged(head: &str) -> Result<Follows, &'static str> {
        let whole = end(head.as_bytes(), 0).and_then(|end| {
            assert_eq!(end, Some(head.len()), "{head:?}");
            judge(head.as_bytes())
        });
        whole.map_err(|fault| match fault {
            HeadFault::Malformed(_) => MALFORMED,
            HeadFault::TooLarge => "too large",
            HeadFault::Late => "late",
        })
    }

    #[test]
    fn a_request_says_what_follows_it() {
        for (lines, follows) in [
            ("", Follows::Body(0)),
            ("Content-Length: 0\r\n", Follows::Body(0)),
            ("content-length: 17\r\n", Follows::Body(17)),
            ("Transfer-Encoding: Chunked\r\n", Follows::Anything),
            ("Upgrade: websocket\r\nConnection: Upgrade\r\n", Follows::Anything),
        ] {
            assert_eq!(judged(&format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n")), Ok(follows), "{lines}");
        }
        assert_eq!(judged("GET / HTTP/1.0\r\n\r\n"), Ok(Follows::Body(0)));
        assert_eq!(judged("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"), Ok(Follows::Anything));
    }

    #[test]
    fn one_host_is_needed_and_it_is_one() {
        for host in ["chat.example", "chat.example:8080", "127.0.0.1", "[::1]:8080", "CHAT.example"] {
            assert!(judged(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).is_ok(), "{host}");
        }
        for lines in [
            "",
            "Host:\r\n",
            "Host: a\r\nHost: a\r\n",
            "Host: a\r\nhost: b\r\n",
            "Host: a b\r\n",
            "Host: a/b\r\n",
            "Host: a, b\r\n",
            "Host: me@a\r\n",
            "Host: a:http\r\n",
            "Host: a:99999\r\n",
            "Host: :80\r\n",
            "Host: \u{e9}\r\n",
            "Host: http://a\r\n",
        ] {
            assert_eq!(judged(&format!("GET / HTTP/1.1\r\n{lines}\r\n")), Err(MALFORMED), "{lines:?}");
        }
        assert_eq!(judged("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), Err(MALFORMED));
    }

    #[test]
    fn a_body_has_one_length() {
        for lines in [
            "Transfer-Encoding: identity, chunked\r\n",
            "Transfer-Encoding: identity\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
            "Content-Length: 3\r\nContent-Length: 3\r\n",
            "Content-Length: 3, 3\r\n",
            "Content-Length: +3\r\n",
            "Content-Length: 0x3\r\n",
            "Content-Length: -1\r\n",
            "Content-Length: 99999999999999999999\r\n",
        ] {
            assert_eq!(
                judged(&format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n")),
                Err(MALFORMED),
                "{lines}"
            );
        }
        let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(judged(old), Err(MALFORMED), "HTTP/1.0 knows no chunks");
    }

    #[test]
    fn lines_end_with_both_characters() {
        for head in [
            "GET / HTTP/1.1\nHost: a\n\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ] {
            assert!(matches!(end(head.as_bytes(), 0), Err(HeadFault::Malformed(_))), "{head:?}");
        }
    }

    #[test]
    fn what_is_not_http_is_refused() {
        for line in
            ["NONSENSE", "GET /", "GET / HTTP/2.0", "GET / HTTP/1.1 x", "PRI * HTTP/2.0", "GET /\0 HTTP/1.1"]
        {
            assert_eq!(judged(&format!("{line}\r\nHost: a\r\n\r\n")), Err(MALFORMED), "{line:?}");
        }
        for header in ["Bad Name: x", ": x", "X: a\rb", " folded: x", "X : y"] {
            let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n");
            assert_eq!(judged(&head), Err(MALFORMED), "{header:?}");
        }
    }

    #[test]
    fn a_head_is_found_however_it_arrives() {
        let bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nnext";
        let whole = bytes.len() - 4;
        for seen in 0..bytes.len() {
            let expected = if seen < whole { None } else { Some(whole) };
            assert_eq!(end(&bytes[..seen], 0), Ok(expected), "{seen} bytes have come");
            if seen < whole {
                assert_eq!(end(bytes, seen), Ok(Some(whole)), "the rest after {seen}");
            }
        }
    }

    #[test]
    fn more_than_anybody_needs_is_too_large() {
        let many = "X: y\r\n".repeat(HEADERS);
        assert_eq!(judged(&format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n")), Err("too large"));
        let long = "x".repeat(HEAD_BYTES);
        for head in [format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}"), format!("{long}\r\n\r\n")] {
            assert_eq!(end(head.as_bytes(), 0), Err(HeadFault::TooLarge));
        }
    }
}
