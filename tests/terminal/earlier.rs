//! Replies, reactions, edits, deletions and timers between two programs.

use serde_json::json;

use super::{couple, json::Program};
use crate::support::{process::Launch, unique};

#[tokio::test]
async fn two_people_answer_react_edit_delete_and_let_texts_vanish() {
    let serve = Launch::new("serve").ready().await;
    let (one, other) = couple(&serve).await;
    one.line("shall we met?");
    other.shows("them  shall we met?").await;
    other.line("/reply at noon");
    one.shows("┃ shall we met?").await;
    one.shows("them  at noon").await;
    one.line("/react 👍");
    other.shows("↳ them: 👍").await;
    one.shows("↳ you: 👍").await;
    one.line("/edit shall we meet?");
    other.shows("them  shall we meet?  (edited)").await;
    other.shows("┃ shall we meet?").await;
    other.hides("shall we met?").await;
    one.line("/delete");
    other.shows("them  (deleted)").await;
    other.shows("┃ (a message that is gone)").await;
    other.hides("shall we").await;
    other.line("/timer 1s");
    one.shows("Messages vanish after 1 second").await;
    let gone = unique("gone");
    // It may be gone between two looks.
    other.record();
    one.line(&gone);
    other.has_drawn(&gone).await;
    one.hides(&gone).await;
    other.hides(&gone).await;
    other.shows("at noon").await;
    other.line("/timer off");
    one.shows("Messages do not vanish any more").await;
}

#[tokio::test]
async fn programs_name_what_they_are_told_the_numbers_of() {
    let serve = Launch::new("serve").ready().await;
    let (url, topic) = (format!("http://{}", serve.address()), unique("topic"));
    let parameters = ["--url", &url, "--topic", &topic];
    let (mut one, mut other) = (Program::start(&parameters), Program::start(&parameters));
    one.event("secured");
    other.event("secured");
    one.write(&json!({ "text": "first" }));
    let first = one.event("sent")["number"].clone();
    assert_eq!(other.event("text")["number"], first);
    other.write(&json!({ "text": "yes", "reply_to": { "whose": "peer", "number": first } }));
    let reply = one.event("text");
    assert_eq!(reply["reply_to"], json!({ "whose": "own", "number": first }));
    one.write(&json!({ "reaction": "👍", "to": { "whose": "peer", "number": reply["number"] } }));
    let reaction = other.event("reaction");
    assert_eq!(reaction["to"], json!({ "whose": "own", "number": reply["number"] }));
    assert_eq!(reaction["reaction"], "👍");
    one.write(&json!({ "edit": first, "text": "second" }));
    let edited = other.event("edited");
    assert_eq!([&edited["number"], &edited["text"]], [&first, &json!("second")]);
    one.write(&json!({ "delete": first }));
    assert_eq!(other.event("deleted")["number"], first);
    one.write(&json!({ "timer_s": 60, "id": "t" }));
    assert_eq!(one.event("timer")["by"], "own");
    assert_eq!(other.event("timer"), json!({ "event": "timer", "by": "peer", "vanish_after_s": 60 }));
    one.write(&json!({ "text": "last" }));
    assert_eq!(other.event("text")["vanishes_after_s"], 60);
    one.write(&json!({ "delete": 1000 }));
    assert_eq!(one.event("error")["code"], "no-such-message");
    assert_eq!((one.end(), other.end()), (Some(0), Some(0)));
}
