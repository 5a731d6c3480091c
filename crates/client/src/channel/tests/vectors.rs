//! The test vectors in `schemas/vectors/`: made here from fixed keys, and the files must say the
//! same.
//!
//! `UPDATE_VECTORS=1 cargo test -p client vectors` rewrites them.

use std::cell::Cell;
use std::path::Path;

use serde_json::{Value, json};

use super::reference::{self, Drawn, Transcript, packet};
use super::*;
use crate::channel::crypto::sha256;
use crate::channel::message::{padded_len, parse};
use crate::channel::safety::EMOJI;
use crate::invite::{Invite, InviteLink, LinkError};

const PRIVATE_A: [u8; 32] = [0x0a; 32];
const PSK: [u8; 32] = [0x0c; 32];

thread_local! {
    /// Seeds the delay of acknowledgements, which no vector may depend on.
    pub(super) static JITTER: Cell<u64> = const { Cell::new(0) };
}

fn drawn() -> Drawn {
    Drawn {
        private_a: PRIVATE_A,
        private_b: [0x0b; 32],
        seed: std::array::from_fn(|i| i as u8),
        message: [0x0d; 32],
        nonce: [0x0e; 32],
    }
}

pub(super) fn fixed_pair(psk: Option<[u8; 32]>) -> (Channel, Channel) {
    let meeting = psk.map_or(Meeting::Random, |psk| Meeting::Invite(Psk::new(psk)));
    let drawn = drawn();
    let kem = reference::kem(&drawn.seed, &drawn.message);
    let a = Secrets::fixed_a(drawn.private_a, &kem.expanded, drawn.nonce).unwrap();
    let b = Secrets::fixed_b(drawn.private_b, kem.ciphertext, kem.secret);
    let make = |side, secrets| {
        Channel::with_secrets(side, meeting.clone(), room(), secrets, JITTER.get(), Time::ZERO)
    };
    (make(Side::A, a), make(Side::B, b))
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
        let drawn = drawn();
        let transcript = reference::handshake(psk.as_ref(), &room(), &drawn);
        let (mut a, mut b) = fixed_pair(psk);
        let mut carry = |from_a: bool| {
            let (from, to) = if from_a { (&mut a, &mut b) } else { (&mut b, &mut a) };
            let frame = from.poll_frame().unwrap();
            to.handle_frame(Time::ZERO, &frame);
            frame
        };
        let frames = [carry(true), carry(false), carry(true)];
        let Transcript { message1, message2, key_a_to_b, .. } = &transcript;
        assert_eq!(
            parse(&frames[0]),
            Some(ChannelMessage::Handshake { step: Step::Message1, body: message1 })
        );
        assert_eq!(
            parse(&frames[1]),
            Some(ChannelMessage::Handshake { step: Step::Message2, body: message2 })
        );
        let opening = opening(&drawn.nonce);
        assert_eq!(frames[2], packet(key_a_to_b, 0, 0, &opening), "the opening");
        let safety = a.safety().unwrap();
        assert_eq!(Some(safety), b.safety());
        let mut case = show_transcript(&transcript, &drawn);
        case["name"] = json!(name);
        case["noise"] = json!(reference::name(psk.as_ref()));
        case["room"] = json!(hex(&room()));
        case["psk"] = json!(psk.map(|psk| hex(&psk)));
        case["safety"] = show(safety);
        case["frames"] =
            json!({ "message1": hex(&frames[0]), "message2": hex(&frames[1]), "opening": hex(&frames[2]) });
        case
    });
    let vectors = json!({
        "cases": cases,
        "keys_of_small_order": weak_keys(),
        "refused_handshakes": refused_handshakes(),
    });
    check("handshake.json", &vectors);
}

/// The content of `a`'s first packet: it acknowledges nothing, and has message 1, the opening.
fn opening(nonce: &[u8; 32]) -> Vec<u8> {
    let mut writer = Writer::new(0);
    assert!(writer.push(&Entry { number: 1, kind: 4, body: nonce }));
    writer.finish().to_vec()
}

