//! Two people, from end to end.

use client::{
    Chat, ChatCriteria,
    channel::{self, SafetyCode, SendError},
    chat::{End, Event},
    invite::Invite,
};
use schemas::control::Category;
use tokio::sync::Barrier;

use crate::relay::Relay;

/// Two people who look for each other.
async fn two(relay: &Relay, criteria: [ChatCriteria; 2]) -> [Chat; 2] {
    let mut chats = Vec::new();
    for criterion in criteria {
        let mut chat = Chat::open(&relay.server()).await.unwrap();
        chat.find(criterion);
        chats.push(chat);
    }
    chats.try_into().ok().unwrap()
}

async fn secured(chat: &mut Chat) -> SafetyCode {
    loop {
        match chat.next_event().await {
            Some(Event::Secured { safety }) => return safety,
            Some(Event::Connected | Event::Waiting(_) | Event::Met) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Two people who talk.
async fn talking(relay: &Relay) -> [Chat; 2] {
    let [mut one, mut two] = two(relay, [ChatCriteria::anybody(), ChatCriteria::anybody()]).await;
    let (first, second) = tokio::join!(secured(&mut one), secured(&mut two));
    assert_eq!(first, second);
    assert_eq!((one.safety(), two.safety()), (Some(first), Some(first)));
    [one, two]
}

/// Lets events pass up to the end of the chat; the texts that were not delivered are counted.
async fn end(chat: &mut Chat) -> (End, usize) {
    let mut undelivered = 0;
    loop {
        match chat.next_event().await {
            Some(Event::Ended { end }) => return (end, undelivered),
            Some(Event::NotDelivered { .. }) => undelivered += 1,
            Some(_) => {}
            None => panic!("closed without an end"),
        }
    }
}

#[tokio::test]
async fn two_people_talk_and_say_goodbye() {
    let relay = Relay::new().await;
    let [mut one, mut two] = talking(&relay).await;
    let hello = one.send("hello").unwrap();
    let said = async {
        expect_event!(two, Event::Message { text, .. } => assert_eq!(text, "hello"));
        two.send("bye").unwrap();
        two.leave();
        assert_eq!(two.send("too late"), Err(SendError::Over));
        end(&mut two).await
    };
    let heard = async {
        // The acknowledgement rides on the answer, so which of the two comes first does not matter.
        for _ in 0..2 {
            match one.next_event().await {
                Some(Event::Delivered { number }) => assert_eq!(number, hello),
                Some(Event::Message { text, .. }) => assert_eq!(text, "bye"),
                other => panic!("{other:?}"),
            }
        }
        end(&mut one).await
    };
    let (first, second) = tokio::join!(heard, said);
    assert_eq!((first, second), ((End::PeerBye, 0), (End::Bye, 0)));
    assert_eq!(one.safety(), None);
}

#[tokio::test]
async fn every_text_arrives_once_and_in_order_though_connections_break() {
    const TEXTS: usize = 200;
    let relay = Relay::new().await;
    let [mut one, mut two] = talking(&relay).await;
    relay.room.cut_after_every(100);
    let both_are_done = Barrier::new(2);
    let talk = async |chat: &mut Chat, name: &str, other: &str| {
        let (mut sent, mut delivered, mut heard) = (0, 0, 0);
        while delivered < TEXTS || heard < TEXTS {
            while sent < TEXTS && chat.send(&format!("{name} {sent}")).is_ok() {
                sent += 1;
            }
            match chat.next_event().await.unwrap() {
                Event::Message { text, .. } => {
                    assert_eq!(text, format!("{other} {heard}"));
                    heard += 1;
                }
                Event::Delivered { .. } => delivered += 1,
                Event::Ended { end } => panic!("{end:?}"),
                _ => {}
            }
        }
        // Whoever is done first still has to acknowledge.
        let stay = async { while chat.next_event().await.is_some() {} };
        tokio::select! {
            _ = both_are_done.wait() => {}
            () = stay => panic!("closed"),
        }
    };
    tokio::join!(talk(&mut one, "one", "two"), talk(&mut two, "two", "one"));
}

#[tokio::test]
async fn a_link_brings_its_two_people_together() {
    let relay = Relay::new().await;
    let invite = Invite::generate(&mut rand::rng());
    let [mut one, mut other] =
        two(&relay, [ChatCriteria::create_invite(invite.clone()), ChatCriteria::accept_invite(invite)]).await;
    let (first, second) = tokio::join!(secured(&mut one), secured(&mut other));
    assert_eq!(first, second);
}

#[tokio::test]
async fn who_does_not_have_the_link_does_not_get_in_even_if_the_server_lets_them() {
    let relay = Relay::new().await;
    let invite = Invite::generate(&mut rand::rng());
    let [mut one, mut other] =
        two(&relay, [ChatCriteria::create_invite(invite), ChatCriteria::anybody()]).await;
    let (first, second) = tokio::join!(end(&mut one), end(&mut other));
    assert!(
        [first.0, second.0].contains(&End::Fault(channel::ChannelEnd::HandshakeLength)),
        "{first:?} {second:?}"
    );
}

#[tokio::test]
async fn a_report_ends_the_chat_at_once() {
    let relay = Relay::new().await;
    let [mut one, mut two] = talking(&relay).await;
    one.report(Category::Spam);
    let (first, second) = tokio::join!(end(&mut one), end(&mut two));
    assert_eq!((first, second.0), ((End::Report, 0), End::Room(schemas::control::EndReason::Left)));
}

#[tokio::test]
async fn undelivered_texts_are_reported() {
    let relay = Relay::new().await;
    let [mut one, two] = talking(&relay).await;
    drop(two);
    one.send("hello?").unwrap();
    expect_event!(one, Event::PeerAway { .. });
    one.leave();
    assert_eq!(end(&mut one).await, (End::Bye, 1));
}

#[tokio::test]
async fn the_peer_of_a_closed_chat_sees_it_end() {
    let relay = Relay::new().await;
    let [one, mut two] = talking(&relay).await;
    let ((), heard) = tokio::join!(one.close(), end(&mut two));
    assert_eq!(heard, (End::PeerBye, 0));
}

#[tokio::test]
async fn nobody_is_there_before_somebody_is_found() {
    let relay = Relay::new().await;
    let mut chat = Chat::open(&relay.server()).await.unwrap();
    assert_eq!(chat.send("hello"), Err(SendError::Over));
    assert_eq!(chat.safety(), None);
    chat.leave();
    chat.report(Category::Other);
    expect_event!(chat, Event::Reported { taken: false });
    expect_event!(chat, Event::Connected);
    chat.close().await;
}
