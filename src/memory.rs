//! Gives memory back to the system after a rush: what a thousand handshakes or matches have needed
//! for a moment lies between what stays, and the allocator keeps it.

use std::{convert::Infallible, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

/// How often it is looked whether a rush is over: soon enough that nobody wonders where the memory
/// has gone.
const LOOK: Duration = Duration::from_millis(250);

/// How much has to come or go before it is worth the walk over the heap, which is a millisecond or
/// two for 10,000 connections.
const RUSH: u64 = 500;

/// Looks without any movement until memory is given back once more: what the rush left to timers is
/// free by then, too.
const AFTERMATH: u32 = 6;

/// Watches how many connections, batches of frames, wants, or leases have ever come and gone. When
/// many have, and none more in the meantime, memory is given back: at once, and after
/// [`AFTERMATH`].
pub async fn give_back_after_rushes(moved: impl Fn() -> u64) -> Infallible {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rushes = Rushes::default();
    loop {
        looks.tick().await;
        if rushes.look(moved()) {
            // On a thread of its own: whoever allocates on this one does not wait for all of the
            // walk.
            let _ = tokio::task::spawn_blocking(wipe::give_back).await;
        }
    }
}

/// What was seen of rushes.
#[derive(Default)]
struct Rushes {
    before: u64,
    quiet: u32,
    given_back: u64,
    aftermath: bool,
}

impl Rushes {
    /// Looks how much has moved in all; whether memory is to be given back.
    fn look(&mut self, moved: u64) -> bool {
        self.quiet = if moved == self.before { self.quiet.saturating_add(1) } else { 0 };
        self.before = moved;
        if self.quiet == 1 && moved - self.given_back >= RUSH {
            (self.given_back, self.aftermath) = (moved, true);
            return true;
        }
        self.quiet == AFTERMATH && std::mem::take(&mut self.aftermath)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given_back(moved: impl IntoIterator<Item = u64>) -> Vec<bool> {
        let mut rushes = Rushes::default();
        moved.into_iter().map(|moved| rushes.look(moved)).collect()
    }

    #[test]
    fn memory_is_given_back_when_a_rush_is_over_and_once_more_later() {
        let looks = given_back([0, 300, 700, 900, 900, 900, 900, 900, 900, 900, 900]);
        assert_eq!(looks, [false, false, false, false, true, false, false, false, false, true, false]);
    }

    #[test]
    fn a_little_coming_and_going_adds_up_and_never_gives_back_at_each_pause() {
        let coming = (0..4_000).map(|look| look / 2);
        let times = given_back(coming).iter().filter(|given_back| **given_back).count();
        assert_eq!(times, 3, "in 2,000 people that come one by one");
    }
}
