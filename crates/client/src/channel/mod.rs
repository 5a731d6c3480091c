//! The end-to-end channel: what two clients say to each other inside the binary messages that the
//! server relays.
//!
//! A [`Channel`] is one side of one chat as a pure state machine: no I/O, no clock, no randomness
//! of its own. Feed it what happens (a frame came, the peer is away, the user wrote something, a
//! time has come), then drain what it wants sent and told, and call [`Channel::handle_timeout`] at
//! [`Channel::next_timeout`]. `docs/protocol.md` specifies every byte and timer.
//!
//! Delivery is between the two channels: texts are numbered, acknowledged and sent again, so each
//! arrives once and in order, whatever the way between loses, doubles, delays or reorders.

mod crypto;
mod event;
mod handshake;
mod handshake_timeout;
mod inbound;
pub mod limits;
mod meeting;
mod message;
mod outbound;
mod packet;
mod replay;
mod rtt;
mod safety;
mod secured;
#[cfg(test)]
mod tests;
mod time;
mod typing;

use std::collections::VecDeque;
use std::fmt;

use rand::rngs::StdRng;
use rand::{CryptoRng, SeedableRng};
use zeroize::Zeroizing;

pub use event::{ChannelEnd, Dropped, Event, MessageNumber, SendError, Typing};
pub use meeting::{Meeting, Psk, Side};
pub use safety::{Emoji, SafetyCode};
pub use time::Time;

use handshake::{Handshake, Progress, Session};
use handshake_timeout::HandshakeTimeout;
use inbound::Inbound;
use limits::BYE_LINGER;
use message::ChannelMessage;
use outbound::{Outbound, Refused};
use packet::Kind;
use replay::ReplayWindow;
use typing::Notice;

/// One side of an end-to-end encrypted chat.
///
/// After each input, take everything from [`Self::poll_frame`] and [`Self::poll_event`]: the queues
/// are only as short as they are kept.
pub struct Channel {
    phase: Phase,
    /// Whether frames can reach the peer, as far as the server says.
    path: PathState,
    handshake: Option<Handshake>,
    handshake_timeout: HandshakeTimeout,
    session: Option<Box<Session>>,
    /// The number of the next packet: each is taken once and never again.
    next_packet: u64,
    replay: ReplayWindow,
    outbound: Outbound,
    inbound: Inbound,
    typing: Notice,
    /// The peer has said goodbye, its last message.
    peer_left: bool,
    /// A text was refused for want of room.
    owner_waits: bool,
    /// For the delay of acknowledgements only.
    jitter: StdRng,
    frames: VecDeque<Vec<u8>>,
    events: VecDeque<Event>,
    dropped: Dropped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Until a packet or message 2 of the peer has been authenticated.
    Handshaking,
    Secured,
    /// One side has said goodbye.
    Leaving {
        reason: ChannelEnd,
        until: Time,
    },
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PathState {
    Open,
    /// The server holds this side, and not the other.
    PeerAway,
    /// This side is not connected.
    LinkDown,
}

impl Channel {
    /// Starts the channel of `room` with both sides online, as the server's `paired` says. Side `b`
    /// speaks at once.
    ///
    /// `rng` is used here only: for the one ephemeral key of this room, and to seed the jitter of
    /// acknowledgements.
    #[must_use]
    pub fn new(side: Side, meeting: Meeting, room: [u8; 16], rng: &mut impl CryptoRng, now: Time) -> Self {
        let mut ephemeral = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut ephemeral[..]);
        let mut channel = Self {
            phase: Phase::Handshaking,
            path: PathState::Open,
            handshake: Some(Handshake::new(side, meeting, room, ephemeral)),
            handshake_timeout: HandshakeTimeout::starting(now),
            session: None,
            next_packet: 0,
            replay: ReplayWindow::default(),
            outbound: Outbound::default(),
            inbound: Inbound::default(),
            typing: Notice::default(),
            peer_left: false,
            owner_waits: false,
            jitter: StdRng::seed_from_u64(rng.next_u64()),
            frames: VecDeque::new(),
            events: VecDeque::new(),
            dropped: Dropped::default(),
        };
        if side == Side::B {
            channel.handshake_timeout.begin_intervals(now);
            channel.repeat_handshake();
        }
        channel
    }

