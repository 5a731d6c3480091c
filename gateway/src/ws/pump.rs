//! The task of one connection: reads its socket, relays frames, acts on control messages, and sees it to its end.
//!
//! While nothing happens it holds no buffer and no timer.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use schemas::{CloseCode, limits};
use tokio::{
    io::{AsyncRead, ReadBuf},
    net::tcp::OwnedReadHalf,
    time::{Sleep, sleep},
};

use super::{
    batch::{Batch, Unsent},
    buffers,
    codec::{Decoder, Event, Limits},
    connection::Connection,
};
use crate::{node::Node, rates::Meter};

/// Longest messages of a client.
const LIMITS: Limits = Limits { binary: limits::FRAME_BYTES as u32, text: limits::CONTROL_BYTES as u32 };
/// After its close frame the server waits this long for the client's, so that the code arrives.
const CLOSE_WAIT: Duration = Duration::from_secs(2);
/// A connection over its rate is read more slowly; if it stays over it for this long it is closed.
const OVER_RATE_LIMIT: Duration = Duration::from_secs(60);
/// Reading pauses at most this long for a bus that is full; then the frames are dropped.
const BUS_WAIT: Duration = Duration::from_secs(1);
/// A client whose control messages are refused this often is broken or hostile.
const REFUSALS: u16 = 100;

/// The reading half of a connection, and its task.
pub(super) struct Pump {
    node: Arc<Node>,
    connection: Arc<Connection>,
    socket: OwnedReadHalf,
    decoder: Decoder,
    meter: Meter,
    refusals: u16,
    /// Since which tick of the keep-alive each read has been over the rate.
    over_since: Option<u32>,
    pause: Option<Box<Pause>>,
    closing: Option<Box<Closing>>,
}

/// Why nothing is read for a while.
enum Pause {
    /// The rate is exceeded.
    Rate(Pin<Box<Sleep>>),
    /// The bus is full.
    Bus { unsent: Unsent, writable: Pin<Box<dyn Future<Output = ()> + Send>>, give_up: Pin<Box<Sleep>> },
}

/// The end of a connection.
struct Closing {
    give_up: Pin<Box<Sleep>>,
    heard: ClientClose,
}

/// Whether the client has said its goodbye.
#[derive(Clone, Copy, PartialEq)]
enum ClientClose {
    NotYet,
    Heard,
}

/// What a read ended with.
enum Read {
    /// More may come.
    More,
    /// The client is gone.
    End,
}

impl Pump {
    pub(super) fn new(node: Arc<Node>, connection: Arc<Connection>, socket: OwnedReadHalf) -> Self {
        let meter = node.rates().meter();
        Self {
            node,
            connection,
            socket,
            decoder: Decoder::default(),
            meter,
            refusals: 0,
            over_since: None,
            pause: None,
            closing: None,
        }
    }

    /// Takes what the client sent right behind its upgrade request.
    pub(super) fn take_early(&mut self, early: &mut [u8]) {
        self.take(early);
    }

