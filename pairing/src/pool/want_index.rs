//! All wants of the pool, indexed by id, session, gateway, next deadline, origin and rotation. The
//! indexes change together, and only here.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use rand::rngs::StdRng;
use schemas::{
    NodeId, SessionId, Stamp, UnixMillis, WantId,
    criteria::Queue,
    event::Want,
    limits::{MET_TAGS, REPORTED_TAGS},
};

use super::{
    census::Census,
    index_key::{IndexKey, LanguageBucket, OrderKey, Place, RoleQueue},
    members::Members,
    pooled_want::{Apart, PooledWant},
    rotation::Position,
};

/// How many origins and wants a search reads in one bucket at most. A tag is shared by two
/// sessions, so a want may have to skip itself and one other for each of its tags. The rest is
/// slack. A gateway that forges tags cannot make a search longer.
const SEARCH_LIMIT: usize = 2 * (MET_TAGS + 2 * REPORTED_TAGS);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct WantIndex {
    wants: BTreeMap<WantId, PooledWant>,
    keys: BTreeSet<IndexKey>,
    /// The origins of each bucket, in the order of their turns.
    order: BTreeSet<OrderKey>,
    members: Members,
    census: Census,
    sessions: BTreeMap<SessionId, WantId>,
    nodes: BTreeMap<NodeId, BTreeSet<WantId>>,
    deadlines: BTreeSet<(UnixMillis, WantId)>,
}

impl WantIndex {
    pub(super) fn len(&self) -> usize {
        self.wants.len()
    }

    pub(super) fn get(&self, id: &WantId) -> Option<&PooledWant> {
        self.wants.get(id)
    }

    /// The want of a session: it has one at most.
    pub(super) fn of_session(&self, session: &SessionId) -> Option<(WantId, Stamp)> {
        let id = self.sessions.get(session)?;
        self.wants.get(id).map(|want| (*id, want.stamp))
    }

    /// Adds a want. The caller has made sure that neither its id nor
    /// its session has one here.
    pub(super) fn insert(
        &mut self,
        now: UnixMillis,
        from: &NodeId,
        mut want: PooledWant,
        id: WantId,
        rng: &mut StdRng,
    ) {
        // All wants of a node share one copy of its name; each message contains another.
        let node = self.nodes.get_key_value(from).map_or_else(|| from.clone(), |(name, _)| name.clone());
        want.node = node.clone();
        if want.is_due_to_widen(now) {
            want.widen();
        }
        want.set_deadline(now, now);
        self.members.joined(now, want.role_queue, want.place, rng);
        self.census.joined(want.role_queue, &want.node);
        self.add_keys(&want, id);
        self.sessions.insert(want.session, id);
        self.nodes.entry(node).or_default().insert(id);
        self.deadlines.insert((want.due, id));
        self.wants.insert(id, want);
    }

    /// Removes a want. Its origin is remembered for a while if it is to keep its position in the
    /// rotation.
    pub(super) fn remove(&mut self, now: UnixMillis, id: &WantId, remember: bool) -> Option<PooledWant> {
        let want = self.wants.remove(id)?;
        self.remove_keys(&want, *id);
        self.members.left(now, want.role_queue, want.place, remember);
        self.census.left(want.role_queue, &want.node);
        self.sessions.remove(&want.session);
        self.deadlines.remove(&(want.due, *id));
        if let Some(held) = self.nodes.get_mut(&want.node) {
            held.remove(id);
            if held.is_empty() {
                self.nodes.remove(&want.node);
            }
        }
        Some(want)
    }

    /// Removes all wants of a gateway.
    pub(super) fn remove_node(&mut self, now: UnixMillis, node: &NodeId) {
        for id in self.nodes.remove(node).unwrap_or_default() {
            self.remove(now, &id, false);
        }
    }

