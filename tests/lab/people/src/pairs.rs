//! Pairs who meet by an invite and chat until the end. Each pair is one task, which knows what each
//! of the two has sent.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use client::{
    Chat, ChatCriteria, RestError, Server, Session,
    chat::{End, Event},
    invite::Invite,
};
use parking_lot::Mutex;
use serde_json::json;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout, timeout_at},
};

use crate::{
    account::{Direction, Sums},
    orders::{Desk, Notice, Order, Pace, answer},
    text::Text,
};

/// How long two may take to meet, while something may be broken; then they begin again.
const MEETING: Duration = Duration::from_secs(60);
/// The pause before somebody begins again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long goodbyes may take: a bye takes 6 s at most.
const GOODBYE: Duration = Duration::from_secs(20);
/// How often it is looked whether all has arrived.
const LOOK: Duration = Duration::from_millis(50);
/// One of so many naps.
const NAPPERS: usize = 3;

/// One pair's account, which outlives its chats.
#[derive(Default)]
struct Book {
    sums: Sums,
    directions: [Direction; 2],
    /// Texts that were due and did not fit into the channel's window.
    held: [VecDeque<Instant>; 2],
    /// Whether the two are in a chat.
    together: bool,
    /// Whether they know that nobody is to write.
    quiet: bool,
    /// The last that each was told of the connections: its own and the other's.
    news: [VecDeque<(Instant, String)>; 2],
}

/// News that are kept of each side.
const NEWS: usize = 4;

impl Book {
    fn is_settled(&self) -> bool {
        self.together
            && self.quiet
            && self.directions.iter().all(|direction| direction.under_way() == 0)
            && self.held.iter().all(VecDeque::is_empty)
    }

    /// The chat is over and nobody wanted that.
    fn close(&mut self) {
        let Self { sums, directions, .. } = self;
        directions.iter_mut().for_each(|direction| direction.close(sums));
        self.held.iter_mut().for_each(VecDeque::clear);
        self.together = false;
    }
}

type Books = Arc<Vec<Mutex<Book>>>;

/// Runs them until the order to end.
pub(crate) async fn run(
    servers: [Server; 2],
    count: usize,
    pause: Duration,
    mut desk: Desk,
) -> anyhow::Result<()> {
    let books: Books = Arc::new((0..count).map(|_| Mutex::default()).collect());
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let pair = Pair {
            number,
            chat: 0,
            servers: servers.clone(),
            pause,
            books: books.clone(),
            board: desk.board(),
        };
        tasks.spawn(pair.live());
    }
    while !books.iter().all(|book| book.lock().together) {
        sleep(LOOK).await;
    }
    answer(&json!({ "ready": count }))?;
    loop {
        match desk.next().await {
            Order::Begin => books.iter().for_each(|book| book.lock().sums = Sums::default()),
            Order::Report(patience) => answer(&report(&books, patience).await)?,
            Order::End => break,
            _ => {}
        }
    }
    while tasks.join_next().await.is_some() {}
    answer(&report(&books, Duration::ZERO).await)
}

/// Waits until all has arrived, and sums up.
async fn report(books: &Books, patience: Duration) -> Sums {
    let end = Instant::now() + patience;
    while Instant::now() < end && !books.iter().all(|book| book.lock().is_settled()) {
        sleep(LOOK).await;
    }
    let mut all = Sums::default();
    for (number, book) in books.iter().enumerate() {
        let book = book.lock();
        all.add(&book.sums);
        for (side, direction) in book.directions.iter().enumerate() {
            if !patience.is_zero() && direction.under_way() + book.held[side].len() as u64 > 0 {
                all.stuck += 1;
                let news = book.news[side]
                    .iter()
                    .map(|(at, what)| format!("{what} {:.1} s ago", at.elapsed().as_secs_f64()));
                let news = news.collect::<Vec<_>>().join(", ");
                all.fault(format!(
                    "pair {number} side {side}: {} under way; it was told: {news}",
                    direction.under_way()
                ));
            }
        }
        if !patience.is_zero() && !book.together {
            all.endless_waits += 1;
            all.fault(format!("pair {number} does not meet"));
        }
    }
    all
}

