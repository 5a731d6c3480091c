//! Rules of the screen, one by one: what goes in, what comes out, and what is there to be seen.

mod earlier;
mod ending;
mod meeting;
mod reading;
mod writing;

use schemas::outlook::Outlook;
use std::{sync::LazyLock, time::Duration};

use client::{
    Closed,
    channel::{Channel, Meeting, MessageNumber, SafetyCode, Secrets, Side, Time, Typing},
    chat::{End, Event},
};
use ratatui::layout::Size;
use zeroize::Zeroizing;

use super::*;
use crate::{
    clock::ClockTime,
    keys::Key,
    log::{EntryId, EntryKind, Mark},
    state::*,
};

/// A model whose clock moves by one second with each input.
pub(crate) struct Harness {
    pub(crate) model: Model,
    pub(crate) now: Duration,
}

impl Harness {
    /// At the very beginning.
    pub(crate) fn with(meeting: MeetingKind, width: u16, height: u16) -> Self {
        let mut harness = Self { model: Model::new(meeting), now: Duration::ZERO };
        assert_eq!(harness.give(Input::Resized(Size { width, height })), [Effect::Redraw]);
        assert_eq!(harness.give(Input::Opened), [Effect::Find]);
        harness
    }

    /// Looking for anybody in a usual terminal.
    pub(crate) fn looking() -> Self {
        Self::with(MeetingKind::Anybody, 80, 24)
    }

    /// In a chat.
    pub(crate) fn talking() -> Self {
        let mut harness = Self::looking();
        harness.meet();
        harness
    }

    pub(crate) fn meet(&mut self) {
        assert_eq!(self.handle_event(Event::Waiting(Outlook::default())), []);
        assert_eq!(self.handle_event(Event::Met), []);
        assert_eq!(self.handle_event(Event::Secured { safety: safety() }), []);
    }

    pub(crate) fn give(&mut self, input: Input) -> Vec<Effect> {
        self.model.handle(Moment { now: self.now, clock: ClockTime::at(9, 5) }, input)
    }

    pub(crate) fn handle_event(&mut self, event: Event) -> Vec<Effect> {
        self.give(Input::Chat(event))
    }

    /// The other says something.
    pub(crate) fn receive_text(&mut self, text: &str) {
        let event =
            Event::Message { number: number(1), text: text.into(), reply_to: None, vanishes_after: None };
        assert_eq!(self.handle_event(event), []);
    }

    pub(crate) fn press(&mut self, key: Key) -> Vec<Effect> {
        self.give(Input::Key(key))
    }

    /// Types without pressing Enter.
    pub(crate) fn write(&mut self, text: &str) -> Vec<Effect> {
        text.chars().flat_map(|c| self.press(Key::Write(c))).collect()
    }

    /// Types a line, and says what Enter did.
    pub(crate) fn line(&mut self, line: &str) -> Vec<Effect> {
        self.write(line);
        self.press(Key::Enter)
    }

    /// Says something that the channel takes as this number.
    pub(crate) fn send_text(&mut self, text: &str, n: u64) {
        let [Effect::Send(id)] = self.line(text)[..] else { panic!("{text} is not sent") };
        assert_eq!(self.give(Input::Sent(id, Ok(number(n)), None)), []);
    }

    pub(crate) fn paste(&mut self, text: &str) -> Vec<Effect> {
        self.give(Input::Pasted(Zeroizing::new(text.into())))
    }

    pub(crate) fn pass(&mut self, seconds: u64) -> Vec<Effect> {
        self.now += Duration::from_secs(seconds);
        self.give(Input::Tick)
    }

    fn end(&mut self, end: End) -> Vec<Effect> {
        self.handle_event(Event::Ended { end })
    }

