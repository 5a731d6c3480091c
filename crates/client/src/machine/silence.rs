//! A connection that has gone silent: it is asked whether it still works, and replaced by a second
//! one. `docs/protocol.md` has the rule ("A connection that has gone silent").

use std::time::Instant;

use schemas::control::{ClientMessage, ServerMessage};

use super::{
    doubt::Spare,
    interface::{Effect, Input},
    reconnect::CONNECT_TIMEOUT,
    state::{ANSWER_TIMEOUT, ConnectionMachine, SocketState},
};

impl ConnectionMachine {
    /// Something has arrived on the first socket: it works.
    pub(super) fn heard(&mut self) {
        let SocketState::Ready(ready) = &mut self.socket else { return };
        (ready.doubt.awaited_since, ready.doubt.asked_at) = (None, None);
        match ready.doubt.spare {
            Some(Spare::Backoff { .. }) => ready.doubt.spare = None,
            Some(Spare::Opening { .. }) => {
                ready.doubt.spare = None;
                self.effects.push(Effect::DropSpare);
            }
            Some(Spare::AwaitingReady { .. }) | None => {}
        }
    }

    /// Notes whether an answer is awaited from now on. `asks` tells whether the peer answers the
    /// frame that was to be sent.
    pub(super) fn note_sent(&mut self, asks: bool, now: Instant) {
        let is_answered = |effect: &Effect| match effect {
            Effect::SendControl(message) => !matches!(message, ClientMessage::Cancel | ClientMessage::Ping),
            Effect::SendFrame(_) => asks,
            _ => false,
        };
        if let SocketState::Ready(ready) = &mut self.socket
            && self.effects.iter().any(is_answered)
        {
            ready.doubt.await_answer(now);
        }
    }

    /// Does what is due about a silent connection.
    pub(super) fn tick_doubt(&mut self, now: Instant, random: u64) {
        let SocketState::Ready(ready) = &mut self.socket else { return };
        if ready.doubt.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        match (ready.doubt.spare, ready.doubt.asked_at) {
            (Some(Spare::Opening { .. } | Spare::AwaitingReady { .. }), _) => {
                self.effects.push(Effect::DropSpare);
                self.spare_failed(now, random);
            }
            (Some(Spare::Backoff { .. }), _) | (None, Some(_)) => {
                ready.doubt.spare = Some(Spare::Opening { deadline: now + CONNECT_TIMEOUT });
                ready.doubt.had_spare = true;
                self.next_address();
                self.effects.push(Effect::ConnectSpare { url: self.url, token: self.token.clone() });
            }
            (None, None) => {
                ready.doubt.asked_at = Some(now);
                self.send(ClientMessage::Ping);
            }
        }
    }

    /// Something has happened on the second socket.
    pub(super) fn spare(&mut self, input: Input, now: Instant, random: u64) {
        let SocketState::Ready(ready) = &mut self.socket else { return };
        match (ready.doubt.spare, input) {
            (Some(Spare::Opening { .. }), Input::Opened) => {
                ready.doubt.spare = Some(Spare::AwaitingReady { deadline: now + ANSWER_TIMEOUT });
            }
            // Whatever it was refused for: if that lasts, the first connection is lost in the end,
            // and the next attempt is not a second one.
            (Some(_), Input::Refused(_) | Input::Lost(_)) => self.spare_failed(now, random),
            (Some(Spare::AwaitingReady { .. }), Input::Control(message @ ServerMessage::Ready { .. })) => {
                self.change_over(now);
                self.control(message, now, random);
            }
            _ => {}
        }
    }

    fn spare_failed(&mut self, now: Instant, random: u64) {
        let until = now + self.reconnects.next(random);
        if let SocketState::Ready(ready) = &mut self.socket {
            ready.doubt.spare = Some(Spare::Backoff { until });
        }
    }
}
