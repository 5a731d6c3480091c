//! Lines of JSON, as a program uses them.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use super::tmux::Terminal;
use crate::support::{process::Launch, unique};

/// A program with a chat.
pub(super) struct Program {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Program {
    pub(super) fn start(parameters: &[&str]) -> Self {
        Self::start_with("--json", parameters)
    }

    /// One that writes in another form than JSON.
    pub(super) fn start_with(output: &str, parameters: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cipher-chat"));
        command.args(["chat", output]).args(parameters).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, input, output }
    }

    /// Its process.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(super) fn write(&mut self, line: &Value) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The next object of this kind. Others before it are passed over.
    pub(super) fn event(&mut self, event: &str) -> Value {
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "no {event}");
            let object: Value = serde_json::from_str(&line).unwrap();
            if object["event"] == event {
                return object;
            }
        }
    }

    /// Whether a line with this text comes before the output ends.
    pub(super) fn reads(&mut self, text: &str) -> bool {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            if std::mem::take(&mut line).contains(text) {
                return true;
            }
        }
        false
    }

    /// Its machine fails.
    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Ends the input, and waits for the exit code.
    pub(super) fn end(mut self) -> Option<i32> {
        drop(self.input.take());
        // It writes on until it ends.
        std::io::copy(&mut self.output, &mut std::io::sink()).unwrap();
        self.process.wait().unwrap().code()
    }
}

/// A test that ends before its programs leaves none behind.
impl Drop for Program {
    fn drop(&mut self) {
        // An error means that it has already ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn two_programs_talk_in_objects_and_know_what_has_arrived() {
    let serve = Launch::new("serve").ready().await;
    let url = format!("http://{}", serve.address());
    let topic = unique("topic");
    let parameters = ["--url", &url, "--topic", &topic];
    let (mut one, mut other) = (Program::start(&parameters), Program::start(&parameters));
    let code = one.event("secured");
    assert_eq!(other.event("secured")["numbers"], code["numbers"]);
    let text = "two\nlines, \u{1b}[31m and 한국어";
    one.write(&json!({ "text": text, "id": "first" }));
    let sent = one.event("sent");
    assert_eq!(sent["id"], "first");
    assert_eq!(other.event("text")["text"], text);
    assert_eq!(one.event("delivered")["number"], sent["number"]);
    one.write(&json!({ "txet": "secret" }));
    let error = one.event("error");
    assert_eq!(error["code"], "malformed");
    assert!(!error.to_string().contains("secret"));
    other.write(&json!({ "command": "leave" }));
    assert_eq!(one.event("ended")["reason"], "peer-bye");
    assert_eq!(other.event("ended")["reason"], "bye");
    assert_eq!((one.end(), other.end()), (Some(0), Some(0)));
}

/// Everything that was said has arrived, but nobody has said goodbye.
#[tokio::test]
async fn an_end_without_a_goodbye_has_an_exit_code_of_its_own() {
    let serve = Launch::new("serve").set("grace", "2s").ready().await;
    let url = format!("http://{}", serve.address());
    let topic = unique("topic");
    let parameters = ["--url", &url, "--topic", &topic];
    let (mut one, mut other) = (Program::start(&parameters), Program::start(&parameters));
    one.event("secured");
    other.event("secured");
    one.write(&json!({ "text": "are you there?" }));
    other.event("text");
    one.event("delivered");
    other.kill();
    assert_eq!(one.event("ended")["reason"], "expired");
    assert_eq!(one.end(), Some(4));
}

#[tokio::test]
async fn a_program_hands_over_an_invite_in_both_forms() {
    let serve = Launch::new("serve").ready().await;
    let url = format!("http://{}", serve.address());
    for form in ["link", "words"] {
        let mut host = Program::start(&["--url", &url, "--new-invite"]);
        let invite = host.event("invite")[form].as_str().unwrap().to_owned();
        let mut guest = Program::start(&["--url", &url, &invite]);
        host.event("secured");
        guest.event("secured");
        guest.write(&json!({ "text": "hello" }));
        assert_eq!(host.event("text")["text"], "hello");
        assert_eq!(guest.end(), Some(0));
        assert_eq!(host.event("ended")["reason"], "peer-bye");
        host.write(&json!({ "command": "next" }));
        let again = host.event("invite");
        assert_ne!(again[form], invite);
        assert_eq!(host.end(), Some(0));
    }
}

#[tokio::test]
async fn what_a_stranger_writes_stays_in_its_place_in_a_terminal() {
    let serve = Launch::new("serve").ready().await;
    let url = format!("http://{}", serve.address());
    let signs: String = "  , send the money to me".chars().flat_map(|c| ['\u{600}', c]).collect();
    let status = format!("{}* the other said goodbye", " ".repeat(77));
    let attacks = [
        signs,
        status,
        "क्षि".repeat(30),
        "🇰🇷".repeat(30),
        "👩‍👩‍👧".repeat(20),
        "\u{1b}[H\u{9b}2J\u{202e}x".into(),
    ];
    for form in ["", "--plain"] {
        let topic = unique("topic");
        let terminal = Terminal::chatting(&format!("--url {url} --topic {topic} {form}")).await;
        let mut stranger = Program::start(&["--url", &url, "--topic", &topic]);
        stranger.event("secured");
        attacks.iter().for_each(|text| stranger.write(&json!({ "text": text })));
        let last = unique("last");
        stranger.write(&json!({ "text": last }));
        terminal.shows(&last).await;
        let screen = terminal.screen();
        assert!(!screen.lines().any(|row| row.starts_with("* the other")), "{screen}");
        assert!(screen.contains("* the other said goodbye"), "{screen}");
        if form.is_empty() {
            terminal.line("ok");
            assert_eq!(stranger.event("text")["text"], "ok");
            terminal.shows(" you  ok  ✓✓").await;
            let screen = terminal.screen();
            let row = screen.lines().find(|row| row.starts_with(" you  ok")).unwrap();
            let words: Vec<_> = row.split_whitespace().collect();
            assert!(
                words.len() == 4 && words[..3] == ["you", "ok", "✓✓"] && words[3].contains(':'),
                "{screen}"
            );
        }
        stranger.write(&json!({ "command": "leave" }));
        assert_eq!(stranger.end(), Some(0));
    }
}
