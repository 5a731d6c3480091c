//! What time brings in a room.

use std::time::Duration;

use schemas::{
    RoomId, Side, UnixMillis,
    control::{EndReason, PeerState},
};

use super::{Sessions, Timer, rooms::Phase, upkeep};

/// A seat whose owner does not come back is kept this much longer than the grace, so that the other side's gateway ends the room.
const LINGER: Duration = Duration::from_secs(5);

impl Sessions {
    /// What is due in a room.
    pub(super) fn room_due(&mut self, now: UnixMillis, room_id: RoomId) {
        for side in [Side::A, Side::B] {
            self.seat_due(now, room_id, side);
        }
        self.grace_due(now, room_id);
        self.schedule(now, room_id);
    }

    fn seat_due(&mut self, now: UnixMillis, room_id: RoomId, side: Side) {
        let Some(room) = self.rooms.get(&room_id) else { return };
        let state = room.fold.state(side.other()).unwrap_or(PeerState::Away);
        let Some(seat) = room.seat(side) else { return };
        match seat.phase {
            Phase::Joining(ref joining) if joining.until <= now => return self.dissolve(now, room_id, None),
            Phase::Resuming { until } if until <= now => {
                self.finish_resume(now, room_id, side, state);
                self.settle(now, room_id);
            }
            Phase::Away => return,
            _ => {}
        }
        let Some(room) = self.rooms.get(&room_id) else { return };
        if !room.is_known_across(side) && room.seat(side).is_some_and(|seat| seat.say_again <= now) {
            self.say_joined(now, room_id, side);
        }
    }

    /// Ends the room of a side that has stayed away too long, if the other side is held here; else only forgets the seat.
    fn grace_due(&mut self, now: UnixMillis, room_id: RoomId) {
        let grace_now = self.grace_clock(now);
        for side in [Side::A, Side::B] {
            let Some(room) = self.rooms.get(&room_id) else { return };
            let Some(since) = room.away_since[side as usize] else { continue };
            let away = grace_now.since(since);
            if away >= self.settings.grace && room.seat(side.other()).is_some() {
                return self.end_room(now, room_id, EndReason::Expired);
            }
            if away >= self.settings.grace + LINGER {
                self.empty_seat(now, room_id, side);
                return self.drop_room(now, room_id);
            }
        }
    }

    /// Sets the timer for whatever is next in the room.
    fn schedule(&mut self, now: UnixMillis, room_id: RoomId) {
        let grace_now = self.grace_clock(now);
        let Some(room) = self.rooms.get(&room_id) else { return };
        let mut next = None::<UnixMillis>;
        let mut at = |time: UnixMillis| next = Some(next.map_or(time, |soonest| soonest.min(time)));
        for side in [Side::A, Side::B] {
            if let Some(since) = room.away_since[side as usize] {
                let patience = if room.seat(side.other()).is_some() { Duration::ZERO } else { LINGER };
                at(now + (self.settings.grace + patience).saturating_sub(grace_now.since(since)));
            }
            let Some(seat) = room.seat(side) else { continue };
            match seat.phase {
                Phase::Joining(ref joining) => at(joining.until),
                Phase::Resuming { until } => at(until),
                Phase::In | Phase::Away => {}
            }
            if seat.phase != Phase::Away && !room.is_known_across(side) {
                at(seat.say_again);
            }
        }
        if let Some(time) = next {
            // Never at once again: while graces stand still a deadline may lie in the past.
            self.timers.at(time.max(now + upkeep::TICK), Timer::Room(room_id));
        }
    }

    /// A side of the room is elsewhere. If nothing has been heard of it for three presence periods it is away.
    pub(super) fn silence_due(&mut self, now: UnixMillis, room_id: RoomId) {
        let Some(room) = self.rooms.get_mut(&room_id) else { return };
        if room.seats.iter().flatten().any(|seat| now.since(seat.sign) < upkeep::PRESENCE_SILENCE) {
            return;
        }
        for side in [Side::A, Side::B] {
            if room.seat(side).is_none() {
                room.fold.silence(side);
            }
        }
        self.settle(now, room_id);
    }
}
