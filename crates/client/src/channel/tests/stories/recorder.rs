//! Writes down what one channel is told and what it does.

use serde_json::{Value, json};

use crate::channel::tests::{vectors::fixed_pair, *};

/// Tells one channel things, and writes down what it was told and what it did.
pub(super) struct Recorder {
    pub(super) channel: Channel,
    steps: Vec<Value>,
}

impl Recorder {
    /// Begins with a channel that is new; returns what it sends at once, too.
    pub(super) fn new(channel: Channel) -> (Self, Vec<Vec<u8>>) {
        let mut recorder = Self { channel, steps: Vec::new() };
        let sent = recorder.note(0, json!({ "input": "new" }));
        (recorder, sent)
    }

    /// Writes down an input at `ms`, and takes the frames that came of it.
    fn note(&mut self, ms: u64, mut step: Value) -> Vec<Vec<u8>> {
        let sent = frames(&mut self.channel);
        step["at"] = json!(ms);
        step["frames"] = sent.iter().map(|frame| hex(frame)).collect();
        step["events"] = events(&mut self.channel).iter().map(show).collect();
        // The delay of an acknowledgement is random, and with it this.
        if self.channel.inbound.acknowledge_at().is_none() {
            let next = self.channel.next_timeout().map(|next| next.since_start().as_millis());
            step["next_timeout"] = json!(next);
        }
        self.steps.push(step);
        sent
    }

    pub(super) fn hear(&mut self, ms: u64, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        for frame in frames {
            self.channel.handle_frame(at(ms), frame);
            sent.extend(self.note(ms, json!({ "input": "frame", "frame": hex(frame) })));
        }
        sent
    }

    pub(super) fn say(&mut self, ms: u64, text: &str) -> Vec<Vec<u8>> {
        let result = match self.channel.send_text(at(ms), text) {
            Ok(number) => json!(number.get()),
            Err(error) => json!(refusal(error)),
        };
        self.note(ms, json!({ "input": "send-text", "text": text, "result": result }))
    }

    /// Sends something else than a text.
    pub(super) fn send(&mut self, ms: u64, said: Said<'_>) -> Vec<Vec<u8>> {
        let heard = self.channel.inbound.in_order();
        let result = match self.channel.send(at(ms), said) {
            Ok(number) => json!(number.get()),
            Err(error) => json!(refusal(error)),
        };
        self.note(ms, json!({ "input": "send", "said": told(said, heard), "result": result }))
    }

    pub(super) fn typing(&mut self, ms: u64, typing: Typing) -> Vec<Vec<u8>> {
        self.channel.set_typing(at(ms), typing);
        self.note(ms, json!({ "input": "set-typing", "typing": word(typing) }))
    }

    pub(super) fn input(&mut self, ms: u64, name: &str) -> Vec<Vec<u8>> {
        let now = at(ms);
        match name {
            "timeout" => self.channel.handle_timeout(now),
            "link-down" => self.channel.link_down(now),
            "link-up" => self.channel.link_up(now),
            "peer-away" => self.channel.peer_away(now),
            "peer-online" => self.channel.peer_online(now),
            "bye" => self.channel.bye(now),
            "close" => self.channel.close(),
            _ => panic!("{name}"),
        }
        self.note(ms, json!({ "input": name }))
    }

    pub(super) fn story(self, name: &str, side: &str) -> Value {
        json!({ "name": name, "side": side, "steps": self.steps })
    }
}

fn word(typing: Typing) -> &'static str {
    match typing {
        Typing::Idle => "idle",
        Typing::Active => "active",
    }
}

fn refusal(error: SendError) -> &'static str {
    match error {
        SendError::NotSecured => "not-secured",
        SendError::Full => "full",
        SendError::TooLong => "too-long",
        SendError::Empty => "empty",
        SendError::NoSuchMessage => "no-such-message",
        SendError::NoHelper => "no-helper",
        SendError::Over => "over",
    }
}

/// What is said, as its writer says it.
fn told(said: Said<'_>, heard: u64) -> Value {
    match said {
        Said::Text(text) => json!({ "kind": "text", "text": text }),
        Said::Reply { to, text } => {
            json!({ "kind": "reply", "target": named(to, Whose::Own), "text": text })
        }
        Said::Reaction { to, reaction } => {
            json!({ "kind": "reaction", "target": named(to, Whose::Own), "text": reaction })
        }
        Said::Edit { number, text } => json!({ "kind": "edit", "number": number.get(), "text": text }),
        Said::Deletion { number } => json!({ "kind": "delete", "number": number.get() }),
        Said::Handover(_) => json!({ "kind": "handover" }),
        Said::Timer { seconds } => json!({ "kind": "timer", "seconds": seconds, "heard": heard }),
    }
}

