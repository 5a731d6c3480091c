//! How options are read, and what is said of those that are wrong.

mod listeners;
mod origins;
mod secrecy;
mod table;
mod traces;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use bus::NatsOptions;
use gateway::config::{Matching, ProxyProtocol};
use schemas::BootId;
use session::Topology;

use super::{
    configuration::{Configuration, Gateway, Janitor, Pairing, Serve},
    faults::Faults,
};

/// What all roles but `serve` require.
const ON_NATS: [&str; 2] = ["--nats", "nats://127.0.0.1:4222"];

pub fn read_with<C: Configuration>(words: &[&str], environment: &[(&str, &str)]) -> Result<C, Faults> {
    let words: Vec<OsString> = words.iter().map(Into::into).collect();
    super::read_as(BootId(1), &words, environment_of(environment))
}

pub fn environment_of<'a>(
    variables: &'a [(&'a str, &'a str)],
) -> impl Iterator<Item = (OsString, OsString)> + 'a {
    variables.iter().map(|(name, value)| (name.into(), value.into()))
}

pub fn read<C: Configuration>(words: &[&str]) -> Result<C, Faults> {
    read_with(words, &[])
}

/// The faults of words and variables.
pub fn faults<C: Configuration>(words: &[&str], environment: &[(&str, &str)]) -> Vec<String> {
    let faults = read_with::<C>(words, environment).err().unwrap_or_default();
    faults.texts().into_iter().map(str::to_owned).collect()
}