    /// A binary message came. Whatever it is, it is survived: taken, dropped and counted, or the
    /// end of the chat.
    pub fn handle_frame(&mut self, now: Time, message: &[u8]) {
        if self.phase == Phase::Ended {
            return;
        }
        let handled = match message::parse(message) {
            None => {
                self.dropped.malformed += 1;
                Ok(())
            }
            Some(ChannelMessage::Handshake { step, body }) => self.handle_handshake(now, step, body),
            Some(ChannelMessage::Packet { number, ciphertext }) => {
                self.handle_packet(now, number, ciphertext)
            }
        };
        match handled {
            Ok(()) => self.flush(now),
            Err(reason) => self.end(reason),
        }
    }

    /// This side is in the room over a new connection (`resumed`); the peer counts as online until
    /// told otherwise.
    pub fn link_up(&mut self, now: Time) {
        self.reopen(now);
    }

    /// This side's connection is lost: nothing is sent until [`Self::link_up`].
    pub fn link_down(&mut self, now: Time) {
        self.path = PathState::LinkDown;
        self.handshake_timeout.pause(now);
    }

    /// The server says that the peer is back. Ignored while this side's own link is down.
    pub fn peer_online(&mut self, now: Time) {
        if self.path != PathState::LinkDown {
            self.reopen(now);
        }
    }

    /// The server says that the peer is away: nothing is sent until it is back, for the server
    /// would drop it.
    pub fn peer_away(&mut self, now: Time) {
        if self.path == PathState::Open {
            self.path = PathState::PeerAway;
            self.handshake_timeout.pause(now);
        }
    }

    /// Sends a text; [`Event::Delivered`] or [`Event::NotDelivered`] will tell of its number.
    ///
    /// # Errors
    /// [`SendError`]: before [`Event::Secured`], after a goodbye, with a full window, or for a text that is empty or
    /// longer than 8 KiB.
    pub fn send_text(&mut self, now: Time, text: &str) -> Result<MessageNumber, SendError> {
        match self.phase {
            Phase::Handshaking => return Err(SendError::NotSecured),
            Phase::Leaving { .. } | Phase::Ended => return Err(SendError::Over),
            Phase::Secured => {}
        }
        match text.len() {
            0 => return Err(SendError::Empty),
            len if len > limits::MAX_TEXT => return Err(SendError::TooLong),
            _ => {}
        }
        match self.outbound.push(Kind::Text, text.as_bytes()) {
            Ok(number) => {
                self.typing.text_sent();
                self.flush(now);
                Ok(MessageNumber(number))
            }
            Err(Refused::Full) => {
                self.owner_waits = true;
                Err(SendError::Full)
            }
            Err(Refused::Exhausted) => {
                self.end(ChannelEnd::Exhausted);
                Err(SendError::Over)
            }
        }
    }

    /// The user writes, or has stopped. The peer is told of changes only, at most once a second; a
    /// text says "stopped".
    pub fn set_typing(&mut self, now: Time, typing: Typing) {
        if self.phase == Phase::Secured {
            self.typing.want(typing);
            self.tell_typing(now);
            self.flush(now);
        }
    }

    /// Says goodbye after everything sent before it. The channel ends when the peer has
    /// acknowledged it, or after 3 s.
    pub fn bye(&mut self, now: Time) {
        match self.phase {
            Phase::Handshaking => self.end(ChannelEnd::Bye),
            Phase::Leaving { .. } | Phase::Ended => {}
            Phase::Secured => match self.outbound.push(Kind::Bye, &[]) {
                Ok(_) => {
                    self.phase = Phase::Leaving { reason: ChannelEnd::Bye, until: now + BYE_LINGER };
                    self.flush(now);
                }
                // The window keeps a place for it, so only the numbers can have run out.
                Err(_) => self.end(ChannelEnd::Exhausted),
            },
        }
    }

    /// Ends the channel at once and silently: the room is over, or the owner gives up. Its keys are
    /// gone after this.
    pub fn close(&mut self) {
        self.end(ChannelEnd::Closed);
    }

