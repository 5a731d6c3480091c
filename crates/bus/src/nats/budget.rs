//! A bound on what is queued for the server, in bytes. async-nats bounds its queue only by the
//! number of messages. Here each payload holds a permit for its size. The permit is released when
//! async-nats drops the payload: when it has written it to the socket, or copied it into its write
//! buffer of 64 KiB.

use std::sync::Arc;

use bytes::Bytes;
use schemas::limits;
use tokio::sync::Semaphore;

/// Most bytes that are queued for the server before publications are refused: what a busy gateway
/// publishes in a second, and little enough that losing it does no harm.
pub const QUEUED_BYTES: usize = 1024 * 1024;

/// Most bytes of frames among them. The rest is for the nodes' own events: a gateway whose
/// heartbeats found no room beside a flood of frames would be taken for lost.
pub const QUEUED_FRAMES_BYTES: usize = QUEUED_BYTES / 4 * 3;

/// What a queued message counts for besides its payload: subject, reply and bookkeeping. So an
/// empty message is not free.
const MESSAGE_BYTES: usize = 128;

/// Most messages that can be queued, if all are empty.
pub(super) const MOST_MESSAGES: usize = QUEUED_BYTES / MESSAGE_BYTES;

/// What the largest event counts for.
const EVENT_WEIGHT: u32 = (limits::EVENT_BYTES + MESSAGE_BYTES) as u32;

const _: () = assert!(QUEUED_FRAMES_BYTES >= limits::BUS_FRAMES_BYTES + MESSAGE_BYTES);
const _: () = assert!(QUEUED_BYTES - QUEUED_FRAMES_BYTES >= EVENT_WEIGHT as usize);

/// The permits for all that is queued, in bytes. Those who wait for a permit get it in the order in
/// which they came; nobody who comes later overtakes them.
pub(super) struct Budget {
    all: Semaphore,
    /// The part of them that frames may hold.
    frames: Semaphore,
}

impl Default for Budget {
    fn default() -> Self {
        Self { all: Semaphore::new(QUEUED_BYTES), frames: Semaphore::new(QUEUED_FRAMES_BYTES) }
    }
}

/// The right to queue one message, released when dropped.
pub(crate) struct Permit {
    budget: Arc<Budget>,
    weight: u32,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Event,
    Frames,
}

impl Budget {
    /// A permit for a message that is not frames; `None` if there is not enough room.
    pub(super) fn try_reserve(self: &Arc<Self>, bytes: usize) -> Option<Permit> {
        let weight = weight(bytes)?;
        self.all.try_acquire_many(weight).ok()?.forget();
        Some(Permit { budget: self.clone(), weight, kind: Kind::Event })
    }

    /// A permit for frames; `None` if there is not enough room, or others are waiting for it.
    pub(super) fn try_reserve_frames(self: &Arc<Self>, bytes: usize) -> Option<Permit> {
        let weight = weight(bytes)?;
        let of_frames = self.frames.try_acquire_many(weight).ok()?;
        self.all.try_acquire_many(weight).ok()?.forget();
        of_frames.forget();
        Some(Permit { budget: self.clone(), weight, kind: Kind::Frames })
    }

    /// Waits for a permit for frames; `None` if there will never be one for so many bytes.
    pub(super) async fn reserve_frames(self: &Arc<Self>, bytes: usize) -> Option<Permit> {
        let weight = weight(bytes)?;
        let of_frames = self.frames.acquire_many(weight).await.ok()?;
        self.all.acquire_many(weight).await.ok()?.forget();
        of_frames.forget();
        Some(Permit { budget: self.clone(), weight, kind: Kind::Frames })
    }

    /// How many bytes are queued now: in all, and of frames.
    pub(super) fn queued(&self) -> (usize, usize) {
        let used = |of: usize, free: &Semaphore| of.saturating_sub(free.available_permits());
        (used(QUEUED_BYTES, &self.all), used(QUEUED_FRAMES_BYTES, &self.frames))
    }

    /// Resolves when there is room for the largest event.
    pub(super) async fn writable(&self) {
        let _ = self.all.acquire_many(EVENT_WEIGHT).await;
    }
}

/// `None` for more than any message may have: waiting for it would never end.
fn weight(bytes: usize) -> Option<u32> {
    let weight = bytes.checked_add(MESSAGE_BYTES).filter(|weight| *weight <= QUEUED_FRAMES_BYTES)?;
    u32::try_from(weight).ok()
}

impl Permit {
    /// The payload, which holds the permit until its last clone is dropped.
    pub(super) fn attach_to(self, payload: Bytes) -> Bytes {
        debug_assert!(payload.len() + MESSAGE_BYTES <= self.weight as usize, "reserved for this payload");
        Bytes::from_owner(PermittedPayload { payload, _permit: self })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let weight = self.weight as usize;
        self.budget.all.add_permits(weight);
        if self.kind == Kind::Frames {
            self.budget.frames.add_permits(weight);
        }
    }
}

