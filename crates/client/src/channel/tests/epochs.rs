//! Keys that move on.

use super::*;

/// `from` sends `count` texts one by one; each is carried to `to`, which acknowledges it.
fn talk(now: &mut u64, from: &mut Channel, to: &mut Channel, count: usize) {
    for _ in 0..count {
        from.send_text(at(*now), "x").unwrap();
        settle(at(*now), from, to);
        *now += 150;
        to.handle_timeout(at(*now));
        settle(at(*now), from, to);
    }
    events(from);
    events(to);
}

fn epochs(from: &Channel, to: &Channel) -> (u32, u32) {
    (from.session.as_ref().unwrap().sending.epoch(), to.session.as_ref().unwrap().receiving.epoch())
}

#[test]
fn a_sender_moves_on_after_64_packets_and_the_receiver_follows() {
    let (mut a, mut b) = secured_pair();
    let mut now = 0;
    // It has made a packet already: the acknowledgement of the opening.
    talk(&mut now, &mut a, &mut b, 63);
    assert_eq!(epochs(&a, &b), (0, 0));
    talk(&mut now, &mut a, &mut b, 1);
    assert_eq!(epochs(&a, &b), (1, 1));
    talk(&mut now, &mut a, &mut b, 63);
    assert_eq!(epochs(&a, &b), (1, 1));
    talk(&mut now, &mut a, &mut b, 1);
    assert_eq!(epochs(&a, &b), (2, 2));
}

#[test]
fn without_an_acknowledgement_of_this_epoch_a_sender_stays_in_it() {
    let (mut a, mut b) = secured_pair();
    let mut now = 0;
    talk(&mut now, &mut a, &mut b, 63);
    // All packets of epoch 1 are swallowed for a long time, from the first one.
    a.send_text(at(now), "swallowed").unwrap();
    frames(&mut a);
    for _ in 0..500 {
        now += 4000;
        a.handle_timeout(at(now));
        frames(&mut a);
    }
    assert_eq!(epochs(&a, &b), (1, 0));
    now += 4000;
    a.handle_timeout(at(now));
    settle(at(now), &mut a, &mut b);
    assert_eq!(events(&mut b), [text(64, "swallowed")], "nothing gets stuck");
    assert_eq!(epochs(&a, &b), (1, 1));
}

#[test]
fn a_stretch_swallowed_at_the_border_of_an_epoch_does_no_harm() {
    for lost in 0..130 {
        let (mut a, mut b) = secured_pair();
        let mut now = 0;
        talk(&mut now, &mut a, &mut b, 63 + lost % 3);
        // Everything is lost in both directions, and tried again, for a while.
        a.send_text(at(now), "one").unwrap();
        b.send_text(at(now), "two").unwrap();
        for _ in 0..lost {
            now += 4000;
            for channel in [&mut a, &mut b] {
                channel.handle_timeout(at(now));
                frames(channel);
            }
        }
        run(at(now + 60_000), &mut a, &mut b);
        assert!(events(&mut b).contains(&text(64 + lost as u64 % 3, "one")), "{lost}");
        assert!(events(&mut a).contains(&text(2, "two")), "{lost}");
    }
}

#[test]
fn packets_of_the_epoch_before_are_opened_and_older_ones_are_not() {
    let (mut a, mut b) = secured_pair();
    let mut now = 0;
    talk(&mut now, &mut a, &mut b, 10);
    let old = forge(&mut a, 0, &[]);
    talk(&mut now, &mut a, &mut b, 52);
    // Number 11 of the messages will have to come again.
    let late = forge(&mut a, 0, &[]);
    talk(&mut now, &mut a, &mut b, 5);
    assert_eq!(epochs(&a, &b), (1, 1));
    b.handle_frame(at(now), &late);
    assert_eq!(b.dropped(), Dropped::default(), "overtaken, and opened");
    b.handle_frame(at(now), &late);
    assert_eq!(b.dropped().replayed, 1);
    talk(&mut now, &mut a, &mut b, 64);
    assert_eq!(epochs(&a, &b), (2, 2));
    b.handle_frame(at(now), &old);
    assert_eq!(b.dropped().epoch, 1);
}

#[test]
fn a_forged_epoch_or_number_changes_nothing() {
    let (mut a, mut b) = secured_pair();
    for (epoch, number) in [(1, 5), (1, MAX_NUMBER - 1), (2, 5), (u32::MAX, 5)] {
        let mut forged = message::packet_header(epoch, number).to_vec();
        forged.resize(256, 1);
        b.handle_frame(at(0), &forged);
    }
    assert_eq!((b.dropped().forged, b.dropped().epoch), (2, 2));
    assert_eq!(epochs(&a, &b), (0, 0));
    a.send_text(at(0), "still here").unwrap();
    settle(at(0), &mut a, &mut b);
    assert_eq!(events(&mut b), [text(1, "still here")]);
}

#[test]
fn the_header_is_authenticated() {
    let (mut a, mut b) = secured_pair();
    let mut now = 0;
    talk(&mut now, &mut a, &mut b, 66);
    a.send_text(at(now), "x").unwrap();
    let mut frame = a.poll_frame().unwrap();
    assert_eq!(frame[2..6], [0, 0, 0, 1]);
    frame[5] = 0;
    b.handle_frame(at(now), &frame);
    assert_eq!(b.dropped().forged, 1);
}

#[test]
fn after_the_last_epoch_there_is_none() {
    let key = Box::new(zeroize::Zeroizing::new([1; 32]));
    let receiving = crate::channel::epochs::Receiving::new(key).unwrap();
    assert!(receiving.knows(0) && receiving.knows(1));
    assert!(!receiving.knows(2) && !receiving.knows(u32::MAX));
}
