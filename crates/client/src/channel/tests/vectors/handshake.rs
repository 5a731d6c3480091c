//! The handshake, the safety code, and what is refused.

use super::*;
use crate::channel::crypto::sha256;
use crate::channel::message::parse;
use crate::channel::safety::EMOJI;
use crate::channel::tests::reference::{Transcript, packet};

const PSK: [u8; 32] = [0x0c; 32];

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

/// Handshake messages that end the chat of a side that is not secured, with the reason. `b` draws
/// its randomness itself here: what is refused does not depend on it.
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
                let mut rng = StdRng::seed_from_u64(1);
                (Channel::new(Side::B, met_by(psk), room(), &mut rng, Time::ZERO), Step::Message1, "b")
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
