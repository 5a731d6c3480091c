//! The fold of a room's events: who is attached where, and whether the room is over.
//!
//! Events may come late, twice, in any order or never. The fold makes the same of the same events in whatever order they come
//! (apart from [`Room::silence`], which is the listener's own conclusion and not an event).

use crate::{
    NodeId, Side, Stamp, Tag,
    control::{EndReason, PeerState},
    event::{Attachment, RoomEvent},
};

/// What is known of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    sides: [Option<Place>; 2],
    ended: Option<EndReason>,
}

/// The newest attachment of a side that has been heard of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    stamp: Stamp,
    node: NodeId,
    owner: Tag,
    link: Link,
}

/// How the newest attachment is. Ordered: of two reports of one attachment the later in this order is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Link {
    /// Said to be attached.
    Attached,
    /// Not heard of for too long; a sign of life takes this back.
    Silent,
    /// Its gateway has said that it is gone: only a newer attachment can follow.
    Detached,
}

/// What an event changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing: known already, or older than what is known.
    Nothing,
    /// A side has a newer attachment, or one is known for the first time; it was not away.
    Moved(Side),
    /// A side is there (again).
    Online(Side),
    /// A side is away.
    Away(Side),
    /// The room is over.
    Ended(EndReason),
}

impl Room {
    /// Folds one event in.
    pub fn apply(&mut self, event: &RoomEvent) -> Change {
        match event {
            RoomEvent::Joined(at) | RoomEvent::Present(at) => self.attach(at, Link::Attached),
            RoomEvent::Detached(at) | RoomEvent::NotHere(at) => self.attach(at, Link::Detached),
            RoomEvent::Ended(reason) => self.end(*reason),
            // Both concern what the listener itself waits for or holds.
            RoomEvent::Declined | RoomEvent::Expired => Change::Nothing,
        }
    }

    /// Ends the room. The first reason heard stays.
    pub fn end(&mut self, reason: EndReason) -> Change {
        if self.ended.is_some() {
            return Change::Nothing;
        }
        self.ended = Some(reason);
        Change::Ended(reason)
    }

    /// Concludes from silence that a side is away; a sign of life of the same attachment takes it back.
    pub fn silence(&mut self, side: Side) -> Change {
        match &mut self.sides[side as usize] {
            Some(place) if place.link == Link::Attached && self.ended.is_none() => {
                place.link = Link::Silent;
                Change::Away(side)
            }
            _ => Change::Nothing,
        }
    }

    /// Keeps this copy of a node's name instead of its own: many rooms share few nodes.
    pub fn share_name(&mut self, side: Side, name: &NodeId) {
        if let Some(place) = &mut self.sides[side as usize]
            && place.node == *name
        {
            place.node = name.clone();
        }
    }

    fn attach(&mut self, at: &Attachment, link: Link) -> Change {
        if self.ended.is_some() {
            return Change::Nothing;
        }
        let slot = &mut self.sides[at.side as usize];
        let before = slot.as_ref().map(|place| place.link);
        match slot {
            Some(known) if (known.stamp, &known.node) > (at.stamp, &at.node) => return Change::Nothing,
            Some(known) if (known.stamp, &known.node) == (at.stamp, &at.node) => {
                if known.link == Link::Detached || known.link == link {
                    return Change::Nothing;
                }
                known.link = link;
            }
            _ => *slot = Some(Place { stamp: at.stamp, node: at.node.clone(), owner: at.owner, link }),
        }
        match (before, link) {
            (Some(Link::Attached), Link::Attached) | (None, Link::Attached) => Change::Moved(at.side),
            (_, Link::Attached) => Change::Online(at.side),
            (Some(Link::Attached) | None, _) => Change::Away(at.side),
            _ => Change::Nothing,
        }
    }

    /// Why the room is over, if it is.
    pub fn ended(&self) -> Option<EndReason> {
        self.ended
    }

    /// Whether a side is there; `None` if it has never been heard of.
    pub fn state(&self, side: Side) -> Option<PeerState> {
        self.sides[side as usize].as_ref().map(|place| match place.link {
            Link::Attached => PeerState::Online,
            Link::Silent | Link::Detached => PeerState::Away,
        })
    }

    /// The gateway of a side's newest attachment.
    pub fn node(&self, side: Side) -> Option<&NodeId> {
        self.sides[side as usize].as_ref().map(|place| &place.node)
    }

    /// The stamp of a side's newest attachment.
    pub fn stamp(&self, side: Side) -> Stamp {
        self.sides[side as usize].as_ref().map_or(Stamp::NONE, |place| place.stamp)
    }

    /// Whose session a side is.
    pub fn owner(&self, side: Side) -> Option<Tag> {
        self.sides[side as usize].as_ref().map(|place| place.owner)
    }