struct Pair {
    number: usize,
    /// Counts their chats.
    chat: u64,
    servers: [Server; 2],
    pause: Duration,
    books: Books,
    board: watch::Receiver<Notice>,
}

/// Why a conversation is over.
enum Over {
    /// The lab has ended it.
    Parting,
    /// It should not be.
    Broken,
}

impl Pair {
    async fn live(mut self) {
        loop {
            let met = timeout(MEETING, self.meet()).await;
            let Ok(Ok(mut people)) = met else {
                if self.board.borrow().pace == Pace::Part {
                    return;
                }
                sleep(PAUSE).await;
                continue;
            };
            self.with(|book| (book.together, book.sums.met) = (true, book.sums.met + 1));
            match self.converse(&mut people).await {
                Over::Parting => return self.part(people).await,
                Over::Broken => self.with(Book::close),
            }
            self.chat += 1;
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Book) -> T) -> T {
        act(&mut self.books[self.number].lock())
    }

    async fn meet(&self) -> Result<[Chat; 2], RestError> {
        let open = async |server| {
            Ok::<_, RestError>(Chat::new(Session::open_patiently(server, |_| ()).await?.connect()))
        };
        let (mut one, mut other) = tokio::try_join!(open(&self.servers[0]), open(&self.servers[1]))?;
        let invite = Invite::generate(&mut rand::rng());
        one.find(ChatCriteria::create_invite(invite.clone()));
        other.find(ChatCriteria::accept_invite(invite));
        let secured = async |chat: &mut Chat| {
            while let Some(event) = chat.next_event().await {
                if matches!(event, Event::Secured { .. }) {
                    return;
                }
            }
            std::future::pending().await
        };
        tokio::join!(secured(&mut one), secured(&mut other));
        Ok([one, other])
    }

    async fn converse(&mut self, people: &mut [Chat; 2]) -> Over {
        let mut turn = Instant::now() + self.pause.mul_f64(rand::random());
        let mut asleep: [Option<Instant>; 2] = [None; 2];
        let mut seen = *self.board.borrow_and_update();
        self.with(|book| book.quiet = seen.pace == Pace::Quiet);
        loop {
            let [one, other] = &mut *people;
            let wake = asleep.iter().flatten().min().copied();
            tokio::select! {
                event = one.next_event(), if asleep[0].is_none() => {
                    if self.take(0, event).is_break() { return Over::Broken; }
                }
                event = other.next_event(), if asleep[1].is_none() => {
                    if self.take(1, event).is_break() { return Over::Broken; }
                }
                () = sleep_until(turn), if seen.pace == Pace::Talk => {
                    self.with(|book| book.held.iter_mut().for_each(|held| held.push_back(turn)));
                    turn += self.pause;
                }
                () = sleep_until(wake.unwrap_or(turn)), if wake.is_some() => {
                    let now = Instant::now();
                    for until in asleep.iter_mut().filter(|until| until.is_some_and(|until| until <= now)) {
                        *until = None;
                    }
                }
                changed = self.board.changed() => {
                    let notice = *self.board.borrow_and_update();
                    if changed.is_err() || notice.pace == Pace::Part { return Over::Parting; }
                    if notice.storms != seen.storms { people.iter_mut().for_each(Chat::reconnect); }
                    if notice.naps != seen.naps && self.number.is_multiple_of(NAPPERS) {
                        asleep[1] = Some(Instant::now() + notice.nap);
                    }
                    if notice.pace != seen.pace { turn = turn.max(Instant::now()); }
                    self.with(|book| book.quiet = notice.pace == Pace::Quiet);
                    seen = notice;
                }
            }
            for (side, chat) in people.iter_mut().enumerate() {
                self.write(side, chat);
            }
        }
    }

