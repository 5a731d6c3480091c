//! Which public keys verify tokens: a fold over announcements. Pure: time comes in as an argument.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Duration,
};

use schemas::{
    KeyId, UnixMillis,
    announcement::{Announcement, Proof},
    limits,
};

/// How many keys a ring holds at most: about 4 MB, where certificates vouch for them. A gateway has
/// three alive at the most (replaced, signing, announced), so this is room for more than a thousand
/// gateways; beyond it a flood of announcements is refused and what is known stays.
pub const KEYS: usize = 4096;

/// The public keys that verify tokens now. Whoever tells it of a key has checked who vouches for
/// it.
///
/// A key is here until this node's own clock is past its `not_after`, whatever a janitor says
/// earlier: the announcement that lives longest counts, capped to `horizon` from when it was heard,
/// so that no announcement makes a key immortal.
#[derive(Clone, Debug)]
pub struct KeyRing {
    horizon: Duration,
    keys: BTreeMap<KeyId, Held>,
}

#[derive(Clone, Debug)]
struct Held {
    /// As it was announced, to be passed on: the one that promises most.
    announced: Announcement,
    /// Its end, capped when it was heard.
    not_after: UnixMillis,
    owner: Owner,
    heard: UnixMillis,
    voucher: Voucher,
}

/// The certificate that vouches for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voucher {
    /// It is believed.
    Valid,
    /// It was revoked since.
    Revoked,
}

/// Who signs with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Us,
    Another,
}

/// What an announcement did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// The key was not known, and verifies from now on.
    New,
    /// It was known; its end may have moved away.
    Known,
    /// Its end has passed: it stays out.
    Past,
    /// [`KEYS`] are known already, or [`limits::KEYS_PER_NODE`] of its gateway: it stays out.
    Full,
}

impl KeyRing {
    /// An empty ring. `horizon` is one key rotation and one token life: nobody may promise a key
    /// for longer.
    pub fn new(horizon: Duration) -> Self {
        Self { horizon, keys: BTreeMap::new() }
    }

    /// Whether this announcement has been heard already. If so, that counts as heard again; it need
    /// not be checked again.
    pub fn is_echo(&mut self, now: UnixMillis, announced: &Announcement) -> bool {
        let known = self.keys.get_mut(&announced.id());
        let Some(held) = known.filter(|held| held.announced == *announced) else { return false };
        held.heard = now;
        true
    }

    /// Folds in an announcement of another gateway's key, or of an own one that comes back.
    pub fn hear(&mut self, now: UnixMillis, announced: &Announcement) -> Learned {
        let not_after = announced.not_after.min(now + self.horizon);
        if is_past(now, not_after) {
            return Learned::Past;
        }
        let is_full = self.keys.len() >= KEYS;
        if let Some(held) = self.keys.get_mut(&announced.id()) {
            held.heard = now;
            // What others say of an own key is an echo.
            if held.owner == Owner::Another {
                held.not_after = held.not_after.max(not_after);
                // Of the same end, the proof is newer.
                if held.voucher == Voucher::Revoked || held.announced.not_after <= announced.not_after {
                    (held.announced, held.voucher) = (announced.clone(), Voucher::Valid);
                }
            }
            return Learned::Known;
        }
        let of_node = self.keys.values().filter(|held| held.announced.node == announced.node);
        if is_full || of_node.count() >= limits::KEYS_PER_NODE {
            return Learned::Full;
        }
        let (announced, owner, heard, voucher) = (announced.clone(), Owner::Another, now, Voucher::Valid);
        self.keys.insert(announced.id(), Held { announced, not_after, owner, heard, voucher });
        Learned::New
    }

    /// Until when an own key has been promised.
    pub fn own_end(&self, id: &KeyId) -> Option<UnixMillis> {
        let held = self.keys.get(id).filter(|held| held.owner == Owner::Us)?;
        Some(held.announced.not_after)
    }

