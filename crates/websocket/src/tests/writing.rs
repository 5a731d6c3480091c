use schemas::CloseCode;

use super::{
    super::{
        REASON_MAX, put_binary, put_close, put_close_reply, put_frame, put_ping, put_pong, put_text, unmask,
    },
    *,
};

/// What a client makes of bytes that hold exactly one server frame.
fn sent(write: impl FnOnce(&mut Vec<u8>)) -> (u8, Vec<u8>) {
    let mut out = b"what was there".to_vec();
    write(&mut out);
    let mut rest = out.strip_prefix(b"what was there").expect("appended");
    let frame = client::take_frame(&mut rest).expect("a whole frame");
    assert!(rest.is_empty() && !frame.masked);
    (frame.first, frame.payload)
}

#[test]
fn frames_of_every_length_class_carry_the_shortest_header() {
    for (length, header) in [(0, 2), (1, 2), (125, 2), (126, 4), (127, 4), (65_535, 4), (65_536, 10)] {
        let payload = vec![7; length];
        let mut out = Vec::new();
        put_frame(&mut out, Opcode::Binary, &payload);
        assert_eq!(out.len(), header + length);
        assert_eq!(client::take_frame(&mut &out[..]).expect("a frame").payload, payload);
        assert_eq!(client::take_frame(&mut &out[..out.len() - 1]), None);
    }
}

#[test]
fn each_helper_writes_its_opcode() {
    assert_eq!(sent(|out| put_text(out, "é")), (0x81, "é".into()));
    assert_eq!(sent(|out| put_binary(out, &[0, 255])), (0x82, vec![0, 255]));
    assert_eq!(sent(|out| put_ping(out, b"p")), (0x89, b"p".to_vec()));
    assert_eq!(sent(|out| put_pong(out, b"p")), (0x8a, b"p".to_vec()));
    assert_eq!(sent(|out| put_close(out, 4102, "x")), (0x88, vec![0x10, 0x06, b'x']));
}

#[test]
fn a_close_is_answered_with_its_own_code_or_none() {
    assert_eq!(sent(|out| put_close_reply(out, Some(1001))), (0x88, vec![0x03, 0xe9]));
    assert_eq!(sent(|out| put_close_reply(out, None)), (0x88, vec![]));
}

#[test]
fn control_payloads_are_cut_to_what_a_control_frame_holds() {
    assert_eq!(sent(|out| put_ping(out, &[1; 200])).1, [1; 125]);
    assert_eq!(sent(|out| put_pong(out, &[1; 200])).1, [1; 125]);
}

#[test]
fn a_long_close_reason_is_cut_after_a_whole_character() {
    for (reason, kept) in [("x".repeat(200), 123), ("é".repeat(100), 122), ("😀".repeat(40), 120)] {
        let (_, payload) = sent(|out| put_close(out, 1000, &reason));
        assert_eq!(payload[2..], reason.as_bytes()[..kept]);
    }
    let longest = "x".repeat(REASON_MAX);
    assert_eq!(sent(|out| put_close(out, 1000, &longest)).1[2..], *longest.as_bytes());
}

#[test]
fn masking_follows_the_rfc_at_every_length_and_alignment() {
    for start in 0..8 {
        for length in 0..70 {
            let mut bytes: Vec<u8> = (0..100).collect();
            unmask(&mut bytes[start..start + length], KEY);
            for (at, byte) in (0..100).zip(bytes) {
                let inside = (start..start + length).contains(&usize::from(at));
                let key = if inside { KEY[(usize::from(at) - start) % 4] } else { 0 };
                assert_eq!(byte, at ^ key);
            }
        }
    }
}

#[test]
fn a_violation_names_the_code_to_close_with() {
    assert_eq!(Violation::InvalidUtf8.close_code(), CloseCode::InvalidText);
    assert_eq!(Violation::TooLarge.close_code(), CloseCode::TooLarge);
    assert_eq!(Violation::TooLarge.close_code().code(), 4104);
    for violation in [Violation::Unmasked, Violation::ReservedBit, Violation::BadCloseCode] {
        assert_eq!(violation.close_code().code(), 1002);
    }
}
