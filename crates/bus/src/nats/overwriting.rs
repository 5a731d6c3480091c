//! Overwrites what async-nats keeps of frames: its buffers for reading and writing, and those of
//! TLS, live as long as the connection, and hold what passed last until something else does. On a
//! node without other traffic that would be as long as nobody writes.
//!
//! So as long as frames pass, fillers follow them now and then: messages of nothing that this node
//! sends to itself.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use async_nats::{Client, Subject, message::OutboundMessage};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{FLUSH_TIMEOUT, outgoing::Outgoing, shared::Shared};

/// How long frames may lie in a buffer before they are overwritten. A round is 320 kB to the server
/// and back, and there is none while no frames pass.
const EVERY: Duration = Duration::from_secs(2);
/// A filler's length. async-nats copies what is shorter than 4096 bytes into its buffer, as it does
/// with most frames, and writes from elsewhere what is not.
const FILLER: &[u8] = &[0; 4000];
/// Fillers of one round. Together they are longer than each buffer: that for reading has 64 KiB;
/// that for writing takes as much and one message more before it is written out. It doubles while
/// what is before its contents has less room than they, so it has at most 256 KiB.
const FILLERS: usize = 80;

/// Whether frames have passed since this was last asked.
#[derive(Debug, Default)]
pub(super) struct FramesPassed(AtomicBool);

impl FramesPassed {
    /// On the way of each frame: mostly a look at what is already so.
    pub(super) fn tell(&self) {
        if !self.0.load(Relaxed) {
            self.0.store(true, Relaxed);
        }
    }

    fn take(&self) -> bool {
        self.0.swap(false, Relaxed)
    }
}

/// Overwrites until the task is dropped.
pub(super) async fn run(client: Client, shared: Arc<Shared>, outgoing: Arc<Outgoing>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A connection that is lost takes its buffers along.
        if shared.is_up() && shared.frames_passed.take() {
            let round = timeout(FLUSH_TIMEOUT, overwrite(&client, &shared, &outgoing)).await;
            if !matches!(round, Ok(Some(()))) {
                shared.frames_passed.tell();
            }
        }
    }
}

/// Sends a round of fillers, and receives them. `None` if that was not a whole round, because the
/// connection was lost meanwhile, or because there was no room for more: then others overwrite.
async fn overwrite(client: &Client, shared: &Shared, outgoing: &Outgoing) -> Option<()> {
    let inbox: Subject = client.new_inbox().into();
    let mut echoes = client.subscribe(inbox.clone()).await.ok()?;
    let mut sent = 0;
    while sent < FILLERS
        && let Some(permit) = shared.budget.try_reserve_frames(FILLER.len())
    {
        let payload = permit.attach_to(Bytes::from_static(FILLER));
        outgoing.push(OutboundMessage { subject: inbox.clone(), reply: None, payload, headers: None });
        sent += 1;
    }
    for _ in 0..sent {
        echoes.next().await?;
    }
    (sent == FILLERS).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nats::budget::QUEUED_FRAMES_BYTES;

    /// Of async-nats, which does not publish them.
    const FLATTENED_BELOW: usize = 4096;
    const WRITTEN_FROM: usize = 65535;

    #[test]
    fn a_round_is_longer_than_each_buffer_and_each_filler_is_copied_into_it() {
        assert!(FILLER.len() < FLATTENED_BELOW);
        let most = 2 * (WRITTEN_FROM + FLATTENED_BELOW).next_power_of_two();
        assert!(FILLER.len() * FILLERS > most, "{most}");
    }

    #[test]
    fn half_of_the_room_for_frames_is_left_to_them() {
        assert!(2 * FILLER.len() * FILLERS < QUEUED_FRAMES_BYTES);
    }

    #[test]
    fn frames_are_overwritten_once() {
        let passed = FramesPassed::default();
        assert!(!passed.take());
        passed.tell();
        passed.tell();
        assert!(passed.take() && !passed.take());
    }
}
