//! Typing notices.

use super::*;

#[test]
fn typing_notices_are_sent_on_change_and_at_most_once_a_second() {
    let (mut a, mut b) = secured_pair();
    for (ms, typing) in
        [(0, Typing::Active), (100, Typing::Active), (200, Typing::Idle), (300, Typing::Active)]
    {
        a.set_typing(at(ms), typing);
    }
    a.set_typing(at(400), Typing::Idle);
    run(at(5000), &mut a, &mut b);
    assert_eq!(events(&mut b), [Event::PeerTyping(Typing::Active), Event::PeerTyping(Typing::Idle)]);
}

#[test]
fn a_text_ends_typing_without_a_notice() {
    let (mut a, mut b) = secured_pair();
    a.set_typing(at(0), Typing::Active);
    a.send_text(at(100), "done").unwrap();
    a.set_typing(at(150), Typing::Idle);
    run(at(5000), &mut a, &mut b);
    assert_eq!(events(&mut b), [Event::PeerTyping(Typing::Active), text(2, "done")]);
}

#[test]
fn no_typing_notice_goes_into_a_half_full_window() {
    let (mut a, mut b) = secured_pair();
    for _ in 0..32 {
        a.send_text(at(0), "x").unwrap();
    }
    a.set_typing(at(0), Typing::Active);
    assert_eq!(frames(&mut a).len(), 32);
    run(at(5000), &mut a, &mut b);
    assert_eq!(events(&mut b).last(), Some(&Event::PeerTyping(Typing::Active)), "but once there is room");
}
