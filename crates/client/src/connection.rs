//! The I/O half of a connection: one task that gives the `ConnectionMachine` a clock, randomness
//! and a socket.

use std::{collections::VecDeque, future::pending, mem, pin::Pin};

use bytes::Bytes;
use schemas::{control::Category, criteria::Criteria, limits};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep_until},
};

pub use crate::machine::{Closed, Event};
use crate::{
    machine::{Command, ConnectionMachine, Effect, Input, Refusal},
    rest::{Session, Token},
    server::Server,
    socket::{Reading, Socket},
    wire,
};

/// Commands and frames that may wait for the connection's task. A caller with more has to wait.
const COMMANDS: usize = 64;

/// Events that may wait for the owner. While there are more, nothing is read from the network.
const EVENTS: usize = 64;

/// Events that did not fit any more. Above this many, nothing is done that could produce another.
const OVERFLOW: usize = 64;

/// A connection to a service, as [`Session::connect`] makes it. When it is lost it is opened again;
/// then waiting, or the chat, goes on. Dropping it closes the socket, and a peer sees `away` until
/// the grace is over.
///
/// Frames are not kept while there is no connection, and some are lost when it breaks:
/// [`Chat`](crate::Chat) makes up for that.
pub struct Connection {
    session: Session,
    token: watch::Receiver<Token>,
    commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<Event>,
    _task: JoinSet<()>,
}

/// Why a command or a frame was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// [`Event::Closed`] has come, or is on its way.
    #[error("the connection is closed")]
    Closed,
    /// A frame above 64 KiB, for which the server would close the connection.
    #[error("a frame has at most {} bytes", limits::FRAME_BYTES)]
    FrameTooLarge,
}

impl Session {
    /// Connects the session. A session has one connection at a time: a newer one replaces the
    /// older.
    ///
    /// To be called within a Tokio runtime.
    pub fn connect(&self) -> Connection {
        Connection::open(self)
    }
}

impl Connection {
    pub(crate) fn open(session: &Session) -> Self {
        let (commands, command_queue) = mpsc::channel(COMMANDS);
        let (event_queue, events) = mpsc::channel(EVENTS);
        let (newest, token) = watch::channel(session.token.clone());
        let server = session.server.shuffled();
        let (token_now, now) = (session.token.secret.clone(), Instant::now().into_std());
        let driver = Driver {
            machine: ConnectionMachine::new(token_now, server.urls().to_vec(), now),
            server,
            slot: Slot::Empty,
            spare: Slot::Empty,
            commands: command_queue,
            events: event_queue,
            overflow: VecDeque::new(),
            token: newest,
            closing: JoinSet::new(),
        };
        let mut task = JoinSet::new();
        task.spawn(driver.run());
        Self { session: session.clone(), token, commands, events, _task: task }
    }

    /// Waits for a match. While waiting, a second call replaces the first.
    ///
    /// # Errors
    /// If the connection is closed. A refusal by the server comes as [`Event::Error`]. This holds
    /// for every command here.
    pub async fn find(&self, find: Criteria) -> Result<(), CommandError> {
        self.command(Command::Find(find)).await
    }

    /// Ends the chat, if there is one, and waits for another person.
    ///
    /// # Errors
    /// As [`Connection::find`].
    pub async fn next(&self, find: Criteria) -> Result<(), CommandError> {
        self.command(Command::Next(find)).await
    }

    /// Stops waiting. There is no event for it.
    ///
    /// # Errors
    /// As [`Connection::find`].
    pub async fn cancel(&self) -> Result<(), CommandError> {
        self.command(Command::Cancel).await
    }

    /// Ends the chat, if there is one. Without a connection this is done as soon as there is one.
    ///
    /// # Errors
    /// As [`Connection::find`].
    pub async fn leave(&self) -> Result<(), CommandError> {
        self.command(Command::Leave).await
    }

    /// Ends the chat and never meets this person again, in this session.
    ///
    /// # Errors
    /// As [`Connection::find`].
    pub async fn report(&self, category: Category) -> Result<(), CommandError> {
        self.command(Command::Report(category)).await
    }

    /// Sends bytes to the peer: at once, or not at all if there is no path to it.
    ///
    /// # Errors
    /// If the connection is closed or the frame too large.
    pub async fn send_frame(&self, bytes: Bytes) -> Result<(), CommandError> {
        if bytes.len() > limits::FRAME_BYTES {
            return Err(CommandError::FrameTooLarge);
        }
        self.command(Command::Frame(bytes)).await
    }

    /// Treats the connection as lost and opens it again, for programs that learn of a change of
    /// network before the time-out. [`Event::Disconnected`] follows.
    pub async fn reconnect(&self) {
        // A closed connection stays closed.
        _ = self.command(Command::Reconnect).await;
    }

    /// Closes the connection, after everything sent before. This does not end a chat at once: call
    /// [`Connection::leave`] first. [`Event::Closed`] follows.
    pub async fn close(&self) {
        // A closed connection is closed.
        _ = self.command(Command::Close).await;
    }

    pub(crate) async fn command(&self, command: Command) -> Result<(), CommandError> {
        self.commands.send(command).await.map_err(|_| CommandError::Closed)
    }

