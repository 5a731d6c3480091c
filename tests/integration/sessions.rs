//! Sessions: replaced, deleted, renewed, expired, looked up; the same at every gateway.

use serde_json::json;

use crate::support::{
    cluster::Cluster,
    eventually, http,
    person::{Heard, Person, couple, pair, talk, text},
    process::{Launch, Process},
    raw::Raw,
    token::claims,
};

#[tokio::test]
async fn a_newer_connection_replaces_the_older_wherever_it_is() {
    let cluster = Cluster::start().await;
    for at in [0, 1] {
        let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
        let old = one.release();
        one.connect(&cluster.gateways[at]).await;
        let mut replaced = Person::new(&cluster.gateways[0]).await;
        replaced.take(old);
        assert_eq!(replaced.closed().await, Some(4102));
        other.peer_is("away").await;
        one.resume().await;
        one.hear("resumed").await;
        other.peer_is("online").await;
        talk(&mut one, &mut other).await;
    }
}

#[tokio::test]
async fn a_client_that_just_stops_is_replaced_when_it_comes_back() {
    let cluster = Cluster::start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    // Nobody reads or answers, and the network reports nothing.
    let stopped = one.release();
    for at in [1, 0, 1] {
        one.come_back(&cluster.gateways[at]).await;
        one.frame("from the new one").await;
        assert_eq!(until_frame(&mut other).await, "from the new one");
    }
    drop(stopped);
    talk(&mut one, &mut other).await;
}

/// The next frame; `peer` messages before it are skipped.
async fn until_frame(person: &mut Person) -> String {
    loop {
        match person.next().await {
            Heard::Frame(frame) => return String::from_utf8(frame.to_vec()).unwrap(),
            Heard::Control(message) => assert_eq!(message["type"], "peer"),
            closed => panic!("{closed:?}"),
        }
    }
}

#[tokio::test]
async fn a_session_deleted_elsewhere_is_deleted_everywhere() {
    let cluster = Cluster::start().await;
    let [here, there] = [&cluster.gateways[0], &cluster.gateways[1]];
    let (mut one, mut other) = couple(here, there).await;
    assert_eq!(one.call(there, "DELETE", "/v1/sessions/me").await.status, 204);
    other.ended("left").await;
    assert_eq!(one.closed().await, Some(4103));
    let dead = one.call(there, "GET", "/v1/sessions/me").await;
    assert_eq!(dead.problem(), (401, "bad-token".into()), "at once where it was deleted");
    eventually("the token is dead at the other gateway", async || {
        one.call(here, "GET", "/v1/sessions/me").await.status == 401
    })
    .await;
    // Also at a gateway that starts later.
    let mut cluster = cluster;
    let late = cluster.start_node("gateway").await;
    assert_eq!(one.call(&late, "GET", "/v1/sessions/me").await.problem(), (401, "bad-token".into()));
    assert_eq!(other.whereabouts(&late).await, ("idle".into(), true));
}

#[tokio::test]
async fn a_deleted_session_that_waits_meets_nobody() {
    let cluster = Cluster::start().await;
    let topic = json!({"topic": "deleted"});
    let mut deleted = Person::arrive(&cluster.gateways[0]).await;
    deleted.find(topic.clone()).await;
    assert_eq!(deleted.call(&cluster.gateways[1], "DELETE", "/v1/sessions/me").await.status, 204);
    assert_eq!(deleted.closed().await, Some(4103));
    let mut one = Person::arrive(&cluster.gateways[0]).await;
    one.find(topic.clone()).await;
    let mut other = Person::arrive(&cluster.gateways[1]).await;
    other.find(topic).await;
    one.hear("paired").await;
    other.hear("paired").await;
    assert_eq!(one.room, other.room);
}

