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
    let (target, mut said) = (remote(room(1)), Vec::new());
    let sent = unsent.send_again(&target, |_, payload| {
        said.push(payload);
        if said.len() == 2 { Err(PublishError::Full) } else { Ok(()) }
    });
    assert_eq!((said, sent), (vec!["aa".into(), "b".into()], Sent { relayed: 2, dropped: 0 }));
    assert_eq!(unsent.frames(), 1);
    let sent = unsent.send_again(&target, |_, payload| {
        assert_eq!(payload, "b");
        Ok(())
    });
    assert_eq!((sent, unsent.frames()), (Sent { relayed: 1, dropped: 0 }, 0));
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
        let sent = unsent.send_again(&target, |_, _| panic!("nobody is there"));
        assert_eq!((sent, unsent.frames()), (Sent { relayed: 0, dropped: 3 }, 0));
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
