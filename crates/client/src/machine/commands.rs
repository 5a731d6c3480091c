//! What the owner asks for, and the messages that follow from it.

use std::time::Instant;

use bytes::Bytes;
use schemas::control::{Category, ClientMessage, ErrorCode};
use schemas::criteria::Criteria;

use super::{
    goal::{Goal, Leaving, Room},
    interface::{Closed, Command, Effect, Event},
    late_report::LateReport,
    state::{ConnectionMachine, SocketState},
};

impl ConnectionMachine {
    pub(super) fn command(&mut self, command: Command, now: Instant, random: u64) {
        match command {
            Command::Find(find) => self.find(find),
            Command::Next(find) => self.next(find),
            Command::Cancel => self.cancel(),
            Command::Leave => self.leave(),
            Command::Report(category) => self.report(category),
            Command::Frame(bytes) | Command::Question(bytes) => self.frame(bytes),
            Command::Reconnect => self.reconnect(now, random),
            Command::Close => {
                self.effects.push(Effect::Close);
                self.close(Closed::Asked);
            }
        }
    }

    fn find(&mut self, find: Criteria) {
        match &self.goal {
            Goal::Room(Room { leaving: None, .. }) => {
                self.emit(refused(ErrorCode::InRoom, "leave the chat first, or ask for the next one"));
            }
            // A `next`, because the room may not have ended yet. The server treats a `next` that
            // comes too late as a `find`.
            Goal::Room(_) => self.next(find),
            Goal::None | Goal::Find(_) => {
                self.goal = Goal::Find(find.clone());
                if let SocketState::Ready(ready) = &mut self.socket {
                    ready.retry = None;
                    self.send(ClientMessage::Find(find));
                }
            }
        }
    }

    fn next(&mut self, find: Criteria) {
        let inside = self.is_inside();
        let Goal::Room(room) = &mut self.goal else { return self.find(find) };
        room.leaving.get_or_insert_default().next = Some(find.clone());
        if inside {
            self.send(ClientMessage::Next(find));
        }
    }

    fn cancel(&mut self) {
        match &mut self.goal {
            Goal::Find(_) => self.goal = Goal::None,
            Goal::Room(Room { leaving: Some(leaving), .. }) if leaving.next.is_some() => {
                leaving.next = None;
            }
            Goal::None | Goal::Room(_) => return,
        }
        if let SocketState::Ready(ready) = &mut self.socket {
            ready.retry = None;
            self.send(ClientMessage::Cancel);
        }
    }

    fn leave(&mut self) {
        match &mut self.goal {
            Goal::Room(room) if room.leaving.is_none() => {
                room.leaving = Some(Leaving::default());
                self.send_leaving();
            }
            Goal::Room(_) => self.cancel(),
            // The room may have ended just before.
            Goal::None | Goal::Find(_) => {}
        }
    }

    fn report(&mut self, category: Category) {
        let inside = self.is_inside();
        match &mut self.goal {
            Goal::Room(room) => {
                room.leaving.get_or_insert_default().report = Some(category);
                if inside {
                    self.send(ClientMessage::Report(category));
                }
            }
            // The server takes it for the room that has just ended.
            Goal::None | Goal::Find(_) if matches!(self.socket, SocketState::Ready(_)) => {
                self.reported(false);
                self.late_report = Some(LateReport::new(category));
                self.send(ClientMessage::Report(category));
            }
            Goal::None | Goal::Find(_) => self.emit(Event::Reported { taken: false }),
        }
    }

    fn frame(&mut self, bytes: Bytes) {
        if self.is_inside() && matches!(self.goal, Goal::Room(Room { leaving: None, .. })) {
            self.effects.push(Effect::SendFrame(bytes));
        }
    }
}

fn refused(code: ErrorCode, message: &str) -> Event {
    Event::Error { code, message: message.to_owned() }
}
