//! The test vectors in `schemas/vectors/`: made here from fixed keys, and the files must say the
//! same.
//!
//! `UPDATE_VECTORS=1 cargo test -p client vectors` rewrites them.

use std::cell::Cell;
use std::path::Path;

use rand::{CryptoRng, RngCore};
use serde_json::{Value, json};

use super::reference::{self, Transcript};
use super::*;
use crate::channel::crypto::sha256;
use crate::channel::message::{padded_len, parse};
use crate::channel::safety::EMOJI;
use crate::invite::{Invite, InviteLink, LinkError};

const PRIVATE_A: [u8; 32] = [0x0a; 32];
const PRIVATE_B: [u8; 32] = [0x0b; 32];
const PSK: [u8; 32] = [0x0c; 32];

thread_local! {
    /// Seeds the delay of acknowledgements, which no vector may depend on.
    pub(super) static JITTER: Cell<u64> = const { Cell::new(0) };
}

/// A "random" source that gives one key, and the seed of the jitter.
struct Fixed(Vec<u8>);

impl RngCore for Fixed {
    fn next_u32(&mut self) -> u32 {
        0
    }

    fn next_u64(&mut self) -> u64 {
        JITTER.get()
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        out.copy_from_slice(&self.0);
    }
}

impl CryptoRng for Fixed {}

pub(super) fn fixed_pair(psk: Option<[u8; 32]>) -> (Channel, Channel) {
    let meeting = psk.map_or(Meeting::Random, |psk| Meeting::Invite(Psk::new(psk)));
    let make = |side, key: [u8; 32]| {
        Channel::new(side, meeting.clone(), room(), &mut Fixed(key.to_vec()), Time::ZERO)
    };
    (make(Side::A, PRIVATE_A), make(Side::B, PRIVATE_B))
}

fn room() -> [u8; 16] {
    std::array::from_fn(|i| i as u8)
}

/// Compares with the file, or writes it.
pub(super) fn check(file: &str, vectors: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/vectors").join(file);
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(vectors).unwrap() + "\n";
        std::fs::write(&path, text).unwrap();
    }
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert!(written == *vectors, "{file} differs; UPDATE_VECTORS=1 rewrites it");
}

#[test]
fn handshake_vectors_hold() {
    let cases = [("matched at random", None), ("met by an invite", Some(PSK))].map(|(name, psk)| {
        let Transcript {
            public_a,
            public_b,
            commitment,
            prologue,
            message1,
            message2,
            shared_secret,
            hash,
            key_a_to_b,
            key_b_to_a,
        } = reference::handshake(psk.as_ref(), &room(), &PRIVATE_A, &PRIVATE_B);
        let (mut a, mut b) = fixed_pair(psk);
        let mut carry = |from_a: bool| {
            let (from, to) = if from_a { (&mut a, &mut b) } else { (&mut b, &mut a) };
            let frame = from.poll_frame().unwrap();
            to.handle_frame(Time::ZERO, &frame);
            frame
        };
        let frames = [carry(false), carry(true), carry(false), carry(true)];
        assert_eq!(parse(&frames[0]), Some(ChannelMessage::Handshake { step: Step::Commitment, body: &commitment }));
        assert_eq!(parse(&frames[1]), Some(ChannelMessage::Handshake { step: Step::Message1, body: &message1 }));
        assert_eq!(parse(&frames[2]), Some(ChannelMessage::Handshake { step: Step::Message2, body: &message2 }));
        assert_eq!(frames[3], sealed(&key_a_to_b, 0, &[0; 230]), "the acknowledgement of message 2");
        let safety = a.safety().unwrap();
        assert_eq!(Some(safety), b.safety());
        json!({
            "name": name,
            "noise": if psk.is_some() { "Noise_NNpsk0_25519_AESGCM_SHA256" } else { "Noise_NN_25519_AESGCM_SHA256" },
            "room": hex(&room()),
            "psk": psk.map(|psk| hex(&psk)),
            "a": { "private": hex(&PRIVATE_A), "public": hex(&public_a) },
            "b": { "private": hex(&PRIVATE_B), "public": hex(&public_b) },
            "commitment": hex(&commitment),
            "prologue": hex(&prologue),
            "message1": hex(&message1),
            "message2": hex(&message2),
            "shared_secret": hex(&shared_secret),
            "handshake_hash": hex(&hash),
            "key_a_to_b": hex(&key_a_to_b),
            "key_b_to_a": hex(&key_b_to_a),
            "safety": show(safety),
            "frames": {
                "commitment": hex(&frames[0]),
                "message1": hex(&frames[1]),
                "message2": hex(&frames[2]),
                "acknowledgement": hex(&frames[3]),
            },
        })
    });
    check("handshake.json", &json!({ "cases": cases, "keys_of_small_order": weak_keys() }));
}

