//! Where each input enters the model.

use std::time::Duration;

use super::{
    interface::{Effect, Input},
    machine::Model,
};
use crate::{layout, state::OwnConnection};

impl Model {
    /// Handles what happened at `now`, the time since the start, and returns what to do.
    pub(crate) fn handle(&mut self, now: Duration, input: Input) -> Vec<Effect> {
        self.screen.now = now;
        match input {
            Input::Opened => self.opened(),
            Input::OpenFailed(why) => self.alone(&format!("no connection: {why}")),
            Input::Link(link) => self.screen.invite = Some(link),
            Input::Chat(event) => self.handle_event(event),
            Input::Key(key) => self.press(key),
            Input::Pasted(text) => self.paste(&text),
            Input::Resized(size) => {
                self.screen.size = size;
                // The terminal may have lost rows meanwhile, even if it has its old size again.
                self.effects.push(Effect::Redraw);
                self.screen.scroll = self.screen.scroll.min(layout::scroll_max(&self.screen));
            }
            Input::Sent(id, result) => self.sent(id, result),
            Input::Stop => self.quit(),
            Input::Tick => self.rest_typing(),
        }
        std::mem::take(&mut self.effects)
    }

    /// When [`Input::Tick`] is to come, if nothing else does.
    pub(crate) fn next_tick(&self) -> Option<Duration> {
        let countdown = match self.screen.own_connection {
            OwnConnection::Down(until) if until > self.screen.now => {
                let whole = Duration::from_secs((until - self.screen.now).as_secs());
                Some(if until - whole > self.screen.now {
                    until - whole
                } else {
                    self.screen.now + Duration::from_secs(1)
                })
            }
            OwnConnection::Down(_) | OwnConnection::Up => None,
        };
        [countdown, self.typing_until].into_iter().flatten().min()
    }
}
