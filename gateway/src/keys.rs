//! The life of the signing keys: announced before they sign, announced again while they verify,
//! replaced in time.

use std::time::Duration;

use bus::{Bus, Clock, PublishError, Status};
use spans::{Span, span};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::token::{KEY_SETTLE, Tokens};

/// Between two announcements of all keys: so soon a gateway that missed one knows it, and its sync
/// has failed besides.
const ANNOUNCE: std::ops::Range<Duration> = Duration::from_secs(10)..Duration::from_secs(30);

/// Between a new connection to the bus and the announcement that follows. All gateways may come
/// back at once, and what one has announced the others need not.
const RETURNED: std::ops::Range<Duration> = Duration::ZERO..Duration::from_secs(2);

/// How soon a failed flush is tried again: the bus is down, or has just come back.
const RETRY: Duration = Duration::from_secs(1);

/// Announces and replaces the signing keys until shutdown.
pub(crate) async fn run(tokens: &Tokens, bus: &Bus, clock: Clock, shutdown: CancellationToken) {
    shutdown
        .run_until_cancelled(async {
            announce_flushed(tokens, bus).await;
            tokens.first_key_announced();
            let mut status = bus.status();
            status.mark_unchanged();
            loop {
                let until_rotation = tokens.rotation_at().since(clock.now());
                let pause = rand::random_range(ANNOUNCE);
                tokio::select! {
                    () = sleep(pause.min(until_rotation)) => {
                        if until_rotation <= pause {
                            replace(tokens, bus).await;
                        }
                    }
                    () = is_back(&mut status) => {
                        // It may have been cut off because its certificate was revoked, and has
                        // come back with the next one, which has to vouch for its keys.
                        bus.renew_identity();
                        sleep(rand::random_range(RETURNED)).await;
                    }
                }
                announce(tokens, bus);
            }
        })
        .await;
}

/// The bus was down and is up again.
async fn is_back(status: &mut watch::Receiver<Status>) {
    while status.changed().await.is_ok() {
        if *status.borrow_and_update() == Status::Up {
            return;
        }
    }
    // It has been drained.
    std::future::pending().await
}

fn announcement() -> Span {
    spans::root(|| span!(parent: None, "announce keys"))
}

/// What cannot be said now is said again in a while.
fn announce(tokens: &Tokens, bus: &Bus) {
    let _entered = announcement().entered();
    for message in tokens.announcements() {
        if bus.publish(&message).is_err() {
            return;
        }
    }
}

async fn announce_flushed(tokens: &Tokens, bus: &Bus) {
    loop {
        announce(tokens, bus);
        if bus.flush().await.is_ok() {
            return;
        }
        sleep(RETRY).await;
    }
}

/// The old key signs until the new one has been announced, however long the bus is away.
async fn replace(tokens: &Tokens, bus: &Bus) {
    // The certificate that vouches for it may have been renewed meanwhile.
    bus.renew_identity();
    while publish_next(tokens, bus).is_err() || bus.flush().await.is_err() {
        // Its end moves along as it signs on.
        announce(tokens, bus);
        sleep(RETRY).await;
    }
    sleep(KEY_SETTLE).await;
    tokens.use_next_key();
    tracing::info!(event = "keys.replaced", "the signing key was replaced");
}

fn publish_next(tokens: &Tokens, bus: &Bus) -> Result<(), PublishError> {
    announcement().in_scope(|| bus.publish(&tokens.make_next_key()))
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, sync::Arc};

    use bus::{Heard, Local};
    use schemas::{
        KeyId, SessionId, Stamp, event::KeyEvent, message::Message, subject::Interest, token::RoomHistory,
    };

    use super::*;
    use session::SessionGrant;

    fn tokens(bus: &Bus, clock: Clock, rotation: Duration) -> Arc<Tokens> {
        Arc::new(Tokens::new(bus.clone(), clock, Duration::from_secs(2), rotation))
    }

    fn issue(tokens: &Tokens, clock: Clock) -> String {
        let session = SessionId::from_random([1; 16]);
        let start = clock.now().as_secs();
        tokens
            .issue_session(SessionGrant {
                session,
                start,
                stamp: Stamp::NONE,
                pass: None,
                history: RoomHistory::default(),
            })
            .token
    }

    fn signer(token: &str) -> KeyId {
        jsonwebtoken::decode_header(token).unwrap().kid.unwrap().parse().unwrap()
    }

    #[tokio::test]
    async fn a_key_is_announced_before_it_signs() {
        let clock = Clock::start();
        let local = Local::new();
        let (bus, other) = (local.join("n1".parse().unwrap()), local.join("n2".parse().unwrap()));
        let mut heard = other.subscribe(&[Interest::Keys]).await.unwrap();
        let hour = Duration::from_secs(3600);
        let (ours, theirs) = (tokens(&bus, clock, hour), tokens(&other, clock, hour));
        theirs.first_key_announced();
        let shutdown = CancellationToken::new();
        let task = tokio_util::task::TaskTracker::new();
        task.spawn({
            let (ours, shutdown) = (Arc::clone(&ours), shutdown.clone());
            async move { run(&ours, &bus, clock, shutdown).await }
        });
        let Some(Heard::Message { message: Message::Key { key, from, event, .. }, .. }) = heard.next().await
        else {
            panic!("a key")
        };
        theirs.hear(key, &from, &event);
        assert!(theirs.verify_session(&issue(&ours, clock)).is_ok());
        shutdown.cancel();
        task.close();
        task.wait().await;
    }

    /// Virtual time for the task's waits; the keys' own times are as asked, a second apart.
    #[tokio::test(start_paused = true)]
    async fn keys_are_replaced_in_turn_and_every_one_was_announced_first() {
        let clock = Clock::start();
        let local = Local::new();
        let (bus, other) = (local.join("n1".parse().unwrap()), local.join("n2".parse().unwrap()));
        let mut heard = other.subscribe(&[Interest::Keys]).await.unwrap();
        // Always due: the clock of this test stands almost still.
        let ours = tokens(&bus, clock, Duration::ZERO);
        let shutdown = CancellationToken::new();
        let task = tokio_util::task::TaskTracker::new();
        task.spawn({
            let (ours, shutdown) = (Arc::clone(&ours), shutdown.clone());
            async move { run(&ours, &bus, clock, shutdown).await }
        });
        let (mut announced, mut signers) = (HashSet::new(), HashSet::new());
        while signers.len() < 3 {
            let Some(Heard::Message { message: Message::Key { key, event, .. }, .. }) = heard.next().await
            else {
                panic!("a key")
            };
            assert!(matches!(event, KeyEvent::Announced(_)));
            announced.insert(key);
            let signer = signer(&issue(&ours, clock));
            assert!(announced.contains(&signer), "signed before it was announced");
            signers.insert(signer);
        }
        shutdown.cancel();
        task.close();
        task.wait().await;
    }
}