    /// Takes in an own key, or moves its end away. Own keys find room in a full ring.
    pub fn own(&mut self, now: UnixMillis, announced: Announcement) {
        let (owner, not_after) = (Owner::Us, announced.not_after);
        match self.keys.entry(announced.id()) {
            Entry::Occupied(mut known) => {
                let held = known.get_mut();
                held.owner = owner;
                if held.not_after <= not_after {
                    (held.announced, held.not_after) = (announced, not_after);
                }
            }
            Entry::Vacant(place) => {
                place.insert(Held { announced, not_after, owner, heard: now, voucher: Voucher::Valid });
            }
        }
    }

    /// Vouches for the own keys again: `prove` gives a new proof where one is needed.
    pub fn prove_own(&mut self, prove: impl Fn(&Announcement) -> Option<Proof>) {
        for held in self.keys.values_mut().filter(|held| held.owner == Owner::Us) {
            if let Some(proof) = prove(&held.announced) {
                held.announced.proof = Some(proof);
            }
        }
    }

    /// Certificates were revoked: `is_revoked` tells for which of others' keys no certificate
    /// vouches any more. Their gateway, if it still runs, vouches for those that are its own again.
    /// Whoever has stolen the certificate cannot, but nobody knows yet which those are, and people
    /// hold tokens of the others. So such a key is not passed on, and verifies for one token life
    /// more at most.
    pub fn revoke(
        &mut self,
        now: UnixMillis,
        token_life: Duration,
        is_revoked: impl Fn(&Announcement) -> bool,
    ) {
        let is_valid = |held: &&mut Held| held.owner == Owner::Another && held.voucher == Voucher::Valid;
        for held in self.keys.values_mut().filter(is_valid) {
            if is_revoked(&held.announced) {
                held.voucher = Voucher::Revoked;
                held.not_after = held.not_after.min(now + token_life);
            }
        }
    }

    /// A janitor has said that no token of this key is alive. It goes only if this node's own clock
    /// agrees.
    pub fn expire(&mut self, now: UnixMillis, id: &KeyId) {
        if self.keys.get(id).is_some_and(|held| is_past(now, held.not_after)) {
            self.keys.remove(id);
        }
    }

    /// Drops the keys whose end has passed.
    pub fn sweep(&mut self, now: UnixMillis) {
        self.keys.retain(|_, held| !is_past(now, held.not_after));
    }

    /// The public key that verifies what names `id`.
    pub fn get(&self, now: UnixMillis, id: &KeyId) -> Option<&[u8; 32]> {
        let held = self.keys.get(id)?;
        (!is_past(now, held.not_after)).then_some(&held.announced.public)
    }

    /// Every key that verifies now and is vouched for, for a gateway that starts.
    pub fn known(&self, now: UnixMillis) -> Vec<Announcement> {
        let alive = self.keys.values().filter(|held| !is_past(now, held.not_after));
        alive.filter(|held| held.voucher == Voucher::Valid).map(|held| held.announced.clone()).collect()
    }

    /// The keys to announce: the own ones, and those of which nobody has spoken for
    /// [`limits::RENEWAL`]. So each key is heard about once in a period, not once from every
    /// gateway (compare RFC 6206, the suppression of Trickle). What is returned counts as heard.
    pub fn due(&mut self, now: UnixMillis) -> Vec<Announcement> {
        self.sweep(now);
        let silent = |held: &Held| now.since(held.heard) >= limits::RENEWAL;
        let vouched = self.keys.values_mut().filter(|held| held.voucher == Voucher::Valid);
        let due = vouched.filter(|held| held.owner == Owner::Us || silent(held));
        due.map(|held| {
            held.heard = now;
            held.announced.clone()
        })
        .collect()
    }

    /// How many keys are held.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// A token may be shown for [`limits::LEEWAY`] after its end, and so its key is needed that much
/// longer.
fn is_past(now: UnixMillis, not_after: UnixMillis) -> bool {
    now > not_after + limits::LEEWAY
}
