//! All wants of the pool, indexed by id, session, gateway, next deadline and index key. The indexes
//! change together, and only here.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use schemas::{
    NodeId, SessionId, Stamp, Tag, UnixMillis, WantId,
    criteria::Queue,
    event::Want,
    limits::{LANGUAGE_PATIENCE, MET_TAGS, REPORTED_TAGS, SESSION_LIFE, WANT_SILENCE},
};

use super::index_key::{IndexKey, LanguageBucket, LanguageFilter, LanguageKey, RoleQueue};

/// How many keys a search reads in one bucket at most. A tag is shared by two sessions, so a want
/// may have to skip itself and one other for each of its tags. The rest is slack. A gateway that
/// forges tags cannot make a search longer.
const SEARCH_LIMIT: usize = 2 * (MET_TAGS + REPORTED_TAGS);

/// One want. About 110 bytes; with its entries in the indexes and the slack of B-trees it takes
/// about 400, without its tags.
#[derive(Debug)]
pub(super) struct PooledWant {
    pub(super) session: SessionId,
    pub(super) stamp: Stamp,
    pub(super) node: NodeId,
    pub(super) role_queue: RoleQueue,
    pub(super) languages: LanguageFilter,
    /// Since when it has been waiting, by this node's clock.
    pub(super) since: UnixMillis,
    /// When its gateway last repeated it.
    pub(super) heard: UnixMillis,
    due: UnixMillis,
    tags: Box<[Tag]>,
}

impl PooledWant {
    /// When it will have waited long enough to be matched with any language; `None` if it may be
    /// already.
    fn widens_at(&self) -> Option<UnixMillis> {
        (self.languages != LanguageFilter::Any).then(|| self.since + LANGUAGE_PATIENCE)
    }

    /// Whether it has waited long enough to be matched with any language, and may not be yet.
    pub(super) fn is_due_to_widen(&self, now: UnixMillis) -> bool {
        self.widens_at().is_some_and(|widens_at| widens_at <= now)
    }

    fn may_meet(&self, other: &Self) -> bool {
        self.session != other.session && !self.tags.iter().any(|tag| other.tags.contains(tag))
    }

