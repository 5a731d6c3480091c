//! A channel itself: what it remembers, and the steps that all its parts share.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;

use super::event::{ChannelEnd, Dropped, Event};
use super::handshake::{Handshake, Session};
use super::handshake_timeout::HandshakeTimeout;
use super::helping::Helping;
use super::inbound::Inbound;
use super::outbound::Outbound;
use super::replay::ReplayWindow;
use super::safety::SafetyCode;
use super::said::MessageNumber;
use super::time::Time;
use super::timers::Timers;
use super::typing::Notice;

/// One side of an end-to-end encrypted chat.
///
/// After each input, take everything from [`Self::poll_frame`] and [`Self::poll_event`]: otherwise
/// the queues grow.
pub struct Channel {
    pub(super) phase: Phase,
    /// Whether frames can reach the peer, according to the server.
    pub(super) path: PathState,
    pub(super) handshake: Option<Handshake>,
    pub(super) handshake_timeout: HandshakeTimeout,
    pub(super) session: Option<Box<Session>>,
    /// Known once the channel is secured.
    pub(super) safety: Option<SafetyCode>,
    /// The number of the next packet. Each number is used once.
    pub(super) next_packet: u64,
    pub(super) replay: ReplayWindow,
    pub(super) outbound: Outbound,
    pub(super) inbound: Inbound,
    pub(super) typing: Notice,
    /// How long messages are shown.
    pub(super) timers: Timers,
    /// Whether the peer has to prove that it is a helper, and has.
    pub(super) helping: Helping,
    /// The peer has said goodbye, its last message.
    pub(super) peer_left: bool,
    /// A text was refused because the window was full.
    pub(super) owner_waits: bool,
    /// For the delay of acknowledgements only.
    pub(super) jitter: StdRng,
    pub(super) frames: VecDeque<Outgoing>,
    pub(super) events: VecDeque<Event>,
    pub(super) dropped: Dropped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Until message 2 (at `a`) or the opening (at `b`) has been accepted.
    Handshaking,
    Secured,
    /// One side has said goodbye.
    Leaving {
        reason: ChannelEnd,
        until: Time,
    },
    Ended,
}

/// A binary message that is to be sent.
pub(super) struct Outgoing {
    pub(super) frame: Vec<u8>,
    /// Whether the peer answers it.
    pub(super) answered: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathState {
    Open,
    /// The server holds this side, and not the other.
    PeerAway,
    /// This side is not connected.
    LinkDown,
}

impl Channel {
    /// The next binary message to send, in order.
    pub fn poll_frame(&mut self) -> Option<Vec<u8>> {
        self.frames.pop_front().map(|outgoing| outgoing.frame)
    }

    /// Whether the peer answers the next binary message of [`Self::poll_frame`]: a message of the
    /// handshake, or a packet with messages in it.
    #[must_use]
    pub fn next_frame_is_answered(&self) -> bool {
        self.frames.front().is_some_and(|outgoing| outgoing.answered)
    }

    /// The next event for the owner, in order.
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
        self.safety.filter(|_| !self.helping.is_shut())
    }

    /// After which time a text or a reply vanishes that this side sends now, on both sides. `None`:
    /// it does not.
    #[must_use]
    pub fn vanish_after(&self) -> Option<Duration> {
        self.timers.holds()
    }

    /// Sends the last handshake message (again), if this side waits for the answer to one.
    pub(super) fn repeat_handshake(&mut self, now: Time) {
        if let Some(frame) = self.handshake.as_ref().and_then(Handshake::waiting) {
            self.send_if_open(now, frame);
        }
    }

    /// Sends a handshake message, unless the server would drop it. A side that waits for an answer
    /// repeats its message when the path opens.
    pub(super) fn send_if_open(&mut self, now: Time, frame: Vec<u8>) {
        if self.path == PathState::Open {
            self.handshake_timeout.sent(now);
            self.frames.push_back(Outgoing { frame, answered: true });
        }
    }

    /// The channel has keys. The owner is told at once, unless the peer has to prove something
    /// before.
    pub(super) fn secured(&mut self, now: Time, safety: SafetyCode) {
        self.phase = Phase::Secured;
        self.safety = Some(safety);
        if self.path == PathState::Open {
            self.helping.resume(now);
        }
        self.tell_secured();
    }

    /// Tells that texts may be sent, if they may.
    pub(super) fn tell_secured(&mut self) {
        if let Some(safety) = self.safety() {
            self.events.push_back(Event::Secured { safety });
        }
    }

    /// Reports what was not delivered, and forgets every key and message. Our own are wiped here.
    /// What snow and aws-lc hold is freed here; aws-lc itself and the binary's allocator wipe it.
    pub(super) fn end(&mut self, reason: ChannelEnd) {
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
        self.safety = None;
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
