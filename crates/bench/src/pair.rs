//! Two people who meet by an invite of their own and talk: one task for both, which knows what each of them sent.

use std::{collections::VecDeque, pin::pin, sync::Arc, time::Duration};

use client::{Server, invite::Invite};
use futures_util::FutureExt;
use schemas::criteria::Role;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout, timeout_at},
};

use super::{
    hint,
    ledger::{Ledger, Stamp},
    meet::{MEETING_PATIENCE, MeetError},
    member::{GOODBYE_PATIENCE, Heard, Member, Said},
    plan::{Content, Plan},
    tally::Board,
};

/// How long the last messages may take, and whoever lost the connection to be back.
const LAST_WORDS_PATIENCE: Duration = Duration::from_secs(20);
/// The same where nobody is waited for, but frames that a broken connection had on its way: they may yet turn up.
const STRAYS_PATIENCE: Duration = Duration::from_secs(3);

/// Messages of one side that were due while there was no room for them; what is due beyond that is not sent.
const HELD_MAX: usize = 256;

/// What the pairs of a process have in common.
pub(crate) struct Job {
    /// What is to be done.
    pub plan: Plan,
    /// The service, from each of its addresses.
    pub servers: Vec<Server>,
    /// What is counted.
    pub board: Board,
    /// How many connect at once.
    pub doors: Semaphore,
}

/// Two people in a chat.
pub(crate) struct Pair {
    pub(super) job: Arc<Job>,
    pub(super) number: u64,
    people: [Person; 2],
    chat: Standing,
}

/// How it stands with sending to somebody who does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flood {
    /// It goes on.
    On,
    /// The server has closed the connection of whoever does not read.
    PeerClosed,
    /// The chat is over.
    Over,
}

/// Whether there is anything to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    /// There is.
    Open,
    /// The chat has ended; why.
    Over(String),
}

/// One of the two.
struct Person {
    member: Member,
    /// What this one says.
    ledger: Ledger,
    /// What is due and could not be said yet.
    held: VecDeque<Duration>,
    /// Since when there is no connection.
    lost: Option<Instant>,
}

impl Pair {
    /// Two people arrive, and meet.
    ///
    /// # Errors
    /// If they do not.
    pub(crate) async fn meet(job: &Arc<Job>, number: u64) -> Result<Self, MeetError> {
        let door = job.doors.acquire().await;
        let first = usize::try_from(number).unwrap_or(0);
        let server = |side: usize| &job.servers[(first + side) % job.servers.len()];
        let began = Instant::now();
        let content = job.plan.content;
        let (a, b) =
            tokio::try_join!(Member::arrive(server(0), content), Member::arrive(server(1), content))?;
        let mut pair =
            Self { job: job.clone(), number, people: [a, b].map(Person::new), chat: Standing::Open };
        pair.hear_from([true; 2], "connecting", &Heard::Connected).await?;
        {
            let mut sheet = job.board.sheet(number);
            sheet.connecting.record(began.elapsed());
            sheet.counts.connected += 2;
        }
        pair.find_each_other().await?;
        drop(door);
        Ok(pair)
    }

    /// The second leaves, and the first goes on to somebody new: the two have met, and would not be matched again.
    ///
    /// # Errors
    /// If they do not meet.
    pub(crate) async fn next_guest(&mut self) -> Result<(), MeetError> {
        self.settle();
        let server = &self.job.servers[rand::random_range(0..self.job.servers.len())];
        let began = Instant::now();
        let guest = Person::new(Member::arrive(server, self.job.plan.content).await?);
        let before = std::mem::replace(&mut self.people[1], guest);
        self.see_off(before.member).await;
        self.hear_from([false, true], "connecting", &Heard::Connected).await?;
        {
            let mut sheet = self.job.board.sheet(self.number);
            sheet.connecting.record(began.elapsed());
            sheet.counts.connected += 1;
        }
        self.chat = Standing::Open;
        self.find_each_other().await
    }

