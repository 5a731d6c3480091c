//! Where each input enters the machine.

use std::time::{Duration, Instant};

use super::{
    goal::Goal,
    interface::{Effect, Event, Input},
    reconnect::Loss,
    state::{ANSWER_TIMEOUT, ConnectionMachine, SocketState},
};

impl ConnectionMachine {
    /// Handles what happened and returns what to do. `random` is drawn evenly for each call.
    pub(crate) fn handle(&mut self, input: Input, now: Instant, random: u64) -> Vec<Effect> {
        if let SocketState::Ready(ready) = &mut self.socket
            && matches!(input, Input::Activity | Input::Control(_) | Input::Binary(_))
        {
            ready.last_received = now;
        }
        match (&self.socket, input) {
            (SocketState::Closed, _) => {}
            (_, Input::Command(command)) => self.command(command, now, random),
            (_, Input::Tick) => self.tick(now, random),
            (SocketState::Opening { .. }, Input::Opened) => {
                self.socket = SocketState::AwaitingReady { deadline: now + ANSWER_TIMEOUT };
            }
            (SocketState::Opening { .. }, Input::Refused(refusal)) => {
                self.refused(refusal, now, random);
            }
            (SocketState::AwaitingReady { .. } | SocketState::Ready(_), Input::Control(message)) => {
                self.control(message, now, random);
            }
            (SocketState::Ready(_), Input::Binary(bytes)) if matches!(self.goal, Goal::Room(_)) => {
                self.emit(Event::Frame(bytes));
            }
            (
                SocketState::Opening { .. } | SocketState::AwaitingReady { .. } | SocketState::Ready(_),
                Input::Lost(code),
            ) => self.lost(code.map_or(Loss::Broken, Loss::Code), now, random),
            _ => {}
        }
        std::mem::take(&mut self.effects)
    }

    fn tick(&mut self, now: Instant, random: u64) {
        match &mut self.socket {
            SocketState::Backoff { until } if *until <= now => self.connect(now),
            SocketState::Opening { deadline } | SocketState::AwaitingReady { deadline }
                if *deadline <= now =>
            {
                self.abandon(now, random);
            }
            SocketState::Ready(ready) if ready.is_dead(now) => self.abandon(now, random),
            SocketState::Ready(ready) if ready.drain.is_some_and(|at| at <= now) => {
                self.effects.push(Effect::Close);
                self.emit(Event::Disconnected { retry_in: Duration::ZERO });
                self.url = self.url.wrapping_add(1);
                self.connect(now);
            }
            SocketState::Ready(ready) if ready.retry.is_some_and(|at| at <= now) => {
                self.repeat_goal(now);
            }
            _ => {}
        }
    }
}
