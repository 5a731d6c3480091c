//! The upgrade to a WebSocket (RFC 6455, section 4), as short as it can be.

use std::io;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::io::{AsyncRead, AsyncReadExt};

/// What each of the people asks for.
pub(crate) const REQUEST: &str = "GET / HTTP/1.1\r\nHost: lean\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// How an answer begins that says yes.
pub(crate) const YES: &str = "HTTP/1.1 101 ";

/// RFC 6455, section 1.3.
const ACCEPT_SUFFIX: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const END_OF_HEAD: &[u8] = b"\r\n\r\n";
/// More bytes than a request or an answer has here.
const HEAD_BYTES: usize = 1024;

/// A request or an answer. Nothing is expected behind it.
///
/// # Errors
/// If it does not come, or is none.
pub(crate) async fn head<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<String> {
    let mut came = Vec::with_capacity(HEAD_BYTES);
    while !came.ends_with(END_OF_HEAD) {
        if came.len() > HEAD_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if stream.read_buf(&mut came).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    String::from_utf8(came).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// The answer to a request that has a key.
pub(crate) fn answer(request: &str) -> Option<String> {
    let mut headers = request.lines().filter_map(|line| line.split_once(':'));
    let (_, key) = headers.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))?;
    let key = format!("{}{ACCEPT_SUFFIX}", key.trim());
    let accept = STANDARD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes()));
    Some(format!(
        "{YES}Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_standard_is_answered_as_the_standard_says() {
        let answer = answer(REQUEST).unwrap();
        assert!(answer.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{answer}");
        assert_eq!(super::answer("GET / HTTP/1.1\r\nHost: lean\r\n\r\n"), None);
    }

    #[tokio::test]
    async fn a_head_that_does_not_end_is_none() {
        let mut endless = tokio::io::repeat(b'x');
        assert_eq!(head(&mut endless).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(head(&mut &b"GET /"[..]).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
