//! What waits for the server, in bytes. async-nats bounds its queue by messages only; here each payload carries its own weight and gives
//! it back when async-nats lets go of it, on writing it to the socket or copying it into its write buffer of 64 KiB.

use std::sync::Arc;

use bytes::Bytes;
use schemas::limits;
use tokio::sync::Semaphore;

/// Most bytes that wait for the server before publications are refused: a second of a busy gateway, and little enough to forget.
pub const QUEUED_BYTES: usize = 1024 * 1024;

/// Most bytes of frames among them. The rest is for what nodes say themselves: a gateway whose heartbeats found no room beside a flood of
/// frames would be taken for dead.
pub const QUEUED_FRAMES_BYTES: usize = QUEUED_BYTES / 4 * 3;

/// What a queued message weighs besides its payload: subject, reply and bookkeeping. Keeps empty messages from being free.
const MESSAGE_BYTES: usize = 128;

/// Most messages that can wait, by their weight.
pub(super) const MOST_MESSAGES: usize = QUEUED_BYTES / MESSAGE_BYTES;

/// What the largest event weighs.
const EVENT_WEIGHT: u32 = (limits::EVENT_BYTES + MESSAGE_BYTES) as u32;

const _: () = assert!(QUEUED_FRAMES_BYTES >= limits::BUS_FRAMES_BYTES + MESSAGE_BYTES);
const _: () = assert!(QUEUED_BYTES - QUEUED_FRAMES_BYTES >= EVENT_WEIGHT as usize);

/// The places of all that waits, in bytes. Who waits for a place gets it in turn, and nobody who comes later takes it away.
pub(super) struct Budget {
    all: Semaphore,
    /// Those of them that frames may have.
    frames: Semaphore,
}

impl Default for Budget {
    fn default() -> Self {
        Self { all: Semaphore::new(QUEUED_BYTES), frames: Semaphore::new(QUEUED_FRAMES_BYTES) }
    }
}

/// A place for one message, given back when dropped.
pub(crate) struct Place {
    budget: Arc<Budget>,
    weight: u32,
    of: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Event,
    Frames,
}

impl Budget {
    /// A place for what is no frames; `None` if there is not enough.
    pub(super) fn take(self: &Arc<Self>, bytes: usize) -> Option<Place> {
        let weight = weight(bytes)?;
        self.all.try_acquire_many(weight).ok()?.forget();
        Some(Place { budget: self.clone(), weight, of: Kind::Event })
    }

    /// A place for frames; `None` if there is not enough, or others wait for it.
    pub(super) fn take_for_frames(self: &Arc<Self>, bytes: usize) -> Option<Place> {
        let weight = weight(bytes)?;
        let of_frames = self.frames.try_acquire_many(weight).ok()?;
        self.all.try_acquire_many(weight).ok()?.forget();
        of_frames.forget();
        Some(Place { budget: self.clone(), weight, of: Kind::Frames })
    }

    /// A place for frames, in turn; `None` if there is never one for so many bytes.
    pub(super) async fn place_for_frames(self: &Arc<Self>, bytes: usize) -> Option<Place> {
        let weight = weight(bytes)?;
        let of_frames = self.frames.acquire_many(weight).await.ok()?;
        self.all.acquire_many(weight).await.ok()?.forget();
        of_frames.forget();
        Some(Place { budget: self.clone(), weight, of: Kind::Frames })
    }

    /// Resolves when there is a place for the largest event.
    pub(super) async fn writable(&self) {
        let _ = self.all.acquire_many(EVENT_WEIGHT).await;
    }
}

/// `None` for more than any message may have, for which nobody is to wait.
fn weight(bytes: usize) -> Option<u32> {
    let weight = bytes.checked_add(MESSAGE_BYTES).filter(|weight| *weight <= QUEUED_FRAMES_BYTES)?;
    u32::try_from(weight).ok()
}

impl Place {
    /// The payload, which keeps the place until the last clone of it is dropped.
    pub(super) fn hold(self, payload: Bytes) -> Bytes {
        debug_assert!(payload.len() + MESSAGE_BYTES <= self.weight as usize, "it was taken for this payload");
        Bytes::from_owner(Weighed { payload, _place: self })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let weight = self.weight as usize;
        self.budget.all.add_permits(weight);
        if self.of == Kind::Frames {
            self.budget.frames.add_permits(weight);
        }
    }
}

/// A payload and the place it takes. The payload is freed first.
struct Weighed {
    payload: Bytes,
    _place: Place,
}

