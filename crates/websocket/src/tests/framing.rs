use super::{
    super::{CONTROL_PAYLOAD_MAX, REASON_MAX},
    FrameEnd::{Final, More},
    Opcode::{Binary, Close, Continuation, Ping, Pong, Text},
    *,
};

/// Valid text of one to four bytes per character, with the ends of each range of lengths (Autobahn
/// 6.5 to 6.23).
const VALID: &[&str] = &[
    "",
    "Hello-µ@ßöäüàá-UTF-8!!",
    "κόσμε",
    "\0",
    "\u{7f}",
    "\u{80}",
    "\u{7ff}",
    "\u{800}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{fffd}",
    "\u{ffff}",
    "\u{fffe}",
    "\u{10000}",
    "\u{1fffe}",
    "\u{10ffff}",
];

/// Stray and missing continuation bytes, overlong forms, surrogates, code points past the last
/// (Autobahn 6.3 to 6.22).
const INVALID: &[&[u8]] = &[
    b"\x80",
    b"\xbf",
    b"\x80\xbf\x80",
    b"\xc0 \xc1 ",
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
    b"\xe1\xbd",
    b"\xf0\x90\x80",
    b"\xc3",
    b"\xfe",
    b"\xff",
    b"\xfe\xfe\xff\xff",
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xf8\x80\x80\x80\xaf",
    b"\xfc\x80\x80\x80\x80\xaf",
    b"\xc1\xbf",
    b"\xe0\x9f\xbf",
    b"\xf0\x8f\xbf\xbf",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xed\xa0\x80\xed\xb0\x80",
    b"\xf4\x90\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80",
];

// Group 1: framing.
#[test]
fn messages_of_every_length_class_come_through() {
    for length in [0, 1, 125, 126, 127, 128, 65_535, 65_536] {
        let text = "*".repeat(length);
        assert_eq!(said(&whole(Text, &text)), [Said::Text(text.clone())], "{length}");
        assert_eq!(said(&whole(Binary, &text)), [Said::Binary(text.into_bytes())], "{length}");
    }
}

#[test]
fn a_length_that_a_shorter_form_could_carry_is_refused() {
    for length in [0, 1, 125_u16] {
        let header = [&[0x82, 0xfe], &length.to_be_bytes()[..], &KEY].concat();
        assert_eq!(refused(&header), Violation::IllFormedLength, "{length} in 16 bits");
    }
    for length in [0, 125, 126, 65_535, 1 << 63, u64::MAX] {
        let header = [&[0x82, 0xff], &length.to_be_bytes()[..], &KEY].concat();
        assert_eq!(refused(&header), Violation::IllFormedLength, "{length} in 64 bits");
    }
}

#[test]
fn an_unmasked_frame_is_refused() {
    assert_eq!(refused(b"\x82\x01*"), Violation::Unmasked);
    assert_eq!(refused(b"\x89\x00"), Violation::Unmasked);
}

// Group 2: pings and pongs.
#[test]
fn pings_come_with_their_payload_and_in_order() {
    let pings: Vec<Vec<u8>> = (0..=CONTROL_PAYLOAD_MAX).map(|length| vec![0xfe; length]).collect();
    let bytes: Vec<u8> = pings.iter().flat_map(|payload| whole(Ping, payload)).collect();
    assert_eq!(said(&bytes), pings.into_iter().map(Said::Ping).collect::<Vec<_>>());
}

#[test]
fn unasked_pongs_are_a_sign_of_life_and_nothing_else() {
    let bytes = [whole(Pong, "unasked"), whole(Ping, "?"), whole(Pong, "")].concat();
    assert_eq!(said(&bytes), [Said::Pong, Said::Ping(b"?".to_vec()), Said::Pong]);
}

#[test]
fn a_control_frame_of_more_than_125_bytes_is_refused_at_its_second_byte() {
    for first in [0x88, 0x89, 0x8a] {
        assert_eq!(refused(&[first, 0xfe]), Violation::LongControl);
        assert_eq!(refused(&[first, 0xff]), Violation::LongControl);
    }
}

