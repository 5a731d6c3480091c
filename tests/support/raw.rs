//! A WebSocket of which the test decides every byte: for what no correct client sends.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use super::{http, in_time};

/// Opcodes (RFC 6455, section 5.2).
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// The last frame of a message.
pub(crate) const FIN: u8 = 0x80;

/// An open WebSocket, as bytes.
pub(crate) struct Raw {
    stream: TcpStream,
}

impl Raw {
    /// Upgrades with this token.
    pub(crate) async fn open(to: SocketAddr, token: &str) -> Self {
        Self::upgraded(TcpStream::connect(to).await.unwrap(), token, b"").await
    }

    /// The same with a small receive buffer, so that a client that does not read is soon noticed.
    pub(crate) async fn open_narrow(to: SocketAddr, token: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self::upgraded(socket.connect(to).await.unwrap(), token, b"").await
    }

    /// Sends bytes right behind the upgrade request, without waiting for its answer.
    pub(crate) async fn open_with(to: SocketAddr, token: &str, early: &[u8]) -> Self {
        Self::upgraded(TcpStream::connect(to).await.unwrap(), token, early).await
    }

    async fn upgraded(mut stream: TcpStream, token: &str, early: &[u8]) -> Self {
        stream.set_nodelay(true).unwrap();
        let bearer = format!("Bearer {token}");
        let mut request = http::request("GET", "/v1/ws", &upgrade_headers(&bearer), "").into_bytes();
        request.extend_from_slice(early);
        stream.write_all(&request).await.unwrap();
        let mut head = Vec::new();
        let read = async {
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
        };
        in_time("an upgrade", read).await;
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
        Self { stream }
    }

    /// Sends bytes as they are.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.try_write(bytes).await.unwrap();
    }

    /// The same, where the other end may have closed.
    pub(crate) async fn try_write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        in_time("the socket takes bytes", self.stream.write_all(bytes)).await
    }

    /// Sends nothing more. If the other end has closed, there is nothing to end.
    pub(crate) async fn end_writing(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Sends one masked frame; the first byte holds FIN, the reserved bits and the opcode.
    pub(crate) async fn send(&mut self, first: u8, payload: &[u8]) {
        self.write(&masked(first, payload)).await;
    }

    /// The next frame that is not a ping, since pings may be received at any time: its first byte
    /// and its payload. `None` is the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            match self.next_or_ping().await {
                Some((first, _)) if first == FIN | PING => {}
                next => return next,
            }
        }
    }

    /// The next frame, which may be a ping.
    pub(crate) async fn next_or_ping(&mut self) -> Option<(u8, Vec<u8>)> {
        in_time("a frame", self.read_frame()).await.ok()
    }

    async fn read_frame(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let first = self.stream.read_u8().await?;
        let length = match self.stream.read_u8().await? {
            126 => u64::from(self.stream.read_u16().await?),
            127 => self.stream.read_u64().await?,
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).await?;
        Ok((first, payload))
    }

    /// The code of the next close frame; other frames before it are skipped.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        while let Some((first, payload)) = self.next().await {
            if first == FIN | CLOSE {
                return Some(u16::from_be_bytes([payload[0], payload[1]]));
            }
        }
        None
    }
}

/// The headers of a correct upgrade.
pub(crate) fn upgrade_headers(authorization: &str) -> [(&str, &str); 6] {
    [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", "cipher-chat.v1"),
        ("authorization", authorization),
    ]
}

/// A client's frame, masked with a key that is not zero.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x5a, 0x01, 0xfe, 0x93];
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | short as u8),
        middle @ 126..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}
