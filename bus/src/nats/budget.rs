//! What waits for the server, in bytes. async-nats bounds its queue by messages only; here each payload carries its own weight and gives
//! it back when async-nats lets go of it, on writing it to the socket or copying it into its write buffer of 64 KiB.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use tokio::sync::{Notify, futures::Notified};

/// Most bytes that wait for the server before publications are refused: a second of a busy gateway, and little enough to forget.
pub const QUEUED_BYTES: usize = 1024 * 1024;

/// What a queued message weighs besides its payload: subject, reply and bookkeeping. Keeps empty messages from being free.
const MESSAGE_BYTES: usize = 128;

/// Most messages that can wait, by their weight.
pub(super) const MOST_MESSAGES: usize = QUEUED_BYTES / MESSAGE_BYTES;

/// Refused senders are called back when this much is left. Far enough below the limit that the largest message then fits, and that
/// they are not called for each message that leaves.
const RESUME_BYTES: usize = QUEUED_BYTES / 2;

const _: () = assert!(RESUME_BYTES + schemas::limits::BUS_FRAMES_BYTES + MESSAGE_BYTES <= QUEUED_BYTES);

#[derive(Default)]
pub(super) struct Budget {
    queued: AtomicUsize,
    writable: Notify,
}

/// A payload and the place it takes.
struct Weighed {
    payload: Bytes,
    budget: Arc<Budget>,
}

impl Budget {
    /// Takes place for the payload; `None` if there is not enough.
    pub(super) fn take(self: &Arc<Self>, payload: Bytes) -> Option<Bytes> {
        let weight = payload.len() + MESSAGE_BYTES;
        if self.queued.fetch_add(weight, Relaxed) + weight > QUEUED_BYTES {
            self.give_back(weight);
            return None;
        }
        Some(Bytes::from_owner(Weighed { payload, budget: self.clone() }))
    }

    /// Resolves at the next call. Made before it is looked whether to wait at all, it misses none: it hears from its making on.
    pub(super) fn call(&self) -> Notified<'_> {
        self.writable.notified()
    }

    /// Whether refused senders are still to wait.
    pub(super) fn is_crowded(&self) -> bool {
        self.queued.load(Relaxed) > RESUME_BYTES
    }

    /// Calls all who wait, place or not.
    pub(super) fn call_all(&self) {
        self.writable.notify_waiters();
    }

    fn give_back(&self, weight: usize) {
        let before = self.queued.fetch_sub(weight, Relaxed);
        if before > RESUME_BYTES && before - weight <= RESUME_BYTES {
            self.writable.notify_waiters();
        }
    }
}

impl AsRef<[u8]> for Weighed {
    fn as_ref(&self) -> &[u8] {
        &self.payload
    }
}

impl Drop for Weighed {
    fn drop(&mut self) {
        let weight = self.payload.len() + MESSAGE_BYTES;
        drop(mem::take(&mut self.payload));
        self.budget.give_back(weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    const CHUNK: usize = 64 * 1024 - MESSAGE_BYTES;

    fn filled(budget: &Arc<Budget>) -> Vec<Bytes> {
        std::iter::from_fn(|| budget.take(Bytes::from(vec![7; CHUNK]))).collect()
    }

    #[test]
    fn a_megabyte_is_taken_and_no_more() {
        let budget = Arc::<Budget>::default();
        let held = filled(&budget);
        assert_eq!(held.len() * (CHUNK + MESSAGE_BYTES), QUEUED_BYTES);
        assert!(budget.take(Bytes::new()).is_none(), "an empty message has a weight too");
        drop(held);
        assert_eq!(budget.queued.load(Relaxed), 0);
    }

    #[test]
    fn place_is_given_back_with_the_last_clone() {
        let budget = Arc::<Budget>::default();
        let payload = budget.take(Bytes::from_static(b"x")).unwrap();
        let rest = payload.slice(..1);
        drop(payload.clone());
        drop(payload);
        assert_ne!(budget.queued.load(Relaxed), 0);
        drop(rest);
        assert_eq!(budget.queued.load(Relaxed), 0);
    }

    #[test]
    fn waiters_are_called_when_half_is_free() {
        let budget = Arc::<Budget>::default();
        let mut held = filled(&budget);
        let mut waiting = Box::pin(budget.call());
        while budget.is_crowded() {
            assert!(waiting.as_mut().now_or_never().is_none());
            held.pop();
        }
        assert!(waiting.now_or_never().is_some());
        assert!(budget.take(Bytes::from(vec![0; schemas::limits::BUS_FRAMES_BYTES])).is_some());
    }

    #[test]
    fn everybody_can_be_called_without_place() {
        let budget = Arc::<Budget>::default();
        let _held = filled(&budget);
        let mut waiting = Box::pin(budget.call());
        assert!(waiting.as_mut().now_or_never().is_none());
        budget.call_all();
        assert!(waiting.now_or_never().is_some());
    }
}
