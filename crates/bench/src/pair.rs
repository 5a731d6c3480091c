//! Two people who meet by an invite of their own and chat: one task for both, which knows what each
//! of them sent.

mod meeting;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use client::Server;
use futures_util::FutureExt;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use super::{
    hint,
    ledger::{Ledger, Stamp},
    meet::MeetError,
    participant::{Participant, ParticipantEvent, SendOutcome},
    plan::{Content, Plan},
    tally::SharedTally,
};

/// How long the last messages may take to arrive, and lost connections to be resumed.
const LAST_MESSAGES_TIMEOUT: Duration = Duration::from_secs(20);
/// The same if only frames are missing that were in flight on a broken connection: they may still
/// arrive.
const STRAYS_TIMEOUT: Duration = Duration::from_secs(3);

/// How many messages of one side are kept that were due while there was no room for them. What is
/// due beyond that is not sent.
const HELD_MAX: usize = 256;

/// What the pairs of a process share.
pub(crate) struct Job {
    /// What they do.
    pub plan: Plan,
    /// The servers, each time with another one first.
    pub servers: Vec<Server>,
    /// What is counted.
    pub tally: SharedTally,
    /// Limits how many connect at once.
    pub connecting: Semaphore,
}

/// Two people in a chat.
pub(crate) struct Pair {
    pub(super) job: Arc<Job>,
    pub(super) number: u64,
    people: [Person; 2],
    chat: ChatState,
}

/// What came of flooding a peer that does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flood {
    /// Nothing yet.
    On,
    /// The server has closed the peer's connection.
    PeerClosed,
    /// The chat has ended.
    Over,
}

/// Whether the chat goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ChatState {
    /// It does.
    Open,
    /// The chat has ended; why.
    Over(String),
}

/// One of the two.
struct Person {
    participant: Participant,
    /// What this one has sent.
    ledger: Ledger,
    /// When the messages were due that could not be sent yet.
    held: VecDeque<Duration>,
    /// Since when the connection is lost.
    lost: Option<Instant>,
}

impl Pair {
    /// Each sends this many messages, one after the other has arrived.
    pub(crate) async fn exchange(&mut self, messages: u32) {
        for _ in 0..messages {
            for side in 0..2 {
                let due = self.now();
                self.send(side, due).await;
            }
            self.receive_rest().await;
        }
    }

    /// Sends a message of one side that was due at this time.
    pub(crate) async fn send(&mut self, side: usize, due: Duration) {
        let person = &mut self.people[side];
        if person.held.len() < HELD_MAX {
            person.held.push_back(due);
        } else {
            self.job.tally.sheet(self.number).counts.held_back += 1;
        }
        self.send_held(side).await;
    }

    /// Sends the messages of one side that were due, as far as there is room for them.
    pub(crate) async fn send_held(&mut self, side: usize) {
        let (size, number) = (self.job.plan.size, self.number);
        let person = &mut self.people[side];
        while let Some(due) = person.held.front().copied() {
            let stamp = Stamp { number: person.ledger.next_number(), due };
            match person.participant.send(stamp, size).await {
                SendOutcome::Sent => {
                    person.ledger.sent();
                    person.held.pop_front();
                    self.job.tally.sheet(number).counts.sent += 1;
                }
                SendOutcome::Full => return,
                SendOutcome::Over => return self.over("the chat ended"),
            }
        }
    }

    /// The next event of either side, and which side that is.
    pub(crate) async fn next_event(&mut self) -> (usize, ParticipantEvent) {
        let [a, b] = &mut self.people;
        let (side, event) = tokio::select! {
            event = a.participant.next_event() => (0, event),
            event = b.participant.next_event() => (1, event),
        };
        self.take(side, &event);
        (side, event)
    }

    /// Waits for messages in flight and for lost connections. Nothing more is sent.
    pub(crate) async fn receive_rest(&mut self) {
        let began = Instant::now();
        while self.chat == ChatState::Open && self.people.iter().any(Person::may_be_heard) {
            let waited_for = self.people.iter().any(Person::is_waited_for);
            let limit = if waited_for { LAST_MESSAGES_TIMEOUT } else { STRAYS_TIMEOUT };
            let Ok((side, event)) = timeout_at(began + limit, self.next_event()).await else { return };
            if event == ParticipantEvent::Room || event == ParticipantEvent::Resumed {
                self.send_held(side).await;
            }
        }
    }

