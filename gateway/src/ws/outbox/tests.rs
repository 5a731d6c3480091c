use super::*;
use schemas::{RoomId, SessionId, Side, Stamp, token::RoomHistory};
use session::{SessionGrant, TicketGrant};

const ROOM: RoomKey = RoomKey(NonZeroU64::MIN);

fn ready() -> Unsigned {
    let session = SessionId::from_random([1; 16]);
    Unsigned::Ready(SessionGrant {
        session,
        start: 0,
        stamp: Stamp::NONE,
        pass: None,
        history: RoomHistory::default(),
    })
}

fn paired() -> Unsigned {
    let session = SessionId::from_random([1; 16]);
    let room = RoomId::from_bytes([1; 16]);
    Unsigned::Paired(TicketGrant { session, room, side: Side::A, stamp: Stamp::NONE }, None)
}

/// A turn in which the socket takes so many bytes, and no more if that is not all.
fn write(outbox: &mut Outbox, most: usize) -> (Vec<u8>, Written) {
    let mut turn = outbox.start().unwrap();
    let from = turn.sent;
    turn.sent = turn.bytes.len().min(from + most);
    let written = turn.bytes[from..turn.sent].to_vec();
    let socket = if turn.sent == turn.bytes.len() { Socket::Open } else { Socket::Full };
    (written, outbox.finish(turn, socket))
}

fn all(outbox: &mut Outbox) -> Vec<u8> {
    write(outbox, usize::MAX).0
}

#[test]
fn one_writes_and_the_others_append() {
    let mut outbox = Outbox::default();
    assert_eq!(outbox.push(b"one "), Push::First);
    assert_eq!(outbox.push(b"more "), Push::Waits, "whoever came first sees to it");
    let mut turn = outbox.start().unwrap();
    assert_eq!(turn.bytes, b"one more ");
    assert_eq!(outbox.push(b"two "), Push::Waits);
    assert_eq!(outbox.start(), None);
    turn.sent = turn.bytes.len();
    assert_eq!(outbox.finish(turn, Socket::Open), Written::MoreCame);
    assert_eq!(write(&mut outbox, 9), (b"two ".to_vec(), Written::All));
    assert!(outbox.is_done());
    assert_eq!(outbox.next_task(), OutboxTask::None);
}

#[test]
fn what_a_full_socket_left_goes_first_when_it_can_take_more() {
    let mut outbox = Outbox::default();
    assert!(outbox.start_directly());
    assert!(!outbox.start_directly());
    assert_eq!(outbox.push(b"later"), Push::Waits);
    let rest = WriteTurn { bytes: b"rest ".to_vec(), sent: 0 };
    assert_eq!(outbox.finish(rest, Socket::Full), Written::Blocked);
    assert_eq!((outbox.start(), outbox.start_anyway()), (None, None));
    assert_eq!(outbox.push(b" still"), Push::Waits);
    assert_eq!(outbox.next_task(), OutboxTask::AwaitSocket);
    outbox.unblock();
    assert_eq!(outbox.next_task(), OutboxTask::Write);
    assert_eq!(all(&mut outbox), b"rest later still");
}

#[test]
fn bytes_keep_their_order_through_a_socket_that_takes_a_few_at_a_time() {
    for few in 1..40 {
        let (mut outbox, mut expected, mut written) = (Outbox::default(), Vec::new(), Vec::new());
        for round in 0..200_u8 {
            let bytes = vec![round; usize::from(round % 23)];
            outbox.push(&bytes);
            expected.extend_from_slice(&bytes);
            if outbox.next_task() == OutboxTask::Write {
                written.extend(write(&mut outbox, few).0);
                outbox.unblock();
            }
        }
        while outbox.next_task() == OutboxTask::Write {
            written.extend(write(&mut outbox, few).0);
            outbox.unblock();
        }
        assert_eq!(written, expected, "{few} at a time");
        assert!(outbox.is_done());
    }
}