    fn keys(&self, id: WantId) -> impl Iterator<Item = IndexKey> {
        let (role_queue, since) = (self.role_queue, self.since);
        self.languages.indexed_under().map(move |bucket| IndexKey { role_queue, bucket, since, id })
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct WantIndex {
    wants: BTreeMap<WantId, PooledWant>,
    keys: BTreeSet<IndexKey>,
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

    /// Adds a want. The caller has made sure that neither its id nor its session has one here.
    pub(super) fn insert(&mut self, now: UnixMillis, from: &NodeId, want: Want) {
        // All wants of a node share one copy of its name; each message contains another.
        let node = self.nodes.get_key_value(from).map_or_else(|| from.clone(), |(name, _)| name.clone());
        // No want is older than a session may be, so a forged age gains nothing beyond that.
        let since = now - want.age.min(SESSION_LIFE);
        let id = want.id;
        let mut pooled = PooledWant {
            session: want.session,
            stamp: want.stamp,
            role_queue: RoleQueue::new(want.queue, want.role),
            languages: want
                .language
                .and_then(LanguageKey::of)
                .map_or(LanguageFilter::Any, LanguageFilter::Only),
            since,
            heard: now,
            due: now + WANT_SILENCE,
            tags: want.tags.into(),
            node: node.clone(),
        };
        if pooled.is_due_to_widen(now) {
            pooled.languages = LanguageFilter::Any;
        }
        pooled.due = pooled.widens_at().map_or(pooled.due, |widens_at| widens_at.min(pooled.due));
        self.keys.extend(pooled.keys(id));
        self.sessions.insert(pooled.session, id);
        self.nodes.entry(node).or_default().insert(id);
        self.deadlines.insert((pooled.due, id));
        self.wants.insert(id, pooled);
    }

    /// Removes a want.
    pub(super) fn remove(&mut self, id: &WantId) -> Option<PooledWant> {
        let want = self.wants.remove(id)?;
        for key in want.keys(*id) {
            self.keys.remove(&key);
        }
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
    pub(super) fn remove_node(&mut self, node: &NodeId) {
        for id in self.nodes.remove(node).unwrap_or_default() {
            self.remove(&id);
        }
    }

    /// Records that a want was repeated. Returns whether it may now be matched with one with which
    /// it might not before.
    pub(super) fn refresh(&mut self, now: UnixMillis, id: &WantId, tags: Vec<Tag>) -> bool {
        let Some(want) = self.wants.get_mut(id) else { return false };
        want.heard = now;
        if *want.tags == *tags {
            return false;
        }
        let before = std::mem::replace(&mut want.tags, tags.into());
        before.iter().any(|tag| !want.tags.contains(tag))
    }

    /// Allows a want to be matched with any language from now on.
    pub(super) fn widen(&mut self, id: &WantId) {
        let Some(want) = self.wants.get_mut(id) else { return };
        for key in want.keys(*id) {
            self.keys.remove(&key);
        }
        want.languages = LanguageFilter::Any;
        self.keys.extend(want.keys(*id));
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

    /// Sets the deadline of a want: when its filter widens, or when it will have been silent for
    /// too long since `heard`. A repetition does not move the deadline, so that it costs no more
    /// than finding the want.
    pub(super) fn reschedule(&mut self, id: &WantId, heard: UnixMillis) {
        let Some(want) = self.wants.get_mut(id) else { return };
        self.deadlines.remove(&(want.due, *id));
        let silent = heard + WANT_SILENCE;
        want.due = want.widens_at().map_or(silent, |widens_at| widens_at.min(silent));
        self.deadlines.insert((want.due, *id));
    }

    /// The want with which this one is matched: of all that fit, the one that has waited longest.
    pub(super) fn partner_of(&self, id: &WantId) -> Option<WantId> {
        let want = self.wants.get(id)?;
        let role_queue = want.role_queue.counterpart();
        let firsts = want
            .languages
            .searched()
            .into_iter()
            .filter_map(|bucket| self.first_for(want, role_queue, bucket));
        firsts.min_by_key(|key| (key.since, key.id)).map(|key| key.id)
    }

    fn first_for(
        &self,
        want: &PooledWant,
        role_queue: RoleQueue,
        bucket: LanguageBucket,
    ) -> Option<&IndexKey> {
        let fits = |key: &&IndexKey| self.wants.get(&key.id).is_some_and(|other| want.may_meet(other));
        self.bucket(role_queue, bucket).take(SEARCH_LIMIT).find(fits)
    }

    fn bucket(&self, role_queue: RoleQueue, bucket: LanguageBucket) -> impl Iterator<Item = &IndexKey> {
        self.keys
            .range(IndexKey::first_of(role_queue, bucket)..)
            .take_while(move |key| key.is_in(role_queue, bucket))
    }

    /// All wants of a queue.
    pub(super) fn in_queue(&self, queue: Queue) -> Vec<WantId> {
        let role_queues = RoleQueue::all_of(queue).into_iter();
        let lines = role_queues.flat_map(|role_queue| LanguageBucket::ALL.map(|bucket| (role_queue, bucket)));
        lines.flat_map(|(role_queue, bucket)| self.bucket(role_queue, bucket)).map(|key| key.id).collect()
    }

    /// The next keys after this one, in order.
    pub(super) fn after(&self, key: Option<IndexKey>, count: usize) -> Vec<IndexKey> {
        let from = key.map_or(Bound::Unbounded, Bound::Excluded);
        self.keys.range((from, Bound::Unbounded)).take(count).copied().collect()
    }
}

// A million wants fit into half a gigabyte only while this is true.
const _: () = assert!(size_of::<PooledWant>() <= 128);