// Groups 3 and 4: reserved bits, opcodes.
#[test]
fn a_reserved_bit_is_refused_after_what_came_before_it_was_told() {
    for bits in 1..8 {
        let mut bad = whole(Text, "x");
        bad[0] |= bits << 4;
        let heard = hear(&[whole(Text, "Hello"), bad, whole(Ping, "")].concat());
        assert_eq!(heard.said, [Said::Text("Hello".into())]);
        assert_eq!(heard.violation, Some(Violation::ReservedBit));
    }
}

#[test]
fn an_unknown_opcode_is_refused() {
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        let heard = hear(&[whole(Binary, "x"), vec![0x80 | opcode, 0x80, 0, 0, 0, 0]].concat());
        assert_eq!(heard.said, [Said::Binary(b"x".to_vec())]);
        assert_eq!(heard.violation, Some(Violation::UnknownOpcode), "{opcode}");
    }
}

// Group 5: fragmentation.
#[test]
fn fragments_come_as_one_message_with_control_frames_told_as_they_arrive() {
    let bytes = [
        frame(Text, More, "frag"),
        whole(Ping, "1"),
        frame(Continuation, More, ""),
        frame(Continuation, More, "men"),
        whole(Pong, ""),
        frame(Continuation, Final, "t"),
        frame(Binary, More, ""),
        frame(Continuation, Final, ""),
        whole(Binary, "whole"),
    ];
    let heard = hear(&bytes.concat());
    assert_eq!(
        heard.said,
        [
            Said::Ping(b"1".to_vec()),
            Said::Pong,
            Said::Text("fragment".into()),
            Said::Binary(vec![]),
            Said::Binary(b"whole".to_vec()),
        ]
    );
    assert_eq!((heard.violation, heard.frames), (None, 9));
}

#[test]
fn a_fragmented_control_frame_is_refused() {
    for opcode in [Close, Ping, Pong] {
        assert_eq!(refused(&frame(opcode, More, "x")), Violation::FragmentedControl);
    }
}

#[test]
fn a_continuation_of_nothing_is_refused() {
    assert_eq!(refused(&frame(Continuation, More, "x")), Violation::StrayContinuation);
    assert_eq!(refused(&frame(Continuation, Final, "x")), Violation::StrayContinuation);
    let after_the_last =
        [frame(Text, More, "a"), frame(Continuation, Final, "b"), frame(Continuation, Final, "c")];
    let heard = hear(&after_the_last.concat());
    assert_eq!(heard.said, [Said::Text("ab".into())]);
    assert_eq!(heard.violation, Some(Violation::StrayContinuation));
}

#[test]
fn a_new_message_inside_a_fragmented_one_is_refused() {
    for inner in [Text, Binary] {
        for end in [More, Final] {
            let bytes = [frame(Binary, More, "a"), frame(inner, end, "b")].concat();
            assert_eq!(refused(&bytes), Violation::InterleavedMessage);
        }
    }
}

// Group 6: UTF-8.
#[test]
fn valid_text_comes_through_whole_and_cut_inside_characters() {
    for text in VALID {
        assert_eq!(said(&whole(Text, text)), [Said::Text((*text).into())]);
        for cut in 0..=text.len() {
            let (head, tail) = text.as_bytes().split_at(cut);
            let bytes =
                [frame(Text, More, head), whole(Ping, "é"), frame(Continuation, Final, tail)].concat();
            let expected = [Said::Ping("é".into()), Said::Text((*text).into())];
            assert_eq!(said(&bytes), expected, "{text:?} cut at {cut}");
        }
        let letters: Vec<u8> = text.bytes().flat_map(|byte| frame(Continuation, More, [byte])).collect();
        let bytes = [frame(Text, More, ""), letters, frame(Continuation, Final, "")].concat();
        assert_eq!(said(&bytes), [Said::Text((*text).into())]);
    }
}

#[test]
fn invalid_text_is_refused_whole_and_cut_anywhere() {
    for bad in INVALID {
        let text = [b"Hello", *bad].concat();
        assert_eq!(refused(&whole(Text, &text)), Violation::InvalidUtf8, "{bad:x?}");
        for cut in 0..=text.len() {
            let (head, tail) = text.split_at(cut);
            let bytes = [frame(Text, More, head), frame(Continuation, Final, tail)].concat();
            assert_eq!(refused(&bytes), Violation::InvalidUtf8, "{bad:x?} cut at {cut}");
        }
    }
}

