//! The fold of a room's events: who is attached where, and whether the room has ended.
//!
//! Events may be received late, twice, in any order or never. The same events give the same result
//! in whatever order they are received. [`Room::silence`] is an exception: it is the receiver's own
//! conclusion and not an event.

use crate::{
    NodeId, Side, Stamp, Tag,
    control::{EndReason, PeerState},
    event::{Attachment, RoomEvent},
};

/// What is known of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    sides: [Option<KnownAttachment>; 2],
    ended: Option<EndReason>,
}

/// The newest known attachment of a side.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KnownAttachment {
    stamp: Stamp,
    node: NodeId,
    owner: Tag,
    state: AttachmentState,
}

/// The state of the newest attachment. Ordered: of two reports of one attachment the higher one
/// counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum AttachmentState {
    /// Its gateway has published that it is attached.
    Attached,
    /// Nothing was received of it for too long. The next event of it ends this.
    Silent,
    /// Its gateway has published that it is detached: only a newer attachment can follow.
    Detached,
}

/// What an event changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing: it was known already, or is older than what is known.
    Nothing,
    /// A side has a newer attachment, or one is known for the first time; it was not away.
    Moved(Side),
    /// A side is online (again).
    Online(Side),
    /// A side is away.
    Away(Side),
    /// The room has ended.
    Ended(EndReason),
}

impl Room {
    /// Applies one event.
    pub fn apply(&mut self, event: &RoomEvent) -> Change {
        match event {
            RoomEvent::Joined(at) | RoomEvent::Present(at) => self.attach(at, AttachmentState::Attached),
            RoomEvent::Detached(at) | RoomEvent::NotHere(at) => self.attach(at, AttachmentState::Detached),
            RoomEvent::Ended(reason) => self.end(*reason),
            // These concern only what the receiver itself holds.
            RoomEvent::Declined | RoomEvent::Reported(_) | RoomEvent::Expired => Change::Nothing,
        }
    }

    /// Ends the room. The first reason is kept.
    pub fn end(&mut self, reason: EndReason) -> Change {
        if self.ended.is_some() {
            return Change::Nothing;
        }
        self.ended = Some(reason);
        Change::Ended(reason)
    }

    /// Concludes from silence that a side is away. The next event of the same attachment revokes
    /// that.
    pub fn silence(&mut self, side: Side) -> Change {
        match &mut self.sides[side as usize] {
            Some(known) if known.state == AttachmentState::Attached && self.ended.is_none() => {
                known.state = AttachmentState::Silent;
                Change::Away(side)
            }
            _ => Change::Nothing,
        }
    }

    /// Keeps this copy of a node's id instead of its own: many rooms share few nodes.
    pub fn share_name(&mut self, side: Side, name: &NodeId) {
        if let Some(known) = &mut self.sides[side as usize]
            && known.node == *name
        {
            known.node = name.clone();
        }
    }

    fn attach(&mut self, at: &Attachment, state: AttachmentState) -> Change {
        if self.ended.is_some() {
            return Change::Nothing;
        }
        let slot = &mut self.sides[at.side as usize];
        let before = slot.as_ref().map(|known| known.state);
        match slot {
            Some(known) if (known.stamp, &known.node) > (at.stamp, &at.node) => return Change::Nothing,
            Some(known) if (known.stamp, &known.node) == (at.stamp, &at.node) => {
                if known.state == AttachmentState::Detached || known.state == state {
                    return Change::Nothing;
                }
                known.state = state;
            }
            _ => {
                *slot =
                    Some(KnownAttachment { stamp: at.stamp, node: at.node.clone(), owner: at.owner, state })
            }
        }
        match (before, state) {
            (Some(AttachmentState::Attached), AttachmentState::Attached)
            | (None, AttachmentState::Attached) => Change::Moved(at.side),
            (_, AttachmentState::Attached) => Change::Online(at.side),
            (Some(AttachmentState::Attached) | None, _) => Change::Away(at.side),
            _ => Change::Nothing,
        }
    }

    /// Why the room has ended, if it has.
    pub fn ended(&self) -> Option<EndReason> {
        self.ended
    }

    /// Whether a side is online; `None` if nothing is known of it.
    pub fn state(&self, side: Side) -> Option<PeerState> {
        self.sides[side as usize].as_ref().map(|known| match known.state {
            AttachmentState::Attached => PeerState::Online,
            AttachmentState::Silent | AttachmentState::Detached => PeerState::Away,
        })
    }

    /// Whether the newest attachment of a side is known to be over: its gateway has published that.
    pub fn is_over(&self, side: Side) -> bool {
        self.sides[side as usize].as_ref().is_some_and(|known| known.state == AttachmentState::Detached)
    }

    /// The gateway of a side's newest attachment.
    pub fn node(&self, side: Side) -> Option<&NodeId> {
        self.sides[side as usize].as_ref().map(|known| &known.node)
    }

    /// The stamp of a side's newest attachment.
    pub fn stamp(&self, side: Side) -> Stamp {
        self.sides[side as usize].as_ref().map_or(Stamp::NONE, |known| known.stamp)
    }

    /// The tag of a side's session.
    pub fn owner(&self, side: Side) -> Option<Tag> {
        self.sides[side as usize].as_ref().map(|known| known.owner)
    }

    /// The newest attachment of a side.
    pub fn attachment(&self, side: Side) -> Option<Attachment> {
        self.sides[side as usize].as_ref().map(|known| Attachment {
            side,
            stamp: known.stamp,
            node: known.node.clone(),
            owner: known.owner,
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
        assert!(!room.is_over(Side::A));
        assert_eq!(room.apply(&RoomEvent::Detached(at(Side::A, 1, "n1"))), Change::Away(Side::A));
        assert!(room.is_over(Side::A) && !room.is_over(Side::B));
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
    fn an_event_of_a_silent_side_brings_it_back() {
        let mut room = Room::default();
        assert_eq!(room.silence(Side::A), Change::Nothing, "nothing known, nothing missed");
        room.apply(&RoomEvent::Joined(at(Side::A, 1, "n1")));
        assert_eq!(room.silence(Side::A), Change::Away(Side::A));
        assert_eq!(room.silence(Side::A), Change::Nothing);
        assert!(!room.is_over(Side::A), "silence is no word of its gateway");
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
        fn a_change_is_returned_exactly_when_the_state_changes(events in events()) {
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
