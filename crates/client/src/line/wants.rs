//! What the owner wants, and how it is put to the server.

use std::time::Instant;

use bytes::Bytes;
use schemas::control::{Category, ClientMessage, ErrorCode, Find};

use super::{
    ANSWER_PATIENCE, Attachment, Closed, Command, Effect, Event, Line, Link, Standing,
    purpose::{Parting, Purpose, Room},
};

impl Line {
    pub(super) fn command(&mut self, command: Command, now: Instant, random: u64) {
        match command {
            Command::Find(find) => self.find(find),
            Command::Next(find) => self.next(find),
            Command::Cancel => self.cancel(),
            Command::Leave => self.leave(),
            Command::Report(category) => self.report(category),
            Command::Frame(bytes) => self.frame(bytes),
            Command::Reconnect => self.reconnect(now, random),
            Command::Close => {
                self.effects.push(Effect::HangUp);
                self.close(Closed::Asked);
            }
        }
    }

    fn find(&mut self, find: Find) {
        match &self.purpose {
            Purpose::Chatting(Room { parting: None, .. }) => {
                self.tell(refused(ErrorCode::InRoom, "leave the chat first, or ask for the next one"));
            }
            // It is a `next` if the room has not ended yet, and the server takes a late `next` for a `find`.
            Purpose::Chatting(_) => self.next(find),
            Purpose::Nothing | Purpose::Finding(_) => {
                self.purpose = Purpose::Finding(find.clone());
                if let Link::Attached(attachment) = &mut self.link {
                    attachment.retry = None;
                    self.say(ClientMessage::Find(find));
                }
            }
        }
    }

    fn next(&mut self, find: Find) {
        let inside = self.is_inside();
        let Purpose::Chatting(room) = &mut self.purpose else { return self.find(find) };
        room.parting.get_or_insert_default().then = Some(find.clone());
        if inside {
            self.say(ClientMessage::Next(find));
        }
    }

    fn cancel(&mut self) {
        match &mut self.purpose {
            Purpose::Finding(_) => self.purpose = Purpose::Nothing,
            Purpose::Chatting(Room { parting: Some(parting), .. }) if parting.then.is_some() => {
                parting.then = None;
            }
            Purpose::Nothing | Purpose::Chatting(_) => return,
        }
        if let Link::Attached(attachment) = &mut self.link {
            attachment.retry = None;
            self.say(ClientMessage::Cancel);
        }
    }

    fn leave(&mut self) {
        match &mut self.purpose {
            Purpose::Chatting(room) if room.parting.is_none() => {
                room.parting = Some(Parting::default());
                self.say_parting();
            }
            Purpose::Chatting(_) => self.cancel(),
            // It may have ended as the owner spoke.
            Purpose::Nothing | Purpose::Finding(_) => {}
        }
    }

    fn report(&mut self, category: Category) {
        let inside = self.is_inside();
        match &mut self.purpose {
            Purpose::Chatting(room) => {
                room.parting.get_or_insert_default().report = Some(category);
                if inside {
                    self.say(ClientMessage::Report(category));
                }
            }
            Purpose::Nothing | Purpose::Finding(_) => {
                self.tell(refused(ErrorCode::NoRoom, "there is no chat"))
            }
        }
    }

    fn frame(&mut self, bytes: Bytes) {
        if self.is_inside() && matches!(self.purpose, Purpose::Chatting(Room { parting: None, .. })) {
            self.effects.push(Effect::Send(bytes));
        }
    }

    fn is_inside(&self) -> bool {
        matches!(&self.link, Link::Attached(Attachment { standing: Standing::Inside, .. }))
    }

    /// Says, on a connection that works, whatever the purpose needs.
    pub(super) fn ask(&mut self, now: Instant) {
        let Link::Attached(attachment) = &mut self.link else { return };
        attachment.retry = None;
        match (&self.purpose, &attachment.standing) {
            (Purpose::Finding(find), _) => self.effects.push(Effect::Say(ClientMessage::Find(find.clone()))),
            (Purpose::Chatting(room), Standing::Outside) => {
                attachment.standing = Standing::Resuming { deadline: now + ANSWER_PATIENCE };
                let ticket = room.ticket.expose().to_owned();
                self.effects.push(Effect::Say(ClientMessage::Resume(ticket)));
            }
            (Purpose::Chatting(_), Standing::Inside) => self.say_parting(),
            (Purpose::Nothing, _) | (Purpose::Chatting(_), Standing::Resuming { .. }) => {}
        }
    }

    pub(super) fn say_parting(&mut self) {
        if self.is_inside()
            && let Purpose::Chatting(Room { parting: Some(parting), .. }) = &self.purpose
        {
            self.effects.extend(parting.messages().into_iter().map(Effect::Say));
        }
    }
}

fn refused(code: ErrorCode, message: &str) -> Event {
    Event::Error { code, message: message.to_owned() }
}
