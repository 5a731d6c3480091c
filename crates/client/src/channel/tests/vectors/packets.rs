//! Packets, what is wrong in them, and their sizes.

use super::*;
use crate::channel::crypto::sha256;
use crate::channel::message::padded_len;
use crate::channel::packet::cost;
use crate::channel::tests::reference::{Transcript, packet};

#[test]
fn packet_vectors_hold() {
    let transcript = reference::handshake(None, &room(), &drawn());
    let long = vec![b'x'; 8192];
    type Message<'a> = (u64, u8, &'a [u8]);
    let cases: [(&str, u32, u64, u64, Vec<Message<'_>>); 9] = [
        ("the opening", 0, 0, 0, vec![(1, 4, &[0x0e; 32])]),
        ("an acknowledgement of nothing", 0, 1, 0, vec![]),
        ("a text", 0, 2, 0, vec![(2, 1, "안녕".as_bytes())]),
        ("the largest packet of 256 bytes", 0, 3, 5, vec![(3, 1, &long[..206])]),
        ("the smallest packet of 512 bytes", 0, 4, 5, vec![(3, 1, &long[..207])]),
        ("typing, a text and a goodbye", 0, 5, 6, vec![(4, 2, &[1]), (5, 1, b"bye"), (6, 3, b"")]),
        ("the last number, acknowledging the last message", 0, MAX_NUMBER - 1, MAX_NUMBER - 1, vec![]),
        ("the longest text", 0, 6, 0, vec![(7, 1, &long)]),
        ("a text in the next epoch", 1, 64, 1, vec![(8, 1, b"later")]),
    ];
    let cases = cases.map(|(name, epoch, number, acknowledged, messages)| {
        let mut writer = Writer::new(acknowledged);
        for &(number, kind, body) in &messages {
            assert!(writer.push(&Entry { number, kind, body }));
        }
        let content = writer.finish();
        let key = match epoch {
            0 => transcript.key_a_to_b,
            _ => reference::next_epoch(&transcript.key_a_to_b),
        };
        let packet = packet(&key, epoch, number, &content);
        let messages: Vec<_> = messages
            .iter()
            .map(|(number, kind, body)| json!({ "number": number, "kind": kind, "body": hex(body) }))
            .collect();
        let mut case = json!({
            "name": name, "epoch": epoch, "number": number, "acknowledged": acknowledged, "messages": messages,
            "size": packet.len(), "frame_sha256": hex(&sha256(&[&packet])),
        });
        if packet.len() <= 512 {
            case["content"] = json!(hex(&content));
            case["frame"] = json!(hex(&packet));
        }
        case
    });
    let vectors = json!({
        "key": hex(&transcript.key_a_to_b),
        "cases": cases,
        "contents_that_end_the_chat": refused_contents(&transcript),
        "binary_messages_that_are_dropped": dropped_messages(),
    });
    check("packets.json", &vectors);
}

/// Contents (to be padded with zeros to 226 bytes) that `b`, having sent nothing, ends the chat
/// for.
fn refused_contents(transcript: &Transcript) -> Vec<Value> {
    let entry = |number: u64, kind: u8, length: u16, body: &[u8]| {
        [&[0; 8], &[1][..], &number.to_be_bytes(), &[kind], &length.to_be_bytes(), body].concat()
    };
    let mut late_filler = vec![0; 226];
    late_filler[225] = 1;
    let cases = [
        ("acknowledges what was never sent", [&1_u64.to_be_bytes()[..], &[0]].concat()),
        ("more messages than a window", [&[0; 8][..], &[65]].concat()),
        ("a filler that is not zero", late_filler),
        ("a body longer than the packet", entry(2, 1, 300, b"x")),
        ("message number 0", entry(0, 1, 1, b"x")),
        ("a message beyond the window", entry(66, 1, 1, b"x")),
        ("text that is not UTF-8", entry(2, 1, 2, b"\xc3\x28")),
        ("an empty text", entry(2, 1, 0, b"")),
        ("typing that is neither 0 nor 1", entry(2, 2, 1, &[2])),
        ("typing of two bytes", entry(2, 2, 2, &[1, 0])),
        ("a goodbye with a body", entry(2, 3, 1, b"x")),
        ("a second opening", entry(2, 4, 32, &[0x0e; 32])),
    ];
    let refuse = |(name, mut content): (&str, Vec<u8>)| {
        content.resize(226, 0);
        let (mut a, mut b) = fixed_pair(None);
        settle(Time::ZERO, &mut a, &mut b);
        events(&mut b);
        b.handle_frame(Time::ZERO, &packet(&transcript.key_a_to_b, 0, 1, &content));
        let happened = events(&mut b);
        let Some(Event::Ended(reason)) = happened.last() else { panic!("{name}: {happened:?}") };
        json!({ "name": name, "reason": reason.word(), "content": hex(&content) })
    };
    cases.map(refuse).into()
}

/// Binary messages that are no message at all, for either side and at any time.
fn dropped_messages() -> Vec<Value> {
    let (mut a, _) = fixed_pair(None);
    let good = a.poll_frame().unwrap();
    let with = |index: usize, byte: u8| {
        let mut bad = good.clone();
        bad[index] = byte;
        bad
    };
    let mut large = good.clone();
    large.resize(4096, 0);
    let cases = [
        ("nothing", vec![]),
        ("a byte too short", good[..2047].to_vec()),
        ("a byte too long", [&good[..], &[0]].concat()),
        ("a handshake message of 4096 bytes", large),
        ("a handshake message of 256 bytes", good[..256].to_vec()),
        ("version 0", with(0, 0)),
        ("version 1", with(0, 1)),
        ("version 3", with(0, 3)),
        ("kind 0", with(1, 0)),
        ("kind 4", with(1, 4)),
        ("a length beyond the message", with(2, 8)),
        ("a filler that is not zero", with(2047, 1)),
    ];
    let drop = |(name, message): (&str, Vec<u8>)| {
        let (_, mut b) = fixed_pair(None);
        b.handle_frame(Time::ZERO, &message);
        assert_eq!((b.dropped().malformed, events(&mut b)), (1, vec![]), "{name}");
        json!({ "name": name, "message": hex(&message) })
    };
    cases.map(drop).into()
}

#[test]
fn padding_vectors_hold() {
    let lengths =
        [0, 1, 255, 256, 257, 511, 512, 513, 1024, 1025, 2048, 2049, 4096, 4097, 8192, 8193, 16384, 16385];
    let cases = lengths.map(|length| json!({ "length": length, "padded": padded_len(length) }));
    let costs = [0, 1, 206, 207, 462, 463, 974, 975, 8142, 8143, 8192];
    let costs = costs.map(|body| json!({ "body": body, "cost": cost(body) }));
    check("padding.json", &json!({ "cases": cases, "window_costs": costs }));
}