/// A payload and its permit. The payload is freed first.
struct PermittedPayload {
    payload: Bytes,
    _permit: Permit,
}

impl AsRef<[u8]> for PermittedPayload {
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
        let held =
            std::iter::from_fn(|| Some(budget.try_reserve(CHUNK)?.attach_to(Bytes::from(vec![7; CHUNK]))));
        held.collect()
    }

    fn flooded(budget: &Arc<Budget>) -> Vec<Permit> {
        std::iter::from_fn(|| budget.try_reserve_frames(CHUNK)).collect()
    }

    #[test]
    fn a_megabyte_is_queued_and_no_more() {
        let budget = Arc::<Budget>::default();
        let held = filled(&budget);
        assert_eq!(held.len() * (CHUNK + MESSAGE_BYTES), QUEUED_BYTES);
        assert!(budget.try_reserve(0).is_none(), "an empty message counts too");
        assert!(budget.try_reserve_frames(0).is_none());
        drop(held);
        assert_eq!(budget.all.available_permits(), QUEUED_BYTES);
    }

    #[test]
    fn a_permit_is_released_with_the_last_clone() {
        let budget = Arc::<Budget>::default();
        let payload = budget.try_reserve(1).unwrap().attach_to(Bytes::from_static(b"x"));
        let rest = payload.slice(..1);
        drop(payload.clone());
        drop(payload);
        assert_ne!(budget.all.available_permits(), QUEUED_BYTES);
        drop(rest);
        assert_eq!(budget.all.available_permits(), QUEUED_BYTES);
    }

    #[test]
    fn frames_leave_room_for_events() {
        let budget = Arc::<Budget>::default();
        let flood = flooded(&budget);
        assert_eq!(flood.len() * (CHUNK + MESSAGE_BYTES), QUEUED_FRAMES_BYTES);
        assert!(budget.try_reserve(limits::EVENT_BYTES).is_some(), "even the largest event");
        assert!(budget.writable().now_or_never().is_some());
        drop(flood);
        assert_eq!(budget.frames.available_permits(), QUEUED_FRAMES_BYTES);
        assert_eq!(budget.all.available_permits(), QUEUED_BYTES);
    }

    #[test]
    fn permits_for_frames_are_given_in_the_order_of_asking() {
        let budget = Arc::<Budget>::default();
        let mut flood = flooded(&budget);
        let mut large = Box::pin(budget.reserve_frames(limits::BUS_FRAMES_BYTES));
        let mut small = Box::pin(budget.reserve_frames(1));
        assert!(large.as_mut().now_or_never().is_none());
        assert!(small.as_mut().now_or_never().is_none());
        drop(flood.pop());
        assert!(budget.try_reserve_frames(1).is_none(), "nobody overtakes those who wait");
        assert!(small.as_mut().now_or_never().is_none(), "even if there is room enough for it");
        drop((flood.pop(), flood.pop()));
        let large = large.now_or_never().flatten();
        assert!(large.is_some());
        assert!(small.now_or_never().flatten().is_some());
        assert!(budget.try_reserve_frames(1).is_some(), "nobody waits any more");
        drop((large, flood));
        assert_eq!(budget.frames.available_permits(), QUEUED_FRAMES_BYTES);
        assert_eq!(budget.all.available_permits(), QUEUED_BYTES);
    }

    #[test]
    fn a_dropped_wait_holds_nothing() {
        let budget = Arc::<Budget>::default();
        let held = filled(&budget);
        let mut waiting = Box::pin(budget.reserve_frames(CHUNK));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop((waiting, held));
        assert_eq!(budget.frames.available_permits(), QUEUED_FRAMES_BYTES);
        assert_eq!(budget.all.available_permits(), QUEUED_BYTES);
    }

    #[test]
    fn writable_waits_until_the_largest_event_fits() {
        let budget = Arc::<Budget>::default();
        let mut held = filled(&budget);
        let mut waiting = Box::pin(budget.writable());
        let mut free = 0;
        while waiting.as_mut().now_or_never().is_none() {
            drop(held.pop());
            free += CHUNK + MESSAGE_BYTES;
        }
        assert!((EVENT_WEIGHT as usize..QUEUED_BYTES / 2).contains(&free));
        assert!(budget.try_reserve(limits::EVENT_BYTES).is_some());
    }

    #[test]
    fn nobody_waits_for_a_permit_that_cannot_exist() {
        let budget = Arc::<Budget>::default();
        for bytes in [QUEUED_FRAMES_BYTES, usize::MAX] {
            assert!(budget.reserve_frames(bytes).now_or_never().flatten().is_none());
            assert!(budget.try_reserve(bytes).is_none());
        }
        assert_eq!(budget.frames.available_permits(), QUEUED_FRAMES_BYTES);
    }
}