/// A target as the side tells it that names it: `own` is a message of its own.
fn named(to: Target, by: Whose) -> Value {
    json!({ "own": to.whose == by, "number": to.number.get() })
}

pub(in crate::channel::tests) fn show(event: &Event) -> Value {
    match event {
        Event::Secured { safety } => json!({ "event": "secured", "numbers": safety.numbers() }),
        Event::Message { number, text, reply_to: None, .. } => {
            json!({ "event": "message", "number": number.get(), "text": text })
        }
        Event::Message { number, text, reply_to: Some(to), .. } => json!({
            "event": "reply", "number": number.get(), "target": named(*to, Whose::Peer), "text": text
        }),
        Event::Reaction { number, to, reaction } => json!({
            "event": "reaction", "number": number.get(), "target": named(*to, Whose::Peer), "text": reaction
        }),
        Event::Edited { number, edited, text } => {
            json!({ "event": "edit", "number": number.get(), "edits": edited.get(), "text": text })
        }
        Event::Deleted { number, deleted } => {
            json!({ "event": "delete", "number": number.get(), "deletes": deleted.get() })
        }
        Event::Timer { number, seconds, heard, .. } => {
            json!({ "event": "timer", "number": number.get(), "seconds": seconds, "heard": heard })
        }
        Event::Credential(_) => json!({ "event": "credential" }),
        Event::Handover(_) => json!({ "event": "handover" }),
        Event::Unknown { number } => json!({ "event": "unknown", "number": number.get() }),
        Event::Delivered { number } => json!({ "event": "delivered", "number": number.get() }),
        Event::PeerTyping(typing) => json!({ "event": "peer-typing", "typing": word(*typing) }),
        Event::PeerBye => json!({ "event": "peer-bye" }),
        Event::AllReceived => json!({ "event": "all-received" }),
        Event::WindowOpen => json!({ "event": "window-open" }),
        Event::NotDelivered { number } => json!({ "event": "not-delivered", "number": number.get() }),
        Event::Ended(reason) => json!({ "event": "ended", "reason": reason.word() }),
    }
}

/// Lets a channel that is not recorded hear something; returns what it sends.
pub(super) fn hear(channel: &mut Channel, ms: u64, heard: &[Vec<u8>]) -> Vec<Vec<u8>> {
    heard.iter().for_each(|frame| channel.handle_frame(at(ms), frame));
    frames(channel)
}

/// What `from` owes an acknowledgement for is acknowledged at `due`; `to` hears it at `heard`.
pub(super) fn acknowledge(from: &mut Channel, due: u64, to: &mut Recorder, heard: u64) -> Vec<Vec<u8>> {
    from.handle_timeout(at(due));
    to.hear(heard, &frames(from))
}

/// Both secured, `a` recorded, the opening acknowledged.
fn recorded_a() -> (Recorder, Channel) {
    let (a, mut b) = fixed_pair(None);
    let (mut a, message1) = Recorder::new(a);
    let opening = a.hear(20, &hear(&mut b, 15, &message1));
    hear(&mut b, 25, &opening);
    (a, b)
}

/// As `recorded_a`; and the opening is acknowledged, in 20 ms as the delay is measured from there.
pub(super) fn acknowledged_a() -> (Recorder, Channel) {
    let (mut a, mut b) = recorded_a();
    acknowledge(&mut b, 145, &mut a, 150);
    (a, b)
}

/// Both secured, `b` recorded.
pub(super) fn recorded_b() -> (Channel, Recorder) {
    let (mut a, b) = fixed_pair(None);
    let (mut b, _) = Recorder::new(b);
    let message2 = b.hear(15, &frames(&mut a));
    b.hear(25, &hear(&mut a, 20, &message2));
    let acknowledgement = b.input(150, "timeout");
    hear(&mut a, 160, &acknowledgement);
    (a, b)
}

/// Long frames and texts as what they are made of: a file that people can still open.
pub(super) fn shorten(mut story: Value) -> Value {
    for step in story["steps"].as_array_mut().into_iter().flatten() {
        for frame in step["frames"].as_array_mut().into_iter().flatten() {
            let bytes = unhex(frame.as_str().unwrap());
            if bytes.len() > 512 {
                *frame = json!({ "sha256": hex(&crate::channel::crypto::sha256(&[&bytes])) });
            }
        }
        if step["text"].as_str().is_some_and(|text| text.len() > 512) {
            step["text"] = json!({ "repeat": "x", "times": step["text"].as_str().unwrap().len() });
        }
    }
    story
}
