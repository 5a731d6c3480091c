//! What the node has said and async-nats has not been given yet: all that the tasks of one turn say goes to it together.
//!
//! async-nats writes as soon as it is woken, and tokio runs a woken task next. Given each message at once it would make a system call
//! for each, here and in the server. So they are collected until every task that can run has run; where nothing else runs, that is at
//! once.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use async_nats::{Client, PublishErrorKind, client::traits::Publisher, message::OutboundMessage};
use tokio::{sync::Notify, task::yield_now};

use super::Shared;

/// Room that a queue keeps when it is empty, in messages of 72 bytes: what a turn has on an ordinary day. The rest is given back.
const KEPT_MESSAGES: usize = 64;

/// Messages on their way to async-nats. Bounded by the budget from which their payloads come.
#[derive(Default)]
pub(super) struct Outgoing {
    messages: Mutex<Vec<OutboundMessage>>,
    came: Notify,
}

impl Outgoing {
    pub(super) fn push(&self, message: OutboundMessage) {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.push(message);
        let first = messages.len() == 1;
        drop(messages);
        if first {
            self.came.notify_one();
        }
    }

    fn swap(&self, emptied: Vec<OutboundMessage>) -> Vec<OutboundMessage> {
        mem::replace(&mut *self.messages.lock().unwrap_or_else(PoisonError::into_inner), emptied)
    }

    /// Hands messages over until it is dropped.
    pub(super) async fn run(self: Arc<Self>, client: Client, shared: Arc<Shared>) {
        let mut emptied = Vec::new();
        loop {
            self.came.notified().await;
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

/// Waits while the queue of async-nats is full. What it refuses is counted: its sender has been told that it went.
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