    /// To be called at [`Self::next_timeout`]; early or late calls do no harm.
    pub fn handle_timeout(&mut self, now: Time) {
        match self.phase {
            Phase::Ended => return,
            Phase::Handshaking if self.handshake_timeout.is_exhausted(now) => {
                return self.end(ChannelEnd::NoChannel);
            }
            Phase::Handshaking => {
                if self.handshake_timeout.resend_is_due(now) {
                    self.repeat_handshake();
                }
                return;
            }
            Phase::Leaving { reason, until } if now >= until => return self.end(reason),
            Phase::Secured | Phase::Leaving { .. } => {}
        }
        if self.path == PathState::Open {
            if self.outbound.timeout().is_some_and(|at| now >= at) {
                self.outbound.time_out();
            }
            self.tell_typing(now);
            self.flush(now);
        }
    }

    /// When [`Self::handle_timeout`] is to be called next, as things stand after the last input;
    /// never, if `None`.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Time> {
        let leaving = match self.phase {
            Phase::Ended => return None,
            Phase::Handshaking => return self.handshake_timeout.next(),
            Phase::Leaving { until, .. } => Some(until),
            Phase::Secured => None,
        };
        if self.path != PathState::Open {
            return leaving;
        }
        let typing = self.typing.due_at().filter(|_| self.may_tell_typing());
        [leaving, typing, self.outbound.timeout(), self.inbound.acknowledge_at()].into_iter().flatten().min()
    }

    /// The next binary message to send, in order.
    pub fn poll_frame(&mut self) -> Option<Vec<u8>> {
        self.frames.pop_front()
    }

    /// The next thing to tell the owner, in order.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// What was dropped so far.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// The safety code, from [`Event::Secured`] to [`Event::Ended`].
    #[must_use]
    pub fn safety(&self) -> Option<SafetyCode> {
        let session = self.session.as_ref()?;
        (self.phase != Phase::Handshaking).then_some(session.safety)
    }

    fn handle_handshake(&mut self, now: Time, step: message::Step, body: &[u8]) -> Result<(), ChannelEnd> {
        let Some(handshake) = &mut self.handshake else { return Ok(()) };
        match handshake.receive(step, body)? {
            Progress::Unexpected => self.dropped.unexpected += 1,
            Progress::Reply(frame) => self.send_if_open(frame),
            Progress::Waits(frame) => {
                self.send_if_open(frame);
                self.handshake_timeout.begin_intervals(now);
            }
            Progress::Keys(session, reply) => {
                self.session = Some(session);
                self.send_if_open(reply);
                self.handshake_timeout.begin_intervals(now);
            }
            Progress::Secure(session) => {
                self.session = Some(session);
                self.secured();
                self.inbound.owe(now);
            }
            Progress::AcknowledgeAgain => self.inbound.owe(now),
        }
        Ok(())
    }

    /// Sends the last handshake message (again), if this side waits for the answer to one.
    fn repeat_handshake(&mut self) {
        if let Some(frame) = self.handshake.as_ref().and_then(Handshake::waiting) {
            self.send_if_open(frame);
        }
    }

    /// Sends a handshake message, unless the server would drop it: whoever waits repeats it when
    /// the way opens.
    fn send_if_open(&mut self, frame: Vec<u8>) {
        if self.path == PathState::Open {
            self.frames.push_back(frame);
        }
    }

    fn secured(&mut self) {
        self.phase = Phase::Secured;
        if let Some(session) = &self.session {
            self.events.push_back(Event::Secured { safety: session.safety });
        }
    }

    fn reopen(&mut self, now: Time) {
        self.path = PathState::Open;
        match self.phase {
            Phase::Ended => {}
            Phase::Handshaking => {
                self.handshake_timeout.resume(now);
                self.repeat_handshake();
            }
            Phase::Secured | Phase::Leaving { .. } => {
                self.outbound.restart();
                self.tell_typing(now);
                self.flush(now);
            }
        }
    }

    /// Tells the owner what was not delivered, and forgets every key and message. Ours are wiped
    /// here; what snow and aws-lc hold is freed here, and wiped by aws-lc itself and by the
    /// binary's allocator.
    fn end(&mut self, reason: ChannelEnd) {
        if self.phase == Phase::Ended {
            return;
        }
        self.phase = Phase::Ended;
        for number in self.outbound.unacknowledged_texts() {
            self.events.push_back(Event::NotDelivered { number: MessageNumber(number) });
        }
        self.events.push_back(Event::Ended(reason));
        self.handshake = None;
        self.session = None;
        self.outbound = Outbound::default();
        self.inbound = Inbound::default();
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("phase", &self.phase)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
