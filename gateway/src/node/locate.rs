//! Sessions wherever they are: what a gateway does not know itself it asks on the bus.

use std::time::Duration;

use schemas::{
    SessionId, Stamp,
    event::SessionAnswer,
    message::{Answer, Message},
    session::SessionState,
};
use tokio::time::{Instant, timeout_at};

use super::Node;

/// How long the bus is asked where a session is.
const ASK_PATIENCE: Duration = Duration::from_millis(500);

/// The session is in no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this session is in no room")]
pub struct NoRoom;

impl Node {
    /// Where a session is and what it does: known here at once, else asked on the bus. Silence
    /// means that it is nowhere.
    pub async fn where_is(&self, session: SessionId) -> SessionAnswer {
        let here = self.hub.lock().sessions.locate(session);
        if let Some(here) = here.as_ref().filter(|here| here.connected) {
            return here.clone();
        }
        let mut best = here;
        let deadline = Instant::now() + ASK_PATIENCE;
        if let Ok(mut answers) = self.bus.ask(Message::Ask { session }) {
            while let Ok(Some(answer)) = timeout_at(deadline, answers.next()).await {
                if !self.bus.believe_stamps_of(&answer, self.clock.now()) {
                    continue;
                }
                let Answer::Session(answer) = answer else { continue };
                if best
                    .as_ref()
                    .is_none_or(|best| (best.stamp, best.connected) < (answer.stamp, answer.connected))
                {
                    best = Some(answer);
                }
                if best.as_ref().is_some_and(|best| best.connected) {
                    break;
                }
            }
        }
        best.unwrap_or(SessionAnswer {
            state: SessionState::Idle,
            connected: false,
            stamp: Stamp::NONE,
            room: None,
        })
    }

    /// Ends the chat of a session, wherever it is.
    ///
    /// # Errors
    /// If it is in none.
    pub async fn leave(&self, session: SessionId) -> Result<(), NoRoom> {
        let room = self.where_is(session).await.room.ok_or(NoRoom)?;
        self.decide(|sessions, now| sessions.leave_remotely(now, session, room));
        Ok(())
    }
}
