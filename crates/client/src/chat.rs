//! Everything together: a session, a connection that reconnects, and an end-to-end encrypted
//! channel for each room.
//!
//! ```no_run
//! use client::{Chat, Server, Trust, ChatCriteria, chat::Event};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new(["https://chat.example".parse()?], &Trust::System)?;
//! let mut chat = Chat::open(&server).await?;
//! chat.find(ChatCriteria::topic("music".parse()?));
//! while let Some(event) = chat.next_event().await {
//!     match event {
//!         Event::Secured { safety } => {
//!             println!("compare over another channel: {:?}", safety.numbers());
//!             chat.send("hello")?;
//!         }
//!         Event::Message { text, .. } => println!("{text}"),
//!         Event::Ended { .. } => break,
//!         _ => {}
//!     }
//! }
//! chat.close().await;
//! # Ok(())
//! # }
//! ```

mod active;
mod criteria;
mod event;

use std::{collections::VecDeque, future::pending};

use schemas::{RoomId, Side, control::Category, criteria::MatchBy};
use tokio::time::{Duration, Instant, sleep_until, timeout};

use self::active::{ActiveChat, RoomState};
pub use self::{
    criteria::{ChatCriteria, MeetBy},
    event::{End, Event},
};
use crate::{
    channel::{self, Channel, Meeting, MessageNumber, Psk, SafetyCode, Said, SendError, Time, Typing, Whose},
    connection::Connection,
    machine::{self, Command},
    rest::{RestError, Session},
    server::Server,
};

/// How long [`Chat::close`] waits for the end of the chat: a bye takes 6 s at most.
const BYE_TIMEOUT: Duration = channel::limits::BYE_LINGER.saturating_add(Duration::from_secs(1));

/// How long it then waits for the connection to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Keys of invites that are kept at once. More are looked for only by who clicks very fast.
const INVITES_MAX: usize = 4;

/// How long after its end a chat can be reported.
const LATE_REPORT: Duration = Duration::from_secs(60);

/// One person at a service, who waits for somebody, chats, and may then wait for somebody else.
///
/// Nothing happens in the background: the program has to call [`Chat::next_event`] in a loop. It
/// acknowledges, resends, and carries out what the other methods have asked for. Those only make a
/// note, and never wait.
///
/// Dropping a chat closes the connection without a bye; [`Chat::close`] sends one.
pub struct Chat {
    connection: Connection,
    start: Instant,
    /// The keys of the invites that were looked for since the last chat was secured. Which of them
    /// a room is for, the `find` says by which it was found, whatever was asked for since.
    invites: Vec<(MatchBy, Psk)>,
    active: Option<ActiveChat>,
    /// When the last chat ended, until there is another.
    ended_at: Option<Instant>,
    /// A report was asked for, and it is not known what has become of it.
    reporting: bool,
    /// To be sent, in order, as fast as the connection accepts it.
    outgoing: VecDeque<Command>,
    events: VecDeque<Event>,
}

impl Chat {
    /// Opens an anonymous session and connects it.
    ///
    /// To be called within a Tokio runtime.
    ///
    /// # Errors
    /// If no session can be opened. If the connection is lost later, it is opened again, and events
    /// tell of it.
    pub async fn open(server: &Server) -> Result<Self, RestError> {
        Ok(Self::new(Session::open(server).await?.connect()))
    }

