//! Where each input enters the model.

use std::time::Duration;

use super::{
    interface::{Effect, Input, Moment},
    machine::Model,
};
use crate::{
    layout,
    opening::Step,
    state::{OwnConnection, Peer, Stage},
};

impl Model {
    /// Handles what happened, and returns what to do.
    pub(crate) fn handle(&mut self, moment: Moment, input: Input) -> Vec<Effect> {
        (self.screen.now, self.screen.clock) = (moment.now, moment.clock);
        self.vanish();
        match input {
            Input::Opened => self.opened(),
            Input::Opening(step) if matches!(self.screen.stage, Stage::Opening(_)) => {
                self.screen.notice = Some(Step(step).to_string());
            }
            Input::Opening(_) => {}
            Input::OpenFailed(why) => {
                self.screen.notice = None;
                self.alone(&format!("no connection: {why}"));
            }
            Input::Invite(handout) => self.screen.invite = Some(handout),
            Input::Chat(event) => self.handle_event(event),
            Input::Key(key) => self.press(key),
            Input::Pasted(text) => self.paste(&text),
            Input::Resized(size) => {
                self.screen.size = size;
                // The terminal may have lost rows meanwhile, even if it has its old size again.
                self.effects.push(Effect::Redraw);
                self.screen.scroll = self.screen.scroll.min(layout::scroll_max(&self.screen));
            }
            Input::Sent(id, result, vanish_after) => self.sent(id, result, vanish_after),
            Input::Said(words, result) => self.said(&words, result),
            Input::HandedOver(result) => self.handed_over(result),
            Input::Stop => self.quit(),
            Input::Tick => self.rest_typing(),
        }
        std::mem::take(&mut self.effects)
    }

    /// When [`Input::Tick`] is to come, if nothing else does.
    pub(crate) fn next_tick(&self) -> Option<Duration> {
        let connection = match self.screen.own_connection {
            OwnConnection::Down(until) => self.next_second(until),
            OwnConnection::Up => None,
        };
        let peer = match (self.screen.peer, &self.screen.stage) {
            (Peer::Away { until }, Stage::Talking(_)) => self.next_second(until),
            _ => None,
        };
        let long_wait =
            self.screen.long_wait.filter(|at| self.screen.stage == Stage::Waiting && *at > self.screen.now);
        [connection, peer, long_wait, self.typing_until, self.screen.log.next_end()]
            .into_iter()
            .flatten()
            .min()
    }

    /// When the seconds that are left until then change.
    fn next_second(&self, until: Duration) -> Option<Duration> {
        let left = until.checked_sub(self.screen.now).filter(|left| !left.is_zero())?;
        let part = Duration::from_nanos(left.subsec_nanos().into());
        Some(self.screen.now + if part.is_zero() { Duration::from_secs(1) } else { part })
    }
}
