//! What people wait for, as spans of traces: a match from `find` to `paired`, and a resume from
//! `resume` to `resumed`. Other nodes take part in between, and other tasks of this one, so the
//! spans are kept here meanwhile. Only those whose trace is kept are, and none without traces.

use std::collections::{HashMap, hash_map::Entry};

use schemas::{SessionId, control::ClientType, event::WantEvent, message::Message, trace::TraceContext};
use session::ConnId;
use spans::{Span, span};
use tracing::field::Empty;

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Match,
    Resume,
}

impl Kind {
    /// What a client that sends this begins to wait for.
    pub(crate) fn of(message: ClientType) -> Option<Self> {
        match message {
            ClientType::Find | ClientType::Next => Some(Self::Match),
            ClientType::Resume => Some(Self::Resume),
            ClientType::Cancel | ClientType::Leave | ClientType::Ping | ClientType::Report => None,
        }
    }

    /// The span of the whole, not ended before the wait is.
    pub(crate) fn span(self) -> Span {
        spans::root(|| match self {
            Self::Match => span!(parent: None, "match", cipher_chat.outcome = Empty, "error.type" = Empty),
            Self::Resume => span!(parent: None, "resume", cipher_chat.outcome = Empty, "error.type" = Empty),
        })
    }
}

/// Somebody waits.
pub(crate) struct Journey {
    conn: ConnId,
    kind: Kind,
    span: Span,
    context: TraceContext,
}

impl Journey {
    /// How it ended.
    fn end(self, outcome: &'static str) {
        self.span.record("cipher_chat.outcome", outcome);
        // Of a match the older search has the trace; the other one names it.
        if let Some(other) = spans::current().filter(|other| other.trace() != self.context.trace()) {
            spans::link(&self.span, other);
        }
    }
}

/// All who wait here and whose traces are kept: at most one of each session.
#[derive(Default)]
pub(crate) struct Journeys(HashMap<SessionId, Journey>);

impl Journeys {
    /// A session begins to wait, unless its trace is not kept. Returns what it waited for before,
    /// to be [given back](Self::give_back) if nothing comes of it.
    pub(crate) fn begin(
        &mut self,
        session: SessionId,
        conn: ConnId,
        kind: Kind,
        span: &Span,
    ) -> Option<Journey> {
        let before = self.0.remove(&session);
        if let Some(context) = spans::context(span) {
            self.0.insert(session, Journey { conn, kind, span: span.clone(), context });
        }
        before
    }

    /// What a session has begun was refused: it goes on with what it waited for before.
    pub(crate) fn give_back(&mut self, session: SessionId, before: Option<Journey>, error: &'static str) {
        if let Some(refused) = self.0.remove(&session) {
            refused.span.record("error.type", error);
            refused.end("refused");
        }
        if let Some(before) = before {
            self.0.insert(session, before);
        }
    }

    /// Something else has begun in its place.
    pub(crate) fn replaced(before: Option<Journey>) {
        if let Some(before) = before {
            before.end("replaced");
        }
    }

    /// The wait of a session is over, if it is of this kind.
    pub(crate) fn end(&mut self, session: SessionId, kind: Kind, outcome: &'static str) {
        self.end_if(session, |journey| journey.kind == kind, outcome);
    }

    /// The connection on which a session waited is over.
    pub(crate) fn end_with(&mut self, session: SessionId, conn: ConnId) {
        self.end_if(session, |journey| journey.conn == conn, "disconnected");
    }

    /// What a session waited for came to nothing.
    pub(crate) fn fail(&mut self, session: SessionId, error: &'static str) {
        if let Some(journey) = self.0.remove(&session) {
            journey.span.record("error.type", error);
            journey.end("refused");
        }
    }

    fn end_if(&mut self, session: SessionId, is_over: impl Fn(&Journey) -> bool, outcome: &'static str) {
        if let Entry::Occupied(entry) = self.0.entry(session)
            && is_over(entry.get())
        {
            entry.remove().end(outcome);
        }
    }

    /// Gives wants that are about to be published the traces of their searches.
    pub(crate) fn mark(&self, message: &mut Message) {
        let Message::Want { event: WantEvent::Waiting(wants), .. } = message else { return };
        for want in wants {
            let search = self.0.get(&want.session).filter(|journey| journey.kind == Kind::Match);
            want.trace = search.map(|journey| journey.context);
        }
    }
}
