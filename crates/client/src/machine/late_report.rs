//! A report of a chat that is over, from when it was sent until its answer.

use schemas::control::{Category, ClientMessage};

/// A report that the server has not answered. A token is the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LateReport {
    category: Category,
    /// The token that follows the end of each chat has yet to come: it is no answer.
    end_token: bool,
    /// It was refused, or could not be sent, and is to be sent.
    to_send: bool,
}

impl LateReport {
    /// One that is being sent, of a chat that was over.
    pub(super) fn new(category: Category) -> Self {
        Self { category, end_token: false, to_send: false }
    }

    /// One of a chat whose end was faster. `inside`: the end was told on a connection that was
    /// attached to the room. `sent`: the report was sent there.
    pub(super) fn overtaken(category: Category, inside: bool, sent: bool) -> Self {
        Self { category, end_token: inside, to_send: !sent }
    }

    /// A token has come. Returns whether it was the answer.
    pub(super) fn is_answer(&mut self) -> bool {
        // Of one that is still to be sent it came by chance.
        !std::mem::take(&mut self.end_token) && !self.to_send
    }

    /// The server could not take it for now.
    pub(super) fn refused(&mut self) {
        self.to_send = true;
    }

    /// What is to be sent, if it was not, or was refused.
    pub(super) fn message(&mut self) -> Option<ClientMessage> {
        std::mem::take(&mut self.to_send).then_some(ClientMessage::Report(self.category))
    }
}