#[test]
fn all_wrong_options_are_reported_together() {
    let wrong = [
        "chat",
        "--sesion-rate",
        "3",
        "--session-rate",
        "-1",
        "--listen",
        "0.0.0.0:1",
        "--ops-listen=8080",
        "--nats",
        "nats://a,http://u:secret@b",
        "--nats-cert",
        "/nowhere",
        "--trusted-proxy",
        "10.0.0.0/8,nonsense",
        "--trusted-proxy",
        "10.0.0.0/64",
        "--matching",
        "random,chance",
        "--grace",
        "5m",
        "--heartbeat",
        "0",
        "--pong-wait",
        "1s",
        "--pong-wait",
        "2s",
        "--allowed-origin",
        "https://Friend.example/",
        "--node-id",
        "--log-format",
        "xml",
    ];
    let environment =
        [("CIPHER_CHAT_FAME_RATE", "1"), ("CIPHER_CHAT_FIND_RATE", "many"), ("CIPHER_CHAT_INVITE", "a")];
    let number = "is not a whole number from 0 to 4294967295";
    let expected = [
        "a word is not expected here: options begin with --".to_owned(),
        "--sesion-rate is not an option: did you mean --session-rate?".to_owned(),
        "CIPHER_CHAT_FAME_RATE is not a variable of this program: did you mean CIPHER_CHAT_FRAME_RATE?"
            .to_owned(),
        "--listen: 0.0.0.0:1 can be reached from other machines: give --tls-cert and --tls-key, or listen \
         on 127.0.0.1"
            .to_owned(),
        r#"--ops-listen: "8080" is not an address to listen on: write IP:PORT, such as 127.0.0.1:8080 or [::]:443, or unix:/PATH"#.to_owned(),
        "--nats and --nats-ca: NATS server 1 of the list is not on a loopback address: it needs TLS (tls://, \
         an authority, or a certificate)"
            .to_owned(),
        "--nats: NATS server 2 of the list is not a nats:// or tls:// URL with a host and without a \
         password"
            .to_owned(),
        "--nats-cert: /nowhere: No such file or directory (os error 2)".to_owned(),
        "--nats-key: --nats-cert needs it: give both".to_owned(),
        "--node-id: a value is missing: write --node-id NAME".to_owned(),
        r#"--trusted-proxy: "10.0.0.0/64" is not a network: write one such as 10.0.0.0/8 or fd00::/8"#.to_owned(),
        r#"--trusted-proxy: "nonsense" is not a network: write one such as 10.0.0.0/8 or fd00::/8"#.to_owned(),
        r#"--allowed-origin: "https://Friend.example/" is not an origin: write scheme://host or scheme://host:port in lower case, and nothing after it, or null for pages from files"#.to_owned(),
        r#"--matching: "chance" is not a way to meet: choose random, invite or both"#.to_owned(),
        "--grace and --token-life: the grace is 300s: it must be more than zero and less than half the \
         token life (600s)"
            .to_owned(),
        format!(r#"--session-rate: "-1" {number}"#),
        format!(r#"--find-rate (CIPHER_CHAT_FIND_RATE): "many" {number}"#),
        "--heartbeat: it must be more than zero".to_owned(),
        "--pong-wait: it is given 2 times: give it once".to_owned(),
        r#"--log-format: "xml" is not a log format: choose text or json"#.to_owned(),
    ];
    assert_eq!(faults::<Gateway>(&wrong, &environment), expected);
}

#[test]
fn a_role_knows_its_own_options_alone() {
    let pairing = read::<Pairing>(&["--nats", "nats://localhost", "--ops-listen", "127.0.0.1:8080"]).unwrap();
    assert_eq!(pairing.node.ops[0].address.to_string(), "127.0.0.1:8080");
    let foreign =
        faults::<Pairing>(&[&ON_NATS[..], &["--listen", "127.0.0.1:0", "--grace=1s"]].concat(), &[]);
    assert_eq!(
        foreign,
        [
            "--listen is an option of serve and gateway, not of pairing",
            "--grace is an option of serve, gateway and janitor, not of pairing"
        ]
    );
    let shared = [("CIPHER_CHAT_LISTEN", "nowhere"), ("CIPHER_CHAT_GRACE", "soon")];
    assert!(read_with::<Pairing>(&ON_NATS, &shared).is_ok(), "an environment may serve all nodes");
}

#[test]
fn only_serve_does_without_nats() {
    let expected =
        |role: &str| [format!("--nats: {role} needs it: give for example --nats nats://127.0.0.1:4222")];
    assert_eq!(faults::<Gateway>(&[], &[]), expected("gateway"));
    assert_eq!(faults::<Pairing>(&[], &[]), expected("pairing"));
    assert_eq!(faults::<Janitor>(&[], &[]), expected("janitor"));
    assert_eq!(read::<Serve>(&[]).unwrap().gateway.topology, Topology::Standalone);
    let serve = read::<Serve>(&ON_NATS).unwrap();
    assert_eq!(serve.gateway.topology, Topology::Cluster);
    assert!(matches!(serve.nats, Some(NatsOptions { urls, .. }) if urls == ON_NATS[1..]));
    let directory = Directory::new();
    let file = directory.file("ca.pem", "");
    assert_eq!(faults::<Serve>(&["--nats-ca", &file], &[]), ["--nats-ca: it needs --nats"]);
}

#[test]
fn the_command_line_wins_over_the_environment() {
    let environment = [("CIPHER_CHAT_SESSION_RATE", "many"), ("CIPHER_CHAT_FIND_RATE", "7")];
    let serve = read_with::<Serve>(&["--session-rate", "5"], &environment).unwrap();
    assert_eq!((serve.gateway.rates.session, serve.gateway.rates.find), (5, 7));
}

#[test]
fn a_switch_alone_is_on() {
    let proxy = "--trusted-proxy=10.0.0.0/8";
    let spoken = |words: &[&str]| {
        read::<Serve>(&[words, &[proxy]].concat()).unwrap().gateway.proxy_protocol == ProxyProtocol::Spoken
    };
    assert!(spoken(&["--proxy-protocol"]) && spoken(&["--proxy-protocol=true"]));
    assert!(!spoken(&[]) && !spoken(&["--proxy-protocol", "false"]));
    assert_eq!(
        faults::<Serve>(&["--proxy-protocol=yes", proxy], &[]),
        [r#"--proxy-protocol: "yes" is neither true nor false"#]
    );
    assert_eq!(
        faults::<Serve>(&["--proxy-protocol"], &[]),
        [
            "--trusted-proxy and --proxy-protocol: nobody would be believed: name the networks of the proxies that speak it"
        ]
    );
    let variable = [("CIPHER_CHAT_PROXY_PROTOCOL", "")];
    assert_eq!(faults::<Serve>(&[proxy], &variable).len(), 1, "a variable says what it means");
}

#[test]
fn an_empty_value_is_a_fault() {
    let empty = [("CIPHER_CHAT_TLS_CLIENT_CA", ""), ("CIPHER_CHAT_TOPICS", " , ")];
    assert_eq!(
        faults::<Serve>(&["--grace="], &empty),
        [
            "--tls-cert: --tls-client-ca needs it, and --tls-key: give all three",
            "--tls-client-ca (CIPHER_CHAT_TLS_CLIENT_CA): the variable is empty: give it a value, or unset it",
            "--topics (CIPHER_CHAT_TOPICS): the list of topics is empty",
            "--grace: the value is empty: give one, or leave the option out",
        ]
    );
}

#[test]
fn the_parts_of_a_list_are_joined() {
    let words = ["--trusted-proxy", "10.0.0.0/8,::1", "--trusted-proxy=192.0.2.1", "--topics", "tea, Go"];
    let gateway = read::<Serve>(&[&words[..], &["--matching=invite"]].concat()).unwrap().gateway;
    let proxies: Vec<_> = gateway.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["10.0.0.0/8", "::1/128", "192.0.2.1/32"]);
    let topics: Vec<_> = gateway.topics.unwrap().into_iter().map(|topic| topic.shown).collect();
    assert_eq!(topics, ["tea", "Go"]);
    assert_eq!(gateway.matching, Matching { random: false, invite: true });
}

/// A directory that is removed when this is dropped.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Self {
        let name = format!("cipher-chat-options-{:016x}", rand::random::<u64>());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn file(&self, name: &str, text: &str) -> String {
        let path: &Path = &self.0.join(name);
        fs::write(path, text).unwrap();
        path.display().to_string()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // At worst the directory stays.
        let _ = fs::remove_dir_all(&self.0);
    }
}
