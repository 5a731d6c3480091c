//! People who each look for anybody, chat a little, and go: on to the next, away, with a report, or
//! without a word.

use std::{sync::Arc, time::Duration};

use client::{
    Chat, ChatCriteria, Server, Session,
    chat::{End, Event},
};
use parking_lot::Mutex;
use schemas::control::Category;
use serde_json::json;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, interval, sleep, timeout},
};

use crate::{
    account::Sums,
    orders::{Desk, Notice, Order, Pace, answer},
    rooms::{Rooms, Standing},
    text::Text,
};

/// Shortest and longest stay in a chat.
const STAY: std::ops::Range<f64> = 3.0..12.0;
/// How long after somebody has gone, or after the healing, the other may not know it yet: a silent
/// loss is noticed within a ping and its answer (35 s), and it takes a bye 6 s.
const NEWS: Duration = Duration::from_secs(45);
/// How long somebody may wait while others come and go.
const WAIT: Duration = Duration::from_secs(60);
/// How often each looks around.
const LOOK: Duration = Duration::from_millis(250);
/// The pause before somebody who has dropped out comes back.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(20);

/// What all share.
#[derive(Default)]
struct World {
    rooms: Rooms,
    sums: Sums,
    lives: u64,
}

type Shared = Arc<Mutex<World>>;

/// Runs them until the order to end.
pub(crate) async fn run(
    servers: [Server; 2],
    count: usize,
    pause: Duration,
    mut desk: Desk,
) -> anyhow::Result<()> {
    let world = Shared::default();
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let server = servers[number % 2].clone();
        tasks.spawn(person(server, pause, world.clone(), desk.board()));
    }
    while world.lock().sums.met < count as u64 / 2 {
        sleep(LOOK).await;
    }
    answer(&json!({ "ready": count }))?;
    loop {
        match desk.next().await {
            Order::Begin => world.lock().sums = Sums::default(),
            Order::Report(patience) => answer(&report(&world, patience).await)?,
            Order::End => break,
            _ => {}
        }
    }
    while tasks.join_next().await.is_some() {}
    answer(&world.lock().sums)
}

async fn report(world: &Shared, patience: Duration) -> Sums {
    let end = Instant::now() + patience;
    // Until everybody has looked around, and knows that nobody is to write.
    sleep(4 * LOOK).await;
    while Instant::now() < end && world.lock().rooms.under_way() > 0 {
        sleep(LOOK).await;
    }
    let world = world.lock();
    let mut sums = world.sums.clone();
    sums.stuck += world.rooms.under_way();
    sums
}

/// Comes, lives, drops out, and comes again.
async fn person(server: Server, pause: Duration, world: Shared, mut board: watch::Receiver<Notice>) {
    while board.borrow().pace != Pace::Part {
        let Ok(session) = Session::open_patiently(&server, |_| ()).await else {
            sleep(PAUSE).await;
            continue;
        };
        let life = {
            let mut world = world.lock();
            world.lives += 1;
            world.lives
        };
        let mut life = Life {
            life,
            pause,
            world: world.clone(),
            chat: Chat::new(session.connect()),
            state: State::Waiting { since: Instant::now(), complained: false },
        };
        life.chat.find(ChatCriteria::anybody());
        match life.run(&mut board).await {
            // The program is killed, as it were: no word to anybody.
            Way::DropOut => drop(life),
            Way::Part => _ = timeout(GOODBYE, life.chat.close()).await,
        }
        sleep(PAUSE.mul_f64(rand::random())).await;
    }
}

/// How somebody goes.
enum Way {
    DropOut,
    Part,
}

enum State {
    Waiting {
        since: Instant,
        complained: bool,
    },
    /// The two agree on keys.
    Meeting,
    Chatting(Talk),
    /// Has gone, and waits for the end; and whether the next was asked for already.
    Going {
        on: bool,
    },
}

struct Talk {
    code: String,
    /// When to go.
    until: Instant,
    /// When the next text is due.
    turn: Instant,
    came: Instant,
    /// Whether the other is said to be away.
    away: bool,
    complained: bool,
}

/// One session of somebody.
struct Life {
    life: u64,
    pause: Duration,
    world: Shared,
    chat: Chat,
    state: State,
}

impl Life {
    async fn run(&mut self, board: &mut watch::Receiver<Notice>) -> Way {
        let mut looks = interval(LOOK);
        let mut storms = board.borrow().storms;
        loop {
            tokio::select! {
                event = self.chat.next_event() => {
                    let healed = board.borrow().healed;
                    match event {
                        Some(event) => self.take(event, healed),
                        None => return Way::DropOut,
                    }
                }
                _ = looks.tick() => {
                    let notice = *board.borrow();
                    if notice.pace == Pace::Part {
                        self.going(false);
                        return Way::Part;
                    }
                    if notice.storms != storms {
                        storms = notice.storms;
                        self.chat.reconnect();
                    }
                    if notice.pace == Pace::Talk && self.act(&notice) {
                        return Way::DropOut;
                    }
                    self.look_around(&notice);
                }
            }
        }
    }

