//! Reports of the other side of a chat, also of one that has just ended.
//!
//! Who was reported is told that somebody has left, and nothing else: neither its messages nor its
//! token say more.

use schemas::{
    RoomId, Service, SessionId, Side, UnixMillis,
    control::{ControlError, EndReason},
    event::{Report, ReportedBy, RoomEvent},
    message::Message,
};

use crate::{command::no_room, effect::Unsigned, endings::EndedSide, seat::Audience, sessions::Sessions};

impl Sessions {
    /// A client reports the other side of its chat, or of the one that has ended last.
    pub(crate) fn report(&mut self, now: UnixMillis, id: SessionId) -> Result<(), ControlError> {
        if let Some((room, side)) = self.seat(id).filter(|_| self.is_in_room(id)) {
            let audience = self.rooms.get(&room).and_then(|room| room.end_audience());
            self.end_reported_room(now, room, side, audience.clone());
            self.remember_report(now, id, room);
            self.publish_report(now, room, self.reported_by(id, side), audience);
            return Ok(());
        }
        let memory = self.sessions.get(&id).and_then(|session| session.memory.as_ref());
        let last = memory.and_then(|memory| memory.last_chat(now)).ok_or_else(no_room)?;
        self.remember_report(now, id, last.room);
        let by = self.reported_by(id, last.side);
        self.publish_report(now, last.room, by, Some(Audience::Everybody));
        Ok(())
    }

    fn reported_by(&self, id: SessionId, side: Side) -> ReportedBy {
        let memory = self.sessions.get(&id).and_then(|session| session.memory.as_ref());
        ReportedBy { side, region: memory.and_then(|memory| memory.client?.region) }
    }

    /// Ends a room of which this side has reported the other.
    fn end_reported_room(&mut self, now: UnixMillis, room: RoomId, by: Side, audience: Option<Audience>) {
        let event = RoomEvent::Ended(EndReason::Left);
        match audience {
            Some(audience) => self.publish_room(room, audience, event),
            None => {
                let to = self.settings.node.clone();
                self.publish(Message::Peer { room, to, event });
            }
        }
        self.close_room_as(now, room, EndReason::Left, |side| {
            if side == by { EndReason::Reported } else { EndReason::Left }
        });
    }

    /// Its next token says that it has reported this chat.
    fn remember_report(&mut self, now: UnixMillis, id: SessionId, room: RoomId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.memory.get_or_insert_default().reported(room);
        self.send_token(id, |grant| Unsigned::Token(grant, None));
        self.publish_want_of(now, id);
    }

    /// The gateway of the other side acts on a report. If that is this one, nobody else is told.
    fn publish_report(&mut self, now: UnixMillis, room: RoomId, by: ReportedBy, audience: Option<Audience>) {
        if self.act_on_report(now, room, by) {
            return;
        }
        let Some(audience) = audience else { return };
        self.publish_room(room, audience, RoomEvent::Reported(by));
        // Where the other side was, may have been lost sight of.
        let event = RoomEvent::Reported(by);
        self.repeat(now, &Message::Room { room, speaker: Service::Gateway, event });
    }

    /// This side has reported the other one, which may have been here.
    pub(crate) fn handle_reported(&mut self, now: UnixMillis, room: RoomId, by: ReportedBy) {
        if self.rooms.contains(&room) {
            self.close_room(now, room, EndReason::Left);
        } else {
            self.endings.hear_end(now, room, EndReason::Left);
        }
        self.act_on_report(now, room, by);
    }

    /// Keeps apart the two of an ended room, of whom the reported one was here. Returns whether it
    /// was.
    fn act_on_report(&mut self, now: UnixMillis, room: RoomId, by: ReportedBy) -> bool {
        let Some(EndedSide { session: reported, origin }) =
            self.endings.take_side(now, room, by.side.other())
        else {
            return false;
        };
        match self.sessions.get_mut(&reported) {
            Some(session) => session.memory.get_or_insert_default().reported_by_other(room.tag()),
            None => {
                let mut memory = self.memories.take(now, &reported).unwrap_or_default();
                memory.reported_by_other(room.tag());
                self.remember(now, reported, memory);
            }
        }
        self.publish_want_of(now, reported);
        let report = Report {
            room: room.tag(),
            session: reported.tag(),
            origin,
            reporter: by.region,
            chats: origin.map_or(0, |origin| self.silent_origins.chats(now, origin)),
        };
        let message = Message::Report { from: self.settings.node.clone(), report };
        self.repeat(now, &message);
        self.publish(message);
        true
    }
}
