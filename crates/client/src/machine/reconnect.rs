//! Connecting, and the loss of connections.

use std::time::{Duration, Instant};

use schemas::{
    CloseCode,
    close::Reconnect,
    reconnect::{LONGEST_ASKED, LONGEST_PROMISED},
};

use super::{
    interface::{Closed, Effect, Event, Refusal},
    state::{ConnectionMachine, SocketState},
};

/// How long an attempt to open a WebSocket may take.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// From this many answers with status 401 in a row, the session is taken for over. A gateway that
/// has just started may not know every key for a moment.
const UNAUTHORIZED_MAX: u32 = 3;

/// How a connection came to its end.
pub(super) enum Loss {
    /// Without a close frame.
    Broken,
    /// With a close code.
    Code(u16),
    /// It was never opened; the server asks for this pause.
    Refused(Option<Duration>),
}

impl ConnectionMachine {
    pub(super) fn connect(&mut self, now: Instant) {
        self.socket = SocketState::Opening { deadline: now + CONNECT_TIMEOUT };
        self.effects.push(Effect::Connect { url: self.url, token: self.token.clone() });
    }

    /// Drops a socket that is dead, or that could not be opened in time.
    pub(super) fn abandon(&mut self, now: Instant, random: u64) {
        self.effects.push(Effect::Drop);
        self.lost(Loss::Broken, now, random);
    }

    /// The owner knows that the connection is dead before silence shows it. A pause goes on as it
    /// is.
    pub(super) fn reconnect(&mut self, now: Instant, random: u64) {
        if matches!(
            self.socket,
            SocketState::Opening { .. } | SocketState::AwaitingReady { .. } | SocketState::Ready(_)
        ) {
            self.abandon(now, random);
        }
    }

    pub(super) fn refused(&mut self, refusal: Refusal, now: Instant, random: u64) {
        match refusal {
            Refusal::Status { status: 401, .. } => {
                self.unauthorized += 1;
                if self.unauthorized >= UNAUTHORIZED_MAX {
                    return self.close(Closed::Unauthorized);
                }
                self.lost(Loss::Refused(None), now, random);
            }
            // Trying again does not help against a client's fault. It does help after a timeout
            // (408), a wrong connection (421), haste (425) and a rate limit (429).
            Refusal::Status { status, .. }
                if (400..500).contains(&status) && !matches!(status, 408 | 421 | 425 | 429) =>
            {
                self.close(Closed::Refused(status));
            }
            Refusal::Status { status, retry_after } => {
                let longest = if status == 429 { LONGEST_PROMISED } else { LONGEST_ASKED };
                self.lost(Loss::Refused(retry_after.map(|asked| asked.min(longest))), now, random);
            }
            Refusal::Unreachable => self.lost(Loss::Refused(None), now, random),
        }
    }

    /// Whether the server has closed the first socket for the sake of a second one that was given
    /// up.
    fn is_replaced_by_itself(&self, loss: &Loss) -> bool {
        let had_spare = matches!(&self.socket, SocketState::Ready(ready) if ready.doubt.had_spare);
        had_spare && matches!(loss, Loss::Code(code) if *code == CloseCode::Replaced.code())
    }

    pub(super) fn lost(&mut self, loss: Loss, now: Instant, random: u64) {
        // A second socket goes on in its place, unless the session is over: the server has perhaps
        // closed the first because the second has come.
        let is_over = matches!(loss, Loss::Code(code) if code == CloseCode::SessionOver.code());
        if !is_over && self.change_over(now) {
            return;
        }
        let loss = if self.is_replaced_by_itself(&loss) { Loss::Broken } else { loss };
        if let SocketState::Ready(ready) = &self.socket
            && ready.was_useful(now)
        {
            self.reconnects.reset();
        }
        let asked = match loss {
            Loss::Code(code) => match CloseCode::advice(Some(code)) {
                Reconnect::Never => return self.close(Closed::ByServer(code)),
                Reconnect::Now => Duration::ZERO,
                Reconnect::BackOff => {
                    self.reconnects.skip_the_shortest();
                    Duration::ZERO
                }
            },
            Loss::Broken => Duration::ZERO,
            Loss::Refused(pause) => pause.unwrap_or_default(),
        };
        let retry_in = asked + self.reconnects.next(random);
        self.next_address();
        self.socket = SocketState::Backoff { until: now + retry_in };
        self.emit(Event::Disconnected { retry_in });
    }
}