    /// Runs until the connection is over.
    pub(super) async fn run(mut self) {
        poll_fn(|cx| self.poll(cx)).await;
        self.connection.shut_down();
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            // First of all the waker is registered: whatever others queue from here on wakes this task.
            self.connection.poll_writing(cx);
            let node = &self.node;
            self.connection.sign_all(|message| node.sign(message));
            if self.closing.is_some() || self.connection.closing().is_some() {
                return self.poll_closing(cx);
            }
            ready!(self.poll_pause(cx));
            if let Read::End = ready!(self.poll_read(cx)) {
                return Poll::Ready(());
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Read> {
        if self.connection.is_sealed() {
            return self.poll_read_sealed(cx);
        }
        let mut loan = buffers::read();
        let count = {
            let mut into = ReadBuf::new(loan.bytes());
            match ready!(Pin::new(&mut self.socket).poll_read(cx, &mut into)) {
                Ok(()) => into.filled().len(),
                Err(_) => 0,
            }
        };
        if count == 0 {
            return Poll::Ready(Read::End);
        }
        loan.used = count;
        self.take(&mut loan.bytes()[..count]);
        Poll::Ready(Read::More)
    }

    fn poll_read_sealed(&mut self, cx: &mut Context<'_>) -> Poll<Read> {
        let mut sealed = buffers::sealed();
        let count = {
            let mut into = ReadBuf::new(sealed.bytes());
            match ready!(Pin::new(&mut self.socket).poll_read(cx, &mut into)) {
                Ok(()) => into.filled().len(),
                Err(_) => 0,
            }
        };
        if count == 0 {
            return Poll::Ready(Read::End);
        }
        sealed.used = count;
        let mut rest = &sealed.bytes()[..count];
        let mut plain = buffers::read();
        loop {
            let Ok((used, came)) = self.connection.open(rest, plain.bytes()) else {
                return Poll::Ready(Read::End);
            };
            rest = &rest[used..];
            plain.used = plain.used.max(came);
            if came > 0 {
                self.take(&mut plain.bytes()[..came]);
            } else if rest.is_empty() || used == 0 {
                return Poll::Ready(Read::More);
            }
        }
    }

    /// Acts on what a read brought.
    fn take(&mut self, bytes: &mut [u8]) {
        self.connection.hear(self.node.keep_alive().now());
        let count = bytes.len();
        let mut batch = Batch::new();
        let mut unsent = None;
        let mut incoming = self.decoder.read(bytes, LIMITS);
        loop {
            match incoming.next_event() {
                Ok(None) => break,
                Ok(Some(Event::Binary(frame))) => {
                    unsent = unsent.or(batch.put(&self.node, &self.connection, frame));
                }
                Ok(Some(Event::Text(text))) => {
                    unsent = unsent.or(batch.send(&self.node));
                    if self.node.control(&self.connection, text).is_err() {
                        self.refusals += 1;
                        if self.refusals == REFUSALS {
                            self.connection.close(CloseCode::Fault);
                        }
                    }
                }
                Ok(Some(Event::Ping(payload))) => {
                    let mut pong = buffers::spare();
                    super::codec::put_pong(&mut pong, payload);
                    self.connection.push(&pong);
                    buffers::give_back(pong);
                }
                Ok(Some(Event::Pong)) => {}
                Ok(Some(Event::Close { code, .. })) => {
                    unsent = unsent.or(batch.send(&self.node));
                    self.connection.close_reply(code);
                    self.closing =
                        Some(Box::new(Closing { give_up: wait(CLOSE_WAIT), heard: ClientClose::Heard }));
                    break;
                }
                Err(violation) => {
                    self.connection.close(violation.close_code());
                    break;
                }
            }
        }
        self.meter.owe(incoming.frames() as usize, count);
        unsent = unsent.or(batch.send(&self.node));
        if let Some(unsent) = unsent {
            self.wait_for_bus(unsent);
        }
    }

    fn wait_for_bus(&mut self, unsent: Unsent) {
        let bus = self.node.bus().clone();
        let writable = Box::pin(async move { bus.writable().await });
        self.pause = Some(Box::new(Pause::Bus { unsent, writable, give_up: wait(BUS_WAIT) }));
    }

    /// Ready when the socket may be read.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut paid_at_once = true;
        loop {
            match self.pause.as_deref_mut() {
                None => match self.meter.pay() {
                    Ok(()) => {
                        if paid_at_once {
                            self.over_since = None;
                        }
                        return Poll::Ready(());
                    }
                    Err(pause) => self.over_rate(pause),
                },
                Some(Pause::Rate(sleep)) => {
                    ready!(sleep.as_mut().poll(cx));
                    (self.pause, paid_at_once) = (None, false);
                }
                Some(Pause::Bus { unsent, writable, give_up }) => {
                    let given_up = give_up.as_mut().poll(cx).is_ready();
                    if !given_up {
                        ready!(writable.as_mut().poll(cx));
                    }
                    let sent = !given_up
                        && self.node.bus().publish_frames(&unsent.route, unsent.payload.clone()).is_ok();
                    self.node.metrics().relayed(unsent.frames, sent);
                    self.pause = None;
                }
            }
        }
    }

    /// Reads no more until the debt is paid; closes the connection if every read for a minute has run into debt.
    fn over_rate(&mut self, pause: Duration) {
        let since = *self.over_since.get_or_insert(self.node.keep_alive().now());
        if self.node.keep_alive().since(since) >= OVER_RATE_LIMIT {
            self.connection.close(CloseCode::Rate);
        }
        self.pause = Some(Box::new(Pause::Rate(wait(pause))));
    }

    /// The close frame is on its way: input is dropped until the client's own, the end of the stream, or [`CLOSE_WAIT`].
    fn poll_closing(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let closing = self.closing.get_or_insert_with(|| {
            Box::new(Closing { give_up: wait(CLOSE_WAIT), heard: ClientClose::NotYet })
        });
        if closing.give_up.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        loop {
            let closing = self.closing.as_deref().map(|closing| closing.heard);
            if closing == Some(ClientClose::Heard) {
                // The socket's room, if it is full, or the time-out wakes this task.
                return if self.connection.is_flushed() { Poll::Ready(()) } else { Poll::Pending };
            }
            if let Read::End = ready!(self.poll_discard(cx)) {
                return Poll::Ready(());
            }
        }
    }

    /// Reads and drops, but for a close frame.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<Read> {
        let mut loan = buffers::read();
        let count = {
            let mut into = ReadBuf::new(loan.bytes());
            match ready!(Pin::new(&mut self.socket).poll_read(cx, &mut into)) {
                Ok(()) => into.filled().len(),
                Err(_) => 0,
            }
        };
        if count == 0 {
            return Poll::Ready(Read::End);
        }
        loan.used = count;
        let mut opened = buffers::sealed();
        let bytes = if self.connection.is_sealed() {
            let Ok((_, came)) = self.connection.open(&loan.bytes()[..count], opened.bytes()) else {
                return Poll::Ready(Read::End);
            };
            opened.used = came;
            &mut opened.bytes()[..came]
        } else {
            &mut loan.bytes()[..count]
        };
        let mut incoming = self.decoder.read(bytes, LIMITS);
        while let Ok(Some(event)) = incoming.next_event() {
            if let (Event::Close { .. }, Some(closing)) = (event, self.closing.as_mut()) {
                closing.heard = ClientClose::Heard;
            }
        }
        Poll::Ready(Read::More)
    }
}

fn wait(duration: Duration) -> Pin<Box<Sleep>> {
    Box::pin(sleep(duration))
}
