//! The keys that sign and verify: how they are made, told, learned and replaced.

use std::{sync::Arc, time::Duration};

use schemas::{
    KeyId, NodeId, Service, UnixMillis, announcement::Announcement, event::KeyEvent, message::Message,
};

use super::{PeerKeys, SigningKey, Tokens};
use crate::keyring::{KeyRing, Learned};

/// A new key waits this long after its announcement was flushed before it signs, so that every
/// gateway has it before its first token.
pub const KEY_SETTLE: Duration = Duration::from_secs(2);

/// How much later than planned a key may be replaced without announcing a new end: the
/// announcement, its flush, and [`KEY_SETTLE`].
const KEY_SLACK: Duration = Duration::from_secs(10);

/// Refused announcements are logged once in this time.
const WARN_AGAIN: Duration = Duration::from_secs(10);

impl Tokens {
    /// Takes in news of a key that `speaker` has published.
    pub fn hear(&self, key: KeyId, speaker: &NodeId, event: &KeyEvent) {
        match event {
            KeyEvent::Announced(announced) => self.take_in(std::slice::from_ref(announced), Some(speaker)),
            KeyEvent::Expired => self.keys.write().ring.expire(self.clock.now(), &key),
        }
    }

    /// Takes in keys that another gateway or a janitor told when asked, as far as their makers
    /// vouch for them.
    pub fn learn(&self, announced: &[Announcement]) {
        self.take_in(announced, None);
    }

    fn take_in(&self, announced: &[Announcement], speaker: Option<&NodeId>) {
        let now = self.clock.now();
        let (mut doubted, mut full) = (0u32, 0u32);
        for announcement in announced {
            if self.keys.write().ring.is_echo(now, announcement) {
                continue;
            }
            // Not while the keys are locked: a signature takes a tenth of a millisecond.
            let believed = match speaker {
                Some(speaker) => self.bus.believe_of(speaker, announcement, now),
                None => self.bus.believe(announcement, now),
            };
            if believed.is_err() {
                doubted += 1;
            } else if self.keys.write().ring.hear(now, announcement) == Learned::Full {
                full += 1;
            }
        }
        if doubted + full > 0 && self.may_warn(now) {
            tracing::warn!(
                event = "keys.doubted",
                doubted,
                full,
                "announcements of signing keys were refused"
            );
        }
    }

    /// A flood of refusals is one line in a while; the bus counts them.
    fn may_warn(&self, now: UnixMillis) -> bool {
        let mut warned = self.warned.lock();
        let may = now.since(*warned) >= WARN_AGAIN;
        if may {
            *warned = now;
        }
        may
    }

    /// The keys to tell a node that asks.
    pub fn known_keys(&self) -> Vec<Announcement> {
        self.keys.read().ring.known(self.clock.now())
    }

    /// Says whether the keys of the other gateways are known: a sync has been answered, or there is
    /// nobody to ask.
    pub fn set_synced(&self, synced: bool) {
        self.keys.write().others = if synced { PeerKeys::Known } else { PeerKeys::NotAsked };
    }

    /// The bus is down: a key that is not known cannot be asked for, and its tokens cannot be
    /// judged until the next sync.
    pub fn cut_off(&self) {
        let others = &mut self.keys.write().others;
        if *others == PeerKeys::Known {
            *others = PeerKeys::Stale;
        }
    }

    /// What to announce now: the own keys, and those of others that nobody has announced for a
    /// while.
    pub fn announcements(&self) -> Vec<Message> {
        let now = self.clock.now();
        let mut keys = self.keys.write();
        let signing = Arc::clone(&keys.signing);
        // It signs still, perhaps for longer than planned (the bus was down): its end moves along.
        self.promise(now, &mut keys.ring, &signing);
        keys.ring.prove_own(|own| self.bus.vouch_again(own));
        let renewed = self.bus.take_renewed();
        if !renewed.is_empty() {
            let is_revoked = |key: &Announcement| renewed.contains(&key.node) && self.bus.is_revoked(key);
            keys.ring.revoke(now, self.token_life, is_revoked);
        }
        keys.ring.due(now).into_iter().map(|due| self.message(due)).collect()
    }

    /// Announces an own key until its end, if that has not been done yet.
    fn promise(&self, now: UnixMillis, ring: &mut KeyRing, key: &SigningKey) {
        let end = end_of_key(now, key, self.token_life, self.key_rotation);
        if ring.own_end(&KeyId::of_public(&key.public)).is_none_or(|promised| promised < end) {
            ring.own(now, key.announce(&self.bus, end));
        }
    }

    fn message(&self, announcement: Announcement) -> Message {
        let (key, speaker, from) = (announcement.id(), Service::Gateway, self.bus.node().clone());
        Message::Key { key, speaker, from, event: KeyEvent::Announced(announcement.into()) }
    }

    /// The first key's announcement has been flushed: it signs from now on.
    pub fn first_key_announced(&self) {
        self.keys.write().announced = true;
    }

    /// When the signing key is to be replaced.
    pub fn rotation_at(&self) -> UnixMillis {
        self.keys.read().signing.made + self.key_rotation
    }

    /// Makes the next key, if there is none yet, and returns its announcement. It verifies at once,
    /// and signs after [`Tokens::use_next_key`].
    pub fn make_next_key(&self) -> Message {
        let now = self.clock.now();
        let mut keys = self.keys.write();
        let next = Arc::clone(keys.next.get_or_insert_with(|| Arc::new(SigningKey::generate(now))));
        let end = end_of_key(now, &next, self.token_life, self.key_rotation);
        let announcement = next.announce(&self.bus, end);
        keys.ring.own(now, announcement.clone());
        self.message(announcement)
    }

    /// The next key's announcement was flushed [`KEY_SETTLE`] ago: it signs from now on, and the
    /// one before is wiped.
    pub fn use_next_key(&self) {
        let mut keys = self.keys.write();
        if let Some(next) = keys.next.take() {
            // The last holder of the old key drops it: here, or a signature that is being made.
            // AWS-LC wipes what it frees (`OPENSSL_free`), and the private half was never anywhere
            // else.
            keys.signing = next;
        }
    }
}

/// The end of a key that signs until its planned replacement, or, past that, for a little while
/// yet.
pub(super) fn end_of_key(
    now: UnixMillis,
    key: &SigningKey,
    token_life: Duration,
    key_rotation: Duration,
) -> UnixMillis {
    now.max(key.made + key_rotation) + KEY_SLACK + token_life
}