/// Public keys whose shared secret with any key is zero.
fn weak_keys() -> Vec<String> {
    let keys = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    for key in keys {
        let (_, mut b) = fixed_pair(None);
        b.handle_frame(Time::ZERO, &message::handshake(Step::Message1, &unhex(key)));
        assert_eq!(events(&mut b), ended(ChannelEnd::WeakKey));
    }
    keys.map(str::to_owned).into()
}

fn show(safety: SafetyCode) -> Value {
    json!({
        "emoji": safety.emoji().map(|emoji| emoji.sign).concat(),
        "names": safety.emoji().map(|emoji| emoji.name),
        "numbers": safety.numbers(),
    })
}

#[test]
fn safety_vectors_hold() {
    let table: Vec<_> = EMOJI.iter().map(|(sign, name)| json!({ "emoji": sign, "name": name })).collect();
    let cases = [[0; 32], [0xff; 32], std::array::from_fn(|i| i as u8)].map(|hash: [u8; 32]| {
        let digest = sha256(&[b"cipher-chat.v1 safety\0", &hash]);
        let mut shown = show(SafetyCode::of(&hash));
        shown["handshake_hash"] = json!(hex(&hash));
        shown["digest"] = json!(hex(&digest));
        shown
    });
    check("safety.json", &json!({ "table": table, "cases": cases }));
}

/// A whole packet, by the reference.
fn sealed(key: &[u8; 32], number: u64, content: &[u8]) -> Vec<u8> {
    [&[1, 4], &number.to_be_bytes()[..], &reference::seal(key, number, &[], content)].concat()
}

