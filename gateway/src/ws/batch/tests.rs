//! What the bus has no room for.

use bus::FrameRoute;
use schemas::{Side, Stamp};

use super::*;
use crate::ws::connection::Remote;

fn room(n: u8) -> RoomId {
    RoomId::from_bytes([n; 16])
}

fn part(room: RoomId, payload: &'static [u8]) -> Part {
    Part { room, payload: Bytes::from_static(payload), frames: payload.len() as u32 }
}

fn remote(room: RoomId) -> Target {
    let route = FrameRoute { room, to: "n2".parse().unwrap() };
    Target::Remote(Remote { route, side: Side::A, stamp: Stamp(1) })
}

/// Frames `aa` refused by a full bus, `b` behind them.
fn unsent() -> Unsent {
    let mut unsent = Unsent::default();
    assert_eq!(unsent.send_or_keep(part(room(1), b"aa"), |_| Err(PublishError::Full)), Sent::default());
    let overtaken = |_| panic!("nothing overtakes what waits");
    assert_eq!(unsent.send_or_keep(part(room(1), b"b"), overtaken), Sent::default());
    assert_eq!(unsent.frames(), 3);
    unsent
}

#[test]
fn frames_wait_in_order_until_a_full_bus_has_room() {
    let mut unsent = unsent();
    let target = remote(room(1));
    let again = unsent.send_first(&target, |_, payload| {
        assert_eq!(payload, "aa");
        Err(PublishError::Full)
    });
    assert_eq!((again, unsent.frames()), (Sent::default(), 3), "full again");
    for (first, left) in [("aa", 1), ("b", 0)] {
        let sent = unsent.send_first(&target, |_, payload| {
            assert_eq!(payload, first);
            Ok(())
        });
        assert_eq!((sent, unsent.frames()), (Sent { relayed: first.len() as u32, dropped: 0 }, left));
    }
    assert_eq!(
        unsent.send_or_keep(part(room(1), b"ccc"), |_| Ok(())),
        Sent { relayed: 3, dropped: 0 },
        "and what follows goes straight away again"
    );
}

#[test]
fn frames_of_a_room_that_was_left_meanwhile_are_dropped() {
    for target in [remote(room(2)), Target::Nowhere] {
        let mut unsent = unsent();
        for (dropped, left) in [(2, 1), (1, 0)] {
            let sent = unsent.send_first(&target, |_, _| panic!("nobody is there"));
            assert_eq!((sent, unsent.frames()), (Sent { relayed: 0, dropped }, left));
        }
    }
}

#[test]
fn only_a_full_bus_is_waited_for() {
    let mut unsent = Unsent::default();
    for fault in [PublishError::Down, PublishError::TooLarge] {
        let sent = unsent.send_or_keep(part(room(1), b"x"), |_| Err(fault));
        assert_eq!((sent, unsent.frames()), (Sent { relayed: 0, dropped: 1 }, 0));
    }
}
