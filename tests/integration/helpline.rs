//! The example of a help line, as its guide says: keys and passes by the commands, a server by its settings.

use std::{fs, path::PathBuf, process::Command};

use passes::{Link, SessionProof};
use serde_json::json;

use super::fairness::of_address;
use crate::support::{
    http,
    person::Person,
    process::{Launch, Process},
    unique,
};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/helpline/settings");

/// A help line on this machine: the example's settings, but for the door, and keys of its own.
struct Line {
    dir: PathBuf,
}

impl Line {
    fn new() -> Self {
        let dir = std::env::temp_dir().join(unique("helpline"));
        fs::create_dir_all(&dir).unwrap();
        for file in ["welcome.txt", "answers.txt"] {
            fs::copy(PathBuf::from(EXAMPLE).join(file), dir.join(file)).unwrap();
        }
        let line = Self { dir };
        let settings = fs::read_to_string(PathBuf::from(EXAMPLE).join("helpline.toml")).unwrap();
        let settings: String = settings
            .replace("/etc/cipher-chat", line.dir.to_str().unwrap())
            .lines()
            // The test has a door of its own.
            .filter(|setting| !setting.starts_with("listen") && !setting.starts_with("tls-"))
            .map(|setting| format!("{setting}\n"))
            .collect();
        fs::write(line.dir.join("helpline.toml"), settings).unwrap();
        line.pass(&["key", "--out", "passes.key"]);
        line.pass(&["revoke", "--key", "passes.key", "--list", "revoked.txt"]);
        line
    }

    /// What `cipher-chat pass …` prints, in the folder of the settings.
    fn pass(&self, words: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cipher-chat"));
        let output = command.arg("pass").args(words).current_dir(&self.dir).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "pass {words:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The server, with all rates off as in other tests.
    async fn opened(&self) -> Process {
        self.launch().ready().await
    }

    fn launch(&self) -> Launch {
        let settings = self.dir.join("helpline.toml");
        Launch::new("serve").variable("CIPHER_CHAT_CONFIG", settings.to_str().unwrap())
    }

    /// Somebody with a new pass, who is connected from this address.
    async fn helper(&self, at: &Process, address: &str) -> Person {
        let told = self.pass(&["new", "--key", "passes.key", "--url", "https://line.example.org"]);
        let link = told.lines().find(|line| line.starts_with("https://")).unwrap();
        let Link { secret, pass } = Link::parse(link).unwrap();
        let (pass, now) = (pass.unwrap(), bus::Clock::start().now());
        let proof = SessionProof::new(&secret, &pass, "line.example.org", now, rand::random()).text();
        let body = json!({ "pass": pass, "pass_proof": proof }).to_string();
        let headers = [("content-type", "application/json"), ("x-forwarded-for", address)];
        let opened = http::call(at.address(), "POST", "/v1/sessions", &headers, &body).await;
        let mut helper = Person::with(opened);
        helper.connect_from(at, address).await;
        helper
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[tokio::test]
async fn the_settings_of_the_example_open_a_line_as_its_guide_says() {
    let line = Line::new();
    let serve = line.opened().await;
    let status = http::get(serve.address(), "/v1/status").await.json();
    assert_eq!(status["topics"], json!(["grief", "debt", "work", "anything"]));
    assert_eq!(status["operator"]["name"], "The Example Line");
    assert_eq!(status["helpers"], "pass");
    let list = http::get(serve.address(), "/v1/passes/revoked").await;
    assert_eq!(list.text().trim(), fs::read_to_string(line.dir.join("revoked.txt")).unwrap().trim());
    let new = [
        "new",
        "--key",
        "passes.key",
        "--url",
        "https://line.example.org",
        "--topics",
        "grief,debt",
        "--label",
        "Ana, nights",
    ];
    let printed = line.pass(&new);
    assert!(printed.contains("Ana, nights"), "{printed}");
    let link = printed.lines().find(|line| line.starts_with("https://")).unwrap();
    assert!(link.starts_with("https://line.example.org/desk#"), "{link}");
    let shown = line.pass(&["show", link]);
    assert!(shown.contains("grief") && !shown.contains("Ana"), "{shown}");
}

/// The waiting places of one address, as the settings of the example say.
const WAITING_PER_ADDRESS: usize = 10;

#[tokio::test]
async fn one_address_with_many_seekers_does_not_take_all_helpers() {
    let line = Line::new();
    let launch = line.launch().set("trusted-proxy", "127.0.0.0/8").without("waiting-per-address");
    let serve = launch.ready().await;
    let seek = json!({"topic": "grief", "role": "seek"});
    let mut flood = Vec::new();
    for _ in 0..WAITING_PER_ADDRESS {
        let mut stranger = of_address(&serve, "198.51.100.1").await;
        stranger.find(seek.clone()).await;
        flood.push(stranger);
    }
    let mut one_more = of_address(&serve, "198.51.100.1").await;
    one_more.ask(json!({"type": "find", "topic": "grief", "role": "seek"})).await;
    assert_eq!(one_more.error().await, "rate");
    // Ten sessions of an address have four turns, and whoever comes alone has one.
    let mut seeker = of_address(&serve, "198.51.100.2").await;
    seeker.find(seek).await;
    let mut helpers = Vec::new();
    for number in 0..5 {
        let mut helper = line.helper(&serve, &format!("203.0.113.{number}")).await;
        helper.find(json!({"topic": "grief", "role": "offer"})).await;
        helper.hear("paired").await;
        helpers.push(helper);
    }
    seeker.hear("paired").await;
    assert!(helpers.iter().any(|helper| helper.room == seeker.room));
}