impl AsRef<[u8]> for Weighed {
    fn as_ref(&self) -> &[u8] {
        &self.payload
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const CHUNK: usize = 64 * 1024 - MESSAGE_BYTES;

    fn filled(budget: &Arc<Budget>) -> Vec<Bytes> {
        let held = std::iter::from_fn(|| Some(budget.take(CHUNK)?.hold(Bytes::from(vec![7; CHUNK]))));
        held.collect()
    }

    fn flooded(budget: &Arc<Budget>) -> Vec<Place> {
        std::iter::from_fn(|| budget.take_for_frames(CHUNK)).collect()
    }

    #[test]
    fn a_megabyte_is_taken_and_no_more() {
        let budget = Arc::<Budget>::default();
        let held = filled(&budget);
        assert_eq!(held.len() * (CHUNK + MESSAGE_BYTES), QUEUED_BYTES);
        assert!(budget.take(0).is_none(), "an empty message has a weight too");
        assert!(budget.take_for_frames(0).is_none());
        drop(held);
        assert_eq!(budget.all.available_permits(), QUEUED_BYTES);
    }

    #[test]
    fn place_is_given_back_with_the_last_clone() {
        let budget = Arc::<Budget>::default();
        let payload = budget.take(1).unwrap().hold(Bytes::from_static(b"x"));
        let rest = payload.slice(..1);
        drop(payload.clone());
        drop(payload);
        assert_ne!(budget.all.available_permits(), QUEUED_BYTES);
        drop(rest);
        assert_eq!(budget.all.available_permits(), QUEUED_BYTES);
    }

    #[test]
    fn frames_leave_room_for_what_nodes_say() {
        let budget = Arc::<Budget>::default();
        let flood = flooded(&budget);
        assert_eq!(flood.len() * (CHUNK + MESSAGE_BYTES), QUEUED_FRAMES_BYTES);
        assert!(budget.take(limits::EVENT_BYTES).is_some(), "even the largest event");
        assert!(budget.writable().now_or_never().is_some());
        drop(flood);
        assert_eq!(budget.frames.available_permits(), QUEUED_FRAMES_BYTES);
        assert_eq!(budget.all.available_permits(), QUEUED_BYTES);
    }

    #[test]
    fn frames_get_their_places_in_turn() {
        let budget = Arc::<Budget>::default();
        let mut flood = flooded(&budget);
        let mut large = Box::pin(budget.place_for_frames(limits::BUS_FRAMES_BYTES));
        let mut small = Box::pin(budget.place_for_frames(1));
        assert!(large.as_mut().now_or_never().is_none());
        assert!(small.as_mut().now_or_never().is_none());
        drop(flood.pop());
        assert!(budget.take_for_frames(1).is_none(), "nobody comes before those who wait");
        assert!(small.as_mut().now_or_never().is_none(), "not even for a place that would do");
        drop((flood.pop(), flood.pop()));
        let large = large.now_or_never().flatten();
        assert!(large.is_some());
        assert!(small.now_or_never().flatten().is_some());
        assert!(budget.take_for_frames(1).is_some(), "and nobody waits any more");
        drop((large, flood));
        assert_eq!(budget.frames.available_permits(), QUEUED_FRAMES_BYTES);
        assert_eq!(budget.all.available_permits(), QUEUED_BYTES);
    }

    #[test]
    fn who_gives_up_waiting_keeps_nothing() {
        let budget = Arc::<Budget>::default();
        let held = filled(&budget);
        let mut waiting = Box::pin(budget.place_for_frames(CHUNK));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop((waiting, held));
        assert_eq!(budget.frames.available_permits(), QUEUED_FRAMES_BYTES);
        assert_eq!(budget.all.available_permits(), QUEUED_BYTES);
    }

    #[test]
    fn an_event_is_waited_for_until_the_largest_fits() {
        let budget = Arc::<Budget>::default();
        let mut held = filled(&budget);
        let mut waiting = Box::pin(budget.writable());
        let mut free = 0;
        while waiting.as_mut().now_or_never().is_none() {
            drop(held.pop());
            free += CHUNK + MESSAGE_BYTES;
        }
        assert!((EVENT_WEIGHT as usize..QUEUED_BYTES / 2).contains(&free));
        assert!(budget.take(limits::EVENT_BYTES).is_some());
    }

    #[test]
    fn nobody_waits_for_a_place_that_never_comes() {
        let budget = Arc::<Budget>::default();
        for bytes in [QUEUED_FRAMES_BYTES, usize::MAX] {
            assert!(budget.place_for_frames(bytes).now_or_never().flatten().is_none());
            assert!(budget.take(bytes).is_none());
        }
        assert_eq!(budget.frames.available_permits(), QUEUED_FRAMES_BYTES);
    }
}