    /// Records that a want was repeated. Returns whether it may now be matched with one with which
    /// it might not before.
    pub(super) fn refresh(&mut self, now: UnixMillis, id: &WantId, want: &Want, apart: Apart) -> bool {
        let Some(known) = self.wants.get_mut(id) else { return false };
        known.heard = now;
        let is_freer = known.set_apart(apart);
        let delay = PooledWant::delay_of(want, known.place);
        if known.delay == delay {
            return is_freer;
        }
        let is_sooner = delay < known.delay;
        self.change_keys(*id, |want| want.delay = delay);
        self.reschedule(id, now, now);
        is_freer || is_sooner
    }

    /// Allows a want to be matched with any language from now on.
    pub(super) fn widen(&mut self, id: &WantId) {
        self.change_keys(*id, PooledWant::widen);
    }

    fn change_keys(&mut self, id: WantId, change: impl FnOnce(&mut PooledWant)) {
        let Some(mut want) = self.wants.remove(&id) else { return };
        self.remove_keys(&want, id);
        change(&mut want);
        self.add_keys(&want, id);
        self.wants.insert(id, want);
    }

    fn add_keys(&mut self, want: &PooledWant, id: WantId) {
        let position = self.members.position(want.role_queue, want.place);
        for bucket in want.indexed_under() {
            let PooledWant { role_queue, place, since, .. } = *want;
            self.keys.insert(IndexKey { role_queue, place, bucket, since, id });
            self.order.insert(OrderKey { role_queue, bucket, position, place });
        }
    }

    fn remove_keys(&mut self, want: &PooledWant, id: WantId) {
        let position = self.members.position(want.role_queue, want.place);
        for bucket in want.indexed_under() {
            let PooledWant { role_queue, place, since, .. } = *want;
            self.keys.remove(&IndexKey { role_queue, place, bucket, since, id });
            let first = IndexKey::first_of(role_queue, place, bucket);
            let last = IndexKey::last_of(role_queue, place, bucket);
            if self.keys.range(first..=last).next().is_none() {
                self.order.remove(&OrderKey { role_queue, bucket, position, place });
            }
        }
    }

    /// The origin of a want is served: it has used a turn.
    pub(super) fn take_turn(&mut self, id: &WantId, rng: &mut StdRng) {
        let Some(&PooledWant { role_queue, place, .. }) = self.wants.get(id) else { return };
        let before = self.members.position(role_queue, place);
        let position = self.members.take_turn(role_queue, place, rng);
        let mut bucket = Some(LanguageBucket::FIRST);
        // It moves in each bucket in which it has wants.
        while let Some(from) = bucket {
            let first = IndexKey::first_of(role_queue, place, from);
            let last = IndexKey::last_of(role_queue, place, LanguageBucket::LAST);
            let Some(found) = self.keys.range(first..=last).next().map(|key| key.bucket) else { break };
            let key = OrderKey { role_queue, bucket: found, position: before, place };
            self.order.remove(&key);
            self.order.insert(OrderKey { position, ..key });
            bucket = found.next();
        }
    }

    /// Where the origin of a want is in the rotation.
    pub(super) fn position(&self, id: &WantId) -> Option<(Position, UnixMillis)> {
        let want = self.wants.get(id)?;
        Some((self.members.position(want.role_queue, want.place), want.since))
    }

    /// Forgets origins that have left long ago, a few at a time.
    pub(super) fn expire(&mut self, now: UnixMillis, steps: usize) {
        self.members.expire(now, steps);
    }

    /// The earliest deadline of any want.
    pub(super) fn next_deadline(&self) -> Option<UnixMillis> {
        self.deadlines.first().map(|(due, _)| *due)
    }

    /// A want whose deadline has passed. The caller then calls [`Self::reschedule`] or
    /// [`Self::remove`].
    pub(super) fn next_due(&self, now: UnixMillis) -> Option<WantId> {
        self.deadlines.first().filter(|(due, _)| *due <= now).map(|(_, id)| *id)
    }

