//! One WebSocket (RFC 6455) to one address.

use std::{
    collections::VecDeque,
    future::poll_fn,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderValue, header};
use schemas::{CloseCode, limits};
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        self, Message,
        client::IntoClientRequest,
        handshake::client::Request,
        protocol::{CloseFrame, WebSocketConfig},
    },
};

use crate::{
    dial::{Stream, dial},
    machine::{Input, Refusal},
    rest::{bearer, retry_after},
    secret::Secret,
    server::{Server, ServerUrl},
    wire,
};

/// Bytes read at once: a few messages of a chat, in a process that has one connection, or thousands
/// of them (a load generator).
const READ_BYTES: usize = 8 * 1024;

/// Bytes that may wait below for the network: more than one frame of the largest size, as
/// tungstenite demands.
const WRITE_BYTES_MAX: usize = 2 * limits::FRAME_BYTES;

/// Messages that may wait for the network before their owner has to wait: the end-to-end channel's
/// whole window.
const OUTBOX: usize = 64;

/// How long a goodbye may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether what has arrived is wanted now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    On,
    /// It stays in the network, and in the end the sender waits.
    Paused,
}

/// An open WebSocket, with what is still to be written.
pub(crate) struct Socket {
    stream: WebSocketStream<Stream>,
    outbox: VecDeque<Message>,
    flushed: bool,
}

impl Socket {
    /// Connects, with the token in the `Authorization` header. No time limit of its own.
    pub(crate) async fn open(server: Server, url: usize, token: Secret) -> Result<Self, Refusal> {
        let url = server.url(url);
        let request = upgrade(url, &token).ok_or(Refusal::Unreachable)?;
        let stream = dial(&server, url).await.map_err(|fault| {
            tracing::debug!(%fault, "cannot connect");
            Refusal::Unreachable
        })?;
        let opened = client_async_with_config(request, stream, Some(config())).await;
        let (stream, _) = opened.map_err(|fault| refusal(&fault))?;
        Ok(Self { stream, outbox: VecDeque::new(), flushed: true })
    }

    pub(crate) fn send_text(&mut self, text: String) {
        self.outbox.push_back(Message::text(text));
    }

    pub(crate) fn send_binary(&mut self, bytes: Bytes) {
        self.outbox.push_back(Message::Binary(bytes));
    }

    /// Whether the owner should wait before it writes more.
    pub(crate) fn is_full(&self) -> bool {
        self.outbox.len() >= OUTBOX
    }

    /// Writes what there is to write until something has come. Nothing is lost if the future is
    /// dropped.
    pub(crate) async fn next(&mut self, reading: Reading) -> Input {
        poll_fn(|cx| self.poll_next(cx, reading)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, reading: Reading) -> Poll<Input> {
        if self.poll_write(cx).is_err() {
            return Poll::Ready(Input::Lost(None));
        }
        if reading == Reading::Paused {
            return Poll::Pending;
        }
        let Poll::Ready(message) = self.stream.poll_next_unpin(cx) else { return Poll::Pending };
        Poll::Ready(match message {
            Some(Ok(Message::Text(text))) => wire::parse(&text).map_or(Input::Activity, Input::Control),
            Some(Ok(Message::Binary(bytes))) => Input::Binary(bytes),
            Some(Ok(Message::Close(frame))) => {
                // RFC 6455, section 7.4.1: 1005 stands for a close frame without a code.
                Input::Lost(Some(frame.map_or(1005, |frame| frame.code.into())))
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Input::Activity,
            Some(Err(_)) | None => Input::Lost(None),
        })
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<(), tungstenite::Error> {
        while !self.outbox.is_empty() && self.stream.poll_ready_unpin(cx)?.is_ready() {
            if let Some(message) = self.outbox.pop_front() {
                self.stream.start_send_unpin(message)?;
                self.flushed = false;
            }
        }
        if !self.flushed && self.stream.poll_flush_unpin(cx)?.is_ready() {
            self.flushed = true;
        }
        Ok(())
    }

    /// Writes what is left, says goodbye, and waits a little for the answer.
    pub(crate) async fn close(mut self) {
        let code = CloseCode::Normal;
        let goodbye = CloseFrame { code: code.code().into(), reason: code.reason().into() };
        self.outbox.push_back(Message::Close(Some(goodbye)));
        let answered = async { while !matches!(self.next(Reading::On).await, Input::Lost(_)) {} };
        // Without an answer the connection is cut, which is what a goodbye is for.
        _ = timeout(CLOSE_TIMEOUT, answered).await;
    }

    /// Lets the answer to the server's close frame out, which tungstenite has prepared.
    pub(crate) async fn answer_close(mut self) {
        let over = async { while self.stream.next().await.is_some_and(|message| message.is_ok()) {} };
        _ = timeout(CLOSE_TIMEOUT, over).await;
    }
}

fn upgrade(url: &ServerUrl, token: &Secret) -> Option<Request> {
    // The scheme only tells tungstenite what the URI is like: the stream is made already.
    let uri = format!("ws://{}{}", url.authority(), url.path("/v1/ws"));
    let mut request = uri.into_client_request().ok()?;
    let headers = request.headers_mut();
    headers.insert(header::AUTHORIZATION, bearer(token)?);
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(limits::SUBPROTOCOL));
    Some(request)
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        // Every message is written at once: a chat is not a bulk transfer.
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BYTES_MAX)
        .max_message_size(Some(limits::FRAME_BYTES))
        .max_frame_size(Some(limits::FRAME_BYTES))
}

fn refusal(fault: &tungstenite::Error) -> Refusal {
    match fault {
        tungstenite::Error::Http(response) => Refusal::Status {
            status: response.status().as_u16(),
            retry_after: retry_after(response.headers()),
        },
        _ => Refusal::Unreachable,
    }
}
