//! The channel once it has keys: packets in, packets out.

use passes::Credential;
use rand::Rng;

use super::body::{self, Heard};
use super::epochs::Unopened;
use super::event::{ChannelEnd, Event, Typing};
use super::helping::Shown;
use super::inbound::Received;
use super::limits::{ACK_DELAY_MAX, ACK_DELAY_MIN, BYE_LINGER, MAX_NUMBER, MAX_TEXT};
use super::packet::{self, Kind, Writer};
use super::said::{MessageNumber, Whose};
use super::state::{Channel, Outgoing, PathState, Phase};
use super::time::Time;
use super::timers::Timer;

impl Channel {
    /// Handles a packet. It must be fresh, authentic and well-formed, checked in this order; only
    /// then does it change anything.
    pub(super) fn handle_packet(
        &mut self,
        now: Time,
        epoch: u32,
        number: u64,
        ciphertext: &[u8],
    ) -> Result<(), ChannelEnd> {
        let Some(session) = &mut self.session else {
            self.dropped.early += 1;
            return Ok(());
        };
        if number >= MAX_NUMBER {
            self.dropped.malformed += 1;
            return Ok(());
        }
        if !session.receiving.knows(epoch) {
            self.dropped.epoch += 1;
            return Ok(());
        }
        if !self.replay.is_fresh(number) {
            self.dropped.replayed += 1;
            return Ok(());
        }
        match session.receiving.open(epoch, number, ciphertext) {
            Ok(content) => {
                self.replay.mark(number);
                self.handle_content(now, &content)
            }
            Err(Unopened::Epoch) => {
                self.dropped.epoch += 1;
                Ok(())
            }
            Err(Unopened::Forged) => {
                self.dropped.forged += 1;
                Ok(())
            }
        }
    }

    fn handle_content(&mut self, now: Time, content: &[u8]) -> Result<(), ChannelEnd> {
        let (acknowledged, entries) = packet::parse(content).ok_or(ChannelEnd::Malformed)?;
        // All messages first: if this packet also acknowledges our bye, they still count.
        for entry in &entries {
            self.inbound.receive(entry)?;
        }
        if !entries.is_empty() {
            let delay = self.jitter.random_range(ACK_DELAY_MIN..=ACK_DELAY_MAX);
            self.inbound.owe(now + delay);
        }
        self.deliver_all(now)?;
        self.handle_acknowledgement(now, acknowledged)
    }

    /// Delivers what has arrived in order. While a proof is required, that is the proof alone, or a
    /// goodbye: the rest waits for it, and is not acknowledged.
    pub(super) fn deliver_all(&mut self, now: Time) -> Result<(), ChannelEnd> {
        while self.may_deliver()
            && let Some(message) = self.inbound.next()
        {
            self.deliver(now, &message)?;
        }
        Ok(())
    }

    fn may_deliver(&self) -> bool {
        if self.phase == Phase::Handshaking || !self.helping.is_shut() {
            return true;
        }
        let proof = Kind::Credential as u8;
        let next = self.inbound.next_kind();
        next == Some(Kind::Bye as u8) || next == Some(proof) && self.helping.is_awaited()
    }

    fn deliver(&mut self, now: Time, message: &Received) -> Result<(), ChannelEnd> {
        if self.peer_left {
            return Err(ChannelEnd::Malformed);
        }
        if self.phase == Phase::Handshaking {
            return self.deliver_opening(now, message);
        }
        let number = MessageNumber(message.number);
        if message.kind == Kind::Handover as u8 && !self.helping.is_believed() {
            return Ok(());
        }
        let heard = body::read(message.number, message.kind, &message.body).ok_or(ChannelEnd::Malformed)?;
        let event = match heard {
            Heard::Reserved => return Ok(()),
            Heard::Bye => {
                self.hear_bye(now);
                return Ok(());
            }
            Heard::Typing(typing) => Event::PeerTyping(typing),
            Heard::Text { text, reply_to } => {
                Event::Message { number, text, reply_to, vanishes_after: self.timers.holds() }
            }
            Heard::Reaction { to, reaction } => Event::Reaction { number, to, reaction },
            Heard::Edit { edited, text } => Event::Edited { number, edited, text },
            Heard::Deletion { deleted } => Event::Deleted { number, deleted },
            Heard::Timer(timer) => {
                self.timers.set(Whose::Peer, timer);
                let Timer { seconds, heard, .. } = timer;
                Event::Timer { number, seconds, heard, holds: self.timers.holds() }
            }
            Heard::Credential(credential) => {
                let shown = self.show(credential).ok_or(ChannelEnd::Malformed)?;
                Event::Credential(Box::new(shown))
            }
            Heard::Handover(handover) => Event::Handover(handover),
            Heard::Unknown => Event::Unknown { number },
        };
        self.events.push_back(event);
        Ok(())
    }

