//! Which stamp an attachment gets: one above all that its gateway has heard.

use super::{replacing::attached, *};

#[test]
fn of_two_attachments_with_one_stamp_the_higher_node_wins() {
    let mut cluster = Cluster::new(2);
    cluster.lost = |_| true;
    let (low, high) = (cluster.connect(0, 1), cluster.connect(1, 1));
    let stamp = newest(&cluster.told(low)).stamp;
    assert_eq!(newest(&cluster.told(high)).stamp, stamp);
    cluster.handle(1, attached(1, stamp, 0));
    assert_eq!(cluster.closed(high), None);
    cluster.handle(0, attached(1, stamp, 1));
    assert_eq!(cluster.closed(low), Some(CloseCode::Replaced));
}

#[test]
fn a_stamp_is_above_the_token_and_above_all_that_was_heard_however_wrong_a_clock_is() {
    let mut cluster = Cluster::new(2);
    let ahead = Stamp(START.0 + 120_000);
    let claims = TokenClaims { stamp: ahead, ..fresh_token(1) };
    let person = cluster.connect_with(0, &claims, 1);
    assert!(newest(&cluster.told(person)).stamp > ahead);
    for higher in [Stamp(ahead.0 + 10), Stamp(ahead.0 + 50), Stamp(ahead.0 + 20)] {
        cluster.handle(1, attached(2, higher, 0));
    }
    let other = cluster.connect(1, 2);
    assert_eq!(newest(&cluster.told(other)).stamp, Stamp(ahead.0 + 51), "the highest heard, and one");
}

#[test]
fn a_stamp_of_its_own_is_remembered_after_the_connection_is_gone() {
    let mut cluster = Cluster::new(1);
    let ahead = Stamp(START.0 + 120_000);
    let person = cluster.connect_with(0, &TokenClaims { stamp: ahead, ..fresh_token(1) }, 1);
    let stamp = newest(&cluster.told(person)).stamp;
    cluster.drop(person);
    let again = cluster.connect(0, 1);
    assert!(newest(&cluster.told(again)).stamp > stamp, "though it came with an older token");
}

#[test]
fn a_ticket_that_is_newer_than_its_token_raises_the_stamp() {
    let mut cluster = Cluster::new(2);
    let chat = cluster.chatting([0, 0]);
    let ahead = TicketGrant { stamp: Stamp(START.0 + 90_000), ..chat.tickets[0] };
    let back = cluster.back(1, &chat);
    let before = newest(&cluster.told(back)).stamp;
    assert!(before < ahead.stamp);
    cluster.resume(back, &ahead).unwrap();
    let told = cluster.told(back);
    assert!(newest(&told).stamp > ahead.stamp);
    assert_eq!(place(&told).stamp, newest(&told).stamp);
}

#[test]
fn a_resume_is_above_what_the_room_has_heard_of_its_side() {
    let mut cluster = Cluster::new(3);
    let chat = cluster.chatting([0, 1]);
    let elsewhere = Attachment { stamp: Stamp(START.0 + 90_000), node: node(2), ..chat.attachment(0) };
    cluster.handle(1, peer(chat.room(), 1, RoomEvent::Joined(elsewhere.clone())));
    let back = cluster.back(1, &chat);
    cluster.resume(back, &chat.tickets[0]).unwrap();
    let told = cluster.told(back);
    assert!(place(&told).stamp > elsewhere.stamp);
    assert_eq!(cluster.route(chat.other), Route::Local { room: chat.room(), peer: back.conn });
}
