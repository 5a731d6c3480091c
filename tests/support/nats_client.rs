//! A client of NATS of which the test decides every line: for what no node does.

use std::{io, net::SocketAddr};

use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::in_time;

/// A connection that the server has accepted.
pub(crate) struct NatsClient {
    stream: BufReader<TlsStream<TcpStream>>,
    subscriptions: usize,
    /// The subjects of all messages that came, in their order.
    pub(crate) heard: Vec<String>,
}

impl NatsClient {
    /// Connects. The error is what the server says, or how the connection broke.
    pub(crate) async fn connect(to: SocketAddr, tls: &TlsConnector) -> io::Result<Self> {
        let connecting = async {
            let stream = after_greeting(to, tls).await?;
            let mut client = Self { stream: BufReader::new(stream), subscriptions: 0, heard: Vec::new() };
            client.write("CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true}\r\n").await?;
            let refused = client.settle().await?;
            if refused.is_empty() { Ok(client) } else { Err(io::Error::other(refused.join("; "))) }
        };
        in_time("an answer of NATS", connecting).await
    }

    /// The TLS connection.
    pub(crate) fn tls(&self) -> &rustls::ClientConnection {
        self.stream.get_ref().get_ref().1
    }

    /// Publishes an empty message on each subject. Returns what the server refused.
    pub(crate) async fn publish(&mut self, subjects: &[&str]) -> Vec<String> {
        for subject in subjects {
            self.write(&format!("PUB {subject} 0\r\n\r\n")).await.unwrap();
        }
        self.settle().await.unwrap()
    }

    /// Publishes a question with the subject of its answers.
    pub(crate) async fn ask(&mut self, subject: &str, inbox: &str) -> Vec<String> {
        self.write(&format!("PUB {subject} {inbox} 0\r\n\r\n")).await.unwrap();
        self.settle().await.unwrap()
    }

    /// Subscribes to each subject. Returns what the server refused.
    pub(crate) async fn subscribe(&mut self, subjects: &[&str]) -> Vec<String> {
        for subject in subjects {
            self.subscriptions += 1;
            self.write(&format!("SUB {subject} {}\r\n", self.subscriptions)).await.unwrap();
        }
        self.settle().await.unwrap()
    }

    /// Asks for a sign of life, and returns the errors that came before it.
    pub(crate) async fn settle(&mut self) -> io::Result<Vec<String>> {
        self.write("PING\r\n").await?;
        let mut refused = Vec::new();
        let settled = async {
            loop {
                let line = self.line().await?;
                if line.starts_with("PONG") {
                    return Ok(());
                }
                if let Some(error) = line.strip_prefix("-ERR ") {
                    refused.push(error.to_owned());
                    // After these the server closes the connection.
                    if error.contains("Authorization") || error.contains("Authentication") {
                        return Ok(());
                    }
                }
            }
        };
        let settled: io::Result<()> = in_time("an answer of NATS", settled).await;
        if refused.is_empty() { settled.map(|()| refused) } else { Ok(refused) }
    }

    /// The next line of the server. Messages are kept, and pings answered.
    async fn line(&mut self) -> io::Result<String> {
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_owned();
            let mut words = line.split(' ');
            match words.next() {
                Some("PING") => self.write("PONG\r\n").await?,
                Some("MSG" | "HMSG") => {
                    let words: Vec<_> = words.collect();
                    let bytes: usize = words.last().and_then(|bytes| bytes.parse().ok()).unwrap();
                    let mut body = vec![0; bytes + 2];
                    self.stream.read_exact(&mut body).await?;
                    self.heard.push(words[0].to_owned());
                }
                _ => return Ok(line),
            }
        }
    }

    async fn write(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(text.as_bytes()).await?;
        self.stream.flush().await
    }
}

/// The TLS stream after the server's first line, which is plain.
async fn after_greeting(to: SocketAddr, tls: &TlsConnector) -> io::Result<TlsStream<TcpStream>> {
    let mut stream = TcpStream::connect(to).await?;
    let mut greeting = Vec::new();
    while !greeting.ends_with(b"\r\n") {
        greeting.push(stream.read_u8().await?);
    }
    assert!(greeting.starts_with(b"INFO "), "{}", String::from_utf8_lossy(&greeting));
    tls.connect(ServerName::try_from("localhost").unwrap(), stream).await
}
