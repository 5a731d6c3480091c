//! Bytes read as a story of two channels and a hostile world between them. The fuzz target and a
//! bounded test share it.
//!
//! The channels have the fixed keys of `schemas/vectors/handshake.json`, so the world can also seal
//! what no honest peer would: authenticated nonsense.

#![expect(clippy::expect_used, reason = "test code: what fails here are the fixed vectors")]

use std::sync::LazyLock;
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use client::channel::{Channel, Event, Meeting, MessageNumber, Said, Secrets, Side, Target, Time, Typing};

/// Frames under way; more are lost.
const UNDER_WAY_MAX: usize = 64;
/// No single input makes a channel send more: a full window, a packet each, and an acknowledgement.
const FRAMES_MAX: usize = 66;
/// Time-outs that may be due at one moment.
const TIMEOUTS_MAX: usize = 8;

static VECTORS: LazyLock<serde_json::Value> = LazyLock::new(|| {
    let text = include_str!("../../../schemas/vectors/handshake.json");
    serde_json::from_str(text).expect("the vectors are JSON")
});

struct Story<'a> {
    bytes: &'a [u8],
    now: Time,
    channels: [Channel; 2],
    /// Receiver and frame.
    under_way: Vec<(usize, Vec<u8>)>,
    sent: [Vec<String>; 2],
    heard: [Vec<String>; 2],
    ended: [bool; 2],
    /// No authenticated nonsense so far: both sides keep to the rules.
    honest: bool,
}

/// Runs the story that `bytes` tell. Panics if a channel misbehaves.
pub(crate) fn run(bytes: &[u8]) {
    let mut story = Story::new(bytes);
    story.drain();
    if story.next_byte().is_some_and(|byte| byte % 4 != 0) {
        // Most stories begin with the handshake done; the others may spoil it.
        (0..3).for_each(|_| story.carry(0));
    }
    while let Some(operation) = story.next_byte() {
        story.act(operation);
        story.drain();
        story.check();
    }
    story.pass(Duration::from_secs(60));
}

