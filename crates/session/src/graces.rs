//! The clock of graces: it stands still while nobody can come back, for this node could not hear of
//! it.

use std::time::Duration;

use schemas::UnixMillis;

/// A tick that comes this long after the last one: this process stood still. Below it no neighbour
/// seems silent that is not: at the last tick its heartbeat was a second old at most, and a bit.
const STANDSTILL: Duration = Duration::from_secs(2);
/// After its bus came back a gateway freezes graces for this long: others have to be heard first.
const THAW: Duration = Duration::from_secs(10);

/// The clock of graces, and whether the bus carries messages.
#[derive(Default)]
pub(crate) struct GraceClock {
    bus: BusState,
    /// For how long it has stood still in all.
    frozen: Duration,
    /// Until then it stands still.
    thaw: UnixMillis,
    last_tick: Option<Tick>,
}

/// Whether the bus carries messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum BusState {
    /// Not yet: nothing has begun here that would have to stand still.
    Awaited,
    #[default]
    Up,
    Down {
        since: UnixMillis,
    },
}

/// When a tick came, on both clocks.
#[derive(Clone, Copy)]
struct Tick {
    now: UnixMillis,
    grace_now: UnixMillis,
}

/// This process stood still. What others published meanwhile is still to be read: nobody was silent
/// in this time, and no grace has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standstill {
    /// For how long.
    pub(crate) pause: Duration,
    /// The same on the clock of graces.
    pub(crate) grace_pause: Duration,
    pub(crate) grace_now: UnixMillis,
}

impl GraceClock {
    /// The time by which graces run.
    pub(crate) fn now(&self, now: UnixMillis) -> UnixMillis {
        match self.bus {
            BusState::Down { since } => since.max(self.thaw) - self.frozen,
            BusState::Up | BusState::Awaited => now.max(self.thaw) - self.frozen,
        }
    }

    /// Time has passed. Tells if nobody has looked at the clock for too long.
    pub(crate) fn tick(&mut self, now: UnixMillis) -> Option<Standstill> {
        let grace_now = self.now(now);
        let last = self.last_tick.replace(Tick { now, grace_now })?;
        let pause = now.since(last.now);
        let grace_pause = grace_now.since(last.grace_now);
        (pause >= STANDSTILL).then_some(Standstill { pause, grace_pause, grace_now })
    }

    /// The bus is not up yet: the first time that it comes up freezes nothing.
    pub(crate) fn bus_awaited(&mut self) {
        self.bus = BusState::Awaited;
    }

    /// The bus is down: the clock stands still.
    pub(crate) fn bus_down(&mut self, now: UnixMillis) {
        if self.bus == BusState::Up {
            self.bus = BusState::Down { since: now };
        }
    }

    /// The bus is up. Returns since when it was down, unless it is the first time.
    pub(crate) fn bus_up(&mut self, now: UnixMillis) -> Option<UnixMillis> {
        let before = std::mem::replace(&mut self.bus, BusState::Up);
        let BusState::Down { since } = before else { return None };
        let thaw = now + THAW;
        self.frozen += thaw.since(since.max(self.thaw));
        self.thaw = thaw;
        Some(since)
    }

    pub(crate) fn is_bus_up(&self) -> bool {
        self.bus == BusState::Up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn it_stands_still_while_the_bus_is_down_and_ten_seconds_longer() {
        let (mut clock, start) = (GraceClock::default(), UnixMillis(1_000_000));
        assert_eq!(clock.now(start), start);
        clock.bus_down(start + SECOND);
        assert_eq!(clock.now(start + SECOND * 60), start + SECOND);
        assert!(!clock.is_bus_up());
        assert_eq!(clock.bus_up(start + SECOND * 61), Some(start + SECOND));
        assert_eq!(clock.now(start + SECOND * 71), start + SECOND);
        assert_eq!(clock.now(start + SECOND * 72), start + SECOND * 2);
    }

    #[test]
    fn it_moves_neither_back_nor_on_while_the_bus_comes_and_goes() {
        let (mut clock, mut now) = (GraceClock::default(), UnixMillis(1_000_000));
        let start = clock.now(now);
        for _ in 0..5 {
            clock.bus_down(now);
            now += SECOND * 3;
            clock.bus_up(now);
            now += SECOND * 7;
        }
        assert_eq!(clock.now(now), start);
        now += SECOND * 10;
        assert!((start + SECOND * 7..=start + SECOND * 10).contains(&clock.now(now)));
    }

    #[test]
    fn the_first_time_that_the_bus_is_up_freezes_nothing() {
        let (mut clock, start) = (GraceClock::default(), UnixMillis(1_000_000));
        clock.bus_awaited();
        clock.bus_down(start);
        assert!(!clock.is_bus_up());
        assert_eq!(clock.bus_up(start + SECOND), None);
        assert_eq!(clock.now(start + SECOND), start + SECOND);
    }

    #[test]
    fn a_late_tick_is_a_standstill_of_both_clocks_as_far_as_they_ran() {
        let (mut clock, start) = (GraceClock::default(), UnixMillis(1_000_000));
        assert_eq!(clock.tick(start), None);
        assert_eq!(clock.tick(start + SECOND), None);
        let grace_now = start + SECOND * 9;
        let standstill = Standstill { pause: SECOND * 8, grace_pause: SECOND * 8, grace_now };
        assert_eq!(clock.tick(start + SECOND * 9), Some(standstill));
        clock.bus_down(start + SECOND * 9);
        let standstill = Standstill { pause: SECOND * 8, grace_pause: Duration::ZERO, grace_now };
        assert_eq!(clock.tick(start + SECOND * 17), Some(standstill));
    }
}