#[test]
fn a_layer_below_may_keep_what_the_socket_did_not_take() {
    let mut outbox = Outbox::default();
    outbox.push(b"sealed");
    let mut turn = outbox.start().unwrap();
    turn.sent = turn.bytes.len();
    assert_eq!(outbox.finish(turn, Socket::Full), Written::Blocked);
    assert!(!outbox.is_done(), "the layer still has it");
    outbox.unblock();
    let turn = outbox.start_anyway().unwrap();
    assert!(turn.bytes.is_empty());
    assert_eq!(outbox.finish(turn, Socket::Open), Written::All);
}

#[test]
fn only_frames_of_the_own_room_come_in() {
    let mut outbox = Outbox::default();
    assert_eq!(outbox.push_frames(ROOM, b"x"), Push::Refused);
    outbox.set_room(Some(ROOM));
    assert_eq!(outbox.push_frames(ROOM, b"x"), Push::First);
    outbox.set_room(Some(RoomKey::of(&RoomId::from_bytes([9; 16]))));
    assert_eq!(outbox.push_frames(ROOM, b"x"), Push::Refused);
}

#[test]
fn bytes_wait_behind_an_unsigned_message() {
    let mut outbox = Outbox::default();
    outbox.set_room(Some(ROOM));
    outbox.push(b"first ");
    outbox.push_unsigned(ready());
    assert_eq!(outbox.push_frames(ROOM, b"frame "), Push::Waits);
    assert_eq!(all(&mut outbox), b"first ");
    assert!(!outbox.is_done() && !outbox.start_directly());
    assert_eq!(outbox.next_task(), OutboxTask::Sign(ready()));
    outbox.signed(b"message ");
    assert_eq!(outbox.next_task(), OutboxTask::Write);
    assert_eq!(all(&mut outbox), b"message frame ");
}

#[test]
fn what_opens_a_room_is_held_until_it_is_released_and_what_came_before_is_written() {
    let mut outbox = Outbox::default();
    outbox.push(b"first ");
    outbox.push_unsigned(paired());
    outbox.set_room(Some(ROOM));
    assert_eq!(outbox.push_frames(ROOM, b"frame "), Push::Waits);
    assert_eq!(outbox.next_task(), OutboxTask::Write);
    assert_eq!(all(&mut outbox), b"first ");
    assert_eq!(outbox.next_task(), OutboxTask::None, "its task may be awake for another reason");
    assert!(!outbox.is_done());
    outbox.release();
    assert_eq!(outbox.next_task(), OutboxTask::Sign(paired()));
    outbox.signed(b"paired ");
    assert_eq!(all(&mut outbox), b"paired frame ");
}

#[test]
fn whoever_does_not_read_is_too_slow_at_the_limit() {
    let mut outbox = Outbox::default();
    assert_eq!(outbox.push(&vec![0; OUTBOX_BYTES]), Push::First);
    assert_eq!(outbox.push(b"x"), Push::TooSlow);
    assert_eq!(outbox.push_unsigned(ready()), Push::TooSlow);
    let (_, written) = write(&mut outbox, 10);
    assert_eq!(written, Written::Blocked);
    assert_eq!(outbox.push(b"0123456789"), Push::Waits, "what is gone makes room");
    assert_eq!(outbox.push(b"x"), Push::TooSlow);
    assert!(outbox.close(CloseCode::SlowConsumer, b"bye"), "there is always room for the last frame");
}

#[test]
fn messages_that_wait_for_a_signature_are_bounded_too() {
    let mut outbox = Outbox::default();
    let queued = (0..).take_while(|_| outbox.push_unsigned(ready()) == Push::Waits).count();
    assert_eq!(queued, OUTBOX_BYTES / SIGNED_BYTES);
}

#[test]
fn nothing_follows_the_last_frame() {
    let mut outbox = Outbox::default();
    outbox.set_room(Some(ROOM));
    outbox.push_unsigned(ready());
    assert!(outbox.close(CloseCode::Replaced, b"bye"));
    assert!(!outbox.close(CloseCode::Normal, b"again"));
    assert_eq!((outbox.push(b"x"), outbox.push_frames(ROOM, b"x")), (Push::Refused, Push::Refused));
    assert_eq!(outbox.push_unsigned(ready()), Push::Refused);
    outbox.signed(b"message ");
    assert_eq!(write(&mut outbox, 99), (b"message bye".to_vec(), Written::Closed));
    assert_eq!(outbox.closing(), Some(CloseCode::Replaced));
}
