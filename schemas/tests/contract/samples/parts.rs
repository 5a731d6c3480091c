//! What messages consist of.

use std::time::Duration;

use proptest::{option, prelude::*, sample::select};
use schemas::{
    BootId, NodeId, Origin, RoomId, Service, SessionId, Side, Stamp, Tag, UnixMillis, WantId,
    announcement::{Announcement, Proof},
    control::EndReason,
    criteria::{ChannelVersion, Language, Queue, Role},
    event::Attachment,
    session::SessionState,
};
use serde_bytes::ByteBuf;

pub(super) fn attachment() -> impl Strategy<Value = Attachment> {
    (side(), stamp(), node(), tag()).prop_map(|(side, stamp, node, owner)| Attachment {
        side,
        stamp,
        node,
        owner,
    })
}

pub(super) fn announcement() -> impl Strategy<Value = Announcement> {
    let key = (any::<[u8; 32]>(), any::<[u8; 64]>(), time(), node(), prop::option::of(proof()));
    key.prop_map(|(public, possession, not_after, node, proof)| Announcement {
        public,
        not_after,
        node,
        possession,
        proof,
    })
}

pub(super) fn proof() -> impl Strategy<Value = Proof> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..9).prop_map(ByteBuf::from);
    (prop::collection::vec(bytes(), 1..3), any::<u16>(), bytes())
        .prop_map(|(chain, scheme, signature)| Proof { chain, scheme, signature })
}

pub(super) fn queue() -> impl Strategy<Value = Queue> {
    prop_oneof![
        Just(Queue::Anyone),
        any::<[u8; 16]>().prop_map(Queue::Topic),
        any::<[u8; 16]>().prop_map(Queue::Invite),
    ]
}

pub(super) fn language() -> impl Strategy<Value = Option<Language>> {
    option::of("[a-z]{2,8}".prop_map(|tag| tag.parse().unwrap()))
}

pub(super) fn channel() -> impl Strategy<Value = ChannelVersion> {
    select(vec![ChannelVersion::FIRST, ChannelVersion::CURRENT])
}

pub(super) fn role() -> impl Strategy<Value = Role> {
    select(vec![Role::Seek, Role::Offer])
}

pub(super) fn end_reason() -> impl Strategy<Value = EndReason> {
    select(vec![EndReason::Left, EndReason::Expired, EndReason::Reported, EndReason::Shutdown])
}

pub(super) fn state() -> impl Strategy<Value = SessionState> {
    select(vec![SessionState::Idle, SessionState::Waiting, SessionState::Paired])
}

pub(super) fn service() -> impl Strategy<Value = Service> {
    select(Service::ALL.to_vec())
}

pub(super) fn side() -> impl Strategy<Value = Side> {
    select(vec![Side::A, Side::B])
}

pub(super) fn node() -> impl Strategy<Value = NodeId> {
    "[A-Za-z0-9_-]{1,64}".prop_filter_map("a role is no node", |name| name.parse().ok())
}

pub(super) fn room() -> impl Strategy<Value = RoomId> {
    any::<[u8; 16]>().prop_map(RoomId::from_bytes)
}

pub(super) fn want_id() -> impl Strategy<Value = WantId> {
    any::<[u8; 16]>().prop_map(WantId::from_bytes)
}

pub(super) fn session() -> impl Strategy<Value = SessionId> {
    any::<[u8; 16]>().prop_map(SessionId::from_random)
}

pub(super) fn tag() -> impl Strategy<Value = Tag> {
    any::<[u8; 8]>().prop_map(Tag::from_bytes)
}

pub(super) fn origin() -> impl Strategy<Value = Origin> {
    any::<[u8; 12]>().prop_map(Origin::from_bytes)
}

pub(super) fn boot() -> impl Strategy<Value = BootId> {
    any::<u64>().prop_map(BootId)
}

pub(super) fn stamp() -> impl Strategy<Value = Stamp> {
    any::<u64>().prop_map(Stamp)
}

pub(super) fn time() -> impl Strategy<Value = UnixMillis> {
    any::<u64>().prop_map(UnixMillis)
}

pub(super) fn duration() -> impl Strategy<Value = Duration> {
    any::<u64>().prop_map(Duration::from_millis)
}
