//! Helpers with passes of their operator, and those who seek them, as programs in lines of JSON.

use std::{env, fs, path::PathBuf, process::Command};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::json::Program;
use crate::support::{
    process::{Launch, Process},
    unique,
};

/// An operator: a directory with the keys.
struct Operator {
    dir: PathBuf,
}

impl Operator {
    fn new() -> Self {
        let dir = env::temp_dir().join(unique("passes"));
        fs::create_dir(&dir).unwrap();
        let operator = Self { dir };
        operator.pass(&["key", "--out", &operator.file("passes.key")]);
        operator
    }

    fn file(&self, name: &str) -> String {
        self.dir.join(name).to_str().unwrap().to_owned()
    }

    /// The public key, for those who seek.
    fn public(&self) -> String {
        self.file("passes.pub")
    }

    fn pass(&self, words: &[&str]) -> String {
        let output =
            Command::new(env!("CARGO_BIN_EXE_cipher-chat")).arg("pass").args(words).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The file with the link of a new helper for this topic, and the link.
    fn helper(&self, url: &str, topic: &str) -> (String, String) {
        let made = self.pass(&["new", "--key", &self.file("passes.key"), "--url", url, "--topics", topic]);
        let link = made.lines().find(|line| line.contains("/desk#")).unwrap().trim().to_owned();
        let file = self.file(&unique("link"));
        fs::write(&file, &link).unwrap();
        (file, link)
    }

    /// A new list of revoked passes, with these in it.
    fn list(&self, revoked: &[&str]) -> String {
        let list = self.file("revoked");
        let key = self.file("passes.key");
        self.pass(&[&["revoke", "--key", &key, "--list", &list], revoked].concat());
        list
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn url(process: &Process) -> String {
    format!("http://{}", process.address())
}

/// A server that takes the passes of this operator, and lets nobody else offer help.
async fn help_line(operator: &Operator) -> Process {
    let list = operator.list(&[]);
    let launch = Launch::new("serve").set("pass-key", &operator.public()).set("helpers", "pass");
    launch.set("revoked-passes", &list).ready().await
}

/// The public key in the pass of a helper's link.
fn key_of(link: &str) -> String {
    let claims = link.split('.').rev().nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    claims["key"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_verified_helper_hands_over_to_a_colleague_and_nobody_else_will_do() {
    let operator = Operator::new();
    let serve = help_line(&operator).await;
    let (url, public) = (url(&serve), operator.public());
    for right in [true, false] {
        let topic = unique("topic");
        let ((first, _), (named, link), (other, _)) =
            (operator.helper(&url, &topic), operator.helper(&url, &topic), operator.helper(&url, &topic));
        let mut helper = Program::start(&["--pass", &first, "--topic", &topic]);
        let mut seeker = Program::start(&["--url", &url, "--helper-key", &public, "--topic", &topic]);
        let told = seeker.event("helper");
        assert_eq!((&told["standing"], &told["topics"]), (&json!("verified"), &json!([topic])));
        let code = seeker.event("secured");
        assert_eq!(helper.event("secured")["numbers"], code["numbers"]);
        seeker.write(&json!({ "text": "hello" }));
        assert_eq!(helper.event("text")["text"], "hello");

        helper.write(&json!({ "command": format!("handover {}", key_of(&link)) }));
        let invite = helper.event("invite")["link"].as_str().unwrap().to_owned();
        seeker.event("handover");
        seeker.write(&json!({ "command": "handover" }));
        assert_eq!(seeker.event("ended")["reason"], "bye");
        assert_eq!(helper.event("ended")["reason"], "peer-bye");
        seeker.write(&json!({ "text": "are you the colleague?" }));
        let who = if right { &named } else { &other };
        let mut colleague = Program::start(&["--pass", who, &invite]);
        if right {
            assert_eq!(seeker.event("helper")["standing"], "verified");
            assert_eq!(colleague.event("text")["text"], "are you the colleague?");
        } else {
            assert_eq!(seeker.event("ended")["reason"], "fault-bad-credential");
            assert_eq!(seeker.event("not-sent")["texts"], 1);
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_to_a_helper_of_another_operator() {
    let (operator, other) = (Operator::new(), Operator::new());
    let serve = help_line(&operator).await;
    let url = url(&serve);
    let topic = unique("topic");
    let (file, _) = operator.helper(&url, &topic);
    let mut helper = Program::start(&["--pass", &file, "--topic", &topic]);
    let key = other.public();
    let mut seeker = Program::start(&["--url", &url, "--helper-key", &key, "--topic", &topic]);
    seeker.write(&json!({ "text": "secret" }));
    assert_eq!(seeker.event("ended")["reason"], "fault-bad-credential");
    assert_eq!(seeker.event("not-sent")["texts"], 1);
    assert_eq!(helper.event("ended")["reason"], "left");
    assert_eq!((seeker.end(), helper.end()), (Some(1), Some(4)));
}