    /// Sets the deadline of a want: when its filter widens, when it asks again because it is
    /// offered later than others, or when it will have been silent for too long since `heard`. A
    /// repetition does not move the deadline, so that it costs no more than finding the want.
    pub(super) fn reschedule(&mut self, id: &WantId, now: UnixMillis, heard: UnixMillis) {
        let Some(want) = self.wants.get_mut(id) else { return };
        self.deadlines.remove(&(want.due, *id));
        want.set_deadline(now, heard);
        self.deadlines.insert((want.due, *id));
    }

    /// The want with which this one is matched: of all that fit, the oldest of the origin whose
    /// turn is next.
    pub(super) fn partner_of(&self, now: UnixMillis, id: &WantId) -> Option<WantId> {
        let want = self.wants.get(id)?;
        let role_queue = want.role_queue.counterpart();
        let firsts = want.searched().filter_map(|bucket| self.first_for(now, want, role_queue, bucket));
        firsts.min_by_key(|(position, key)| (*position, key.since, key.id)).map(|(_, key)| key.id)
    }

    fn first_for(
        &self,
        now: UnixMillis,
        want: &PooledWant,
        role_queue: RoleQueue,
        bucket: LanguageBucket,
    ) -> Option<(Position, IndexKey)> {
        let mut steps = SEARCH_LIMIT;
        let first = OrderKey::first_of(role_queue, bucket);
        let origins = self.order.range(first..).take_while(|key| key.is_in(role_queue, bucket));
        for origin in origins {
            let (first, last) = (
                IndexKey::first_of(role_queue, origin.place, bucket),
                IndexKey::last_of(role_queue, origin.place, bucket),
            );
            for key in self.keys.range(first..=last) {
                steps = steps.checked_sub(1)?;
                let Some(other) = self.wants.get(&key.id) else { continue };
                if want.may_meet(now, other) {
                    return Some((origin.position, *key));
                }
                // Those behind it are younger, and of the same origin.
                if !want.is_patient_with(now, other) || want.avoids_origin_of(other) {
                    break;
                }
            }
        }
        None
    }

    /// How many wait in a class.
    pub(super) fn waiting(&self, role_queue: RoleQueue) -> u32 {
        self.census.waiting(role_queue)
    }

    /// The next classes in turn in which strangers wait, and the gateways on which they are.
    pub(super) fn next_classes(&mut self, most: usize) -> Vec<(RoleQueue, Vec<NodeId>)> {
        self.census.next_part(most)
    }

    /// Since when those wait who have waited longest in a class, at most so many: where origins do
    /// not matter, so that nobody is offered later than others.
    pub(super) fn oldest(&self, role_queue: RoleQueue, most: usize) -> Vec<UnixMillis> {
        let in_bucket = |bucket| {
            let first = IndexKey::first_of(role_queue, Place::SHARED, bucket);
            let last = IndexKey::last_of(role_queue, Place::SHARED, bucket);
            self.keys.range(first..=last).take(most).map(|key| key.since)
        };
        let mut oldest: Vec<_> = LanguageBucket::ALL.into_iter().flat_map(in_bucket).collect();
        oldest.sort_unstable();
        oldest.truncate(most);
        oldest
    }

    /// All wants of a queue.
    pub(super) fn in_queue(&self, queue: Queue) -> Vec<WantId> {
        let keys = self.keys.range(IndexKey::first_in(RoleQueue::first_of(queue))..);
        let keys = keys.take_while(|key| key.role_queue.queue == queue);
        keys.filter(|key| !key.bucket.is_second()).map(|key| key.id).collect()
    }

    /// The next keys after this one, in order.
    pub(super) fn after(&self, key: Option<IndexKey>, count: usize) -> Vec<IndexKey> {
        let from = key.map_or(Bound::Unbounded, Bound::Excluded);
        self.keys.range((from, Bound::Unbounded)).take(count).copied().collect()
    }
}