    /// Sends what is due, as far as there is room.
    fn write(&self, side: usize, chat: &mut Chat) {
        self.with(|book| {
            while let Some(due) = book.held[side].front().copied() {
                let number = book.directions[side].next_number();
                let text = Text { author: self.number as u64, side, chat: self.chat, number };
                match chat.send(&text.write()) {
                    Ok(_) => {
                        book.held[side].pop_front();
                        book.directions[side].sent(due, &mut book.sums);
                    }
                    // An event tells when there is room again, or why there never will be.
                    Err(_) => return,
                }
            }
        });
    }

    fn take(&self, side: usize, event: Option<Event>) -> std::ops::ControlFlow<()> {
        use std::ops::ControlFlow::{Break, Continue};
        let healed = self.board.borrow().healed;
        self.with(|book| {
            note(&mut book.news[side], event.as_ref());
            let sums = &mut book.sums;
            match event {
                Some(Event::Message { text, .. }) => {
                    let theirs = Text::read(&text).filter(|text| {
                        (text.author, text.side, text.chat) == (self.number as u64, 1 - side, self.chat)
                    });
                    match theirs {
                        Some(text) => book.directions[1 - side].received(text.number, healed, sums),
                        None => {
                            sums.foreign += 1;
                            sums.fault(format!("pair {} side {side} read a text of others", self.number));
                        }
                    }
                }
                Some(Event::Disconnected { .. }) => sums.lost_connections += 1,
                Some(Event::Met | Event::Secured { .. }) => {
                    sums.three += 1;
                    sums.fault(format!("pair {} side {side} met somebody again", self.number));
                }
                Some(Event::Ended { end }) => {
                    match end {
                        End::Fault(_) | End::Closed(_) => sums.broken += 1,
                        _ => sums.wrong_ended += 1,
                    }
                    sums.fault(format!("pair {} side {side}: {end} ({end:?})", self.number));
                    return Break(());
                }
                Some(Event::Closed { .. }) | None => return Break(()),
                Some(_) => {}
            }
            Continue(())
        })
    }

    /// The first says goodbye, and the other has to hear just that.
    async fn part(&self, mut people: [Chat; 2]) {
        let end = Instant::now() + GOODBYE;
        people[0].leave();
        let [one, other] = &mut people;
        let of = async |chat: &mut Chat| {
            while let Some(event) = chat.next_event().await {
                if let Event::Ended { end } = event {
                    return Some(end);
                }
            }
            None
        };
        let ends = timeout_at(end, async { tokio::join!(of(one), of(other)) }).await;
        if !matches!(ends, Ok((Some(End::Bye), Some(End::PeerBye)))) {
            self.with(|book| {
                book.sums.wrong_ended += 1;
                book.sums.fault(format!("pair {} parts: {ends:?}", self.number));
            });
        }
        let [one, other] = people;
        tokio::join!(one.close(), other.close());
    }
}

/// Keeps the news of connections.
fn note(news: &mut VecDeque<(Instant, String)>, event: Option<&Event>) {
    if let Some(
        event @ (Event::Connected
        | Event::Disconnected { .. }
        | Event::Resumed
        | Event::PeerAway { .. }
        | Event::PeerOnline),
    ) = event
    {
        if news.len() == NEWS {
            news.pop_front();
        }
        news.push_back((Instant::now(), format!("{event:?}")));
    }
}

impl Sums {
    /// Adds another account.
    pub(crate) fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.reordered += other.reordered;
        self.foreign += other.foreign;
        self.broken += other.broken;
        self.wrong_ended += other.wrong_ended;
        self.stuck += other.stuck;
        self.three += other.three;
        self.ghosts += other.ghosts;
        self.endless_waits += other.endless_waits;
        self.met += other.met;
        self.lost_connections += other.lost_connections;
        self.recoveries.extend(&other.recoveries);
        self.latencies.extend(&other.latencies);
        other.faults.iter().cloned().for_each(|words| self.fault(words));
    }
}
