//! What a channel takes in: frames, the state of the connections, the owner's commands, time.

use std::collections::VecDeque;

use rand::rngs::StdRng;
use rand::{CryptoRng, SeedableRng};

use super::body;
use super::event::{ChannelEnd, Dropped, SendError, Typing};
use super::handshake::{Handshake, Progress};
use super::handshake_timeout::HandshakeTimeout;
use super::helping::{Helping, Part, Verdict};
use super::inbound::Inbound;
use super::kem::Secrets;
use super::limits::BYE_LINGER;
use super::meeting::{Meeting, Side};
use super::message::{self, ChannelMessage};
use super::outbound::{Outbound, Refused};
use super::packet::Kind;
use super::replay::ReplayWindow;
use super::said::{MessageNumber, Said, Target, Whose};
use super::state::{Channel, PathState, Phase};
use super::time::Time;
use super::timers::{Timer, Timers};
use super::typing::Notice;

impl Channel {
    /// Starts the channel of `room` with both sides online, as the server's `paired` says. Side `a`
    /// sends its first message at once.
    ///
    /// `rng` is used here only: for the one ephemeral key of this room, for the nonce of `a`, and
    /// to seed the jitter of acknowledgements. The randomness of ML-KEM is AWS-LC's own.
    #[must_use]
    pub fn new(side: Side, meeting: Meeting, room: [u8; 16], rng: &mut impl CryptoRng, now: Time) -> Self {
        let secrets = Secrets::draw(side, rng);
        Self::start(side, meeting, room, secrets, rng.next_u64(), now)
    }

    /// As [`Self::new`] with fixed random values, for tests. `side` is the one that they are for.
    #[doc(hidden)]
    #[must_use]
    pub fn with_secrets(
        side: Side,
        meeting: Meeting,
        room: [u8; 16],
        secrets: Secrets,
        jitter: u64,
        now: Time,
    ) -> Self {
        Self::start(side, meeting, room, Some(secrets), jitter, now)
    }

    fn start(
        side: Side,
        meeting: Meeting,
        room: [u8; 16],
        secrets: Option<Secrets>,
        jitter: u64,
        now: Time,
    ) -> Self {
        let handshake = secrets.and_then(|secrets| Handshake::new(meeting, room, secrets).ok());
        let mut channel = Self {
            phase: Phase::Handshaking,
            path: PathState::Open,
            handshake,
            handshake_timeout: HandshakeTimeout::starting(now),
            session: None,
            safety: None,
            next_packet: 0,
            replay: ReplayWindow::default(),
            outbound: Outbound::default(),
            inbound: Inbound::default(),
            typing: Notice::default(),
            timers: Timers::default(),
            helping: Helping::default(),
            peer_left: false,
            owner_waits: false,
            jitter: StdRng::seed_from_u64(jitter),
            frames: VecDeque::new(),
            events: VecDeque::new(),
            dropped: Dropped::default(),
        };
        if channel.handshake.is_none() {
            // No randomness, no key: no chat, and nothing weaker instead.
            channel.end(ChannelEnd::NoChannel);
        } else if side == Side::A {
            channel.handshake_timeout.begin_intervals(now);
            channel.repeat_handshake(now);
        }
        channel
    }

    /// This side's part in the chat; without it, it is [`Part::Peer`]. To be said before anything
    /// has arrived.
    #[must_use]
    pub fn taking_part(mut self, part: Part) -> Self {
        self.helping = Helping::of(part);
        self
    }

    /// What is to follow of an [`Event::Credential`](super::Event::Credential). Without one it has
    /// no effect.
    pub fn judge(&mut self, now: Time, verdict: Verdict) {
        if self.helping.is_awaited() || matches!(self.phase, Phase::Handshaking | Phase::Ended) {
            return;
        }
        if verdict == Verdict::Refused {
            return self.end(ChannelEnd::BadCredential);
        }
        let was_shut = self.helping.is_shut();
        self.helping.take(verdict);
        // Where a bye has come or gone meanwhile, there is nothing to begin any more.
        if was_shut && !self.helping.is_shut() && self.phase == Phase::Secured {
            self.tell_secured();
            if let Err(reason) = self.deliver_all(now) {
                return self.end(reason);
            }
            // What had to wait may be acknowledged now.
            self.inbound.owe(now);
            self.tell_typing(now);
            self.flush(now);
        }
    }

