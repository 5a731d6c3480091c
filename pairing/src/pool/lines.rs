//! Everyone who waits, findable by id, session, gateway, next deadline and place. All indexes change together, here alone.

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

use super::place::{Lane, Line, Openness, Place, Tongue};

/// How many places a want looks at in one line before it gives up. A tag is shared by two sessions, so it can have to pass over itself
/// and one other for each of its tags; the rest is slack, and a gateway that forges tags cannot make anyone look further.
const LOOKS: usize = 2 * (MET_TAGS + REPORTED_TAGS);

/// One who waits. About 110 bytes; with its entries in the indexes and the slack of B-trees it costs about 400, tags aside.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) session: SessionId,
    pub(super) stamp: Stamp,
    pub(super) node: NodeId,
    pub(super) lane: Lane,
    pub(super) openness: Openness,
    /// Since when it waits, by this node's clock.
    pub(super) since: UnixMillis,
    /// When its gateway last said it.
    pub(super) heard: UnixMillis,
    due: UnixMillis,
    tags: Box<[Tag]>,
}

impl Waiting {
    /// When it will have waited long enough to meet another language; `None` if it is open already.
    fn opens(&self) -> Option<UnixMillis> {
        (self.openness != Openness::Open).then(|| self.since + LANGUAGE_PATIENCE)
    }

    /// Whether it has waited long enough to meet another language, and has not been opened yet.
    pub(super) fn ripe(&self, now: UnixMillis) -> bool {
        self.opens().is_some_and(|opens| opens <= now)
    }

    fn may_meet(&self, other: &Self) -> bool {
        self.session != other.session && !self.tags.iter().any(|tag| other.tags.contains(tag))
    }

