//! What clients ask for on their connections.

use schemas::{
    SessionId,
    control::{ClientMessage, ClientType, ControlError, ErrorCode, ServerMessage, Strangers},
    criteria::{Criteria, MatchBy},
};
use session::{ClientCommand, ClientOrigin};
use spans::{Span, span};
use tokio::time::Instant;
use tracing::field::Empty;

use super::Node;
use crate::{
    journeys::{Journeys, Kind},
    token::TokenError,
    ws::connection::Connection,
};

impl Node {
    /// Acts on a control message. A refusal has been sent to the client.
    ///
    /// # Errors
    /// If it was refused.
    pub(crate) fn control(&self, connection: &Connection, text: &str) -> Result<(), ErrorCode> {
        let result = ClientMessage::parse(text).and_then(|message| {
            let (kind, began) = (message.kind(), Instant::now());
            self.metrics.received(kind);
            let result = self.act_traced(connection, kind, message);
            self.metrics.acted(kind, began.elapsed());
            result
        });
        result.map_err(|error| {
            self.metrics.refused(error.code);
            let code = error.code;
            connection.send_error(error);
            code
        })
    }

    /// Acts within a span of its own, and within that of the wait that begins with it.
    fn act_traced(
        &self,
        connection: &Connection,
        kind: ClientType,
        message: ClientMessage,
    ) -> Result<(), ControlError> {
        let (session, waits) = (connection.session(), Kind::of(kind));
        let wait = waits.map_or_else(Span::none, Kind::span);
        let word = kind.word();
        let make = || {
            span!(
                parent: wait.id(),
                "control",
                otel.name = format_args!("control {word}"),
                otel.kind = "server",
                otel.status_code = Empty,
                cipher_chat.control.type = word,
                "error.type" = Empty,
            )
        };
        let own = if waits.is_some() { spans::within(&wait, make) } else { spans::root(make) };
        let begin = |waits| self.with_journeys(|all| all.begin(session, connection.id(), waits, &wait));
        let before = waits.and_then(begin).flatten();
        let result = own.in_scope(|| self.act(connection, message));
        match &result {
            Ok(()) => {
                Journeys::replaced(before);
                if kind == ClientType::Cancel {
                    self.with_journeys(|all| all.end(session, Kind::Match, "cancelled"));
                }
            }
            Err(error) => {
                own.record("error.type", error.code.word());
                if error.code == ErrorCode::Unavailable {
                    own.record("otel.status_code", "ERROR");
                }
                if waits.is_some() {
                    self.with_journeys(|all| all.give_back(session, before, error.code.word()));
                }
            }
        }
        result
    }

    fn act(&self, connection: &Connection, message: ClientMessage) -> Result<(), ControlError> {
        if message == ClientMessage::Ping {
            connection.send(&ServerMessage::Pong);
            return Ok(());
        }
        if connection.closing().is_some() {
            return Ok(()); // replaced, or over: it is not to use up what its session may do
        }
        let session = connection.session();
        self.rates.find(session).map_err(|exceeded| {
            ControlError::new(
                ErrorCode::Rate,
                format_args!("too many requests; try again in {} s", exceeded.retry_after.as_secs().max(1)),
            )
        })?;
        let command = match message {
            ClientMessage::Find(find) => ClientCommand::Find(self.offered(session, find)?),
            ClientMessage::Next(find) => ClientCommand::Next(self.offered(session, find)?),
            ClientMessage::Resume(ticket) => {
                let ticket =
                    self.tokens.verify_ticket(&ticket, session).map_err(|refused| match refused {
                        TokenError::KeysUnknown => {
                            ControlError::new(ErrorCode::Unavailable, "the keys are not known yet; try again")
                        }
                        TokenError::ClockDoubted => ControlError::new(
                            ErrorCode::Unavailable,
                            "the clock of this node is in doubt; try again",
                        ),
                        _ => ControlError::new(
                            ErrorCode::BadTicket,
                            "this ticket does not open a room for this session",
                        ),
                    })?;
                ClientCommand::Resume(ticket)
            }
            ClientMessage::Cancel => ClientCommand::Cancel,
            ClientMessage::Leave => ClientCommand::Leave,
            ClientMessage::Report(category) => ClientCommand::Report(category),
            ClientMessage::Ping => return Ok(()),
        };
        let category = if let ClientCommand::Report(category) = command { Some(category) } else { None };
        let client = self.client_of(connection, &command);
        let waits = client.is_some() || matches!(command, ClientCommand::Resume(_));
        let waited = waits.then(|| connection.start_waiting(self.clock.now()));
        let traffic = connection.traffic();
        let decided = self.decide(|sessions, now| {
            sessions.note_traffic(now, session, connection.id(), traffic);
            if let Some(client) = client {
                sessions.introduce(session, connection.id(), client);
            }
            sessions.command(now, session, connection.id(), command)
        });
        if let (Err(_), Some(waited)) = (&decided, waited) {
            connection.go_on_waiting(waited);
        }
        decided?;
        if let Some(category) = category {
            self.metrics.reported(category);
        }
        Ok(())
    }

    /// Where a client comes from that looks for somebody.
    fn client_of(&self, connection: &Connection, command: &ClientCommand) -> Option<ClientOrigin> {
        matches!(command, ClientCommand::Find(_) | ClientCommand::Next(_)).then(|| {
            let network = connection.network();
            let (origins, now) = (self.origins.lock(), self.clock.now());
            let (origin, region) = (origins.origin(now, network), origins.region(now, network));
            ClientOrigin { network: network.number(), origin, region }
        })
    }

    /// Whether strangers meet here, now or after a pause.
    pub(crate) fn offers_strangers(&self) -> bool {
        let ordered = self.config.orders.now().service.strangers;
        self.config.matching.random && ordered != Strangers::NotOffered
    }

    /// Refuses what the operator does not offer, or not to this session.
    fn offered(&self, session: SessionId, find: Criteria) -> Result<Criteria, ControlError> {
        let refuse = |code, message| Err(ControlError::new(code, message));
        match &find.by {
            MatchBy::Random(_) if !self.offers_strangers() => {
                refuse(ErrorCode::MatchingNotOffered, "only people with an invite meet here")
            }
            MatchBy::Invite(_) if !self.config.matching.invite => {
                refuse(ErrorCode::MatchingNotOffered, "invites are not offered here")
            }
            MatchBy::Random(Some(topic)) if !self.config.offers(topic) => {
                refuse(ErrorCode::TopicNotOffered, "this topic is not offered here")
            }
            _ => self.may_offer(session, &find).map(|()| find),
        }
    }
}