    /// The next event; `None` after [`Event::Closed`]. Nothing is lost if the future is dropped.
    pub async fn next_event(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// The session with its newest token, for REST calls.
    pub fn session(&self) -> Session {
        self.session.with_token(self.token.borrow().clone())
    }
}

struct Driver {
    machine: ConnectionMachine,
    server: Server,
    slot: Slot,
    /// The second socket, which is to replace a silent one.
    spare: Slot,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    overflow: VecDeque<Event>,
    token: watch::Sender<Token>,
    closing: JoinSet<()>,
}

/// Whether a connection goes on after an input.
#[derive(PartialEq, Eq)]
enum Handled {
    GoesOn,
    Closed,
}

type Opening = Pin<Box<dyn Future<Output = Result<Socket, Refusal>> + Send>>;

/// A socket, or the attempt to open one.
#[derive(Default)]
enum Slot {
    #[default]
    Empty,
    Opening(Opening),
    Open(Box<Socket>),
}

impl Driver {
    async fn run(mut self) {
        while let Some(input) = self.next_input().await {
            self.tidy(&input);
            // What arrives is not read while the owner is behind: that is no silence of the server.
            if input == Input::Tick && !self.overflow.is_empty() {
                self.handle(Input::Activity);
            }
            if self.handle(input) == Handled::Closed {
                break;
            }
        }
        self.finish().await;
    }

    fn handle(&mut self, input: Input) -> Handled {
        let effects = self.machine.handle(input, Instant::now().into_std(), rand::random());
        let mut handled = Handled::GoesOn;
        for effect in effects {
            if matches!(effect, Effect::Emit(Event::Closed { .. })) {
                handled = Handled::Closed;
            }
            self.carry_out(effect);
        }
        handled
    }

    /// Waits for the next input; `None` once the owner is gone.
    async fn next_input(&mut self) -> Option<Input> {
        loop {
            let may_grow = self.overflow.len() < OVERFLOW;
            let reading = if self.overflow.is_empty() { Reading::On } else { Reading::Paused };
            let deadline = self.machine.deadline();
            return tokio::select! {
                room = self.events.reserve(), if !self.overflow.is_empty() => {
                    let room = room.ok()?;
                    if let Some(event) = self.overflow.pop_front() {
                        room.send(event);
                    }
                    continue;
                }
                command = self.commands.recv(), if may_grow && !self.slot.is_full() => command.map(Input::Command),
                input = self.slot.next(reading) => Some(input),
                input = self.spare.next(Reading::On) => Some(Input::Spare(Box::new(input))),
                () = sleep(deadline), if may_grow => Some(Input::Tick),
            };
        }
    }

    /// A socket that is gone leaves the slot; one that the server closes still has to answer.
    fn tidy(&mut self, input: &Input) {
        if let Input::Lost(code) = input
            && let Slot::Open(socket) = mem::replace(&mut self.slot, Slot::Empty)
            && code.is_some()
        {
            self.close_later(socket.answer_close());
        }
        if let Input::Spare(input) = input
            && let Input::Lost(_) = **input
        {
            self.spare = Slot::Empty;
        }
    }

    /// Lets a socket close in order, within a time limit of its own.
    fn close_later(&mut self, closing: impl Future<Output = ()> + Send + 'static) {
        while self.closing.try_join_next().is_some() {}
        self.closing.spawn(closing);
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Connect { url, token } => {
                self.slot = Slot::Opening(Box::pin(Socket::open(self.server.clone(), url, token)));
            }
            Effect::SendControl(message) => self.slot.write(|socket| socket.send_text(wire::json(&message))),
            Effect::SendFrame(bytes) => self.slot.write(|socket| socket.send_binary(bytes)),
            Effect::Close => {
                if let Slot::Open(socket) = mem::replace(&mut self.slot, Slot::Empty) {
                    self.close_later(socket.close());
                }
            }
            Effect::Drop => self.slot = Slot::Empty,
            Effect::ConnectSpare { url, token } => {
                self.spare = Slot::Opening(Box::pin(Socket::open(self.server.clone(), url, token)));
            }
            Effect::DropSpare => self.spare = Slot::Empty,
            Effect::TakeSpare => {
                let spare = mem::take(&mut self.spare);
                if let Slot::Open(silent) = mem::replace(&mut self.slot, spare) {
                    self.close_later(silent.close());
                }
            }
            // Somebody listens: the receiver lives as long as this task.
            Effect::KeepToken(token, life) => _ = self.token.send(Token::lasting(token, life)),
            Effect::Emit(event) => self.emit(event),
        }
    }

    fn emit(&mut self, event: Event) {
        // Whoever hears that the connection is closed may drop it: that has to wait for the last
        // words.
        let waits = !self.overflow.is_empty() || matches!(event, Event::Closed { .. });
        if waits {
            self.overflow.push_back(event);
        } else if let Err(fault) = self.events.try_send(event) {
            self.overflow.push_back(fault.into_inner());
        }
    }

    /// The last messages and the last events.
    async fn finish(mut self) {
        self.commands.close();
        while self.closing.join_next().await.is_some() {}
        for event in mem::take(&mut self.overflow) {
            if self.events.send(event).await.is_err() {
                return;
            }
        }
    }
}

impl Slot {
    /// What comes from the network.
    async fn next(&mut self, reading: Reading) -> Input {
        match self {
            Self::Empty => pending().await,
            Self::Opening(opening) => match opening.await {
                Ok(socket) => {
                    *self = Self::Open(Box::new(socket));
                    Input::Opened
                }
                Err(refusal) => {
                    *self = Self::Empty;
                    Input::Refused(refusal)
                }
            },
            Self::Open(socket) => socket.next(reading).await,
        }
    }

    fn write(&mut self, write: impl FnOnce(&mut Socket)) {
        if let Self::Open(socket) = self {
            write(socket);
        }
    }

    fn is_full(&self) -> bool {
        matches!(self, Self::Open(socket) if socket.is_full())
    }
}

async fn sleep(until: Option<std::time::Instant>) {
    match until {
        Some(until) => sleep_until(Instant::from_std(until)).await,
        None => pending().await,
    }
}
