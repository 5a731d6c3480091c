//! Messages that have been published and not yet handed to async-nats. All messages that the tasks
//! of one turn publish are handed over together.
//!
//! async-nats writes as soon as it is woken, and tokio runs a woken task next. If it were given
//! each message at once, it would make a system call for each, here and in the server. So messages
//! are collected until every task that can run has run. Where no other task can run, that is at
//! once.

use std::{mem, sync::Arc};

use async_nats::{Client, PublishErrorKind, client::traits::Publisher, message::OutboundMessage};
use parking_lot::Mutex;
use tokio::{sync::Notify, task::yield_now};

use super::shared::Shared;

/// The capacity that an empty queue keeps, in messages of 72 bytes: what an ordinary turn needs.
/// The rest is given back.
const KEPT_MESSAGES: usize = 64;

/// Messages on their way to async-nats. Bounded by the budget that their payloads hold a part of.
#[derive(Default)]
pub(super) struct Outgoing {
    messages: Mutex<Vec<OutboundMessage>>,
    arrived: Notify,
}

impl Outgoing {
    pub(super) fn push(&self, message: OutboundMessage) {
        let mut messages = self.messages.lock();
        messages.push(message);
        let first = messages.len() == 1;
        drop(messages);
        if first {
            self.arrived.notify_one();
        }
    }

    fn swap(&self, emptied: Vec<OutboundMessage>) -> Vec<OutboundMessage> {
        mem::replace(&mut *self.messages.lock(), emptied)
    }

    /// Hands messages over until the task is dropped.
    pub(super) async fn run(self: Arc<Self>, client: Client, shared: Arc<Shared>) {
        let mut emptied = Vec::new();
        loop {
            self.arrived.notified().await;
            yield_now().await;
            let mut messages = self.swap(emptied);
            for message in messages.drain(..) {
                hand_over(&client, &shared, message).await;
            }
            messages.shrink_to(KEPT_MESSAGES);
            emptied = messages;
        }
    }
}

/// Waits while the queue of async-nats is full. A message that it refuses is only counted, because
/// its publisher has been told that it was sent.
async fn hand_over(client: &Client, shared: &Shared, message: OutboundMessage) {
    if shared.up().is_err() {
        return;
    }
    if let Err(fault) = client.publish_message(message).await {
        match fault.kind() {
            PublishErrorKind::MaxPayloadExceeded => shared.too_large(),
            _ => shared.down(),
        };
    }
}