    /// A chat over a connection whose events nobody has read yet.
    pub fn new(connection: Connection) -> Self {
        Self {
            connection,
            start: Instant::now(),
            invites: Vec::new(),
            active: None,
            ended_at: None,
            reporting: false,
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Waits for somebody. While waiting, a second call replaces the first. In a chat it first ends
    /// the chat, as [`Chat::leave`] does.
    pub fn find(&mut self, criteria: ChatCriteria) {
        let find = criteria.find();
        if let Meeting::Invite(psk) = criteria.meeting() {
            self.invites.retain(|(by, _)| *by != find.by);
            self.invites.truncate(INVITES_MAX - 1);
            self.invites.insert(0, (find.by.clone(), psk));
        }
        match &mut self.active {
            Some(active) => {
                active.next = Some(find);
                self.leave_room();
            }
            None => self.outgoing.push_back(Command::Next(find)),
        }
    }

    /// Stops waiting.
    pub fn cancel(&mut self) {
        match &mut self.active {
            Some(active) => active.next = None,
            None => self.outgoing.push_back(Command::Cancel),
        }
    }

    /// Sends a text: [`Chat::say`] of [`Said::Text`].
    ///
    /// # Errors
    /// Those of [`Chat::say`].
    pub fn send(&mut self, text: &str) -> Result<MessageNumber, SendError> {
        self.say(Said::Text(text))
    }

    /// Sends a message, and returns the number by which it can be named later. Of a text or a reply,
    /// [`Event::Delivered`] or [`Event::NotDelivered`] follows.
    ///
    /// # Errors
    /// [`SendError`]: outside a secured chat, for what is empty or too long or names a message that
    /// never was, or while too much is unacknowledged ([`Event::WindowOpen`] follows).
    pub fn say(&mut self, said: Said<'_>) -> Result<MessageNumber, SendError> {
        let now = self.now();
        let active = self.active.as_mut().ok_or(SendError::Over)?;
        let sent = active.channel.send(now, said);
        self.events.extend(active.timer_set(Whose::Own, active.channel.vanish_after()));
        self.collect();
        sent
    }

    /// After which time a text vanishes that is sent now, on both sides. `None`: it does not.
    pub fn vanish_after(&self) -> Option<Duration> {
        self.active.as_ref()?.channel.vanish_after()
    }

    /// Tells the peer whether somebody is typing here, when it changes.
    pub fn set_typing(&mut self, typing: Typing) {
        self.with_channel(|channel, now| channel.set_typing(now, typing));
    }

    /// Sends a bye after everything sent before, and leaves. [`Event::Ended`] follows when the peer
    /// has acknowledged it, or after 6 s.
    pub fn leave(&mut self) {
        if let Some(active) = &mut self.active {
            active.next = None;
            self.leave_room();
        }
    }

    /// Ends the chat at once with a report, which has no content. This session is not matched with
    /// the same person again once the server has taken it ([`Event::Reported`]). For 60 s after its
    /// end a chat can be reported, too: who insults and leaves first is reported all the same.
    pub fn report(&mut self, category: Category) {
        let has_just_ended = self.ended_at.is_some_and(|at| at.elapsed() < LATE_REPORT);
        if self.active.is_some() || has_just_ended {
            self.outgoing.push_back(Command::Report(category));
            self.reporting = true;
            self.end_room(End::Report);
        } else {
            self.events.push_back(Event::Reported { taken: false });
        }
    }

    /// Treats the connection as lost, and opens it again; see [`Connection::reconnect`].
    pub fn reconnect(&mut self) {
        self.outgoing.push_back(Command::Reconnect);
    }

    /// What the two people can compare outside the chat, to know that nobody is in between. `None`
    /// outside a secured chat.
    pub fn safety(&self) -> Option<SafetyCode> {
        self.active.as_ref()?.channel.safety()
    }

    /// The session, with its newest token.
    pub fn session(&self) -> Session {
        self.connection.session()
    }

    /// The next event; `None` after [`Event::Closed`]. Nothing is lost if the future is dropped.
    pub async fn next_event(&mut self) -> Option<Event> {
        loop {
            self.send_outgoing().await;
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let due = self.active.as_ref().and_then(|active| active.channel.next_timeout());
            let due = due.map(|time| self.start + time.since_start());
            tokio::select! {
                event = self.connection.next_event() => self.handle(event?),
                () = sleep(due) => self.with_channel(|channel, now| channel.handle_timeout(now)),
            }
        }
    }

    /// Sends a bye, leaves, closes the connection and deletes the session, so that nothing of it is
    /// left at the service. Takes at most 12 s if nobody answers, and the time of one REST call.
    pub async fn close(mut self) {
        self.leave();
        let over =
            async { while (self.active.is_some() || self.reporting) && self.next_event().await.is_some() {} };
        // What cannot be said in time, the end of the session says.
        _ = timeout(BYE_TIMEOUT, over).await;
        let session = self.session();
        let closed = async {
            self.send_outgoing().await;
            self.connection.close().await;
            while self.connection.next_event().await.is_some() {}
        };
        _ = timeout(CLOSE_TIMEOUT, closed).await;
        if let Err(fault) = session.delete().await {
            tracing::debug!(%fault, "the session was not deleted; it expires by itself");
        }
    }

    fn now(&self) -> Time {
        Time::after_start(Instant::now() - self.start)
    }

    /// Hands over what is to be sent. A command stays in the queue until the connection has
    /// accepted it.
    async fn send_outgoing(&mut self) {
        while let Some(command) = self.outgoing.front() {
            // A closed connection takes nothing, and tells so by its event.
            _ = self.connection.command(command.clone()).await;
            self.outgoing.pop_front();
        }
    }

    fn handle(&mut self, event: machine::Event) {
        match event {
            machine::Event::Connected => self.events.push_back(Event::Connected),
            machine::Event::Waiting(outlook) => self.events.push_back(Event::Waiting(outlook)),
            machine::Event::Paired { room, side, by } => self.paired(room, side, &by),
            machine::Event::Resumed => {
                self.events.push_back(Event::Resumed);
                self.with_channel(Channel::link_up);
            }
            machine::Event::PeerOnline => {
                self.events.push_back(Event::PeerOnline);
                self.with_channel(Channel::peer_online);
            }
            machine::Event::PeerAway { kept } => {
                self.events.push_back(Event::PeerAway { kept });
                self.with_channel(Channel::peer_away);
            }
            machine::Event::Frame(bytes) => {
                self.with_channel(|channel, now| channel.handle_frame(now, &bytes))
            }
            machine::Event::Ended { reason } => self.end_room(End::Room(reason)),
            machine::Event::Service(state) => self.events.push_back(Event::Service(state)),
            machine::Event::Reported { taken } => {
                self.reporting = false;
                self.events.push_back(Event::Reported { taken });
            }
            machine::Event::Error { code, message } => self.events.push_back(Event::Error { code, message }),
            machine::Event::Disconnected { retry_in } => {
                self.events.push_back(Event::Disconnected { retry_in });
                self.with_channel(Channel::link_down);
            }
            machine::Event::Closed { reason } => {
                self.end_room(End::Closed(reason));
                self.events.push_back(Event::Closed { reason });
            }
        }
    }

    fn paired(&mut self, room: RoomId, side: Side, by: &MatchBy) {
        let side = match side {
            Side::A => channel::Side::A,
            Side::B => channel::Side::B,
        };
        let meeting = match (by, self.invites.iter().find(|(invite, _)| invite == by)) {
            (MatchBy::Random(_), _) => Meeting::Random,
            (MatchBy::Invite(_), Some((_, psk))) => Meeting::Invite(psk.clone()),
            // Its key was given up: never without it.
            (MatchBy::Invite(_), None) => return self.outgoing.push_back(Command::Leave),
        };
        let channel = Channel::new(side, meeting, *room.as_bytes(), &mut rand::rng(), self.now());
        self.ended_at = None;
        self.active = Some(ActiveChat::new(channel));
        self.events.push_back(Event::Met);
        self.collect();
    }

    fn leave_room(&mut self) {
        if let Some(active) = &mut self.active {
            active.end.get_or_insert(End::Bye);
        }
        self.with_channel(Channel::bye);
    }

    /// The room is over, for this reason unless somebody has sent a bye.
    fn end_room(&mut self, end: End) {
        if let Some(active) = &mut self.active {
            active.room = RoomState::Over;
            active.end.get_or_insert(end);
            active.channel.close();
            self.collect();
        }
    }

    fn with_channel(&mut self, act: impl FnOnce(&mut Channel, Time)) {
        let now = self.now();
        if let Some(active) = &mut self.active {
            act(&mut active.channel, now);
            self.collect();
        }
    }

    /// Takes what the last input has produced out of the channel.
    fn collect(&mut self) {
        let Some(active) = &mut self.active else { return };
        loop {
            let asks = active.channel.next_frame_is_answered();
            let Some(frame) = active.channel.poll_frame() else { break };
            let command = if asks { Command::Question } else { Command::Frame };
            self.outgoing.push_back(command(frame.into()));
        }
        while let Some(event) = active.channel.poll_event() {
            match event {
                channel::Event::PeerBye => active.end = Some(End::PeerBye),
                channel::Event::Secured { safety } => {
                    // An invite serves once, and its key has done its work.
                    self.invites.clear();
                    self.events.push_back(Event::Secured { safety });
                }
                channel::Event::Ended(reason) => {
                    let end = match (reason, active.end) {
                        (
                            channel::ChannelEnd::Bye
                            | channel::ChannelEnd::PeerBye
                            | channel::ChannelEnd::Closed,
                            end,
                        ) => end.unwrap_or(End::Bye),
                        (fault, _) => End::Fault(fault),
                    };
                    return self.ended(end);
                }
                channel::Event::Timer { holds, .. } => {
                    self.events.extend(active.timer_set(Whose::Peer, holds));
                }
                event => self.events.extend(Event::of_channel(event)),
            }
        }
    }

    /// The active chat is over: leaves the room, unless that is over as well, and finds the next
    /// peer if that was asked for.
    fn ended(&mut self, end: End) {
        let Some(active) = self.active.take() else { return };
        self.ended_at = Some(Instant::now());
        match (active.next, active.room) {
            (Some(find), _) => self.outgoing.push_back(Command::Next(find)),
            (None, RoomState::Open) => self.outgoing.push_back(Command::Leave),
            (None, RoomState::Over) => {}
        }
        self.events.push_back(Event::Ended { end });
    }
}

async fn sleep(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => pending().await,
    }
}
