//! Stamps that are ahead of this gateway's clock. Any other is below what the clock gives next.

use std::time::Duration;

use schemas::{SessionId, Stamp, UnixMillis};

use crate::expiring::Expiring;

/// Stamps that are remembered. Each is ahead of the clock for seconds.
const CAPACITY: usize = 50_000;

/// The highest stamps that have been heard of sessions, as far as they are ahead of the clock.
pub(crate) struct Stamps(Expiring<SessionId, Stamp>);

/// Whether an attachment is the first of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttachmentOrder {
    /// The first that its token and this gateway know of. Nobody holds an older one, unless a token
    /// was used twice: it is published once.
    First,
    /// A gateway may hold an older one: it is repeated until that one must have received it.
    Later,
}

impl Default for Stamps {
    fn default() -> Self {
        Self(Expiring::new(CAPACITY))
    }
}

impl Stamps {
    /// The stamp of a new attachment: above the clock, and above all that is known of the session.
    pub(crate) fn next(&self, now: UnixMillis, id: SessionId, known: Stamp) -> (Stamp, AttachmentOrder) {
        let highest = known.max(self.0.get(now, &id).copied().unwrap_or_default());
        let order = if highest == Stamp::NONE { AttachmentOrder::First } else { AttachmentOrder::Later };
        (Stamp(now.0).max(highest.next()), order)
    }

    /// The next attachment of this session must exceed this stamp. One that is behind the clock,
    /// which never goes back, needs no remembering.
    pub(crate) fn remember(&mut self, now: UnixMillis, id: SessionId, stamp: Stamp) {
        if stamp.0 >= now.0 {
            self.0.remember_greatest(id, stamp, UnixMillis(stamp.0) + Duration::from_millis(1));
        }
    }

    pub(crate) fn expire(&mut self, now: UnixMillis) {
        self.0.expire(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    #[test]
    fn a_stamp_is_above_the_clock_and_above_all_that_is_known() {
        let (mut stamps, id) = (Stamps::default(), SessionId::from_random([1; 16]));
        let first = (Stamp(NOW.0), AttachmentOrder::First);
        assert_eq!(stamps.next(NOW, id, Stamp::NONE), first);
        assert_eq!(stamps.next(NOW, id, Stamp(7)), (Stamp(NOW.0), AttachmentOrder::Later));
        let ahead = Stamp(NOW.0 + 50);
        assert_eq!(stamps.next(NOW, id, ahead), (ahead.next(), AttachmentOrder::Later));
        for heard in [NOW.0 + 60, NOW.0 + 40, NOW.0 - 1] {
            stamps.remember(NOW, id, Stamp(heard));
        }
        assert_eq!(stamps.next(NOW, id, ahead), (Stamp(NOW.0 + 61), AttachmentOrder::Later));
        let later = NOW + Duration::from_millis(70);
        stamps.expire(later);
        assert_eq!(stamps.next(later, id, Stamp::NONE), (Stamp(later.0), AttachmentOrder::First));
    }
}