    /// Handles a binary message. Whatever it contains, it is either accepted, or dropped and
    /// counted, or it ends the chat.
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
            Some(ChannelMessage::Packet { epoch, number, ciphertext }) => {
                self.handle_packet(now, epoch, number, ciphertext)
            }
        };
        match handled {
            Ok(()) => self.flush(now),
            Err(reason) => self.end(reason),
        }
    }

    /// This side is in the room over a new connection (`resumed`); the peer counts as online until
    /// told otherwise. Ignored while the path is open.
    pub fn link_up(&mut self, now: Time) {
        if self.path != PathState::Open {
            self.reopen(now);
        }
    }

    /// This side's connection is lost: nothing is sent until [`Self::link_up`].
    pub fn link_down(&mut self, now: Time) {
        self.path = PathState::LinkDown;
        self.handshake_timeout.pause(now);
        self.helping.pause(now);
    }

    /// The server says that the peer is back. Ignored while this side's own link is down, and while
    /// the path is open: whoever says it again does not make everything be sent again.
    pub fn peer_online(&mut self, now: Time) {
        if self.path == PathState::PeerAway {
            self.reopen(now);
        }
    }

    /// The server says that the peer is away. Nothing is sent until it is back, because the server
    /// would drop it.
    pub fn peer_away(&mut self, now: Time) {
        if self.path == PathState::Open {
            self.path = PathState::PeerAway;
            self.handshake_timeout.pause(now);
            self.helping.pause(now);
        }
    }

    /// Sends a text: [`Self::send`] of [`Said::Text`].
    ///
    /// # Errors
    /// Those of [`Self::send`].
    pub fn send_text(&mut self, now: Time, text: &str) -> Result<MessageNumber, SendError> {
        self.send(now, Said::Text(text))
    }

    /// Sends a message. Of a text or a reply, [`Event::Delivered`](super::Event::Delivered) or
    /// [`Event::NotDelivered`](super::Event::NotDelivered) will tell.
    ///
    /// # Errors
    /// [`SendError`]: before [`Event::Secured`](super::Event::Secured), after a bye, with a full
    /// window, for what is empty or too long, or names a message that was never sent.
    pub fn send(&mut self, now: Time, said: Said<'_>) -> Result<MessageNumber, SendError> {
        match self.phase {
            Phase::Handshaking => return Err(SendError::NotSecured),
            Phase::Leaving { .. } | Phase::Ended => return Err(SendError::Over),
            Phase::Secured if self.helping.is_shut() => return Err(SendError::NotSecured),
            Phase::Secured => {}
        }
        let heard = self.inbound.in_order();
        let (kind, body) = body::write(said, heard)?;
        if kind == Kind::Handover && !self.helping.is_helper() {
            return Err(SendError::NoHelper);
        }
        if !self.knows_what_is_named(said) {
            return Err(SendError::NoSuchMessage);
        }
        match self.outbound.push(kind, &body) {
            Ok(number) => {
                if kind.is_text() {
                    self.typing.text_sent();
                }
                if let Said::Timer { seconds } = said {
                    self.timers.set(Whose::Own, Timer { number, seconds, heard });
                }
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

    /// Whether the message that is named, if one is, has been sent, or has arrived.
    fn knows_what_is_named(&self, said: Said<'_>) -> bool {
        let named = match said {
            Said::Text(_) | Said::Timer { .. } | Said::Handover(_) => return true,
            Said::Reply { to, .. } | Said::Reaction { to, .. } => to,
            Said::Edit { number, .. } | Said::Deletion { number } => Target::own(number),
        };
        let last = match named.whose {
            Whose::Own => self.outbound.numbered(),
            Whose::Peer => self.inbound.in_order(),
        };
        (1..=last).contains(&named.number.get())
    }

    /// The user has begun to type, or has stopped. The peer is told of changes only, at most once a
    /// second; a text itself means "stopped".
    pub fn set_typing(&mut self, now: Time, typing: Typing) {
        if self.phase == Phase::Secured {
            self.typing.want(typing);
            self.tell_typing(now);
            self.flush(now);
        }
    }

    /// Sends a bye after everything sent before it. The channel ends when the peer has acknowledged
    /// it, or after 6 s.
    pub fn bye(&mut self, now: Time) {
        match self.phase {
            Phase::Handshaking => self.end(ChannelEnd::Bye),
            Phase::Leaving { .. } | Phase::Ended => {}
            Phase::Secured => match self.outbound.push(Kind::Bye, &[]) {
                Ok(_) => {
                    self.phase = Phase::Leaving { reason: ChannelEnd::Bye, until: now + BYE_LINGER };
                    self.flush(now);
                }
                // The window reserves room for it, so only the numbers can have run out.
                Err(_) => self.end(ChannelEnd::Exhausted),
            },
        }
    }

    /// Ends the channel at once and sends nothing: the room is over, or the owner gives up. Its
    /// keys are gone after this.
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
                    self.repeat_handshake(now);
                }
                return;
            }
            Phase::Leaving { reason, until } if now >= until => return self.end(reason),
            Phase::Secured if self.helping.deadline().is_some_and(|at| now >= at) => {
                return self.end(ChannelEnd::NoProof);
            }
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

    /// When [`Self::handle_timeout`] is to be called next; `None` for never. Every input may change
    /// it.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Time> {
        let leaving = match self.phase {
            Phase::Ended => return None,
            Phase::Handshaking => return self.handshake_timeout.next(),
            Phase::Leaving { until, .. } => Some(until),
            Phase::Secured => self.helping.deadline(),
        };
        if self.path != PathState::Open {
            return leaving;
        }
        let typing = self.typing.due_at().filter(|_| self.may_tell_typing());
        [leaving, typing, self.outbound.timeout(), self.inbound.acknowledge_at()].into_iter().flatten().min()
    }

    fn handle_handshake(&mut self, now: Time, step: message::Step, body: &[u8]) -> Result<(), ChannelEnd> {
        let Some(handshake) = &mut self.handshake else { return Ok(()) };
        let progress = match handshake.receive(step, body) {
            Ok(progress) => progress,
            Err(reason) if self.phase == Phase::Handshaking => return Err(reason),
            // Anybody in between could have made it: only who has the keys ends a secured chat.
            Err(_) => Progress::Unexpected,
        };
        match progress {
            Progress::Unexpected => self.dropped.unexpected += 1,
            Progress::Reply(frame) => {
                if self.handshake_timeout.may_answer(now) {
                    self.send_if_open(now, frame);
                }
            }
            Progress::Keys(session, reply) => {
                self.session = Some(session);
                self.send_if_open(now, reply);
                self.handshake_timeout.begin_intervals(now);
            }
            Progress::Secure(session, safety, nonce) => {
                self.session = Some(session);
                self.secured(now, safety);
                // The window is empty, so there is room for it.
                if self.outbound.push(Kind::Opening, &nonce[..]).is_err() {
                    return Err(ChannelEnd::Exhausted);
                }
                self.introduce()?;
            }
            Progress::OpenAgain => self.outbound.repeat_opening(now),
        }
        Ok(())
    }

    fn reopen(&mut self, now: Time) {
        self.path = PathState::Open;
        match self.phase {
            Phase::Ended => {}
            Phase::Handshaking => {
                self.handshake_timeout.resume(now);
                self.repeat_handshake(now);
            }
            Phase::Secured | Phase::Leaving { .. } => {
                self.helping.resume(now);
                self.outbound.restart();
                self.tell_typing(now);
                self.flush(now);
            }
        }
    }
}
