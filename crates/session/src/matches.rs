//! What pairing publishes: wants that fit, and wants that nobody will answer.

use schemas::{
    RoomId, Side, UnixMillis,
    control::Expectation,
    event::{Half, MatchEvent, RoomEvent, WantEvent},
};

use crate::{room::Room, seat::Seat, sessions::Sessions, wants::MatchNews};

impl Sessions {
    pub(crate) fn handle_match(&mut self, now: UnixMillis, event: &MatchEvent) {
        match event {
            MatchEvent::Pair(halves) if halves[0].want != halves[1].want => self.matched(now, halves),
            MatchEvent::Pair(_) => {}
            MatchEvent::Spent(want) => self.want_spent(now, *want),
        }
    }

    /// Two wants fit. Joins the halves that are current here; a half that is not is declined at
    /// once, so that the other half does not wait for it.
    fn matched(&mut self, now: UnixMillis, halves: &[Half; 2]) {
        let (room, first_side) = RoomId::of_match(halves[0].want, halves[1].want);
        let sides = [first_side, first_side.other()];
        if self.rooms.contains(&room) || self.endings.is_former(now, room) {
            return; // repeated: what became of it goes on by itself
        }
        match self.wants.judge(&self.settings.node, halves) {
            MatchNews::SameSession => {}
            MatchNews::BothHere => {
                self.join(now, room, sides[0], &halves[0], &halves[1]);
                self.join(now, room, sides[1], &halves[1], &halves[0]);
                self.with_room(now, room, Room::settle);
            }
            MatchNews::OneHere(n) => {
                self.join(now, room, sides[n], &halves[n], &halves[1 - n]);
                self.with_room(now, room, Room::settle);
            }
            MatchNews::OtherGone(n) => {
                self.publish_wants(WantEvent::Withdrawn(vec![halves[1 - n].want]));
                // Pairing has taken this want out of its pool: it waits on under a new id.
                if let Some((id, want)) = self.withdraw_want(halves[n].want) {
                    self.wait_again(now, id, want);
                }
            }
            MatchNews::NoneHere => {
                self.decline(room, &halves[0], &halves[1]);
                self.decline(room, &halves[1], &halves[0]);
            }
        }
    }

    /// Turns a want into a seat in a room whose other side may not be there yet.
    fn join(&mut self, now: UnixMillis, room: RoomId, side: Side, own: &Half, other: &Half) {
        if let Some((id, want)) = self.withdraw_want(own.want) {
            if let Some(session) = self.sessions.get_mut(&id) {
                session.expect = other.pass.then_some(Expectation::Credential);
            }
            self.take_seat(now, room, side, Seat::joining(now, id, other.node.clone(), want));
        }
    }

    /// Tells pairing, and the gateway of the other half, that a want of this gateway is not
    /// current.
    fn decline(&mut self, room: RoomId, gone: &Half, other: &Half) {
        if gone.node == self.settings.node {
            self.publish_wants(WantEvent::Withdrawn(vec![gone.want]));
            self.publish_to(room, other.node.clone(), RoomEvent::Declined);
        }
    }
}