fn show_transcript(transcript: &Transcript, drawn: &Drawn) -> Value {
    let epochs = |key: &[u8; 32]| {
        let first = reference::next_epoch(key);
        json!([hex(key), hex(&first), hex(&reference::next_epoch(&first))])
    };
    let kem = &transcript.kem;
    let steps: Vec<_> =
        transcript.steps.iter().map(|(step, value)| json!({ "step": step, "value": hex(value) })).collect();
    json!({
        "a": {
            "private": hex(&drawn.private_a),
            "public": hex(&transcript.public_a),
            "kem_d": hex(&drawn.seed[..32]),
            "kem_z": hex(&drawn.seed[32..]),
            "kem_decapsulation_key": hex(&kem.expanded),
            "kem_encapsulation_key": hex(&kem.encapsulation_key),
            "nonce": hex(&drawn.nonce),
        },
        "b": {
            "private": hex(&drawn.private_b),
            "public": hex(&transcript.public_b),
            "kem_m": hex(&drawn.message),
        },
        "commitment": hex(&transcript.commitment),
        "prologue": hex(&transcript.prologue),
        "message1": hex(&transcript.message1),
        "ciphertext": hex(&kem.ciphertext),
        "message2": hex(&transcript.message2),
        "x25519_secret": hex(&transcript.shared_secret),
        "kem_secret": hex(&kem.secret),
        "noise_steps": steps,
        "handshake_hash": hex(&transcript.hash),
        "noise_key_a_to_b": hex(&transcript.noise_a_to_b),
        "noise_key_b_to_a": hex(&transcript.noise_b_to_a),
        "key_a_to_b": hex(&transcript.key_a_to_b),
        "key_b_to_a": hex(&transcript.key_b_to_a),
        "epochs_a_to_b": epochs(&transcript.key_a_to_b),
        "epochs_b_to_a": epochs(&transcript.key_b_to_a),
    })
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
    let message1 = reference::handshake(None, &room(), &drawn()).message1;
    for key in keys {
        let (_, mut b) = fixed_pair(None);
        let body = [&unhex(key)[..], &message1[32..]].concat();
        b.handle_frame(Time::ZERO, &message::handshake(Step::Message1, &body));
        assert_eq!(events(&mut b), ended(ChannelEnd::WeakKey));
    }
    keys.map(str::to_owned).into()
}

/// Handshake messages that end the chat of a side that is not secured, with the reason. `b` draws its
/// randomness itself here: what is refused does not depend on it.
fn refused_handshakes() -> Vec<Value> {
    let without = reference::handshake(None, &room(), &drawn());
    let with = reference::handshake(Some(&PSK), &room(), &drawn());
    let changed = |body: &[u8], at: usize, byte: u8| {
        let mut body = body.to_vec();
        body[at] ^= byte;
        body
    };
    let mut beyond = without.message1.clone();
    // The first coefficient of the key: 4095, above the modulus 3329.
    (beyond[32], beyond[33]) = (0xff, beyond[33] | 0x0f);
    let weak_and_beyond = [&[0; 32][..], &beyond[32..]].concat();
    let zero = [&[0; 32][..], &without.message2[32..]].concat();
    let cases = [
        ("message 1 a byte too short", Side::B, None, without.message1[1..].to_vec()),
        ("message 1 with a tag, and no psk", Side::B, None, with.message1.clone()),
        ("message 1 without a tag, and a psk", Side::B, Some(PSK), without.message1.clone()),
        ("message 1 with a wrong tag", Side::B, Some(PSK), changed(&with.message1, 40, 1)),
        ("a coefficient of ek beyond the modulus", Side::B, None, beyond),
        ("a coefficient of ek beyond the modulus, and e_a of small order", Side::B, None, weak_and_beyond),
        ("message 2 a byte too long", Side::A, None, [&without.message2[..], &[0]].concat()),
        ("message 2 with e_b of small order", Side::A, None, zero),
        ("message 2 with a changed ciphertext", Side::A, None, changed(&without.message2, 100, 1)),
        ("message 2 with a wrong tag", Side::A, Some(PSK), changed(&with.message2, 1135, 1)),
    ];
    let refuse = |(name, side, psk, body): (&str, Side, Option<[u8; 32]>, Vec<u8>)| {
        let (mut channel, step, letter) = match side {
            Side::A => (fixed_pair(psk).0, Step::Message2, "a"),
            Side::B => {
                let meeting = psk.map_or(Meeting::Random, |psk| Meeting::Invite(Psk::new(psk)));
                let mut rng = StdRng::seed_from_u64(1);
                (Channel::new(Side::B, meeting, room(), &mut rng, Time::ZERO), Step::Message1, "b")
            }
        };
        channel.handle_frame(Time::ZERO, &message::handshake(step, &body));
        let happened = events(&mut channel);
        let [Event::Ended(reason)] = happened[..] else { panic!("{name}: {happened:?}") };
        json!({
            "name": name, "to": letter, "psk": psk.map(|psk| hex(&psk)), "body": hex(&body),
            "reason": reason.word(),
        })
    };
    cases.map(refuse).into()
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
        let nonce = drawn().nonce;
        let digest = sha256(&[b"cipher-chat.v2 safety\0", &hash, &nonce]);
        let mut shown = show(SafetyCode::of(&hash, &nonce));
        shown["nonce"] = json!(hex(&nonce));
        shown["handshake_hash"] = json!(hex(&hash));
        shown["digest"] = json!(hex(&digest));
        shown
    });
    check("safety.json", &json!({ "table": table, "cases": cases }));
}

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
