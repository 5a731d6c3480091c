//! The task of one connection: reads its socket, relays frames, acts on control messages, and sees
//! it to its end.
//!
//! While nothing happens it holds no buffer and no timer.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use records::buffer;
use schemas::{CloseCode, limits};
use tokio::{
    io::{AsyncRead, ReadBuf},
    time::{Sleep, sleep},
};
use websocket::{Decoder, Event, Limits};

use super::{
    batch::{self, Batch, Unsent},
    buffers,
    connection::Connection,
    host::Host,
};
use crate::rates::{ConnectionGuard, Meter};

/// Longest messages of a client.
const LIMITS: Limits = Limits { binary: limits::FRAME_BYTES as u32, text: limits::CONTROL_BYTES as u32 };
/// After its close frame the server waits this long for the client's, so that the code arrives.
const CLOSE_WAIT: Duration = Duration::from_secs(2);
/// A connection over its rate is read more slowly; if it stays over it for this long it is closed.
const OVER_RATE_LIMIT: Duration = Duration::from_secs(60);
/// A message must be whole so long after its first byte: with pings answered between its fragments
/// its memory could be held for ever. The largest comes in time over any line that people chat on
/// (1 kB/s).
const MESSAGE_WAIT: Duration = Duration::from_secs(60);
/// A client of which this many control messages in a row are refused is broken or hostile.
const REFUSALS: u16 = 100;
/// Reads before other connections of the thread have their turn: a millisecond or two of a flood.
const READS_PER_TURN: usize = 8;

/// The reading half of a connection, and its task.
pub(crate) struct Pump<H: Host> {
    attached: Attached<H>,
    decoder: Decoder,
    meter: Meter,
    refusals: u16,
    /// Since which tick of the keep-alive each read has been over the rate.
    over_since: Option<u32>,
    unsent: Option<Box<Unsent>>,
    pause: Option<Pause>,
    closing: Option<Closing>,
    _guard: ConnectionGuard,
}

/// A connection that its host knows, until this is dropped.
struct Attached<H: Host> {
    host: Arc<H>,
    connection: Arc<Connection>,
}

impl<H: Host> Drop for Attached<H> {
    fn drop(&mut self) {
        self.host.disconnected(&self.connection);
        self.connection.forget_unread();
    }
}

/// Nothing is read until it is over.
type Pause = Pin<Box<dyn Future<Output = Reason> + Send>>;

/// Why nothing was read for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Rate,
    FullBus,
}

/// The end of a connection.
struct Closing {
    give_up: Pin<Box<Sleep>>,
    client: ClientClose,
}

/// The client's own close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientClose {
    /// It may come.
    Awaited,
    /// It has come.
    Received,
    /// It could not be told from other bytes: the client has broken the framing. It is shown the
    /// end of the stream instead.
    Unreadable,
}

/// What a read ended with.
enum Read {
    /// More may come.
    More,
    /// The client is gone.
    End,
}

impl<H: Host> Pump<H> {
    /// The task of a connection that `host` knows. `early` is what came right behind the upgrade
    /// request.
    pub(super) fn new(
        host: Arc<H>,
        connection: Arc<Connection>,
        early: &mut [u8],
        guard: ConnectionGuard,
    ) -> Self {
        let meter = host.meter();
        let mut pump = Self {
            attached: Attached { host, connection },
            decoder: Decoder::default(),
            meter,
            refusals: 0,
            over_since: None,
            unsent: None,
            pause: None,
            closing: None,
            _guard: guard,
        };
        if !early.is_empty() {
            pump.take(early);
        }
        pump.settle();
        pump
    }

    fn host(&self) -> &Arc<H> {
        &self.attached.host
    }