#[tokio::test]
async fn a_chat_is_left_over_rest_from_any_gateway() {
    let cluster = Cluster::start().await;
    let [here, there] = [&cluster.gateways[0], &cluster.gateways[1]];
    for (holder, asked) in [(here, there), (here, here)] {
        let (mut one, mut other) = couple(holder, there).await;
        assert_eq!(one.call(asked, "DELETE", "/v1/rooms/current").await.status, 204);
        one.ended("left").await;
        other.ended("left").await;
        // The session goes on, and is in no room.
        assert_eq!(one.call(asked, "DELETE", "/v1/rooms/current").await.problem(), (404, "no-room".into()));
        assert_eq!(one.whereabouts(asked).await, ("idle".into(), true));
        one.has_heard_nothing().await;
    }
}

#[tokio::test]
async fn what_a_session_does_is_known_at_every_gateway() {
    let cluster = Cluster::start().await;
    let [here, there] = [&cluster.gateways[0], &cluster.gateways[1]];
    let mut one = Person::new(here).await;
    let everywhere = async |person: &Person, state: &str, connected: bool| {
        for at in [here, there] {
            eventually(&format!("{state}, connected: {connected}"), async || {
                person.whereabouts(at).await == (state.to_owned(), connected)
            })
            .await;
        }
    };
    everywhere(&one, "idle", false).await;
    one.connect(here).await;
    everywhere(&one, "idle", true).await;
    one.find(json!({"topic": "whereabouts"})).await;
    everywhere(&one, "waiting", true).await;
    one.ask(json!({"type": "cancel"})).await;
    let mut other = Person::arrive(there).await;
    pair(&mut one, &mut other).await;
    everywhere(&one, "paired", true).await;
    one.lose();
    everywhere(&one, "paired", false).await;
    one.come_back(there).await;
    everywhere(&one, "paired", true).await;
    one.ask(json!({"type": "leave"})).await;
    one.ended("left").await;
    everywhere(&one, "idle", true).await;
    let me = one.call(there, "GET", "/v1/sessions/me").await.json();
    assert_eq!(text(&me, "session"), one.session);
    assert_eq!(me["expires_at"], claims(&one.token)["exp"]);
}

#[tokio::test]
async fn the_number_of_people_is_shown_in_coarse_counts() {
    let serve = Launch::new("serve").ready().await;
    let mut couples = Vec::new();
    for _ in 0..6 {
        couples.push(couple(&serve, &serve).await);
    }
    let mut lonely = Person::arrive(&serve).await;
    lonely.find(json!({"topic": "nobody else's"})).await;
    eventually("twelve people chat", async || serve.metric("gateway_chatting").await == 12.0).await;
    // Before there is a session, and whoever asks.
    let status = http::get(serve.address(), "/v1/status").await.json();
    assert_eq!((&status["waiting"], &status["chatting"]), (&0.into(), &10.into()), "fewer than ten are none");
}

/// Tokens of two seconds, renewed in-band.
fn short_lived(launch: Launch) -> Launch {
    launch.set_all(&[("token-life", "2s"), ("grace", "500ms"), ("key-rotation", "2s")])
}

#[tokio::test]
async fn a_token_is_renewed_over_the_socket_for_as_long_as_it_is_open() {
    let serve = short_lived(Launch::new("serve")).ready().await;
    let (mut one, mut other) = couple(&serve, &serve).await;
    let (first_token, first_ticket) = (one.token.clone(), one.ticket.clone());
    let began = claims(&first_token)["exp"].as_u64().unwrap();
    // Longer than the first token, and the key that signed it, are valid.
    while claims(&one.token)["exp"].as_u64().unwrap() < began + 4 {
        let renewed = one.renewed().await;
        assert_eq!(renewed["expires_at"], claims(&one.token)["exp"]);
        assert_eq!(claims(&one.ticket)["room"], json!(one.room), "a room's ticket is renewed with it");
    }
    assert_ne!(first_ticket, one.ticket);
    assert_eq!(claims(&one.token)["start"], claims(&first_token)["start"]);
    assert_eq!(claims(&one.token)["stamp"], claims(&first_token)["stamp"]);
    // The renewed ticket resumes the room.
    one.come_back(&serve).await;
    one.frame("back").await;
    assert_eq!(until_frame(&mut other).await, "back");
    other.ask(json!({"type": "leave"})).await;
    one.hear_at_last("ended").await;
    assert_eq!(one.renewed().await.get("ticket"), None, "no ticket without a room");
}

