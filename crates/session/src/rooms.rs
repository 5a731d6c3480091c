//! The rooms of a gateway, by id and by whose they are.

use std::{collections::BTreeMap, ops::RangeBounds};

use schemas::{NodeId, RoomId, Tag};

use crate::room::Room;

/// All rooms of which a side is held here.
#[derive(Default)]
pub(crate) struct Rooms {
    /// Ordered: it is walked in parts and always in the same way, and has no moments in which it
    /// grows as a whole. Boxed: a third of such a map's places are empty.
    by_id: BTreeMap<RoomId, Box<Room>>,
    /// The rooms of people who are on other gateways.
    elsewhere: BTreeMap<Tag, RoomId>,
}

impl Rooms {
    pub(crate) fn get(&self, id: &RoomId) -> Option<&Room> {
        self.by_id.get(id).map(|room| &**room)
    }

    pub(crate) fn get_mut(&mut self, id: &RoomId) -> Option<&mut Room> {
        self.by_id.get_mut(id).map(|room| &mut **room)
    }

    pub(crate) fn get_or_insert(&mut self, id: RoomId) -> &mut Room {
        self.by_id.entry(id).or_default()
    }

    pub(crate) fn contains(&self, id: &RoomId) -> bool {
        self.by_id.contains_key(id)
    }

    /// Notes whose the side is that is elsewhere, as far as known.
    pub(crate) fn note_owners(&mut self, id: RoomId) {
        let Some(room) = self.by_id.get(&id) else { return };
        for owner in room.owners_elsewhere() {
            self.elsewhere.insert(owner, id);
        }
    }

    /// The room of somebody who is on another gateway.
    pub(crate) fn of_owner(&self, owner: Tag) -> Option<RoomId> {
        self.elsewhere.get(&owner).copied()
    }

    /// Forgets a room. Returns whether it was known.
    pub(crate) fn remove(&mut self, id: RoomId) -> bool {
        let Some(room) = self.by_id.remove(&id) else { return false };
        for owner in room.owners() {
            if self.elsewhere.get(&owner) == Some(&id) {
                self.elsewhere.remove(&owner);
            }
        }
        true
    }

    /// The rooms whose other side is, or is expected, there.
    pub(crate) fn shared_with(&self, node: &NodeId) -> Vec<RoomId> {
        let rooms = self.by_id.iter().filter(|(_, room)| room.is_shared_with(node));
        rooms.map(|(id, _)| *id).collect()
    }

    /// Those with ids in this range of which a side is elsewhere.
    pub(crate) fn shared_in(&self, ids: impl RangeBounds<RoomId>) -> Vec<RoomId> {
        self.by_id.range(ids).filter(|(_, room)| room.is_shared()).map(|(id, _)| *id).collect()
    }

    pub(crate) fn ids(&self) -> Vec<RoomId> {
        self.by_id.keys().copied().collect()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Room> {
        self.by_id.values_mut().map(|room| &mut **room)
    }

    /// People here who are in a room.
    pub(crate) fn people(&self) -> usize {
        self.by_id.values().map(|room| room.people()).sum()
    }

    /// Whether nothing is left of any room.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty() && self.elsewhere.is_empty()
    }
}