    /// The first hears the goodbye of somebody, for as long as it takes.
    async fn see_off(&mut self, leaver: Member) {
        let mut leaving = pin!(leaver.part());
        let mut gone = false;
        let over = async {
            while !gone || self.goes_on() {
                tokio::select! {
                    () = &mut leaving, if !gone => gone = true,
                    heard = self.people[0].member.hear() => {
                        self.take(0, &heard);
                        if matches!(heard, Heard::Closed(_)) {
                            return;
                        }
                    }
                }
            }
        };
        // Whoever does not hear of it goes on without.
        _ = timeout(2 * GOODBYE_PATIENCE, over).await;
    }

    /// They end the chat, if there is one, and meet by a new invite.
    ///
    /// # Errors
    /// If they do not.
    async fn find_each_other(&mut self) -> Result<(), MeetError> {
        let began = Instant::now();
        let invite = Invite::generate(&mut rand::rng());
        self.settle();
        for (person, role) in self.people.iter_mut().zip([Role::Offer, Role::Seek]) {
            person.member.find(&invite, role).await;
        }
        self.hear_from([true; 2], "meeting", &Heard::Met).await?;
        self.chat = Standing::Open;
        let mut sheet = self.job.board.sheet(self.number);
        sheet.meeting.record(began.elapsed());
        sheet.counts.met += 1;
        Ok(())
    }

    /// Each sends so many messages, the next when the last has arrived.
    pub(crate) async fn exchange(&mut self, messages: u32) {
        for _ in 0..messages {
            for side in 0..2 {
                let due = self.now();
                self.say(side, due).await;
            }
            self.hear_last_words().await;
        }
    }

    /// One of the two has something to say, which was due then.
    pub(crate) async fn say(&mut self, side: usize, due: Duration) {
        let person = &mut self.people[side];
        if person.held.len() < HELD_MAX {
            person.held.push_back(due);
        } else {
            self.job.board.sheet(self.number).counts.held_back += 1;
        }
        self.say_what_is_held(side).await;
    }

    /// One of the two says what was due, as far as there is room for it.
    pub(crate) async fn say_what_is_held(&mut self, side: usize) {
        let (size, number) = (self.job.plan.size, self.number);
        let person = &mut self.people[side];
        while let Some(due) = person.held.front().copied() {
            let stamp = Stamp { number: person.ledger.next_number(), due };
            match person.member.say(stamp, size).await {
                Said::Sent => {
                    person.ledger.sent();
                    person.held.pop_front();
                    self.job.board.sheet(number).counts.sent += 1;
                }
                Said::Full => return,
                Said::Over => return self.over("the chat ended"),
            }
        }
    }

    /// What one of the two hears next: who, and what.
    pub(crate) async fn hear(&mut self) -> (usize, Heard) {
        let [a, b] = &mut self.people;
        let (side, heard) = tokio::select! {
            heard = a.member.hear() => (0, heard),
            heard = b.member.hear() => (1, heard),
        };
        self.take(side, &heard);
        (side, heard)
    }

    /// Nothing more is sent: waits for what is on its way, and for whoever is not back yet.
    pub(crate) async fn hear_last_words(&mut self) {
        let began = Instant::now();
        while self.chat == Standing::Open && self.people.iter().any(Person::may_be_heard) {
            let waited_for = self.people.iter().any(Person::is_waited_for);
            let patience = if waited_for { LAST_WORDS_PATIENCE } else { STRAYS_PATIENCE };
            let Ok((side, heard)) = timeout_at(began + patience, self.hear()).await else { return };
            if heard == Heard::Room || heard == Heard::Resumed {
                self.say_what_is_held(side).await;
            }
        }
    }

    /// What arrived of what was said until now is all that will.
    pub(crate) fn settle(&mut self) {
        let mut sheet = self.job.board.sheet(self.number);
        for person in &mut self.people {
            sheet.counts.held_back += person.held.len() as u64;
            person.held.clear();
            sheet.close(&std::mem::take(&mut person.ledger));
        }
        if let Standing::Over(why) = std::mem::replace(&mut self.chat, Standing::Open) {
            sheet.counts.broken += 1;
            sheet.trouble(&why, 1);
        }
    }

    /// They part, and nothing of them is left.
    pub(crate) async fn part(mut self) {
        self.settle();
        let [a, b] = self.people;
        tokio::join!(a.member.part(), b.member.part());
    }

    /// How many of one side's messages are on their way.
    pub(crate) fn on_their_way(&self, side: usize) -> u64 {
        let person = &self.people[side];
        person.ledger.awaited() + person.held.len() as u64
    }

