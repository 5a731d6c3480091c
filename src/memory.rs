//! Gives memory back to the system after a rush: what a thousand handshakes have needed for a moment lies between what stays, and the
//! allocator keeps it.

use std::{convert::Infallible, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

/// How often it is looked whether a rush is over: soon enough that nobody wonders where the memory has gone.
const LOOK: Duration = Duration::from_millis(250);

/// Connections that have to come or go before it is worth the walk over the heap, which is a millisecond or two for 10,000 of them.
const RUSH: u64 = 500;

/// Watches how many connections have ever come and gone. When many have, and none more in the meantime, memory is given back.
pub async fn give_back_after_rushes(moved: impl Fn() -> u64) -> Infallible {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut given_back, mut before) = (0, 0);
    loop {
        looks.tick().await;
        let now = moved();
        if now == before && now - given_back >= RUSH {
            given_back = now;
            // On a thread of its own: whoever allocates on this one does not wait for all of the walk.
            let _ = tokio::task::spawn_blocking(wipe::give_back).await;
        }
        before = now;
    }
}