#[test]
fn text_is_refused_at_the_byte_that_makes_it_invalid_however_much_is_to_come() {
    // Autobahn 6.4: good, bad, good; the fault is the byte after 0xf4, past the last code point.
    let (good, bad, rest) = ("κόσμε".repeat(40), b"\xf4\x90", "edited".repeat(40));
    let text = [good.as_bytes(), bad, rest.as_bytes()].concat();
    let until_bad = good.len() + bad.len();

    let one_frame = whole(Text, &text);
    let header = one_frame.len() - text.len();
    assert_eq!(hear(&one_frame[..header + until_bad - 1]).violation, None);
    assert_eq!(refused(&one_frame[..header + until_bad]), Violation::InvalidUtf8);

    let begun = frame(Text, More, &text[..until_bad - 1]);
    let next = frame(Continuation, More, &text[until_bad - 1..]);
    assert_eq!(hear(&begun).violation, None);
    let header = next.len() - rest.len() - 1;
    assert_eq!(refused(&[&begun, &next[..=header]].concat()), Violation::InvalidUtf8);
}

#[test]
fn binary_messages_and_pings_need_not_be_text() {
    for bytes in INVALID {
        assert_eq!(said(&whole(Binary, bytes)), [Said::Binary(bytes.to_vec())]);
        let cut = [frame(Binary, More, bytes), whole(Ping, bytes), frame(Continuation, Final, "")];
        assert_eq!(said(&cut.concat()), [Said::Ping(bytes.to_vec()), Said::Binary(bytes.to_vec())]);
    }
}

// Group 7: close.
#[test]
fn a_close_frame_comes_with_its_code_and_reason() {
    assert_eq!(said(&whole(Close, "")), [Said::Close(None, String::new())]);
    assert_eq!(said(&close(1000, "")), [Said::Close(Some(1000), String::new())]);
    let longest = "é".repeat(REASON_MAX / 2) + "!";
    assert_eq!(longest.len(), REASON_MAX);
    assert_eq!(said(&close(1001, &longest)), [Said::Close(Some(1001), longest)]);
}

#[test]
fn every_close_code_is_allowed_or_refused_as_the_rfc_says() {
    for code in 0..=u16::MAX {
        let allowed = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        let mut heard = Heard::default();
        heard.read(&mut Decoder::default(), &close(code, ""), LIMITS);
        let expected = if allowed {
            Heard { said: vec![Said::Close(Some(code), String::new())], violation: None, frames: 1 }
        } else {
            Heard { said: vec![], violation: Some(Violation::BadCloseCode), frames: 0 }
        };
        assert_eq!(heard, expected, "{code}");
    }
}

#[test]
fn a_close_payload_of_one_byte_or_with_a_broken_reason_is_refused() {
    assert_eq!(refused(&whole(Close, [0x03])), Violation::HalfCloseCode);
    for bad in INVALID {
        assert_eq!(refused(&close(1000, bad)), Violation::InvalidUtf8, "{bad:x?}");
    }
}

#[test]
fn whatever_follows_a_close_frame_or_a_violation_is_dropped() {
    let bytes = [close(1000, ""), whole(Text, "late"), vec![0xff; 64]].concat();
    assert_eq!(hear(&bytes).said, [Said::Close(Some(1000), String::new())]);
    assert_eq!(hear(&bytes).violation, None);

    let bytes = [frame(Continuation, Final, ""), whole(Text, "late"), close(1000, "")].concat();
    assert_eq!(hear(&bytes).said, []);
    assert_eq!(hear(&bytes).violation, Some(Violation::StrayContinuation));
}

#[test]
fn a_close_frame_inside_a_fragmented_message_ends_it_and_frees_it() {
    let mut decoder = Decoder::default();
    let mut heard = Heard::default();
    heard.read(&mut decoder, &frame(Binary, More, [7; 1000]), LIMITS);
    assert!(decoder.held() >= 1000);
    heard.read(&mut decoder, &close(1001, "bye"), LIMITS);
    assert_eq!(heard.said, [Said::Close(Some(1001), "bye".into())]);
    assert_eq!(decoder.held(), 0);
}

// Group 9: limits.
const SMALL: Limits = Limits { binary: 300, text: 20 };

fn heard_within(limits: Limits, bytes: &[u8]) -> Heard {
    let mut heard = Heard::default();
    heard.read(&mut Decoder::default(), bytes, limits);
    heard
}