    /// The newest attachment of a side.
    pub fn attachment(&self, side: Side) -> Option<Attachment> {
        self.sides[side as usize].as_ref().map(|place| Attachment {
            side,
            stamp: place.stamp,
            node: place.node.clone(),
            owner: place.owner,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(side: Side, stamp: u64, node: &str) -> Attachment {
        let owner = Tag::from_bytes([side as u8; 8]);
        Attachment { side, stamp: Stamp(stamp), node: node.parse().unwrap(), owner }
    }

    #[test]
    fn a_side_comes_goes_and_comes_back() {
        let mut room = Room::default();
        assert_eq!(room.state(Side::A), None);
        assert_eq!(room.apply(&RoomEvent::Joined(at(Side::A, 1, "n1"))), Change::Moved(Side::A));
        assert_eq!(room.apply(&RoomEvent::Present(at(Side::A, 1, "n1"))), Change::Nothing);
        assert_eq!(room.apply(&RoomEvent::Detached(at(Side::A, 1, "n1"))), Change::Away(Side::A));
        assert_eq!(
            room.apply(&RoomEvent::Joined(at(Side::A, 1, "n1"))),
            Change::Nothing,
            "that attachment is gone for good"
        );
        assert_eq!(room.apply(&RoomEvent::Joined(at(Side::A, 2, "n2"))), Change::Online(Side::A));
        assert_eq!(
            room.apply(&RoomEvent::Joined(at(Side::A, 3, "n1"))),
            Change::Moved(Side::A),
            "replaced before it was missed"
        );
        assert_eq!(room.node(Side::A).unwrap().as_str(), "n1");
    }

    #[test]
    fn what_is_below_the_highest_stamp_is_ignored() {
        let mut room = Room::default();
        room.apply(&RoomEvent::Joined(at(Side::B, 5, "n1")));
        for late in [
            RoomEvent::Joined(at(Side::B, 4, "n2")),
            RoomEvent::Detached(at(Side::B, 4, "n2")),
            RoomEvent::NotHere(at(Side::B, 5, "n0")),
        ] {
            assert_eq!(room.apply(&late), Change::Nothing);
        }
        assert_eq!(room.state(Side::B), Some(PeerState::Online));
        assert_eq!(
            room.apply(&RoomEvent::Joined(at(Side::B, 5, "n2"))),
            Change::Moved(Side::B),
            "ties go to the higher node"
        );
    }

    #[test]
    fn silence_is_taken_back_by_a_sign_of_life() {
        let mut room = Room::default();
        assert_eq!(room.silence(Side::A), Change::Nothing, "nothing known, nothing missed");
        room.apply(&RoomEvent::Joined(at(Side::A, 1, "n1")));
        assert_eq!(room.silence(Side::A), Change::Away(Side::A));
        assert_eq!(room.silence(Side::A), Change::Nothing);
        assert_eq!(room.apply(&RoomEvent::Present(at(Side::A, 1, "n1"))), Change::Online(Side::A));
        room.silence(Side::A);
        assert_eq!(room.apply(&RoomEvent::Detached(at(Side::A, 1, "n1"))), Change::Nothing, "away already");
        assert_eq!(room.apply(&RoomEvent::Present(at(Side::A, 1, "n1"))), Change::Nothing);
    }

    #[test]
    fn an_ended_room_stays_ended() {
        let mut room = Room::default();
        room.apply(&RoomEvent::Joined(at(Side::A, 1, "n1")));
        assert_eq!(room.apply(&RoomEvent::Ended(EndReason::Left)), Change::Ended(EndReason::Left));
        assert_eq!(room.apply(&RoomEvent::Ended(EndReason::Expired)), Change::Nothing);
        assert_eq!(room.apply(&RoomEvent::Joined(at(Side::A, 2, "n1"))), Change::Nothing);
        assert_eq!(room.silence(Side::A), Change::Nothing);
        assert_eq!(room.ended(), Some(EndReason::Left));
    }

    fn events() -> impl Strategy<Value = Vec<RoomEvent>> {
        let attachment = (any::<bool>(), 1u64..5, 0usize..3).prop_map(|(a, stamp, node)| {
            at(if a { Side::A } else { Side::B }, stamp, ["n1", "n2", "n3"][node])
        });
        let event = (attachment, 0..20u8).prop_map(|(at, kind)| match kind {
            0..8 => RoomEvent::Joined(at),
            8..12 => RoomEvent::Present(at),
            12..16 => RoomEvent::Detached(at),
            16..19 => RoomEvent::NotHere(at),
            _ => RoomEvent::Expired,
        });
        prop::collection::vec(event, 0..12)
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(events in events(), seed: u64) {
            let fold = |events: &[RoomEvent]| {
                let mut room = Room::default();
                events.iter().for_each(|event| { room.apply(event); });
                room
            };
            let mut shuffled: Vec<_> = events.iter().chain(&events).cloned().collect();
            let mut state = seed;
            for i in (1..shuffled.len()).rev() {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                shuffled.swap(i, (state >> 33) as usize % (i + 1));
            }
            prop_assert_eq!(fold(&events), fold(&shuffled));
        }

        #[test]
        fn a_change_is_told_exactly_when_the_state_changes(events in events()) {
            let mut room = Room::default();
            for event in &events {
                let before = [Side::A, Side::B].map(|side| room.state(side));
                let change = room.apply(event);
                let after = [Side::A, Side::B].map(|side| room.state(side));
                match change {
                    Change::Online(side) => {
                        prop_assert_eq!(before[side as usize], Some(PeerState::Away));
                        prop_assert_eq!(after[side as usize], Some(PeerState::Online));
                    }
                    Change::Away(side) => {
                        prop_assert_ne!(before[side as usize], Some(PeerState::Away));
                        prop_assert_eq!(after[side as usize], Some(PeerState::Away));
                    }
                    Change::Moved(side) => prop_assert_eq!(after[side as usize], Some(PeerState::Online)),
                    Change::Nothing => prop_assert_eq!(before, after),
                    Change::Ended(_) => prop_assert!(false, "nothing ended"),
                }
            }
        }
    }
}
