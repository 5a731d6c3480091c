//! What the server says.

use std::time::{Duration, Instant};

use schemas::control::{ClientMessage, EndReason, ErrorCode, PeerState, Place, ServerMessage};

use super::{
    ASKED_PAUSE_MAX, Attachment, Effect, Event, HEARTBEAT_RANGE, Line, Link, SILENCE_GRACE, Standing,
    purpose::{Purpose, Room},
};
use crate::Secret;

impl Line {
    pub(super) fn control(&mut self, message: ServerMessage, now: Instant, random: u64) {
        match message {
            ServerMessage::Ready { token, heartbeat_ms, .. } => self.ready(token.into(), heartbeat_ms, now),
            ServerMessage::Waiting if matches!(self.purpose, Purpose::Finding(_)) => {
                self.retries.reset();
                self.tell(Event::Waiting);
            }
            ServerMessage::Paired(place) => self.paired(place),
            ServerMessage::Resumed(place) => self.resumed(place),
            ServerMessage::Peer { state } if matches!(self.purpose, Purpose::Chatting(_)) => {
                self.tell(match state {
                    PeerState::Online => Event::PeerOnline,
                    PeerState::Away => Event::PeerAway,
                });
            }
            ServerMessage::Ended { reason } => self.ended(reason, now),
            ServerMessage::Token { token, ticket, .. } => {
                self.remember(token.into());
                if let (Some(ticket), Purpose::Chatting(room)) = (ticket, &mut self.purpose) {
                    room.ticket = ticket.into();
                }
            }
            ServerMessage::Drain { reconnect_in_ms } => {
                if let Link::Attached(attachment) = &mut self.link {
                    attachment.drain =
                        Some(now + Duration::from_millis(reconnect_in_ms).min(ASKED_PAUSE_MAX));
                }
            }
            ServerMessage::Error { code, message } => self.error(code, message, now, random),
            ServerMessage::Waiting | ServerMessage::Peer { .. } | ServerMessage::Pong => {}
        }
    }

    fn ready(&mut self, token: Secret, heartbeat_ms: u64, now: Instant) {
        self.remember(token);
        if !matches!(self.link, Link::Greeting { .. }) {
            return;
        }
        let (shortest, longest) = HEARTBEAT_RANGE;
        let silence = Duration::from_millis(heartbeat_ms).clamp(shortest, longest) + SILENCE_GRACE;
        let standing = Standing::Outside;
        self.link = Link::Attached(Attachment {
            since: now,
            heard: now,
            silence,
            drain: None,
            retry: None,
            standing,
        });
        self.unauthorized = 0;
        self.tell(Event::Connected);
        self.ask(now);
    }

    fn remember(&mut self, token: Secret) {
        self.token = token.clone();
        self.effects.push(Effect::Remember(token));
    }

    fn paired(&mut self, place: Place) {
        let Link::Attached(attachment) = &mut self.link else { return };
        match self.purpose {
            Purpose::Finding(_) => {
                attachment.standing = Standing::Inside;
                attachment.retry = None;
                self.retries.reset();
                self.purpose = Purpose::Chatting(Room { ticket: place.ticket.into(), parting: None });
                self.tell(Event::Paired { room: place.room, side: place.side });
            }
            // The match was faster than our `cancel`. Nobody here knows of this room, so nobody needs to hear of its end.
            Purpose::Nothing => self.say(ClientMessage::Leave),
            Purpose::Chatting(_) => {}
        }
    }

    fn resumed(&mut self, place: Place) {
        if let Link::Attached(attachment) = &mut self.link
            && let Standing::Resuming { .. } = attachment.standing
            && let Purpose::Chatting(room) = &mut self.purpose
        {
            attachment.standing = Standing::Inside;
            room.ticket = place.ticket.into();
            self.retries.reset();
            self.tell(Event::Resumed);
            self.say_parting();
        }
    }

    /// The room is over; what was to come after it comes now.
    fn ended(&mut self, reason: EndReason, now: Instant) {
        let Link::Attached(attachment) = &mut self.link else { return };
        let Purpose::Chatting(room) = &mut self.purpose else { return };
        // Inside, `next` was said already, unless it was refused and is to be said again.
        let said = matches!(attachment.standing, Standing::Inside) && attachment.retry.is_none();
        let then = room.parting.take().and_then(|parting| parting.then);
        attachment.standing = Standing::Outside;
        self.purpose = then.map_or(Purpose::Nothing, Purpose::Finding);
        self.tell(Event::Ended { reason });
        if !said {
            self.ask(now);
        }
    }

    fn error(&mut self, code: ErrorCode, message: String, now: Instant, random: u64) {
        let Link::Attached(attachment) = &mut self.link else { return };
        let resuming = matches!(attachment.standing, Standing::Resuming { .. });
        match (&self.purpose, code) {
            // The room ended as we spoke.
            (Purpose::Chatting(Room { parting: Some(_), .. }), ErrorCode::NoRoom) if !resuming => {
                return self.ended(EndReason::Left, now);
            }
            // Said of a `leave` that came too late.
            (_, ErrorCode::NoRoom) if !resuming => return,
            // A match is on its way here while we changed the search.
            (Purpose::Finding(_), ErrorCode::InRoom) => {
                attachment.retry = Some(now + self.retries.next(random));
                return;
            }
            (Purpose::Finding(_), ErrorCode::Unavailable | ErrorCode::Rate) => {
                attachment.retry = Some(now + self.retries.next(random));
            }
            (Purpose::Chatting(room), ErrorCode::Unavailable | ErrorCode::Rate)
                if resuming || room.parting.is_some() =>
            {
                if resuming {
                    attachment.standing = Standing::Outside;
                }
                attachment.retry = Some(now + self.retries.next(random));
            }
            (Purpose::Chatting(_), _) if resuming => return self.ended(EndReason::Expired, now),
            (Purpose::Finding(_), _) => self.purpose = Purpose::Nothing,
            (Purpose::Nothing | Purpose::Chatting(_), _) => {}
        }
        self.tell(Event::Error { code, message });
    }
}