    /// The first message that `b` delivers. Only the right opening secures the channel.
    fn deliver_opening(&mut self, now: Time, message: &Received) -> Result<(), ChannelEnd> {
        if message.kind != Kind::Opening as u8 {
            return Err(ChannelEnd::CommitmentBroken);
        }
        let handshake = self.handshake.as_mut().ok_or(ChannelEnd::CommitmentBroken)?;
        let safety = handshake.open(&message.body)?;
        self.secured(now, safety);
        self.introduce()
    }

    /// Shows the credential of a helper, before anything else that its people say.
    pub(super) fn introduce(&mut self) -> Result<(), ChannelEnd> {
        let sides = self.session.as_ref().zip(self.handshake.as_ref());
        let credential = sides
            .and_then(|(session, handshake)| self.helping.credential(&session.transcript, handshake.side()));
        match credential.map(|credential| self.outbound.push(Kind::Credential, &credential)) {
            Some(Err(_)) => Err(ChannelEnd::Exhausted),
            Some(Ok(_)) | None => Ok(()),
        }
    }

    /// The peer's credential, to be judged by the owner; `None` if the peer may not show one.
    fn show(&mut self, credential: Credential) -> Option<Shown> {
        let (session, handshake) = self.session.as_ref().zip(self.handshake.as_ref())?;
        self.helping.show(credential, session.transcript, handshake.side())
    }

    /// The peer leaves: acknowledges at once, and stays a while in case that acknowledgement is
    /// lost.
    fn hear_bye(&mut self, now: Time) {
        self.peer_left = true;
        self.events.push_back(Event::PeerBye);
        self.inbound.owe(now);
        if self.phase == Phase::Secured {
            self.phase = Phase::Leaving { reason: ChannelEnd::PeerBye, until: now + BYE_LINGER };
        }
    }

    fn handle_acknowledgement(&mut self, now: Time, acknowledged: u64) -> Result<(), ChannelEnd> {
        let texts = self.outbound.acknowledge(now, acknowledged).map_err(|_| ChannelEnd::AckBeyondSent)?;
        for number in texts {
            self.events.push_back(Event::Delivered { number: MessageNumber(number) });
        }
        if self.owner_waits && self.phase == Phase::Secured && self.outbound.has_room(Kind::Text, MAX_TEXT) {
            self.owner_waits = false;
            self.events.push_back(Event::WindowOpen);
        }
        self.tell_typing(now);
        if matches!(self.phase, Phase::Leaving { reason: ChannelEnd::Bye, .. }) && self.outbound.is_empty() {
            // The acknowledgement that is due is sent before the keys are gone.
            if self.inbound.acknowledge_at().is_some() {
                self.inbound.owe(now);
            }
            self.flush(now);
            if self.phase != Phase::Ended {
                self.events.push_back(Event::AllReceived);
            }
            self.end(ChannelEnd::Bye);
        }
        Ok(())
    }

    /// Whether a typing notice would be sent now, if there were one.
    pub(super) fn may_tell_typing(&self) -> bool {
        self.phase == Phase::Secured
            && !self.helping.is_shut()
            && self.path == PathState::Open
            && self.outbound.has_room(Kind::Typing, 1)
    }

    /// Queues a typing notice if one is due. Notices are reliable too, so that "stopped" cannot get
    /// lost.
    pub(super) fn tell_typing(&mut self, now: Time) {
        let Some(typing) = self.typing.due(now).filter(|_| self.may_tell_typing()) else { return };
        let body = match typing {
            Typing::Idle => 0,
            Typing::Active => 1,
        };
        match self.outbound.push(Kind::Typing, &[body]) {
            Ok(_) => self.typing.told(now, typing),
            // There is room, so only the numbers can have run out.
            Err(_) => self.end(ChannelEnd::Exhausted),
        }
    }

    /// Sends all messages that are due, and the acknowledgement if it can wait no longer.
    pub(super) fn flush(&mut self, now: Time) {
        if self.path != PathState::Open {
            return;
        }
        while matches!(self.phase, Phase::Secured | Phase::Leaving { .. }) {
            let acknowledgement = self.inbound.acknowledge_at().is_some_and(|at| now >= at);
            if !self.outbound.is_due() && !acknowledgement {
                return;
            }
            // Before the packet is filled: what is first sent in it belongs to the new epoch.
            let (acknowledged, sent) = self.outbound.progress();
            let moved = self.session.as_mut().map(|session| session.sending.move_on(acknowledged, sent));
            if let Some(Err(_)) = moved {
                return self.end(ChannelEnd::Exhausted);
            }
            let mut writer = Writer::new(self.inbound.in_order());
            self.outbound.fill(now, &mut writer);
            self.inbound.acknowledged();
            self.send_packet(writer);
        }
    }

    pub(super) fn send_packet(&mut self, writer: Writer) {
        let Some(session) = &mut self.session else { return };
        if self.next_packet >= MAX_NUMBER {
            return self.end(ChannelEnd::Exhausted);
        }
        let number = self.next_packet;
        self.next_packet += 1;
        let answered = !writer.is_empty();
        match session.sending.seal(number, &writer.finish()) {
            Ok(frame) => self.frames.push_back(Outgoing { frame, answered }),
            Err(_) => self.end(ChannelEnd::Exhausted),
        }
    }
}
