//! Where sessions are attached: other gateways are to know, and to let go of older connections.

use schemas::{
    Service, SessionId, Side, Stamp, UnixMillis,
    event::{Attachment, SessionEvent},
    limits,
    message::Message,
};

use crate::{
    effect::Unsigned, sessions::Sessions, settings::Topology, stamps::AttachmentOrder, timers::Timer,
};

impl Sessions {
    /// A session has a new stamp: everybody is to know, and its tokens are renewed from now on.
    pub(crate) fn announce(&mut self, now: UnixMillis, id: SessionId, order: AttachmentOrder) {
        let Some(session) = self.sessions.get(&id) else { return };
        let (stamp, ends) = (session.stamp, session.ends());
        match order {
            AttachmentOrder::First => self.publish_attached(id, stamp),
            AttachmentOrder::Later => self.repeat_attached(now, id, stamp, 0),
        }
        self.timers.at(ends.min(now + self.settings.token_life / 2), Timer::Session(id, stamp));
    }

    /// What is below the highest stamp that was heard of a session is ignored everywhere. A ticket
    /// may be newer than the token that came with it, and the room may know of an attachment that
    /// neither knows: neither must win over this one.
    pub(crate) fn raise_stamp(&mut self, now: UnixMillis, id: SessionId, heard: Stamp) {
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.stamp <= heard) else {
            return;
        };
        session.stamp = heard.next();
        self.send_token(id, |grant| Unsigned::Token(grant, None));
        self.announce(now, id, AttachmentOrder::Later);
    }

    /// Publishes where a session is attached.
    pub(crate) fn publish_attached(&mut self, id: SessionId, stamp: Stamp) {
        let node = self.settings.node.clone();
        self.publish_session(id, SessionEvent::Attached { stamp, node });
    }

    /// Publishes where a session is attached, for the `time`th time, and then again for as long as
    /// it is and [`limits::REPEATS`] goes on. Without other gateways nobody waits for a repetition.
    pub(crate) fn repeat_attached(&mut self, now: UnixMillis, id: SessionId, stamp: Stamp, time: u8) {
        self.publish_attached(id, stamp);
        if self.settings.topology == Topology::Standalone {
            return;
        }
        let (published, next) = (usize::from(time), usize::from(time) + 1);
        if let Some(at) = limits::REPEATS.get(next) {
            let pause = *at - limits::REPEATS[published];
            self.timers.at(now + pause, Timer::RepeatAttached { id, stamp, time: time + 1 });
        }
    }

    /// Publishes an event of a session, and again after each pause of [`limits::REPEATS`].
    pub(crate) fn repeat_session(&mut self, now: UnixMillis, id: SessionId, event: SessionEvent) {
        self.repeat(now, &Message::Session { session: id, speaker: Service::Gateway, event: event.clone() });
        self.publish_session(id, event);
    }

    /// Publishes a message again after each pause of [`limits::REPEATS`].
    pub(crate) fn repeat(&mut self, now: UnixMillis, message: &Message) {
        for pause in &limits::REPEATS[1..] {
            self.timers.at(now + *pause, Timer::Repeat(Box::new(message.clone())));
        }
    }

    /// Publishes again who has been attached or deleted since then: a gateway that was cut off may
    /// hold an older attachment of it.
    pub(crate) fn repeat_sessions(&mut self, now: UnixMillis, since: UnixMillis) {
        // A stamp is never below the clock at which it was made.
        let attached = self.sessions.iter().filter(|(_, it)| it.conn.is_some() && it.stamp.0 >= since.0);
        let attached: Vec<_> = attached.map(|(id, it)| (*id, it.stamp)).collect();
        for (id, stamp) in attached {
            self.repeat_attached(now, id, stamp, 0);
        }
        for (id, remaining) in self.endings.revoked_since(now, since) {
            self.repeat_session(now, id, SessionEvent::Revoked { remaining });
        }
        self.neighbours.forget_silent(now, self.settings.revocation_memory());
    }

    /// The attachment of a session that holds this side of its room.
    pub(crate) fn attachment(&self, id: SessionId, side: Side) -> Attachment {
        let stamp = self.sessions.get(&id).map_or(Stamp::NONE, |session| session.stamp);
        Attachment { side, stamp, node: self.settings.node.clone(), owner: id.tag() }
    }
}
