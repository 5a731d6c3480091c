//! Bytes read as what a client sends behind its handshake, and in which pieces. The record layer
//! and rustls's own connection are given the same, and must make the same of it. The fuzz target
//! and tests of the crate share this.

#![allow(clippy::unwrap_used, reason = "test code: what fails here is the test")]

mod client;
mod provider;
mod server;
mod story;

use client::Client;
use rustls::AlertDescription;
use server::{Ours, Server, Theirs};
use story::{Deed, Story};

/// How a server's reading stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    GoesOn,
    /// By the client's `close_notify`.
    Closed,
    Failed,
}

/// What a server has made of everything so far.
#[derive(Debug, PartialEq)]
struct Verdict {
    plain: Vec<u8>,
    reading: Reading,
    /// What its client has been sent: level and description of each alert.
    alerts: Vec<[u8; 2]>,
    /// And the application's bytes.
    answers: Vec<u8>,
}

/// One connection to each of the servers, in the same state.
struct Comparison {
    ours: (Ours, Client),
    theirs: (Theirs, Client),
    /// What the client has sent and nobody has read.
    under_way: Vec<u8>,
    /// Something was sent of which the record layer may think less than rustls does.
    questionable: bool,
}

/// Runs the story that `bytes` tell. Panics where the record layer and rustls differ.
pub(crate) fn run(bytes: &[u8]) {
    let mut story = Story::new(bytes);
    let suite = story.suite();
    let mut both = Comparison {
        ours: client::shake_hands(Ours::new(), suite),
        theirs: client::shake_hands(Theirs::new(), suite),
        under_way: Vec::new(),
        questionable: false,
    };
    while let Some(deed) = story.next_deed() {
        if !both.act(deed, &mut story) {
            return;
        }
    }
    both.deliver(usize::MAX);
}

impl Comparison {
    /// Whether it goes on.
    fn act(&mut self, deed: Deed, story: &mut Story<'_>) -> bool {
        match deed {
            Deed::Deliver { piece } => return self.deliver(piece),
            Deed::Answer(text) => {
                self.ours.0.write(&text);
                self.theirs.0.write(&text);
                return self.agree();
            }
            Deed::Close => {
                self.ours.0.close();
                self.theirs.0.close();
                self.agree();
                return false;
            }
            Deed::Send(record) => {
                let (sealed, questionable) = story.seal(record, &mut self.ours.1);
                self.questionable |= questionable;
                self.under_way.extend(sealed);
            }
        }
        true
    }

    /// Both servers read what is under way, in pieces of at most this size. Whether they go on.
    fn deliver(&mut self, piece: usize) -> bool {
        let sent = std::mem::take(&mut self.under_way);
        sent.chunks(piece.clamp(1, sent.len().max(1))).all(|piece| {
            self.ours.0.read(piece);
            self.theirs.0.read(piece);
            self.agree()
        })
    }

    /// Compares the two. Whether both go on.
    fn agree(&mut self) -> bool {
        let (ours, theirs) = (verdict(&mut self.ours), verdict(&mut self.theirs));
        let differ = || format!("{ours:?}\n{theirs:?}");
        assert_eq!(ours.answers, theirs.answers);
        if ours == theirs {
            return ours.reading == Reading::GoesOn;
        }
        assert_eq!(ours.reading, Reading::Failed, "{}", differ());
        let (last, before) = ours.alerts.split_last().unwrap_or_else(|| panic!("{}", differ()));
        let unexpected = [2, AlertDescription::UnexpectedMessage.into()];
        let overflow = [2, AlertDescription::RecordOverflow.into()];
        if theirs.reading == Reading::Failed && theirs.alerts == before && *last == unexpected {
            // rustls has failed without a word, having read as much.
            assert_eq!(ours.plain, theirs.plain);
            return false;
        }
        assert!(self.questionable && theirs.alerts.starts_with(before), "{}", differ());
        assert!([unexpected, overflow].contains(last), "{}", differ());
        assert!(theirs.plain.starts_with(&ours.plain), "{}", differ());
        false
    }
}

fn verdict<S: Server>((server, client): &mut (S, Client)) -> Verdict {
    client.read(&server.written());
    let (alerts, answers) = (client.alerts.clone(), client.plain.clone());
    Verdict { plain: server.plain().to_vec(), reading: server.reading(), alerts, answers }
}