#[test]
fn packet_vectors_hold() {
    let transcript = reference::handshake(None, &room(), &PRIVATE_A, &PRIVATE_B);
    let long = vec![b'x'; 8192];
    type Message<'a> = (u64, u8, &'a [u8]);
    let cases: [(&str, u64, u64, Vec<Message<'_>>); 7] = [
        ("an acknowledgement of nothing", 0, 0, vec![]),
        ("a text", 1, 0, vec![(1, 1, "안녕".as_bytes())]),
        ("the largest packet of 256 bytes", 2, 5, vec![(2, 1, &long[..210])]),
        ("the smallest packet of 512 bytes", 3, 5, vec![(2, 1, &long[..211])]),
        ("typing, a text and a goodbye", 4, 6, vec![(3, 2, &[1]), (4, 1, b"bye"), (5, 3, b"")]),
        ("the last number, acknowledging the last message", MAX_NUMBER - 1, MAX_NUMBER - 1, vec![]),
        ("the longest text", 5, 0, vec![(6, 1, &long)]),
    ];
    let cases = cases.map(|(name, number, acknowledged, messages)| {
        let mut writer = Writer::new(acknowledged);
        for &(number, kind, body) in &messages {
            assert!(writer.push(&Entry { number, kind, body }));
        }
        let content = writer.finish();
        let packet = sealed(&transcript.key_a_to_b, number, &content);
        let messages: Vec<_> = messages
            .iter()
            .map(|(number, kind, body)| json!({ "number": number, "kind": kind, "body": hex(body) }))
            .collect();
        let mut case = json!({
            "name": name, "number": number, "acknowledged": acknowledged, "messages": messages,
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

/// Contents (to be padded with zeros to 230 bytes) that `b`, having sent nothing, ends the chat
/// for.
fn refused_contents(transcript: &Transcript) -> Vec<Value> {
    let entry = |number: u64, kind: u8, length: u16, body: &[u8]| {
        [&[0; 8], &[1][..], &number.to_be_bytes(), &[kind], &length.to_be_bytes(), body].concat()
    };
    let mut late_filler = vec![0; 230];
    late_filler[229] = 1;
    let cases = [
        ("acknowledges what was never sent", [&1_u64.to_be_bytes()[..], &[0]].concat()),
        ("more messages than a window", [&[0; 8][..], &[65]].concat()),
        ("a filler that is not zero", late_filler),
        ("a body longer than the packet", entry(1, 1, 300, b"x")),
        ("message number 0", entry(0, 1, 1, b"x")),
        ("a message beyond the window", entry(65, 1, 1, b"x")),
        ("text that is not UTF-8", entry(1, 1, 2, b"\xc3\x28")),
        ("an empty text", entry(1, 1, 0, b"")),
        ("typing that is neither 0 nor 1", entry(1, 2, 1, &[2])),
        ("typing of two bytes", entry(1, 2, 2, &[1, 0])),
        ("a goodbye with a body", entry(1, 3, 1, b"x")),
    ];
    let refuse = |(name, mut content): (&str, Vec<u8>)| {
        content.resize(230, 0);
        let (mut a, mut b) = fixed_pair(None);
        settle(Time::ZERO, &mut a, &mut b);
        events(&mut b);
        b.handle_frame(Time::ZERO, &sealed(&transcript.key_a_to_b, 1, &content));
        let happened = events(&mut b);
        let Some(Event::Ended(reason)) = happened.last() else { panic!("{name}: {happened:?}") };
        json!({ "name": name, "reason": reason.word(), "content": hex(&content) })
    };
    cases.map(refuse).into()
}

/// Binary messages that are no message at all, for either side and at any time.
fn dropped_messages() -> Vec<Value> {
    let (_, mut b) = fixed_pair(None);
    let good = b.poll_frame().unwrap();
    let with = |index: usize, byte: u8| {
        let mut bad = good.clone();
        bad[index] = byte;
        bad
    };
    let mut large = good.clone();
    large.resize(512, 0);
    let cases = [
        ("nothing", vec![]),
        ("a byte too short", good[..255].to_vec()),
        ("a byte too long", [&good[..], &[0]].concat()),
        ("a handshake message of 512 bytes", large),
        ("version 0", with(0, 0)),
        ("version 2", with(0, 2)),
        ("kind 0", with(1, 0)),
        ("kind 5", with(1, 5)),
        ("a length beyond the message", with(2, 1)),
        ("a filler that is not zero", with(255, 1)),
    ];
    let drop = |(name, message): (&str, Vec<u8>)| {
        let (mut a, _) = fixed_pair(None);
        a.handle_frame(Time::ZERO, &message);
        assert_eq!((a.dropped().malformed, events(&mut a)), (1, vec![]), "{name}");
        json!({ "name": name, "message": hex(&message) })
    };
    cases.map(drop).into()
}

#[test]
fn padding_vectors_hold() {
    let lengths =
        [0, 1, 255, 256, 257, 511, 512, 513, 1024, 1025, 2048, 2049, 4096, 4097, 8192, 8193, 16384, 16385];
    let cases = lengths.map(|length| json!({ "length": length, "padded": padded_len(length) }));
    let costs = [0, 1, 210, 211, 466, 467, 978, 979, 8146, 8147, 8192];
    let costs = costs.map(|body| json!({ "body": body, "cost": crate::channel::packet::cost(body) }));
    check("padding.json", &json!({ "cases": cases, "window_costs": costs }));
}

#[test]
fn invite_vectors_hold() {
    let secrets: [[u8; 16]; 3] = [[0; 16], [0xff; 16], room()];
    let cases = secrets.map(|secret| {
        let invite = Invite::from_secret(secret);
        let (code, psk) = (invite.code(), hex(&invite.psk().0[..]));
        let words = invite.words().to_string();
        let link = InviteLink { origin: "https://chat.example".to_owned(), invite }.to_string();
        json!({ "secret": hex(&secret), "link": link, "words": words, "code": code, "psk": psk })
    });
    let refused = [
        "https://chat.example/",
        "https://chat.example/#",
        "https://chat.example/#AAECAwQFBgcICQoLDA0OD",
        "https://chat.example/#AAECAwQFBgcICQoLDA0ODx",
        "https://chat.example/#AAECAwQFBgcICQoLDA0ODw=",
        "https://chat.example/#AAECAwQFBgcICQoLDA0O+/",
        "https://chat.example/room#AAECAwQFBgcICQoLDA0ODw",
        "https://user@chat.example/#AAECAwQFBgcICQoLDA0ODw",
        "ftp://chat.example/#AAECAwQFBgcICQoLDA0ODw",
    ];
    assert!(refused.iter().all(|link| InviteLink::parse(link).is_err()));
    let vectors = json!({
        "cases": cases,
        "accepted_links": accepted_links(),
        "refused_links": refused,
        "accepted_words": accepted_words(),
        "refused_words": refused_words(),
    });
    check("invite.json", &vectors);
}

/// Links as people paste them, all with the secret 00…0f.
fn accepted_links() -> Vec<String> {
    let link = "https://chat.example/#AAECAwQFBgcICQoLDA0ODw";
    let around = [
        ("", "."),
        ("", ")"),
        ("(", ")."),
        ("<", ">"),
        ("“", "”"),
        (" ", "\r\n"),
        ("", "%20"),
        ("", "\u{200b}"),
        ("", "%E2%80%8B"),
        ("", "。"),
        ("", "?!"),
    ];
    let links: Vec<_> = around.iter().map(|(before, after)| format!("{before}{link}{after}")).collect();
    for pasted in &links {
        assert_eq!(InviteLink::parse(pasted).unwrap().to_string(), link);
    }
    links
}

/// Words as people write them, all with the secret 00…0f.
fn accepted_words() -> [&'static str; 4] {
    let forms = [
        "abandon amount liar amount expire adjust cage candy arch gather drum buyer",
        "  Abandon, Amount, Liar, Amount, Expire, Adjust, Cage, Candy, Arch, Gather, Drum, Buyer.  ",
        "ABAN AMOU LIAR AMOU EXPI ADJU CAGE CAND ARCH GATH DRUM BUYE",
        "1. abandon\n2. amount\n3. liar\n4. amount\n5. expire\n6. adjust\n7. cage\n8. candy\n9. arch\n10. gather\n11. drum\n12. buyer",
    ];
    assert!(forms.iter().all(|form| Invite::from_words(form) == Ok(Invite::from_secret(room()))));
    forms
}

/// Words that are no invite, and why.
fn refused_words() -> Vec<Value> {
    let forms = [
        ("", LinkError::WordCount(0)),
        ("abandon amount liar amount expire adjust cage candy arch gather drum", LinkError::WordCount(11)),
        (
            "abandon amount liar amount expire adjust cage candy arch gather drum buyer buyer",
            LinkError::WordCount(13),
        ),
        (
            "abandon amount lyre amount expire adjust cage candy arch gather drum buyer",
            LinkError::UnknownWord(3),
        ),
        ("aba amount liar amount expire adjust cage candy arch gather drum buyer", LinkError::UnknownWord(1)),
        ("amount abandon liar amount expire adjust cage candy arch gather drum buyer", LinkError::Checksum),
        ("abandon amount liar amount expire adjust cage candy arch gather drum zoo", LinkError::Checksum),
    ];
    let told = forms.map(|(words, fault)| {
        assert_eq!(Invite::from_words(words), Err(fault), "{words}");
        let (fault, number) = match fault {
            LinkError::WordCount(count) => ("count", Some(count)),
            LinkError::UnknownWord(number) => ("unknown", Some(number)),
            _ => ("checksum", None),
        };
        json!({ "words": words, "fault": fault, "number": number })
    });
    told.into()
}
