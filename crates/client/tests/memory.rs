//! Two channels that talk, with the allocator of the program: no key of a past epoch, no key of an
//! invite and no secret of the handshake is anywhere in this process, its stack included.
//!
//! The values are those of `schemas/vectors/handshake.json`. They are looked for as bytes, and kept
//! here in a form that is not found itself.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::{self, File};
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use client::channel::{Channel, Event, Meeting, Psk, Secrets, Side, Time};

#[global_allocator]
static ALLOCATOR: wipe::Wiping = wipe::Wiping;

/// Hides what is looked for.
const MASK: u8 = 0xa5;

/// More than any function of this test leaves behind on the stack.
const STACK: usize = 512 * 1024;

fn vectors() -> serde_json::Value {
    serde_json::from_str(include_str!("../../../schemas/vectors/handshake.json")).unwrap()
}

fn unhex(digits: &serde_json::Value, mask: u8) -> Vec<u8> {
    let digits = digits.as_str().unwrap();
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap() ^ mask).collect()
}

fn array<const N: usize>(digits: &serde_json::Value) -> [u8; N] {
    unhex(digits, 0).try_into().unwrap()
}

/// Overwrites what this test has left on the stack; what it calls has to do so by itself.
#[inline(never)]
fn wipe_own_stack() {
    black_box(&mut [0_u8; STACK]);
}

#[inline(never)]
fn channels(case: &serde_json::Value) -> [Channel; 2] {
    let (a, b) = (&case["a"], &case["b"]);
    let expanded = unhex(&a["kem_decapsulation_key"], 0);
    let secrets_a = Secrets::fixed_a(array(&a["private"]), &expanded, array(&a["nonce"])).unwrap();
    let secrets_b =
        Secrets::fixed_b(array(&b["private"]), unhex(&case["ciphertext"], 0), array(&case["kem_secret"]));
    let channel = |side, secrets| {
        let meeting = Meeting::Invite(Psk::new(array(&case["psk"])));
        Channel::with_secrets(side, meeting, array(&case["room"]), secrets, 0, Time::ZERO)
    };
    [channel(Side::A, secrets_a), channel(Side::B, secrets_b)]
}

/// Carries frames both ways. Returns the highest epoch that each side has sent a packet in.
fn carry(now: Time, [a, b]: &mut [Channel; 2]) -> [u32; 2] {
    let mut epochs = [0; 2];
    loop {
        let frames: Vec<_> = std::iter::from_fn(|| a.poll_frame()).collect();
        let answers: Vec<_> = std::iter::from_fn(|| b.poll_frame()).collect();
        if frames.is_empty() && answers.is_empty() {
            return epochs;
        }
        for (epoch, frames) in epochs.iter_mut().zip([&frames, &answers]) {
            let packets = frames.iter().filter(|frame| frame[1] == 3);
            let of_packets = packets.map(|frame| u32::from_be_bytes(frame[2..6].try_into().unwrap()));
            *epoch = of_packets.max().unwrap_or(0).max(*epoch);
        }
        frames.iter().for_each(|frame| b.handle_frame(now, frame));
        answers.iter().for_each(|frame| a.handle_frame(now, frame));
    }
}

/// Both send texts, in turn as the first, until both are in their third epoch.
fn talk(pair: &mut [Channel; 2]) {
    let mut epochs = [0; 2];
    for n in 0.. {
        let now = Time::after_start(Duration::from_millis(1000 * n));
        for turn in [n, n + 1] {
            pair[usize::from(turn % 2 == 1)].send_text(now, "a text").unwrap();
            let sent = carry(now, pair);
            epochs = [epochs[0].max(sent[0]), epochs[1].max(sent[1])];
        }
        if epochs == [2; 2] {
            return;
        }
        assert!(epochs.iter().all(|&epoch| epoch < 3), "they move on together");
        let later = now + Duration::from_millis(150);
        pair.iter_mut().for_each(|channel| channel.handle_timeout(later));
        carry(later, pair);
        for channel in &mut *pair {
            while let Some(event) = channel.poll_event() {
                assert!(!matches!(event, Event::Ended(_)), "{event:?}");
            }
        }
    }
}

/// How often each of the values, which are masked, is in the memory of this process.
fn count(masked: &[Vec<u8>]) -> Vec<usize> {
    let memory = File::open("/proc/self/mem").unwrap();
    let mut found = vec![0; masked.len()];
    let mut block = Vec::new();
    for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next().unwrap(), words.next().unwrap());
        if !rights.starts_with("rw") || line.ends_with("[vvar]") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let bound = |digits| u64::from_str_radix(digits, 16).unwrap();
        let (start, end) = (bound(start), bound(end));
        block.resize(usize::try_from(end - start).unwrap(), 0);
        // A part that is gone meanwhile holds nothing.
        if memory.read_exact_at(&mut block, start).is_err() {
            continue;
        }
        // Masked at once: the next reading of this block must not find what this one has read.
        block.iter_mut().for_each(|byte| *byte ^= MASK);
        for (value, found) in masked.iter().zip(&mut found) {
            *found += block.windows(8).filter(|window| *window == &value[..8]).count();
        }
        block.fill(0);
    }
    found
}

#[test]
fn past_keys_and_secrets_are_nowhere_in_memory() {
    let all = vectors();
    let case = &all["cases"][1];
    let now = |name: &str| unhex(&case[name], MASK);
    let gone = [
        ("psk", now("psk")),
        ("private key of a", unhex(&case["a"]["private"], MASK)),
        ("private key of b", unhex(&case["b"]["private"], MASK)),
        ("decapsulation key", unhex(&case["a"]["kem_decapsulation_key"], MASK)),
        ("z of the decapsulation key", unhex(&case["a"]["kem_z"], MASK)),
        ("secret of X25519", now("x25519_secret")),
        ("secret of ML-KEM", now("kem_secret")),
        ("Noise's key from a to b", now("noise_key_a_to_b")),
        ("Noise's key from b to a", now("noise_key_b_to_a")),
        ("first key from a to b", unhex(&case["epochs_a_to_b"][0], MASK)),
        ("first key from b to a", unhex(&case["epochs_b_to_a"][0], MASK)),
    ];
    let held = [unhex(&case["epochs_a_to_b"][2], MASK), unhex(&case["epochs_b_to_a"][2], MASK)];
    let mut pair = channels(case);
    wipe_own_stack();
    carry(Time::ZERO, &mut pair);
    assert!(pair[0].safety().is_some() && pair[0].safety() == pair[1].safety());
    let secrets: Vec<_> = gone.iter().map(|(_, value)| value.clone()).collect();
    // The first keys are in use until both have moved on; everything before them is gone already.
    assert_eq!(count(&secrets[..9]), [0; 9], "{:?}", gone.each_ref().map(|(name, _)| name));
    assert!(count(&secrets[9..]).iter().all(|&copies| copies > 0), "else nothing could be found");
    talk(&mut pair);
    assert!(count(&held).iter().all(|&copies| copies > 0), "both are in their third epoch");
    let found = count(&secrets);
    let found: Vec<_> = gone.iter().zip(found).filter(|(_, copies)| *copies > 0).collect();
    assert!(found.is_empty(), "{:?}", found.iter().map(|((name, _), n)| (name, n)).collect::<Vec<_>>());
    drop(pair);
    assert_eq!(count(&held), [0, 0], "after the end");
}
