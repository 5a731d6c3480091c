//! Gives memory back to the system after a rush: what a thousand handshakes or matches have needed for a moment lies between what stays, and
//! the allocator keeps it.

use std::{convert::Infallible, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

/// How often it is looked whether a rush is over: soon enough that nobody wonders where the memory has gone.
const LOOK: Duration = Duration::from_millis(250);

/// How much has to come or go before it is worth the walk over the heap, which is a millisecond or two for 10,000 connections.
const RUSH: u64 = 500;

/// Looks without any movement after which memory is given back: at once, and again when what the rush left to timers is free, too.
const QUIET: [u32; 2] = [1, 6];

/// Watches how many connections have ever come and gone. When many have, and none more in the meantime, memory is given back.
pub async fn give_back_after_rushes(moved: impl Fn() -> u64) -> Infallible {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut given_back, mut before, mut quiet) = (0, 0, 0);
    loop {
        looks.tick().await;
        let now = moved();
        quiet = if now == before { quiet + 1 } else { 0 };
        before = now;
        if now - given_back >= RUSH && QUIET.contains(&quiet) {
            // On a thread of its own: whoever allocates on this one does not wait for all of the walk.
            let _ = tokio::task::spawn_blocking(wipe::give_back).await;
        }
        if QUIET.last() == Some(&quiet) {
            given_back = now;
        }
    }
}
