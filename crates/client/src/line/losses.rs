//! Time, and the loss of connections.

use std::time::{Duration, Instant};

use schemas::{CloseCode, close::Reconnect};

use super::{
    ASKED_PAUSE_MAX, CONNECT_PATIENCE, Closed, Effect, Event, Line, Link, Loss, Refusal, UNAUTHORIZED_MAX,
    purpose::Purpose,
};

impl Line {
    pub(super) fn tick(&mut self, now: Instant, random: u64) {
        match &mut self.link {
            Link::Pausing { until } if *until <= now => self.connect(now),
            Link::Opening { deadline } | Link::Greeting { deadline } if *deadline <= now => {
                self.give_up(now, random);
            }
            Link::Attached(attachment) if attachment.is_dead(now) => self.give_up(now, random),
            Link::Attached(attachment) if attachment.drain.is_some_and(|at| at <= now) => {
                self.effects.push(Effect::HangUp);
                self.tell(Event::Disconnected { retry_in: Duration::ZERO });
                self.url = self.url.wrapping_add(1);
                self.connect(now);
            }
            Link::Attached(attachment) if attachment.retry.is_some_and(|at| at <= now) => self.ask(now),
            _ => {}
        }
    }

    fn connect(&mut self, now: Instant) {
        self.link = Link::Opening { deadline: now + CONNECT_PATIENCE };
        self.effects.push(Effect::Connect { url: self.url, token: self.token.clone() });
    }

    fn give_up(&mut self, now: Instant, random: u64) {
        self.effects.push(Effect::Drop);
        self.lost(Loss::Broken, now, random);
    }

    /// The owner knows better than the silence that a connection is dead. A pause goes on as it is.
    pub(super) fn reconnect(&mut self, now: Instant, random: u64) {
        if matches!(self.link, Link::Opening { .. } | Link::Greeting { .. } | Link::Attached(_)) {
            self.give_up(now, random);
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
            // A client's fault is not mended by trying again; a timeout, a wrong connection, haste and a rate limit are.
            Refusal::Status { status, .. }
                if (400..500).contains(&status) && !matches!(status, 408 | 421 | 425 | 429) =>
            {
                self.close(Closed::Refused(status));
            }
            Refusal::Status { retry_after, .. } => self.lost(Loss::Refused(retry_after), now, random),
            Refusal::Unreachable => self.lost(Loss::Refused(None), now, random),
        }
    }

    pub(super) fn lost(&mut self, loss: Loss, now: Instant, random: u64) {
        if let Link::Attached(attachment) = &self.link
            && attachment.was_of_use(now)
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
            Loss::Refused(pause) => pause.unwrap_or_default().min(ASKED_PAUSE_MAX),
        };
        let retry_in = asked + self.reconnects.next(random);
        self.url = self.url.wrapping_add(1);
        self.link = Link::Pausing { until: now + retry_in };
        self.tell(Event::Disconnected { retry_in });
    }

    pub(super) fn close(&mut self, reason: Closed) {
        self.link = Link::Closed;
        self.purpose = Purpose::Nothing;
        self.tell(Event::Closed { reason });
    }
}