    /// Closes the account of the chat: what has not arrived yet counts as lost.
    pub(crate) fn settle(&mut self) {
        let mut sheet = self.job.tally.sheet(self.number);
        for person in &mut self.people {
            sheet.counts.held_back += person.held.len() as u64;
            person.held.clear();
            sheet.close(&std::mem::take(&mut person.ledger));
        }
        if let ChatState::Over(why) = std::mem::replace(&mut self.chat, ChatState::Open) {
            sheet.counts.broken += 1;
            sheet.trouble(&why, 1);
        }
    }

    /// Both leave and close their connections.
    pub(crate) async fn part(mut self) {
        self.settle();
        let [a, b] = self.people;
        tokio::join!(a.participant.part(), b.participant.part());
    }

    /// How many of one side's messages are in flight.
    pub(crate) fn in_flight(&self, side: usize) -> u64 {
        let person = &self.people[side];
        person.ledger.awaited() + person.held.len() as u64
    }

    /// Whether the chat goes on.
    ///
    /// # Errors
    /// With what ended it.
    pub(crate) fn check(&self) -> Result<(), MeetError> {
        match &self.chat {
            ChatState::Open => Ok(()),
            ChatState::Over(why) => Err(MeetError::Over(why.clone())),
        }
    }

    /// Whether the chat goes on.
    pub(crate) fn goes_on(&self) -> bool {
        self.chat == ChatState::Open
    }

    /// The time since the start of this process.
    pub(crate) fn now(&self) -> Duration {
        self.job.tally.time(Instant::now())
    }

    fn take(&mut self, side: usize, event: &ParticipantEvent) {
        let now = Instant::now();
        let (me, peer) = (side, 1 - side);
        let mut sheet = self.job.tally.sheet(self.number);
        match event {
            ParticipantEvent::Message(Some(stamp)) => {
                drop(sheet);
                if self.people[peer].ledger.arrived(stamp.number) {
                    self.job.tally.delivered(self.number, stamp.due);
                }
            }
            ParticipantEvent::Message(None) => sheet.counts.foreign += 1,
            ParticipantEvent::Lost => {
                if self.people[me].lost.is_none() {
                    self.people[me].lost = Some(now);
                    sheet.counts.disconnected += 1;
                }
            }
            ParticipantEvent::Resumed => {
                if let Some(lost) = self.people[me].lost.take() {
                    sheet.counts.resumed += 1;
                    sheet.recovery.record(now - lost);
                    // The channel sends lost messages again; plain frames stay lost.
                    if self.job.plan.content == Content::Opaque {
                        self.people.iter_mut().for_each(|person| person.ledger.excuse());
                    }
                }
            }
            ParticipantEvent::Met => self.people[me].lost = None,
            ParticipantEvent::Limited => {
                sheet.counts.rate_limited += 1;
                sheet.trouble(hint::FIND_RATE, 1);
            }
            ParticipantEvent::Over(why) | ParticipantEvent::Closed(why) | ParticipantEvent::Refused(why) => {
                drop(sheet);
                self.over(why);
            }
            ParticipantEvent::Connected
            | ParticipantEvent::Away
            | ParticipantEvent::Room
            | ParticipantEvent::Other => {}
        }
    }

    /// Breaks both connections.
    pub(crate) async fn cut(&mut self) {
        for person in &mut self.people {
            person.participant.cut().await;
        }
    }

    /// Sends a message of one side that is not counted, and handles only events that are ready.
    pub(crate) async fn flood(&mut self, side: usize, size: usize) -> Flood {
        let person = &mut self.people[side];
        let stamp = Stamp { number: 0, due: Duration::ZERO };
        if person.participant.send(stamp, size).await == SendOutcome::Over {
            return Flood::Over;
        }
        while let Some(event) = person.participant.next_event().now_or_never() {
            match event {
                ParticipantEvent::Away => return Flood::PeerClosed,
                ParticipantEvent::Over(_) | ParticipantEvent::Closed(_) | ParticipantEvent::Refused(_) => {
                    return Flood::Over;
                }
                _ => {}
            }
        }
        Flood::On
    }

    fn over(&mut self, why: &str) {
        if self.chat == ChatState::Open {
            self.chat = ChatState::Over(why.to_owned());
        }
    }
}

impl Person {
    fn new(participant: Participant) -> Self {
        Self { participant, ledger: Ledger::default(), held: VecDeque::new(), lost: None }
    }

    fn is_waited_for(&self) -> bool {
        self.ledger.awaited() > 0 || !self.held.is_empty() || self.lost.is_some()
    }

    fn may_be_heard(&self) -> bool {
        self.is_waited_for() || self.ledger.outstanding() > 0
    }
}