impl<'a> Story<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let case = &VECTORS["cases"][0];
        let channel = |side, secrets| {
            Channel::with_secrets(side, Meeting::Random, array(&case["room"]), secrets, 0, Time::ZERO)
        };
        let (a, b) = (&case["a"], &case["b"]);
        let expanded = unhex(&a["kem_decapsulation_key"]);
        let secrets_a = Secrets::fixed_a(array(&a["private"]), &expanded, array(&a["nonce"]));
        let secrets_a = secrets_a.expect("an expanded key");
        let ciphertext = unhex(&case["ciphertext"]);
        let secrets_b = Secrets::fixed_b(array(&b["private"]), ciphertext, array(&case["kem_secret"]));
        Self {
            bytes,
            now: Time::ZERO,
            channels: [channel(Side::A, secrets_a), channel(Side::B, secrets_b)],
            under_way: Vec::new(),
            sent: Default::default(),
            heard: Default::default(),
            ended: [false; 2],
            honest: true,
        }
    }

    fn next_byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(byte)
    }

    /// A number below `limit`; 0 when the story runs out.
    fn number(&mut self, limit: usize) -> usize {
        let (high, low) = (self.next_byte().unwrap_or(0), self.next_byte().unwrap_or(0));
        usize::from(u16::from_be_bytes([high, low])) % limit.max(1)
    }

    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(len.min(self.bytes.len()));
        self.bytes = rest;
        taken
    }

    fn act(&mut self, operation: u8) {
        let side = usize::from(operation & 1);
        match operation >> 1 & 0x0f {
            0..=3 => {
                let place = self.next_byte().map_or(0, usize::from) % self.under_way.len().max(1);
                self.carry(place);
            }
            4 => drop((!self.under_way.is_empty()).then(|| self.under_way.remove(0))),
            5 => self.under_way.extend(self.under_way.first().cloned()),
            6 => self.spoil(),
            7 => {
                let len = self.number(600);
                let nonsense = self.take(len).to_vec();
                self.channels[side].handle_frame(self.now, &nonsense);
            }
            8 | 9 => self.talk(side),
            10 => {
                let typing = if self.number(2) == 0 { Typing::Idle } else { Typing::Active };
                self.channels[side].set_typing(self.now, typing);
            }
            11 => match self.number(4) {
                0 => self.channels[side].link_down(self.now),
                1 => self.channels[side].link_up(self.now),
                2 => self.channels[side].peer_away(self.now),
                _ => self.channels[side].peer_online(self.now),
            },
            12 | 13 => {
                let span = self.number(5000);
                self.pass(Duration::from_millis(span as u64));
            }
            14 => self.forge(side),
            _ => match self.number(8) {
                0 => self.channels[side].close(),
                1 => self.channels[side].bye(self.now),
                _ => self.channels[side].handle_timeout(self.now),
            },
        }
    }

    fn carry(&mut self, place: usize) {
        if place < self.under_way.len() {
            let (to, frame) = self.under_way.remove(place);
            self.channels[to].handle_frame(self.now, &frame);
            self.drain();
        }
    }

    fn spoil(&mut self) {
        let (place, bit) = (self.number(16384), self.number(9));
        let Some((_, frame)) = self.under_way.first_mut().filter(|(_, frame)| place < frame.len()) else {
            return;
        };
        match bit {
            8 => frame.truncate(place),
            bit => frame[place] ^= 1 << bit,
        }
    }

    /// Says something of any kind; what can be read is remembered.
    fn talk(&mut self, side: usize) {
        let (kind, len) = (self.number(8), self.number(9000));
        let text: String = (0..len).map(|i| char::from(b'a' + (i % 26) as u8)).collect();
        let number = MessageNumber::new(1 + self.number(100) as u64).expect("a small number");
        let to = if len % 2 == 0 { Target::own(number) } else { Target::peer(number) };
        let said = match kind {
            0 => Said::Reply { to, text: &text },
            1 => Said::Reaction { to, reaction: &text[..len.min(70)] },
            2 => Said::Edit { number, text: &text },
            3 => Said::Deletion { number },
            4 => Said::Timer { seconds: 10 * len as u32 },
            _ => Said::Text(&text),
        };
        let is_text = matches!(said, Said::Text(_) | Said::Reply { .. } | Said::Edit { .. });
        if self.channels[side].send(self.now, said).is_ok() && is_text {
            self.sent[side].push(text);
        }
    }

    /// Seals arbitrary content for `to`, in a packet of arbitrary number and any of three epochs.
    fn forge(&mut self, to: usize) {
        let keys = if to == 1 { "epochs_a_to_b" } else { "epochs_b_to_a" };
        let epoch = self.number(3);
        let key = unhex(&VECTORS["cases"][0][keys][epoch]);
        let number = match self.number(4) {
            0 => (1 << 53) - 1,
            _ => self.number(2000) as u64,
        };
        let len = self.number(226);
        let mut content = self.take(len).to_vec();
        content.resize(226, 0);
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&number.to_be_bytes());
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("32 bytes"));
        let nonce = Nonce::assume_unique_for_key(nonce);
        let header = [&[2, 3], &(epoch as u32).to_be_bytes()[..], &number.to_be_bytes()].concat();
        key.seal_in_place_append_tag(nonce, Aad::from(&header), &mut content).expect("a short content");
        let packet = [header, content].concat();
        self.honest = false;
        self.channels[to].handle_frame(self.now, &packet);
    }

    /// Lets time pass, waking the channels when they ask for it.
    fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        let mut at_this_moment = 0;
        loop {
            let next = self.channels.iter().filter_map(Channel::next_timeout).min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            at_this_moment = if next > self.now { 0 } else { at_this_moment + 1 };
            assert!(at_this_moment < TIMEOUTS_MAX, "a time-out that is always due");
            self.now = self.now.max(next);
            self.channels.iter_mut().for_each(|channel| channel.handle_timeout(self.now));
            self.drain();
        }
        self.now = until;
    }

    fn drain(&mut self) {
        for side in 0..2 {
            let mut frames = 0;
            while let Some(frame) = self.channels[side].poll_frame() {
                frames += 1;
                assert!(frame.len().is_power_of_two() && (256..=16384).contains(&frame.len()));
                if self.under_way.len() < UNDER_WAY_MAX {
                    self.under_way.push((1 - side, frame));
                }
            }
            assert!(frames <= FRAMES_MAX, "{frames} frames at once");
            while let Some(event) = self.channels[side].poll_event() {
                assert!(!self.ended[side], "{event:?} after the end");
                match event {
                    Event::Message { text, .. } | Event::Edited { text, .. } => self.heard[side].push(text),
                    Event::Ended(_) => self.ended[side] = true,
                    _ => {}
                }
            }
        }
    }

    fn check(&self) {
        for (me, other) in [(0, 1), (1, 0)] {
            let (heard, said) = (&self.heard[me], &self.sent[other]);
            assert!(!self.honest || said.starts_with(heard), "heard what was not said");
        }
    }
}

fn unhex(digits: &serde_json::Value) -> Vec<u8> {
    let digits = digits.as_str().expect("hex digits");
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).expect("hex")).collect()
}

fn array<const N: usize>(digits: &serde_json::Value) -> [u8; N] {
    unhex(digits).try_into().expect("as many bytes as asked for")
}