    fn connection(&self) -> &Arc<Connection> {
        &self.attached.connection
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..READS_PER_TURN {
            let closing = self.poll_tasks(cx);
            if closing.is_some() || self.closing.is_some() {
                return self.poll_closing(cx);
            }
            ready!(self.poll_pause(cx));
            if let Read::End = ready!(self.poll_read(cx, Self::take)) {
                return Poll::Ready(());
            }
            self.settle();
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_tasks(&self, cx: &mut Context<'_>) -> Option<CloseCode> {
        self.connection().poll_tasks(cx, |message| self.host().sign(message))
    }

    /// Reads once, and calls `handle_input` with what came.
    fn poll_read(&mut self, cx: &mut Context<'_>, handle_input: fn(&mut Self, &mut [u8])) -> Poll<Read> {
        if self.connection().tls().is_some() {
            return self.poll_read_sealed(cx, handle_input);
        }
        let mut buffer = buffer::borrow();
        let mut into = ReadBuf::new(buffer.bytes());
        let read = ready!(Pin::new(&mut self.connection().reader()).poll_read(cx, &mut into));
        let count = into.filled().len();
        if read.is_err() || count == 0 {
            return Poll::Ready(Read::End);
        }
        buffer.set_used(count);
        handle_input(self, &mut buffer.bytes()[..count]);
        Poll::Ready(Read::More)
    }

    /// The same with a TLS layer.
    fn poll_read_sealed(
        &mut self,
        cx: &mut Context<'_>,
        handle_input: fn(&mut Self, &mut [u8]),
    ) -> Poll<Read> {
        let connection = &self.attached.connection;
        let Some(tls) = connection.tls() else { return Poll::Ready(Read::End) };
        let mut buffer = buffer::borrow();
        let (came, ended) = {
            let mut opener = tls.opener.lock();
            let came = ready!(opener.poll_read(cx, &mut connection.reader(), &tls.sealer, &mut buffer));
            let Ok(came) = came else { return Poll::Ready(Read::End) };
            (came, opener.end().is_some())
        };
        let answers = tls.sealer.waits();
        if !came.is_empty() {
            handle_input(self, &mut buffer.bytes()[came]);
        }
        if answers {
            self.connection().flush();
        }
        Poll::Ready(if ended { Read::End } else { Read::More })
    }

    /// Acts on what a read has brought.
    fn take(&mut self, bytes: &mut [u8]) {
        let Attached { host, connection } = &self.attached;
        connection.heard().note(host.keep_alive().now());
        let count = bytes.len();
        let mut batch = Batch::behind(self.unsent.take());
        let mut incoming = self.decoder.read(bytes, LIMITS);
        loop {
            match incoming.next_event() {
                Ok(None) => break,
                Ok(Some(Event::Binary(frame))) => batch.put(&**host, connection, frame),
                Ok(Some(Event::Text(text))) if self.refusals < REFUSALS => {
                    // What was said before goes to whom it was said.
                    batch.send(&**host);
                    match host.control(connection, text) {
                        Ok(()) => self.refusals = 0,
                        Err(_) => self.refusals += 1,
                    }
                    if self.refusals == REFUSALS {
                        connection.close(CloseCode::Fault);
                    }
                }
                Ok(Some(Event::Text(_) | Event::Pong)) => {}
                Ok(Some(Event::Ping(payload))) => {
                    let mut pong = buffers::spare();
                    websocket::put_pong(&mut pong, payload);
                    connection.reply(&pong);
                    buffers::give_back(pong);
                }
                Ok(Some(Event::Close { code, .. })) => {
                    connection.close_reply(code);
                    self.closing = Some(Closing::begin(ClientClose::Received));
                    break;
                }
                Err(violation) => {
                    connection.close(violation.close_code());
                    self.closing = Some(Closing::begin(ClientClose::Unreadable));
                    break;
                }
            }
        }
        self.meter.take(incoming.frames() as usize, count);
        let (frames, unsent) = batch.finish(&**host);
        connection.note_sent(frames);
        self.unsent = unsent;
        let keep_alive = host.keep_alive();
        // Seen when something comes; where nothing does, the next ping goes unanswered.
        let begun = self.decoder.unfinished_since(keep_alive.now());
        if begun.is_some_and(|begun| keep_alive.since(begun) >= MESSAGE_WAIT) {
            connection.close(CloseCode::NoPong);
        }
    }

    /// After a read: pauses if the bus had no room, or if it was beyond the rates.
    fn settle(&mut self) {
        if let Some(unsent) = self.unsent.take() {
            let sending = batch::send_later(self.host().clone(), self.connection().clone(), unsent);
            self.pause = Some(Box::pin(async move {
                sending.await;
                Reason::FullBus
            }));
        } else if let Err(pause) = self.meter.check() {
            self.over_rate(pause);
        } else {
            self.over_since = None;
        }
    }

    /// Ready when the socket may be read.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(pause) = &mut self.pause {
            let reason = ready!(pause.as_mut().poll(cx));
            self.pause = None;
            match reason {
                Reason::FullBus => self.settle(),
                Reason::Rate => {
                    if let Err(pause) = self.meter.check() {
                        self.over_rate(pause);
                    }
                }
            }
        }
        Poll::Ready(())
    }

    /// Reads no more until it is within its rates; closes the connection if every read for a minute
    /// has been beyond them.
    fn over_rate(&mut self, pause: Duration) {
        let keep_alive = self.host().keep_alive();
        // Its pong may lie among what we do not read.
        self.connection().heard().note(keep_alive.now());
        let since = self.over_since.unwrap_or(keep_alive.now());
        if keep_alive.since(since) >= OVER_RATE_LIMIT {
            self.connection().close(CloseCode::Rate);
        }
        self.over_since = Some(since);
        self.pause = Some(Box::pin(async move {
            sleep(pause).await;
            Reason::Rate
        }));
    }

    /// The close frame is on its way: input is dropped until the client's own, the end of the
    /// stream, or [`CLOSE_WAIT`].
    fn poll_closing(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let closing = self.closing.get_or_insert_with(|| Closing::begin(ClientClose::Awaited));
        if closing.give_up.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        for _ in 0..READS_PER_TURN {
            match self.closing.as_ref().map(|closing| closing.client) {
                // The last byte written, or the time-out, wakes this task.
                Some(ClientClose::Received) if self.connection().is_flushed() => return Poll::Ready(()),
                Some(ClientClose::Received) => return Poll::Pending,
                Some(ClientClose::Unreadable) if self.connection().is_flushed() => {
                    self.connection().shut_down();
                    self.closing_as(ClientClose::Awaited);
                }
                _ => {}
            }
            if let Read::End = ready!(self.poll_read(cx, Self::discard)) {
                return Poll::Ready(());
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Drops what came, but for a close frame.
    fn discard(&mut self, bytes: &mut [u8]) {
        let mut incoming = self.decoder.read(bytes, LIMITS);
        while let Ok(Some(event)) = incoming.next_event() {
            if matches!(event, Event::Close { .. }) {
                return self.closing_as(ClientClose::Received);
            }
        }
    }

    fn closing_as(&mut self, client: ClientClose) {
        if let Some(closing) = &mut self.closing {
            closing.client = client;
        }
    }
}

impl<H: Host> Future for Pump<H> {
    type Output = ();

    /// Ready when the connection is over.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.poll_turn(cx));
        self.connection().shut_down();
        Poll::Ready(())
    }
}

impl Closing {
    fn begin(client: ClientClose) -> Self {
        Self { give_up: Box::pin(sleep(CLOSE_WAIT)), client }
    }
}