#[test]
fn each_kind_of_message_has_its_own_limit() {
    assert_eq!(heard_within(SMALL, &whole(Binary, [0; 300])).violation, None);
    assert_eq!(heard_within(SMALL, &whole(Binary, [0; 301])).violation, Some(Violation::TooLarge));
    assert_eq!(heard_within(SMALL, &whole(Text, [b'x'; 20])).violation, None);
    assert_eq!(heard_within(SMALL, &whole(Text, [b'x'; 21])).violation, Some(Violation::TooLarge));
    assert_eq!(heard_within(SMALL, &whole(Ping, [0; 125])).violation, None, "control frames have theirs");
}

#[test]
fn a_frame_over_the_limit_is_refused_at_its_header() {
    for length in [65_537, u64::from(u32::MAX) + 1, (1 << 63) - 1] {
        let header = [&[0x82, 0xff], &length.to_be_bytes()[..], &KEY].concat();
        assert_eq!(refused(&header), Violation::TooLarge, "{length}");
    }
}

#[test]
fn fragments_over_the_limit_in_sum_are_refused_at_the_header_that_passes_it() {
    let begun = [frame(Binary, More, [0; 200]), frame(Continuation, More, [0; 100])].concat();
    let header = &frame(Continuation, Final, [0])[..6];
    assert_eq!(heard_within(SMALL, &[&begun, header].concat()).violation, Some(Violation::TooLarge));
    let last = [begun, frame(Continuation, Final, "")].concat();
    assert_eq!(heard_within(SMALL, &last).said, [Said::Binary(vec![0; 300])]);
}

#[test]
fn endless_empty_fragments_are_counted_and_cost_no_memory() {
    let mut decoder = Decoder::default();
    let mut heard = Heard::default();
    heard.read(&mut decoder, &frame(Text, More, "x"), LIMITS);
    let held = decoder.held();
    let empty = frame(Continuation, More, "");
    for _ in 0..1000 {
        heard.read(&mut decoder, &empty.repeat(10), LIMITS);
    }
    assert_eq!(heard, Heard { said: vec![], violation: None, frames: 10_001 });
    assert_eq!(decoder.held(), held);
}

#[test]
fn an_announced_length_is_not_reserved_before_it_comes() {
    let bytes = whole(Binary, vec![0; 65_536]);
    let mut decoder = Decoder::default();
    let mut heard = Heard::default();
    heard.read(&mut decoder, &bytes[..14], LIMITS);
    assert!(decoder.held() < 256, "{} bytes held for a header", decoder.held());
    for (so_far, byte) in bytes.iter().enumerate().skip(14).take(2000) {
        heard.read(&mut decoder, &[*byte], LIMITS);
        assert!(decoder.held() <= 2 * so_far + 256);
    }
    heard.read(&mut decoder, &bytes[2014..], LIMITS);
    assert_eq!(heard.said, [Said::Binary(vec![0; 65_536])]);
}

#[test]
fn room_for_what_comes_grows_up_to_the_limit_and_no_further() {
    let bytes = whole(Binary, vec![0; 65_536]);
    let mut decoder = Decoder::default();
    for piece in bytes[..bytes.len() - 1].chunks(10_000) {
        Heard::default().read(&mut decoder, piece, LIMITS);
    }
    assert!(decoder.held() <= bytes.len() + 256, "{} bytes held", decoder.held());

    let mut decoder = Decoder::default();
    Heard::default().read(&mut decoder, &frame(Binary, More, vec![0; 40_000]), LIMITS);
    Heard::default().read(&mut decoder, &frame(Continuation, More, vec![0; 20_000]), LIMITS);
    assert!(decoder.held() <= 65_536 + 256, "{} bytes held", decoder.held());
}

#[test]
fn an_idle_connection_holds_nothing_and_its_state_is_two_words() {
    assert!(size_of::<Decoder>() <= 2 * size_of::<usize>());
    let mut decoder = Decoder::default();
    let bytes = [frame(Text, More, "a"), frame(Continuation, Final, "b"), whole(Binary, [1; 5000])].concat();
    for piece in bytes.chunks(100) {
        Heard::default().read(&mut decoder, piece, LIMITS);
    }
    assert_eq!(decoder.held(), 0);
}
