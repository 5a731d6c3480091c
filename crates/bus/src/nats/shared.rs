//! What the connection and its events share: the status, the subscriptions, the budget and the
//! counts.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use async_nats::{Event, ServerError};
use parking_lot::Mutex;
use schemas::subject::{self, Subject};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{budget::Budget, overwriting::FramesPassed, subscription::Listener};
use crate::{
    counters::{Counters, count},
    status::{PublishError, Status, SubscribeError},
};

/// What the connection's events change.
pub(super) struct Shared {
    pub(super) status: watch::Sender<Status>,
    pub(super) closed: CancellationToken,
    listeners: Mutex<Vec<Weak<Listener>>>,
    pub(super) budget: Arc<Budget>,
    pub(super) counters: Arc<Counters>,
    pub(super) frames_passed: Arc<FramesPassed>,
    /// Whether the server has refused the last [`schemas::message::Message::Sync`] or its answers.
    pub(super) sync_refused: AtomicBool,
    /// Whether the server has refused a subject on which gateways name themselves.
    pub(super) names_refused: AtomicBool,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            status: watch::Sender::new(Status::Down),
            closed: CancellationToken::new(),
            listeners: Mutex::default(),
            budget: Arc::default(),
            counters: Arc::default(),
            frames_passed: Arc::default(),
            sync_refused: AtomicBool::new(false),
            names_refused: AtomicBool::new(false),
        }
    }

    /// Handles an event of the connection. The event's text is not logged: a refused permission
    /// quotes the subject, which contains a whole id.
    pub(super) fn observe(&self, event: &Event) {
        match event {
            Event::Connected => {
                count(&self.counters.connects);
                self.names_refused.store(false, Relaxed);
                tracing::info!(event = "bus.connected", "connected to NATS");
                self.gap();
                self.set_status(Status::Up);
            }
            Event::Disconnected => {
                tracing::warn!(
                    event = "bus.lost",
                    "lost the connection to NATS; publications are dropped until it is back"
                );
                self.set_status(Status::Down);
            }
            // Each failed attempt to connect reports this. It makes up for a lost `Disconnected`:
            // the queue of events is short.
            Event::ClientError(_) => {
                count(&self.counters.failed_connects);
                self.set_status(Status::Down);
            }
            Event::SlowConsumer(_) => {
                count(&self.counters.overflowed);
                self.gap();
            }
            // Not a fault of this node, which goes on as the version before does.
            Event::ServerError(fault) if refused_subject(fault).is_some_and(|it| subject::is_own(&it)) => {
                if !self.names_refused.swap(true, Relaxed) {
                    tracing::warn!(
                        event = "bus.permissions-outdated",
                        "the permissions of the NATS servers are those of an older version: this node cannot \
                         hold gateways to their own names; run `cipher-chat pki` of this version, reload the \
                         servers and start the nodes again"
                    );
                }
            }
            Event::ServerError(fault) => {
                count(&self.counters.server_errors);
                if refuses_sync(fault) {
                    self.sync_refused.store(true, Relaxed);
                }
                tracing::warn!(
                    event = "bus.refused",
                    fault = server_error(fault),
                    "the NATS server reported an error"
                );
            }
            Event::Closed => self.closed.cancel(),
            Event::LameDuckMode | Event::Draining => {}
        }
    }

    pub(super) fn listen(&self) -> Result<Arc<Listener>, SubscribeError> {
        let mut listeners = self.listeners.lock();
        // Checked under the lock that `close` takes, so that no subscription is added after it.
        if self.closed.is_cancelled() {
            return Err(SubscribeError::Drained);
        }
        listeners.retain(|listener| listener.strong_count() > 0);
        let listener = Arc::new(Listener::default());
        listeners.push(Arc::downgrade(&listener));
        Ok(listener)
    }

    /// Tells all subscriptions: async-nats does not say which one was too slow, and a lost
    /// connection concerns every one.
    fn gap(&self) {
        self.listeners.lock().iter().filter_map(Weak::upgrade).for_each(|listener| listener.gap());
    }

    pub(super) fn close(&self) {
        let listeners = self.listeners.lock();
        self.closed.cancel();
        self.set_status(Status::Down);
        listeners.iter().filter_map(Weak::upgrade).for_each(|listener| listener.close());
    }

    fn set_status(&self, to: Status) {
        let to = if self.closed.is_cancelled() { Status::Down } else { to };
        self.status.send_if_modified(|status| std::mem::replace(status, to) != to);
    }

    pub(super) fn is_up(&self) -> bool {
        *self.status.borrow() == Status::Up
    }

    pub(super) fn up(&self) -> Result<(), PublishError> {
        if self.is_up() { Ok(()) } else { Err(self.down()) }
    }

    pub(super) fn down(&self) -> PublishError {
        count(&self.counters.dropped_down);
        PublishError::Down
    }

    pub(super) fn full(&self) -> PublishError {
        count(&self.counters.dropped_full);
        PublishError::Full
    }

    pub(super) fn too_large(&self) -> PublishError {
        count(&self.counters.too_large);
        PublishError::TooLarge
    }
}

/// Whether the server has refused a question of what was missed, or the inbox of its answers.
fn refuses_sync(fault: &ServerError) -> bool {
    refused_subject(fault).is_some_and(|subject| {
        subject.starts_with(subject::INBOX) || matches!(Subject::parse(&subject), Some(Subject::Sync(_)))
    })
}

/// The subject that a permission is missing for, if that is the fault.
fn refused_subject(fault: &ServerError) -> Option<String> {
    let ServerError::Other(text) = fault else { return None };
    let is_refusal = text.to_lowercase().starts_with("permissions violation for");
    text.split('"').nth(1).filter(|_| is_refusal).map(str::to_owned)
}

/// The kind of an error, without what it quotes.
fn server_error(fault: &ServerError) -> &'static str {
    match fault {
        ServerError::AuthorizationViolation => "authorization violation",
        ServerError::SlowConsumer(_) => "slow consumer",
        ServerError::Other(text) => {
            let text = text.to_lowercase();
            let known = [
                "permissions violation for publish",
                "permissions violation for subscription",
                "maximum payload violation",
                "maximum connections exceeded",
                "stale connection",
                "user authentication expired",
            ];
            known.into_iter().find(|kind| text.starts_with(kind)).unwrap_or("other")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_sync_is_told_from_other_refusals() {
        for (text, refused) in [
            (r#"Permissions Violation for Publish to "cc.v1.sync.g1""#, true),
            (r#"Permissions Violation for Subscription to "_INBOX_g1.abc""#, true),
            (r#"Permissions Violation for Publish to "cc.v1.want.sync""#, false),
            (r#"Permissions Violation for Publish to "cc.v1.session.sync""#, false),
            ("Permissions Violation for Publish to", false),
            (r#"Something else about "cc.v1.sync.g1""#, false),
        ] {
            assert_eq!(refuses_sync(&ServerError::Other(text.into())), refused, "{text}");
        }
    }
}
