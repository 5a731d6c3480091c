//! A minimal HTTP client that shows everything: one request on one connection, and its whole
//! response.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

use super::in_time;

/// A whole response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("JSON in {self:?}"))
    }

    /// The code of a problem, whose form is checked as a whole (RFC 9457).
    #[track_caller]
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!((&problem["type"], &problem["status"]), (&"about:blank".into(), &self.status.into()));
        for words in ["title", "detail"] {
            assert!(problem[words].as_str().is_some_and(|words| !words.is_empty()), "{problem}");
        }
        (self.status, problem["code"].as_str().unwrap().to_owned())
    }

    /// Whether the response is complete. Without a length, only the end of the connection shows
    /// that.
    fn is_whole(&self) -> bool {
        let told = self.header("content-length").and_then(|length| length.parse().ok());
        let empty = (self.status == 204 || self.status == 304).then_some(0);
        told.or(empty).is_some_and(|length: usize| self.status == 304 || self.body.len() >= length)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines.map(|line| {
            line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        });
        let headers = headers.collect::<Option<_>>()?;
        Some(Self { status, headers, body: bytes[end + 4..].to_vec() })
    }
}

/// The text of a request. `host` and `connection: close` are added unless given.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let given = |name: &str| headers.iter().any(|(header, _)| header.eq_ignore_ascii_case(name));
    let mut text = format!("{method} {path} HTTP/1.1\r\n");
    for (name, value) in [("host", "localhost"), ("connection", "close")] {
        if !given(name) {
            text += &format!("{name}: {value}\r\n");
        }
    }
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() || method == "POST" {
        text += &format!("content-length: {}\r\n", body.len());
    }
    text + "\r\n" + body
}

/// One request over any stream.
pub(crate) async fn over(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
) -> std::io::Result<Answer> {
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    loop {
        if let Some(answer) = Answer::parse(&bytes).filter(Answer::is_whole) {
            return Ok(answer);
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Answer::parse(&bytes).ok_or(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// One request.
pub(crate) async fn call(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let request = request(method, path, headers, body);
    let answered = async {
        let stream = TcpStream::connect(to).await?;
        over(stream, &request).await
    };
    in_time(&format!("an answer to {method} {path}"), answered).await.unwrap()
}

/// Whether anybody accepts connections there.
pub(crate) async fn is_listening(at: SocketAddr) -> bool {
    TcpStream::connect(at).await.is_ok()
}

/// A GET request without a token.
pub(crate) async fn get(from: SocketAddr, path: &str) -> Answer {
    call(from, "GET", path, &[], "").await
}

/// A request with a token.
pub(crate) async fn with_token(to: SocketAddr, method: &str, path: &str, token: &str) -> Answer {
    call(to, method, path, &[("authorization", &format!("Bearer {token}"))], "").await
}
