//! Where everything enters a chat: what the program asks for, what the connection tells, and time.

use std::{collections::VecDeque, future::pending};

use passes::{PassKey, PassKeys};
use schemas::{codec::sha256, control::Category};
use tokio::time::{Duration, Instant, sleep_until, timeout};
use zeroize::Zeroizing;

use super::{
    active::ActiveChat,
    criteria::ChatCriteria,
    event::{End, Event},
    state::Chat,
};
use crate::{
    channel::{self, Channel, Handover, MessageNumber, SafetyCode, Said, SendError, Typing, Whose},
    connection::Connection,
    invite::Invite,
    machine::{self, Command},
    rest::{RestError, Session},
    server::Server,
};

/// How long [`Chat::close`] waits for the end of the chat: a bye takes 6 s at most.
const BYE_TIMEOUT: Duration = channel::limits::BYE_LINGER.saturating_add(Duration::from_secs(1));

/// How long it then waits for the connection to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long after its end a chat can be reported.
const LATE_REPORT: Duration = Duration::from_secs(60);

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
            helper_keys: None,
            active: None,
            ended_at: None,
            reporting: false,
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// With the operator's public keys, from another source than the server. From now on, who looks
    /// for somebody with the role `seek` talks only to helpers with a pass: [`Event::Secured`] comes
    /// after the proof, and the chat ends if none comes in 10 s.
    #[must_use]
    pub fn with_helper_keys(self, keys: PassKeys) -> Self {
        Self { helper_keys: Some(keys), ..self }
    }

    /// Waits for somebody. While waiting, a second call replaces the first. In a chat it first ends
    /// the chat, as [`Chat::leave`] does.
    pub fn find(&mut self, criteria: ChatCriteria) {
        self.look_for(&criteria, None);
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

    /// Offers the peer that a colleague goes on, who has the pass with this public key. The invite
    /// that is returned is for the colleague, who waits with it; the peer, if it agrees, finds by it.
    ///
    /// # Errors
    /// As [`Chat::say`]; [`SendError::NoHelper`] if this side has no pass, or does not help.
    pub fn hand_over(&mut self, colleague: &PassKey) -> Result<Invite, SendError> {
        let secret = rand::random();
        let handover = Handover { invite: Zeroizing::new(secret), colleague: sha256(&[colleague]) };
        self.say(Said::Handover(&handover))?;
        Ok(Invite::from_secret(secret))
    }

    /// Agrees to the last [`Event::Handover`]: ends this chat, and waits for the colleague. Whoever
    /// comes has to prove to be exactly that one. `false` if nothing was offered in this chat.
    pub fn accept_handover(&mut self) -> bool {
        let offered = self.active.as_mut().and_then(|active| active.handover.take());
        if let Some(Handover { invite, colleague }) = &offered {
            let criteria = ChatCriteria::accept_invite(Invite::from_secret(**invite));
            self.look_for(&criteria, Some(*colleague));
        }
        offered.is_some()
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
                known = ActiveChat::learned(self.active.as_mut()) => self.judge(&known),
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
            machine::Event::Paired { room, side, by, role } => self.paired(room, side, by, role),
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
}

async fn sleep(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => pending().await,
    }
}
