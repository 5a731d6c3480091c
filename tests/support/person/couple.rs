//! What two people do together.

use std::time::Duration;

use serde_json::json;

use super::{Heard, Person};
use crate::support::{in_time, process::Process, unique};

/// A frame that was not received is sent again after this time.
const RESEND: Duration = Duration::from_millis(300);

/// Both are told that they are in one room, on different sides.
pub(crate) async fn meet(one: &mut Person, other: &mut Person) {
    one.hear("paired").await;
    other.hear("paired").await;
    assert_eq!(one.room, other.room);
    assert_ne!(one.side, other.side);
}

/// Has two connected people meet.
pub(crate) async fn pair(one: &mut Person, other: &mut Person) {
    let topic = unique("topic");
    one.find(json!({"topic": topic})).await;
    other.find(json!({"topic": topic})).await;
    meet(one, other).await;
}

/// Two people who chat, each connected to the given gateway.
pub(crate) async fn couple(one_at: &Process, other_at: &Process) -> (Person, Person) {
    let (mut one, mut other) = (Person::arrive(one_at).await, Person::arrive(other_at).await);
    pair(&mut one, &mut other).await;
    (one, other)
}

/// Sends a frame again until it is received, as clients do. `peer` messages meanwhile are skipped.
pub(crate) async fn get_through(from: &mut Person, to: &mut Person) {
    let word = unique("again");
    let arrives = async {
        loop {
            from.frame(word.clone()).await;
            match tokio::time::timeout(RESEND, to.next_heard()).await {
                Ok(Heard::Frame(frame)) if frame == word => return,
                Ok(Heard::Closed(code)) => panic!("closed with {code:?}"),
                Ok(_) | Err(_) => {}
            }
        }
    };
    in_time("a frame gets through", arrives).await;
}

/// A frame is relayed each way, and nothing else is received.
#[track_caller]
pub(crate) fn talk(one: &mut Person, other: &mut Person) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let (there, back) = (unique("there"), unique("back"));
        one.frame(there.clone()).await;
        other.frame(back.clone()).await;
        assert_eq!(other.next().await, Heard::Frame(there.into()), "at {caller}");
        assert_eq!(one.next().await, Heard::Frame(back.into()), "at {caller}");
    }
}
