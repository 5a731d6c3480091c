//! Helpers who come with passes, at two gateways of a real cluster: who is let in, what may be
//! offered, who is told of it, and how a pass is taken back.

mod forged;
mod revoked;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use passes::{Link, Secret, SessionProof};
use schemas::UnixMillis;
use serde_json::{Value, json};

use crate::support::{
    cluster::Cluster,
    http,
    person::Person,
    process::{Launch, Process},
    unique,
};

/// Where helpers open the help line.
const HOST: &str = "chat.example";

/// A help line: two gateways that let in helpers with passes alone, and the operator's files.
struct HelpLine {
    cluster: Cluster,
    gateways: [Process; 2],
    files: Files,
}

/// A directory of the operator's, which is gone when the test is.
struct Files(PathBuf);

/// A helper: the secret of the link, and the pass.
struct Helper {
    secret: Secret,
    pass: String,
}

impl Files {
    /// With a key of passes, and one of orders.
    fn new() -> Self {
        let files = Self(std::env::temp_dir().join(unique("passes")));
        fs::create_dir(&files.0).unwrap();
        for key in ["passes.key", "orders.key"] {
            files.pass(&["key", "--out", &files.path(key)]);
        }
        files
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// Runs `cipher-chat pass`, and returns what it says.
    fn pass(&self, words: &[&str]) -> String {
        let output = cipher_chat(&[&["pass"], words].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A new helper.
    fn helper(&self, more: &[&str]) -> Helper {
        let key = self.path("passes.key");
        let told = self.pass(&[&["new", "--key", &key, "--url", "https://chat.example"], more].concat());
        let link = told.lines().find(|line| line.starts_with("https://chat.example/desk#")).unwrap();
        let Link { secret, pass } = Link::parse(link).unwrap();
        Helper { secret, pass: pass.unwrap() }
    }

    /// Takes passes back: writes the list, and returns it.
    fn revoke(&self, passes: &[&str]) -> String {
        let (key, list) = (self.path("passes.key"), self.path("revoked"));
        self.pass(&[&["revoke", "--key", &key, "--list", &list], passes].concat());
        fs::read_to_string(list).unwrap().trim().to_owned()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl HelpLine {
    async fn start() -> Self {
        let files = Files::new();
        let mut cluster =
            Cluster::plan().gateways(0).set("order-key", &files.path("orders.pub")).start().await;
        files.revoke(&[]);
        let mut launch = || Self::gateway(&files, cluster.launch("gateway")).start();
        let gateways = [launch(), launch()];
        for gateway in &gateways {
            gateway.is_ready().await;
        }
        Self { cluster, gateways, files }
    }

    fn gateway(files: &Files, launch: Launch) -> Launch {
        launch
            .set("pass-key", &files.path("passes.pub"))
            .set("revoked-passes", &files.path("revoked"))
            .set("helpers", "pass")
            .set("public-host", HOST)
    }
}

impl Helper {
    fn proof(&self) -> String {
        self.proof_for(HOST, now())
    }

    fn proof_for(&self, host: &str, now: UnixMillis) -> String {
        SessionProof::new(&self.secret, &self.pass, host, now, rand::random()).text()
    }

    /// Opens a session with the pass and connects.
    async fn arrive(&self, at: &Process) -> Person {
        let mut person = Person::with(open(at, &self.pass, &self.proof()).await);
        person.connect(at).await;
        person
    }
}

fn now() -> UnixMillis {
    bus::Clock::start().now()
}

fn cipher_chat(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cipher-chat"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CIPHER_CHAT_")) {
        command.env_remove(name);
    }
    command.args(words).output().unwrap()
}

async fn open(at: &Process, pass: &str, proof: &str) -> http::Answer {
    open_with(at, &json!({ "pass": pass, "pass_proof": proof })).await
}

async fn open_with(at: &Process, body: &Value) -> http::Answer {
    let headers = [("content-type", "application/json")];
    http::call(at.address(), "POST", "/v1/sessions", &headers, &body.to_string()).await
}

/// Asks for somebody, and returns the code of the refusal.
async fn refused(person: &mut Person, mut find: Value) -> String {
    find["type"] = "find".into();
    person.ask(find).await;
    person.error().await
}

#[tokio::test]
async fn a_pass_allows_its_topics_at_every_gateway_and_nobody_else_offers_to_strangers() {
    let line = HelpLine::start().await;
    let [one, two] = &line.gateways;
    let mut helper = line.files.helper(&["--topics", "grief,debt"]).arrive(one).await;
    helper.find(json!({"topic": "Grief", "role": "offer"})).await;
    for outside in [json!({"topic": "music", "role": "offer"}), json!({"role": "offer"})] {
        assert_eq!(refused(&mut helper, outside).await, "pass-required");
    }
    // What the pass allows stands in the next token, too, and counts at another gateway.
    let renewed = helper.call(one, "POST", "/v1/sessions/me/token").await.json();
    helper.token = renewed["token"].as_str().unwrap().to_owned();
    helper.connect(two).await;
    helper.find(json!({"topic": "debt", "role": "offer"})).await;
    assert_eq!(refused(&mut helper, json!({"topic": "music", "role": "offer"})).await, "pass-required");
    // Without a pass nobody offers to strangers, but all else is as everywhere.
    let mut anybody = Person::arrive(one).await;
    assert_eq!(refused(&mut anybody, json!({"topic": "grief", "role": "offer"})).await, "pass-required");
    anybody.find(json!({"topic": "grief"})).await;
    anybody.find(json!({"topic": "grief", "role": "seek"})).await;
    anybody.find(json!({"invite": "AAAAAAAAAAAAAAAAAAAAAA", "role": "offer"})).await;
    let status = http::get(one.address(), "/v1/status").await.json();
    let key = passes::PassKeys::from_file(line.files.path("passes.pub").as_ref()).unwrap();
    let key =
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, key.all().next().unwrap());
    assert_eq!((&status["helpers"], &status["pass_keys"]), (&json!("pass"), &json!([key])));
}

#[tokio::test]
async fn the_seeker_alone_is_told_to_expect_a_credential_wherever_the_two_are() {
    let line = HelpLine::start().await;
    let [one, two] = &line.gateways;
    let pass = line.files.helper(&[]);
    for (there, here) in [(one, two), (one, one)] {
        let topic = unique("topic");
        let mut helper = pass.arrive(there).await;
        helper.find(json!({"topic": topic, "role": "offer"})).await;
        let mut seeker = Person::arrive(here).await;
        seeker.find(json!({"topic": topic, "role": "seek"})).await;
        assert_eq!(seeker.hear("paired").await["expect"], "credential");
        assert_eq!(helper.hear("paired").await.get("expect"), None);
    }
    // Who has a pass and does not offer is a person like all others.
    let topic = unique("topic");
    let (mut helper, mut other) = (pass.arrive(one).await, Person::arrive(two).await);
    helper.find(json!({"topic": topic})).await;
    other.find(json!({"topic": topic})).await;
    assert_eq!(other.hear("paired").await.get("expect"), None);
    assert_eq!(helper.hear("paired").await.get("expect"), None);
    // Who offers by an invite without a pass is not expected to have one.
    let invite = json!({"invite": "AAAAAAAAAAAAAAAAAAAAAA", "role": "offer"});
    let (mut host, mut guest) = (Person::arrive(one).await, Person::arrive(two).await);
    host.find(invite).await;
    guest.find(json!({"invite": "AAAAAAAAAAAAAAAAAAAAAA", "role": "seek"})).await;
    assert_eq!(guest.hear("paired").await.get("expect"), None);
    let mut expert = pass.arrive(two).await;
    expert.find(json!({"invite": "BBBBBBBBBBBBBBBBBBBBBA", "role": "offer"})).await;
    let mut guest = Person::arrive(one).await;
    guest.find(json!({"invite": "BBBBBBBBBBBBBBBBBBBBBA", "role": "seek"})).await;
    assert_eq!(guest.hear("paired").await["expect"], "credential");
}