    /// Whether the chat goes on.
    ///
    /// # Errors
    /// With what ended it.
    pub(crate) fn check(&self) -> Result<(), MeetError> {
        match &self.chat {
            Standing::Open => Ok(()),
            Standing::Over(why) => Err(MeetError::Over(why.clone())),
        }
    }

    /// Whether the chat goes on.
    pub(crate) fn goes_on(&self) -> bool {
        self.chat == Standing::Open
    }

    /// The time of this process.
    pub(crate) fn now(&self) -> Duration {
        self.job.board.time(Instant::now())
    }

    /// Waits until these have heard this.
    async fn hear_from(
        &mut self,
        mut waited_for: [bool; 2],
        what: &'static str,
        expected: &Heard,
    ) -> Result<(), MeetError> {
        let mut lost = 0;
        let all = async {
            while waited_for.contains(&true) {
                let (side, heard) = self.hear().await;
                waited_for[side] &= heard != *expected;
                match heard {
                    Heard::Closed(why) | Heard::Refused(why) => return Err(MeetError::Over(why)),
                    Heard::Lost => lost += 1,
                    _ => {}
                }
            }
            Ok(())
        };
        let heard = timeout(MEETING_PATIENCE, all).await;
        heard.unwrap_or(Err(MeetError::TimedOut { what, lost }))
    }

    fn take(&mut self, side: usize, heard: &Heard) {
        let now = Instant::now();
        let (me, peer) = (side, 1 - side);
        let mut sheet = self.job.board.sheet(self.number);
        match heard {
            Heard::Message(Some(stamp)) => {
                drop(sheet);
                if self.people[peer].ledger.arrived(stamp.number) {
                    self.job.board.delivered(self.number, stamp.due);
                }
            }
            Heard::Message(None) => sheet.counts.foreign += 1,
            Heard::Lost => {
                if self.people[me].lost.is_none() {
                    self.people[me].lost = Some(now);
                    sheet.counts.disconnected += 1;
                }
            }
            Heard::Resumed => {
                if let Some(lost) = self.people[me].lost.take() {
                    sheet.counts.resumed += 1;
                    sheet.recovery.record(now - lost);
                    // The channel sends again what was lost; nobody does that for frames.
                    if self.job.plan.content == Content::Opaque {
                        self.people.iter_mut().for_each(|person| person.ledger.excuse());
                    }
                }
            }
            Heard::Met => self.people[me].lost = None,
            Heard::Limited => {
                sheet.counts.rate_limited += 1;
                sheet.trouble(hint::FIND_RATE, 1);
            }
            Heard::Over(why) | Heard::Closed(why) | Heard::Refused(why) => {
                drop(sheet);
                self.over(why);
            }
            Heard::Connected | Heard::Away | Heard::Room | Heard::Other => {}
        }
    }

    /// Both lose their connections.
    pub(crate) async fn cut(&mut self) {
        for person in &mut self.people {
            person.member.cut().await;
        }
    }

    /// One of the two sends bytes that are not counted, and hears only what is there at once.
    pub(crate) async fn flood(&mut self, side: usize, size: usize) -> Flood {
        let person = &mut self.people[side];
        let stamp = Stamp { number: 0, due: Duration::ZERO };
        if person.member.say(stamp, size).await == Said::Over {
            return Flood::Over;
        }
        while let Some(heard) = person.member.hear().now_or_never() {
            match heard {
                Heard::Away => return Flood::PeerClosed,
                Heard::Over(_) | Heard::Closed(_) | Heard::Refused(_) => return Flood::Over,
                _ => {}
            }
        }
        Flood::On
    }

    fn over(&mut self, why: &str) {
        if self.chat == Standing::Open {
            self.chat = Standing::Over(why.to_owned());
        }
    }
}

impl Person {
    fn new(member: Member) -> Self {
        Self { member, ledger: Ledger::default(), held: VecDeque::new(), lost: None }
    }

    fn is_waited_for(&self) -> bool {
        self.ledger.awaited() > 0 || !self.held.is_empty() || self.lost.is_some()
    }

    fn may_be_heard(&self) -> bool {
        self.is_waited_for() || self.ledger.outstanding() > 0
    }
}