    fn places(&self, id: WantId) -> impl Iterator<Item = Place> {
        let (lane, since) = (self.lane, self.since);
        self.openness.stands_in().map(move |line| Place { lane, line, since, id })
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Lines {
    wants: BTreeMap<WantId, Waiting>,
    places: BTreeSet<Place>,
    sessions: BTreeMap<SessionId, WantId>,
    nodes: BTreeMap<NodeId, BTreeSet<WantId>>,
    deadlines: BTreeSet<(UnixMillis, WantId)>,
}

impl Lines {
    pub(super) fn len(&self) -> usize {
        self.wants.len()
    }

    pub(super) fn get(&self, id: &WantId) -> Option<&Waiting> {
        self.wants.get(id)
    }

    /// The want of a session: it has one at most.
    pub(super) fn of_session(&self, session: &SessionId) -> Option<(WantId, Stamp)> {
        let id = self.sessions.get(session)?;
        self.wants.get(id).map(|waiting| (*id, waiting.stamp))
    }

    /// Lines a want up. The caller has made sure that neither its id nor its session waits.
    pub(super) fn insert(&mut self, now: UnixMillis, from: &NodeId, want: Want) {
        // One name for all wants of a node: a message brings a copy of its own.
        let node = self.nodes.get_key_value(from).map_or_else(|| from.clone(), |(name, _)| name.clone());
        // No want is older than a session may be, so a forged age gains no more than that.
        let since = now - want.age.min(SESSION_LIFE);
        let mut waiting = Waiting {
            session: want.session,
            stamp: want.stamp,
            lane: Lane::new(want.queue, want.role),
            openness: want.language.and_then(Tongue::of).map_or(Openness::Open, Openness::Only),
            since,
            heard: now,
            due: now + WANT_SILENCE,
            tags: want.tags.into(),
            node: node.clone(),
        };
        if waiting.ripe(now) {
            waiting.openness = Openness::Open;
        }
        waiting.due = waiting.opens().map_or(waiting.due, |opens| opens.min(waiting.due));
        self.places.extend(waiting.places(want.id));
        self.sessions.insert(want.session, want.id);
        self.nodes.entry(node).or_default().insert(want.id);
        self.deadlines.insert((waiting.due, want.id));
        self.wants.insert(want.id, waiting);
    }

    /// Takes a want out.
    pub(super) fn remove(&mut self, id: &WantId) -> Option<Waiting> {
        let waiting = self.wants.remove(id)?;
        for place in waiting.places(*id) {
            self.places.remove(&place);
        }
        self.sessions.remove(&waiting.session);
        self.deadlines.remove(&(waiting.due, *id));
        if let Some(held) = self.nodes.get_mut(&waiting.node) {
            held.remove(id);
            if held.is_empty() {
                self.nodes.remove(&waiting.node);
            }
        }
        Some(waiting)
    }

    /// Takes all wants of a gateway out.
    pub(super) fn remove_node(&mut self, node: &NodeId) {
        for id in self.nodes.remove(node).unwrap_or_default() {
            self.remove(&id);
        }
    }

    /// Notes that a want was said again. Tells whether it may meet someone whom it might not before.
    pub(super) fn refresh(&mut self, now: UnixMillis, id: &WantId, tags: Vec<Tag>) -> bool {
        let Some(waiting) = self.wants.get_mut(id) else { return false };
        waiting.heard = now;
        if *waiting.tags == *tags {
            return false;
        }
        let before = std::mem::replace(&mut waiting.tags, tags.into());
        before.iter().any(|tag| !waiting.tags.contains(tag))
    }

    /// Lets a want meet other languages from now on.
    pub(super) fn open(&mut self, id: &WantId) {
        let Some(waiting) = self.wants.get_mut(id) else { return };
        for place in waiting.places(*id) {
            self.places.remove(&place);
        }
        waiting.openness = Openness::Open;
        self.places.extend(waiting.places(*id));
    }

    /// When something will have to be decided about somebody.
    pub(super) fn next_deadline(&self) -> Option<UnixMillis> {
        self.deadlines.first().map(|(due, _)| *due)
    }

    /// One about whom something is to be decided now; [`Self::rearm`] or [`Self::remove`] follows.
    pub(super) fn due(&self, now: UnixMillis) -> Option<WantId> {
        self.deadlines.first().filter(|(due, _)| *due <= now).map(|(_, id)| *id)
    }

    /// Sets when a want is looked at next: when it opens, or when it would have been silent for too long since `heard`. A repetition
    /// does not move the deadline, so that it costs no more than finding the want.
    pub(super) fn rearm(&mut self, id: &WantId, heard: UnixMillis) {
        let Some(waiting) = self.wants.get_mut(id) else { return };
        self.deadlines.remove(&(waiting.due, *id));
        let silent = heard + WANT_SILENCE;
        waiting.due = waiting.opens().map_or(silent, |opens| opens.min(silent));
        self.deadlines.insert((waiting.due, *id));
    }

    /// The one that this want meets: of all that fit, the one that has waited longest.
    pub(super) fn partner_of(&self, id: &WantId) -> Option<WantId> {
        let want = self.wants.get(id)?;
        let lane = want.lane.across();
        let firsts = want.openness.looks_in().into_iter().filter_map(|line| self.first_for(want, lane, line));
        firsts.min_by_key(|place| (place.since, place.id)).map(|place| place.id)
    }

    fn first_for(&self, want: &Waiting, lane: Lane, line: Line) -> Option<&Place> {
        let fits = |place: &&Place| self.wants.get(&place.id).is_some_and(|other| want.may_meet(other));
        self.line(lane, line).take(LOOKS).find(fits)
    }

    fn line(&self, lane: Lane, line: Line) -> impl Iterator<Item = &Place> {
        self.places.range(Place::head_of(lane, line)..).take_while(move |place| place.is_in(lane, line))
    }

    /// All who wait in a queue.
    pub(super) fn in_queue(&self, queue: Queue) -> Vec<WantId> {
        let lanes = Lane::all_of(queue).into_iter();
        let lines = lanes.flat_map(|lane| Line::WHOLE.map(|line| (lane, line)));
        lines.flat_map(|(lane, line)| self.line(lane, line)).map(|place| place.id).collect()
    }

    /// The next places after this one, in order.
    pub(super) fn after(&self, place: Option<Place>, count: usize) -> Vec<Place> {
        let from = place.map_or(Bound::Unbounded, Bound::Excluded);
        self.places.range((from, Bound::Unbounded)).take(count).copied().collect()
    }
}

// A million people wait in half a gigabyte only while this is so.
const _: () = assert!(size_of::<Waiting>() <= 128);