#[tokio::test]
async fn a_token_that_nobody_renews_expires() {
    let serve = short_lived(Launch::new("serve")).ready().await;
    let person = Person::new(&serve).await;
    let renewed = person.call(&serve, "POST", "/v1/sessions/me/token").await;
    assert_eq!(renewed.status, 200);
    assert_eq!(text(&renewed.json(), "session"), person.session);
    // Its own life and the leeway for clocks.
    eventually("the token has expired", async || {
        let answer = person.call(&serve, "GET", "/v1/sessions/me").await;
        answer.status == 401 && matches!(answer.problem().1.as_str(), "token-expired" | "bad-token")
    })
    .await;
    let bearer = format!("Bearer {}", person.token);
    let headers = crate::support::raw::upgrade_headers(&bearer);
    assert_eq!(http::call(serve.address(), "GET", "/v1/ws", &headers, "").await.status, 401);
    let again = person.call(&serve, "POST", "/v1/sessions/me/token").await;
    assert_eq!(again.status, 401, "a dead token renews nothing");
}

#[tokio::test]
async fn a_side_that_stays_away_longer_than_the_grace_ends_the_room() {
    let cluster = Cluster::plan().set("grace", "2s").start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    one.lose();
    other.peer_is("away").await;
    other.ended("expired").await;
    one.connect(&cluster.gateways[1]).await;
    one.resume().await;
    one.ended("expired").await;
    one.find(json!({"topic": "after all"})).await;
}

#[tokio::test]
async fn a_room_that_ended_while_one_was_away_has_ended_for_them_too() {
    let mut cluster = Cluster::start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    one.lose();
    other.peer_is("away").await;
    other.ask(json!({"type": "leave"})).await;
    other.ended("left").await;
    for at in [0, 1] {
        one.connect(&cluster.gateways[at]).await;
        one.resume().await;
        one.ended("left").await;
    }
    // Without a janitor, a gateway that starts learns of the end from another gateway.
    cluster.janitors[0].kill();
    let late = cluster.start_node("gateway").await;
    one.connect(&late).await;
    one.resume().await;
    one.ended("left").await;
}

#[tokio::test]
async fn an_attachment_is_known_by_its_stamp() {
    let serve = Launch::new("serve").ready().await;
    let mut person = Person::new(&serve).await;
    let stamp = |token: &str| claims(token)["stamp"].as_u64().unwrap();
    assert_eq!(stamp(&person.token), 0, "no attachment yet");
    let mut before = 0;
    for _ in 0..3 {
        let ready = person.connect(&serve).await;
        assert!(stamp(&person.token) > before);
        before = stamp(&person.token);
        assert_eq!(ready["heartbeat_ms"], 25_000);
        let limits = json!({"frame_bytes": 65_536, "control_bytes": 4096, "frame_rate": 0, "byte_rate": 0, "topic_chars": 64, "grace_ms": 180_000});
        assert_eq!(ready["limits"], limits);
    }
}

#[tokio::test]
async fn connections_of_one_address_come_and_go_within_its_limit() {
    let serve = Launch::new("serve").set("connections-per-address", "3").ready().await;
    let mut tokens = Vec::new();
    for _ in 0..4 {
        tokens.push(Person::new(&serve).await.token);
    }
    let mut open = Vec::new();
    for token in &tokens[..3] {
        open.push(Raw::open(serve.address(), token).await);
    }
    assert!(is_turned_away(&serve, &tokens[3]).await);
    open.pop();
    eventually("there is a place again", async || !is_turned_away(&serve, &tokens[3]).await).await;
}

/// Whether a connection is dropped without an answer, or refused.
async fn is_turned_away(at: &Process, token: &str) -> bool {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", "cipher-chat.v1")];
    crate::support::person::upgrade(at.address(), &headers).await.is_err()
}
