//! An echo server over the codec, for the cases of the Autobahn|Testsuite: `tests/autobahn/run`
//! starts it and runs them all. By hand:
//! `cargo run -p websocket --example autobahn -- 127.0.0.1:9001`, then `wstest -m fuzzingclient`
//! against `ws://127.0.0.1:9001`. Messages may have 16 MiB, as its cases want; the gateway allows
//! far less.

use std::{env, io};

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use websocket::{self as codec, Decoder, Event, Limits};

const LIMITS: Limits = Limits { binary: 16 << 20, text: 16 << 20 };
/// Longest request head that is waited for.
const HEAD_BYTES: usize = 16 << 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(&address).await?;
    println!("echoing on ws://{}", listener.local_addr()?);
    let mut clients = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await?;
        // A client that breaks off is no news.
        clients.spawn(async { drop(serve(socket).await) });
        while clients.try_join_next().is_some() {}
    }
}

async fn serve(mut socket: TcpStream) -> io::Result<()> {
    let mut input = upgrade(&mut socket).await?;
    let mut decoder = Decoder::default();
    loop {
        let mut output = Vec::new();
        let end = answer(&mut decoder, &mut input, &mut output);
        socket.write_all(&output).await?;
        if end {
            return socket.shutdown().await;
        }
        input.clear();
        if socket.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
    }
}

/// Answers what has come; whether that was the last.
fn answer(decoder: &mut Decoder, input: &mut [u8], output: &mut Vec<u8>) -> bool {
    let mut incoming = decoder.read(input, LIMITS);
    loop {
        match incoming.next_event() {
            Ok(None) => return false,
            Ok(Some(Event::Binary(message))) => codec::put_binary(output, message),
            Ok(Some(Event::Text(message))) => codec::put_text(output, message),
            Ok(Some(Event::Ping(payload))) => codec::put_pong(output, payload),
            Ok(Some(Event::Pong)) => {}
            Ok(Some(Event::Close { code, .. })) => {
                codec::put_close_reply(output, code);
                return true;
            }
            Err(violation) => {
                let code = violation.close_code();
                codec::put_close(output, code.code(), code.reason());
                return true;
            }
        }
    }
}

/// Accepts any handshake with a key. Returns what came behind it.
async fn upgrade(socket: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let end = loop {
        if let Some(at) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break at + 4;
        }
        if head.len() >= HEAD_BYTES || socket.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    };
    let rest = head.split_off(end);
    let text = String::from_utf8_lossy(&head);
    let key = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then_some(value.trim())
    });
    let key = key.ok_or(io::ErrorKind::InvalidData)?;
    let accept = digest::digest(
        &digest::SHA1_FOR_LEGACY_USE_ONLY,
        format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes(),
    );
    let accept = STANDARD.encode(accept);
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    socket.write_all(response.as_bytes()).await?;
    Ok(rest)
}