    /// The own texts with what has become of them.
    fn marks(&self) -> Vec<(&str, Mark)> {
        let mine = self.model.screen.log.entries().filter_map(|entry| match &entry.kind {
            EntryKind::Text(text) => Some((text.text.as_str(), text.mark?)),
            EntryKind::Note(..) => None,
        });
        mine.collect()
    }

    /// What the other said.
    fn received(&self) -> Vec<&str> {
        let theirs = self.model.screen.log.entries().filter_map(|entry| match &entry.kind {
            EntryKind::Text(text) if text.mark.is_none() => Some(text.text.as_str()),
            _ => None,
        });
        theirs.collect()
    }

    fn notes(&self) -> Vec<&str> {
        let notes = self.model.screen.log.entries().filter_map(|entry| match &entry.kind {
            EntryKind::Note(note, _) => Some(note.as_str()),
            _ => None,
        });
        notes.collect()
    }

    fn notice(&self) -> &str {
        self.model.screen.notice.as_deref().unwrap_or("")
    }
}

/// The safety code of two real channels with the keys of the vectors.
pub(crate) fn safety() -> SafetyCode {
    channels().0.safety().unwrap()
}

/// The number of the `n`th text of a real channel.
pub(crate) fn number(n: u64) -> MessageNumber {
    static NUMBERS: LazyLock<Vec<MessageNumber>> = LazyLock::new(|| {
        let (_, mut channel) = channels();
        (0..8).map(|_| channel.send_text(Time::after_start(Duration::ZERO), "x").unwrap()).collect()
    });
    NUMBERS[usize::try_from(n).unwrap() - 1]
}

fn channels() -> (Channel, Channel) {
    let now = Time::after_start(Duration::ZERO);
    let vectors = include_str!("../../../../../schemas/vectors/handshake.json");
    let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
    let (case, a, b) = (&vectors["cases"][0], &vectors["cases"][0]["a"], &vectors["cases"][0]["b"]);
    let expanded = unhex(&a["kem_decapsulation_key"]);
    let secrets_a = Secrets::fixed_a(array(&a["private"]), &expanded, array(&a["nonce"])).unwrap();
    let ciphertext = unhex(&case["ciphertext"]);
    let secrets_b = Secrets::fixed_b(array(&b["private"]), ciphertext, array(&case["kem_secret"]));
    let channel =
        |side, secrets| Channel::with_secrets(side, Meeting::Random, array(&case["room"]), secrets, 0, now);
    let (mut a, mut b) = (channel(Side::A, secrets_a), channel(Side::B, secrets_b));
    loop {
        let frames: (Vec<_>, Vec<_>) = (
            std::iter::from_fn(|| a.poll_frame()).collect(),
            std::iter::from_fn(|| b.poll_frame()).collect(),
        );
        if frames.0.is_empty() && frames.1.is_empty() {
            return (a, b);
        }
        frames.0.iter().for_each(|frame| b.handle_frame(now, frame));
        frames.1.iter().for_each(|frame| a.handle_frame(now, frame));
    }
}

fn unhex(digits: &serde_json::Value) -> Vec<u8> {
    let digits = digits.as_str().unwrap();
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect()
}

fn array<const N: usize>(digits: &serde_json::Value) -> [u8; N] {
    unhex(digits).try_into().unwrap()
}

/// An invite to hand over.
pub(crate) fn handout() -> Handout {
    let link = "https://chat.example/#AAECAwQFBgcICQoLDA0ODw";
    let words = "abandon amount liar amount expire adjust cage candy arch gather drum buyer";
    Handout { link: Zeroizing::new(link.into()), words: Zeroizing::new(words.into()) }
}

/// The own texts that wait.
fn ids(harness: &Harness) -> Vec<EntryId> {
    harness.model.screen.log.waiting().collect()
}

/// How long the place of a peer is kept.
pub(crate) const KEPT: Duration = Duration::from_secs(180);

const ACTIVE: Effect = Effect::Typing(Typing::Active);
const IDLE: Effect = Effect::Typing(Typing::Idle);