    fn take(&mut self, event: Event, healed: Option<Instant>) {
        let shared = self.world.clone();
        let mut world = shared.lock();
        let World { rooms, sums, .. } = &mut *world;
        match event {
            Event::Waiting(_) if !matches!(self.state, State::Waiting { .. }) => {
                self.state = State::Waiting { since: Instant::now(), complained: false };
            }
            Event::Met => self.state = State::Meeting,
            Event::Secured { safety } => {
                let code = safety.to_string();
                rooms.enter(&code, self.life, sums);
                sums.met += 1;
                let now = Instant::now();
                self.state = State::Chatting(Talk {
                    code,
                    until: now + Duration::from_secs_f64(rand::random_range(STAY)),
                    turn: now,
                    came: now,
                    away: false,
                    complained: false,
                });
            }
            Event::Message { text, .. } => match (&self.state, Text::read(&text)) {
                (State::Chatting(talk), Some(text)) => {
                    rooms.received(&talk.code, self.life, text.author, text.number, healed, sums);
                }
                // The other's last words, after one's own goodbye.
                (State::Going { .. }, Some(_)) => {}
                _ => {
                    sums.foreign += 1;
                    sums.fault(format!("{} read what nobody has written", self.life));
                }
            },
            Event::PeerAway { .. } => self.peer_is_away(true),
            Event::PeerOnline => self.peer_is_away(false),
            Event::Disconnected { .. } => sums.lost_connections += 1,
            Event::Ended { end } => {
                match &self.state {
                    State::Chatting(talk) => rooms.told(&talk.code, self.life, end, sums),
                    // Somebody who has left before there were keys.
                    State::Meeting if !matches!(end, End::Fault(_)) => {}
                    State::Meeting => {
                        sums.ghosts += 1;
                        sums.fault(format!("{} met nobody: {end:?}", self.life));
                    }
                    State::Going { .. } | State::Waiting { .. } => {}
                }
                drop(world);
                if let State::Going { on: true } = self.state {
                    self.state = State::Waiting { since: Instant::now(), complained: false };
                } else {
                    self.find();
                }
            }
            _ => {}
        }
    }

    fn peer_is_away(&mut self, away: bool) {
        if let State::Chatting(talk) = &mut self.state {
            talk.away = away;
        }
    }

    fn find(&mut self) {
        self.state = State::Waiting { since: Instant::now(), complained: false };
        self.chat.find(ChatCriteria::anybody());
    }

    /// Writes, and goes when it is time. Returns whether the program is killed.
    fn act(&mut self, notice: &Notice) -> bool {
        let now = Instant::now();
        let State::Chatting(talk) = &mut self.state else { return false };
        if now < talk.until {
            if now >= talk.turn {
                let due = talk.turn;
                talk.turn = now + self.pause;
                let code = talk.code.clone();
                self.write(&code, due);
            }
            return false;
        }
        // Now and then somebody's network changes, and the chat goes on from elsewhere.
        match rand::random_range(0..10) {
            0..=3 => {
                self.going(true);
                self.chat.find(ChatCriteria::anybody());
            }
            4 | 5 => {
                self.going(false);
                self.chat.leave();
            }
            6 => {
                self.going(false);
                self.chat.report(Category::Other);
            }
            7 => {
                self.goes(Standing::Dropped { since: now }, false);
                return true;
            }
            _ => {
                talk.until = now + Duration::from_secs_f64(rand::random_range(STAY));
                if !notice.broken {
                    self.chat.reconnect();
                }
            }
        }
        false
    }

    fn write(&mut self, code: &str, due: Instant) {
        let mut world = self.world.lock();
        let World { rooms, sums, .. } = &mut *world;
        let number = rooms.next_number(code, self.life);
        let text = Text { author: self.life, side: 0, chat: 0, number };
        if self.chat.send(&text.write()).is_ok() {
            rooms.sent(code, self.life, due, sums);
        }
    }

    fn going(&mut self, on: bool) {
        self.goes(Standing::Gone { since: Instant::now() }, on);
    }

    fn goes(&mut self, standing: Standing, on: bool) {
        if let State::Chatting(talk) = &self.state {
            self.world.lock().rooms.goes(&talk.code, self.life, standing);
            self.state = State::Going { on };
        }
    }

    /// Complains once about somebody who is not there, and about a wait without an end.
    fn look_around(&mut self, notice: &Notice) {
        let now = Instant::now();
        let calm = |since: Instant| notice.healed.map_or(since, |healed| healed.max(since));
        let mut world = self.world.lock();
        let World { rooms, sums, .. } = &mut *world;
        match &mut self.state {
            State::Waiting { since, complained } => {
                // Where nobody comes and goes any more, nobody can be met.
                if notice.pace != Pace::Talk || notice.broken {
                    *since = now;
                } else if !*complained && now > calm(*since) + WAIT {
                    *complained = true;
                    sums.endless_waits += 1;
                    sums.fault(format!("{} waits for {} s", self.life, (now - *since).as_secs()));
                }
            }
            State::Chatting(talk) if !talk.away && !talk.complained && !notice.broken => {
                let alone = rooms.is_alone(&talk.code).then_some(talk.came);
                let gone = alone.or_else(|| rooms.other_is_gone_since(&talk.code, self.life));
                if gone.is_some_and(|since| now > calm(since) + NEWS) {
                    talk.complained = true;
                    sums.ghosts += 1;
                    sums.fault(format!("{} is in a chat with nobody, and was not told", self.life));
                }
            }
            _ => {}
        }
    }
}
