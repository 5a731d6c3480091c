//! What stands between a client's stream and hyper while HTTP is spoken: a reader that hands on
//! whole, sound heads only, and a writer that does not wait for ever.
//!
//! A head that is refused is replaced by a plain request, which hyper serves in its turn; so the
//! answer comes behind those of the requests before it, and looks like every other problem. Which
//! request that is, is counted on both sides ([`Exchange`]), so that no client can pretend it.

use std::{
    io,
    net::Shutdown,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use parking_lot::Mutex;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use crate::{
    head::{self, Follows, HEAD_BYTES, HeadFault},
    stream::Stream,
};

/// How long an answer may lie unread: then the connection is reset, so that the kernel forgets it,
/// too. The kernel asks for more when a third of its buffer has been read: a client with 20 kbit/s
/// is fast enough.
pub(crate) const UNREAD_WAIT: Duration = Duration::from_secs(20);

/// How much is read on after a last answer and how long, so that what a client still sends does not
/// make the kernel reset the connection before the answer was read.
const LINGER_BYTES: usize = 64 * 1024;
const LINGER_WAIT: Duration = Duration::from_millis(500);

/// How much is read at once while a head is on its way.
const CHUNK: usize = 4 * 1024;

/// Takes the place of a head that was refused.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\n\r\n";

/// What reader and server tell each other of one connection.
#[derive(Default)]
pub(crate) struct Exchange(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    heads: u64,
    begun: u64,
    answered: u64,
    fault: Option<HeadFault>,
    unread: bool,
}

impl Exchange {
    /// A request has arrived at the server. Its number, and the fault for which it stands in.
    pub(crate) fn begin(&self) -> (u64, Option<HeadFault>) {
        let mut counts = self.0.lock();
        counts.begun += 1;
        // The last head of a connection is the one with the fault.
        let fault = counts.fault.filter(|_| counts.begun == counts.heads);
        (counts.begun, fault)
    }

    /// It has been answered.
    pub(crate) fn answered(&self) {
        self.0.lock().answered += 1;
    }

    /// Whether the client left an answer unread.
    pub(crate) fn was_unread(&self) -> bool {
        self.0.lock().unread
    }

    fn is_idle(&self) -> bool {
        let counts = self.0.lock();
        counts.answered == counts.heads
    }
}

/// A stream while HTTP is spoken on it.
pub struct HttpStream {
    stream: Stream,
    /// Read, and not handed on.
    held: Vec<u8>,
    phase: Phase,
    head_wait: Duration,
    /// While a head is waited for.
    late: Option<Pin<Box<Sleep>>>,
    /// While an answer is not taken.
    unread: Option<Pin<Box<Sleep>>>,
    /// While the end of the client's words is waited for.
    linger: Option<(Pin<Box<Sleep>>, usize)>,
    exchange: Arc<Exchange>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// A head is on its way; so much of what is held has been looked at.
    Head { seen: usize },
    /// So much is handed on as it comes.
    Passing { bytes: u64, then: Then },
    /// Everything is handed on as it comes.
    Through,
    /// Nothing is read any more.
    Over,
}

#[derive(Clone, Copy, Debug)]
enum Then {
    Body(u64),
    NextHead,
    Through,
    Over,
}

impl HttpStream {
    pub(crate) fn new(stream: Stream, head_wait: Duration, exchange: Arc<Exchange>) -> Self {
        Self {
            stream,
            held: Vec::new(),
            phase: Phase::Head { seen: 0 },
            head_wait,
            late: None,
            unread: None,
            linger: None,
            exchange,
        }
    }

    /// The stream, and what was read from it and not handed on: for what comes after an upgrade.
    pub fn into_parts(self) -> (Stream, Vec<u8>) {
        (self.stream, self.held)
    }

    /// Hands on up to `most` bytes.
    fn hand_on(&mut self, cx: &mut Context<'_>, into: &mut ReadBuf<'_>, most: u64) -> Poll<io::Result<u64>> {
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(into.remaining());
        if self.held.is_empty() {
            let mut part = ReadBuf::new(into.initialize_unfilled_to(most));
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
            let read = part.filled().len();
            into.advance(read);
            return Poll::Ready(Ok(read as u64));
        }
        let count = most.min(self.held.len());
        into.put_slice(&self.held[..count]);
        self.held.drain(..count);
        if self.held.is_empty() {
            // A connection that idles holds no buffer.
            self.held = Vec::new();
        }
        Poll::Ready(Ok(count as u64))
    }

    /// Looks for a head among what is held, and reads on until there is one. `false` at the end of
    /// the stream.
    fn poll_head(&mut self, cx: &mut Context<'_>, seen: usize) -> Poll<io::Result<bool>> {
        let mut seen = seen;
        loop {
            if seen == 0 {
                // Empty lines before a request are passed over (RFC 9112, section 2.2).
                let blank = self.held.chunks(2).take_while(|pair| *pair == b"\r\n").count() * 2;
                self.held.drain(..blank);
            }
            match self.look(seen) {
                Ok(Some(phase)) => return Poll::Ready(Ok(self.begin(phase))),
                Ok(None) => seen = self.held.len(),
                Err(fault) => return Poll::Ready(Ok(self.refuse(fault))),
            }
            self.phase = Phase::Head { seen };
            match self.poll_more(cx) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Ok(false)),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(fault)) => return Poll::Ready(Err(fault)),
                Poll::Pending => {
                    ready!(self.poll_late(cx));
                    // Who has said nothing is told nothing.
                    let began = !self.held.is_empty();
                    return Poll::Ready(Ok(began && self.refuse(HeadFault::Late)));
                }
            }
        }
    }

    fn look(&self, seen: usize) -> Result<Option<Phase>, HeadFault> {
        let Some(end) = head::end(&self.held, seen)? else { return Ok(None) };
        let then = match head::judge(&self.held[..end])? {
            Follows::Body(bytes) => Then::Body(bytes),
            Follows::Anything => Then::Through,
        };
        Ok(Some(Phase::Passing { bytes: end as u64, then }))
    }

    fn begin(&mut self, phase: Phase) -> bool {
        self.late = None;
        self.exchange.0.lock().heads += 1;
        self.phase = phase;
        true
    }

    fn refuse(&mut self, fault: HeadFault) -> bool {
        self.exchange.0.lock().fault = Some(fault);
        self.held = STAND_IN.to_vec();
        self.begin(Phase::Passing { bytes: STAND_IN.len() as u64, then: Then::Over })
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut chunk = [0; CHUNK];
        let room = (HEAD_BYTES + 1).saturating_sub(self.held.len()).clamp(1, CHUNK);
        let mut part = ReadBuf::new(&mut chunk[..room]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        self.held.extend_from_slice(part.filled());
        Poll::Ready(Ok(part.filled().len()))
    }

    /// Resolves when a head has been waited for long enough. While a request is being answered
    /// nobody has to send the next.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.held.is_empty() && !self.exchange.is_idle() {
            self.late = None;
            return Poll::Pending;
        }
        let wait = self.head_wait;
        self.late.get_or_insert_with(|| Box::pin(sleep(wait))).as_mut().poll(cx)
    }

    /// Whether what was to be written has been waited for too long.
    fn unless_unread<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.unread = None;
            return poll;
        }
        ready!(self.unread.get_or_insert_with(|| Box::pin(sleep(UNREAD_WAIT))).as_mut().poll(cx));
        self.exchange.0.lock().unread = true;
        // What the kernel holds for this client goes at once, too. A socket that cannot be told is
        // closed all the same.
        let _ = SockRef::from(self.stream.socket()).set_linger(Some(Duration::ZERO));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Reads and drops what a client still says after the last answer.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (until, left) = self.linger.get_or_insert_with(|| (Box::pin(sleep(LINGER_WAIT)), LINGER_BYTES));
        let mut chunk = [0; CHUNK];
        while *left > 0 && until.as_mut().poll(cx).is_pending() {
            let mut part = ReadBuf::new(&mut chunk);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part)) {
                Ok(()) if !part.filled().is_empty() => *left = left.saturating_sub(part.filled().len()),
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for HttpStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            match this.phase {
                Phase::Head { seen } => {
                    if !ready!(this.poll_head(cx, seen))? {
                        return Poll::Ready(Ok(()));
                    }
                }
                Phase::Passing { bytes: 0, then } => {
                    this.phase = match then {
                        Then::Body(bytes) => Phase::Passing { bytes, then: Then::NextHead },
                        Then::NextHead => Phase::Head { seen: 0 },
                        Then::Through => Phase::Through,
                        Then::Over => Phase::Over,
                    };
                }
                Phase::Passing { bytes, then } => {
                    let passed = ready!(this.hand_on(cx, into, bytes))?;
                    this.phase = Phase::Passing { bytes: bytes - passed, then };
                    return Poll::Ready(Ok(()));
                }
                Phase::Through => return this.hand_on(cx, into, u64::MAX).map_ok(drop),
                // The answer to the fault is the last; whoever waits for more here is woken by it.
                Phase::Over => return Poll::Pending,
            }
        }
    }
}

impl AsyncWrite for HttpStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.unless_unread(cx, written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        this.unless_unread(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.linger.is_none() {
            let shut = Pin::new(&mut this.stream).poll_shutdown(cx);
            ready!(this.unless_unread(cx, shut))?;
        }
        ready!(this.poll_linger(cx));
        // Nothing that comes now is for anybody.
        let _ = SockRef::from(this.stream.socket()).shutdown(Shutdown::Read);
        Poll::Ready(Ok(()))
    }
}
