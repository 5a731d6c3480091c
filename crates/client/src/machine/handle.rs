//! Where each input enters the machine.

use std::time::{Duration, Instant};

use super::{
    goal::Goal,
    interface::{Command, Effect, Event, Input},
    reconnect::Loss,
    state::{ANSWER_TIMEOUT, ConnectionMachine, Drain, ReadySocket, SocketState},
};

impl ConnectionMachine {
    /// Handles what happened and returns what to do. `random` is drawn evenly for each call.
    pub(crate) fn handle(&mut self, input: Input, now: Instant, random: u64) -> Vec<Effect> {
        if let SocketState::Ready(ready) = &mut self.socket
            && matches!(input, Input::Activity | Input::Control(_) | Input::Binary(_))
        {
            ready.last_received = now;
            self.heard();
        }
        let asks = matches!(input, Input::Command(Command::Question(_)));
        match (&self.socket, input) {
            (SocketState::Closed, _) => {}
            (_, Input::Command(command)) => self.command(command, now, random),
            (_, Input::Tick) => self.tick(now, random),
            (_, Input::Spare(input)) => self.spare(*input, now, random),
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
        self.note_sent(asks, now);
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
            SocketState::Ready(ReadySocket { drain: Some(Drain { at, to }), .. }) if *at <= now => {
                let next = *to;
                if self.change_over(now) {
                    return;
                }
                self.effects.push(Effect::Close);
                self.emit(Event::Disconnected { retry_in: Duration::ZERO });
                match next {
                    Some(place) => self.url = place,
                    None => self.next_address(),
                }
                self.connect(now);
            }
            SocketState::Ready(ready) if ready.retry.is_some_and(|at| at <= now) => {
                self.repeat_goal(now);
            }
            SocketState::Ready(_) => self.tick_doubt(now, random),
            _ => {}
        }
    }
}
