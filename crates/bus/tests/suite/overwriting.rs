//! What a node does so that the client of NATS keeps no frames: it sends itself fillers.

use std::collections::HashMap;

use bus::FrameRoute;
use bytes::Bytes;
use futures_util::StreamExt;
use schemas::subject::Interest;

use crate::{Net, heard, nats::NatsServer, node, room, want, within};

/// The buffer in which async-nats receives.
const READ_BUFFER_BYTES: usize = 65535;

#[tokio::test]
async fn frames_are_followed_by_more_than_a_buffer_of_nothing_on_both_nodes_and_on_no_other() {
    let server = NatsServer::start();
    let stranger = async_nats::connect(server.url()).await.unwrap();
    let mut inboxes = stranger.subscribe("*.>").await.unwrap();
    stranger.flush().await.unwrap();
    let net = Net::Nats(server);
    // The third is told of as much, only not of frames.
    let (third, one, two) = (net.join("g3").await, net.join("g1").await, net.join("g2").await);
    let mut wants = third.subscribe(&[Interest::Wants]).await.unwrap();
    let mut frames = two.subscribe(&[Interest::RoomTraffic(node("g2"))]).await.unwrap();
    one.publish(&want("g1")).unwrap();
    one.publish_frames(&FrameRoute { room: room(9), to: node("g2") }, Bytes::from_static(b"text")).unwrap();
    heard(&mut wants).await;
    heard(&mut frames).await;
    let mut fillers: HashMap<String, usize> = HashMap::new();
    while !["g1", "g2"].iter().all(|node| fillers.get(*node).is_some_and(|bytes| *bytes > READ_BUFFER_BYTES))
    {
        let message = within(inboxes.next()).await.unwrap();
        let Some((inbox, _)) = message.subject.split_once('.') else { continue };
        if let Some(name) = inbox.strip_prefix("_INBOX_") {
            assert!(message.payload.iter().all(|byte| *byte == 0), "a filler says nothing");
            *fillers.entry(name.to_owned()).or_default() += message.payload.len();
        }
    }
    assert_eq!(fillers.get("g3").copied().unwrap_or_default(), 0);
}
