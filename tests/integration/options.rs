//! The options of the binary, and what it reports when they are wrong.

use std::process::Output;

use crate::support::{http::get, process::Launch};

fn output(launch: &Launch) -> Output {
    launch.command().output().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn all_faults_are_reported_at_once_and_nothing_starts() {
    let wrong = Launch::new("gateway").set_all(&[
        ("listen", "nowhere"),
        ("ops-listen", "8080"),
        ("trusted-proxy", "10.0.0.0/64"),
        ("matching", "fate"),
        ("session-rate", "many"),
        ("grace", "soon"),
        ("node-id", "a.b"),
        ("tls-cert", "/nowhere/cert.pem"),
        ("nats-cert", "/nowhere/nats.pem"),
        ("log-format", "xml"),
    ]);
    let output = output(&wrong);
    assert_eq!(output.status.code(), Some(2));
    let reported = errors(&output);
    for option in [
        "--listen",
        "--ops-listen",
        "--trusted-proxy",
        "--matching",
        "--session-rate",
        "--grace",
        "--node-id",
        "--tls-cert",
        "--nats:",
        "--nats-cert",
        "--log-format",
    ] {
        assert!(reported.contains(option), "{option} in:\n{reported}");
    }
}

/// Whoever connects from a trusted network can pretend any address, so the file names none.
#[test]
fn gateways_on_kubernetes_do_not_start_before_their_load_balancer_is_named() {
    let file = include_str!("../../deploy/kubernetes/kustomization.yaml");
    let gateways = file.split("- name: gateways").nth(1).unwrap();
    // Keys and doors are the test's own.
    let set = gateways.lines().filter_map(|line| line.trim().strip_prefix("- CIPHER_CHAT_")?.split_once('='));
    let options: Vec<_> = set.filter(|(name, _)| !name.starts_with("TLS_") && *name != "LISTEN").collect();
    assert_eq!(options, [("PROXY_PROTOCOL", "true")]);
    let output = output(&Launch::new("serve").set_all(&options));
    assert_eq!(output.status.code(), Some(2));
    let reported = errors(&output);
    let fault = "nobody would be believed: name the networks of the proxies that speak it";
    assert!(
        reported.contains("--trusted-proxy and --proxy-protocol") && reported.contains(fault),
        "{reported}"
    );
}

#[test]
fn conflicts_between_options_are_reported_together() {
    let wrong = Launch::new("serve").set_all(&[
        ("grace", "5m"),
        ("key-rotation", "1m"),
        ("drain-spread", "9s"),
        ("heartbeat", "0s"),
        ("allowed-origin", "https://Friend.example/"),
        ("topics", " , "),
        ("listen", "0.0.0.0:0"),
    ]);
    let output = output(&wrong);
    assert_eq!(output.status.code(), Some(2));
    let reported = errors(&output);
    for words in [
        "--listen (CIPHER_CHAT_LISTEN): 0.0.0.0:0",
        "--grace (CIPHER_CHAT_GRACE) and --token-life: ",
        "--key-rotation (CIPHER_CHAT_KEY_ROTATION) and --token-life: ",
        "--drain-spread (CIPHER_CHAT_DRAIN_SPREAD) and --drain-wait: ",
        "--heartbeat (CIPHER_CHAT_HEARTBEAT): ",
        "--allowed-origin (CIPHER_CHAT_ALLOWED_ORIGIN): ",
        "--topics (CIPHER_CHAT_TOPICS): ",
    ] {
        assert!(reported.contains(words), "{words} in:\n{reported}");
    }
}

#[test]
fn unknown_options_are_reported_with_the_nearest_and_with_all_other_faults() {
    let launch = Launch::new("serve")
        .set("listen", "0.0.0.0:0")
        .set("nats", "ws://nats.example")
        .variable("CIPHER_CHAT_FIND_RAET", "1");
    let words =
        ["--session-rate", "-1", "--colour=blue", "--byte-rat", "--grace=1s", "--grace", "2s", "--topics"];
    let output = launch.command().args(words).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let reported = errors(&output);
    let lines: Vec<_> = reported.lines().take_while(|line| !line.is_empty()).collect();
    let beginnings = [
        "--colour is not an option",
        "--byte-rat is not an option: did you mean --byte-rate?",
        "CIPHER_CHAT_FIND_RAET is not a variable of this program: did you mean CIPHER_CHAT_FIND_RATE?",
        "--listen (CIPHER_CHAT_LISTEN): 0.0.0.0:0 can be reached",
        "--nats (CIPHER_CHAT_NATS): ",
        "--topics: a value is missing",
        "--grace: it is given 2 times",
        "--session-rate: \"-1\" is not a whole number",
    ];
    assert_eq!(lines.len(), beginnings.len(), "{reported}");
    for (line, beginning) in lines.iter().zip(beginnings) {
        let line = line.strip_prefix("cipher-chat: ").unwrap();
        assert!(line.starts_with(beginning), "{beginning} in:\n{reported}");
    }
    assert!(
        reported.contains("Usage: cipher-chat serve [OPTIONS]") && reported.contains("--help"),
        "{reported}"
    );
}

#[test]
fn an_invite_that_cannot_be_read_is_not_shown() {
    const LINK: &str = "https://chat.example/x/#AAECAwQFBgcICQoLDA0ODw";
    let variable = output(&Launch::new("chat").variable("CIPHER_CHAT_INVITE", LINK));
    let given = [
        variable,
        Launch::new("chat").command().arg(LINK).output().unwrap(),
        Launch::new("chat").command().args(["--url", LINK]).output().unwrap(),
        Launch::new("chat").command().args(["--ca", LINK, "--url", "https://chat.example"]).output().unwrap(),
        Launch::new(LINK).command().output().unwrap(),
        Launch::new("serve").command().arg(LINK).output().unwrap(),
        Launch::new("bench").command().args(["--url", LINK]).output().unwrap(),
    ];
    for output in given {
        assert!(!output.status.success());
        let reported = errors(&output);
        let shows = reported.contains("AAECAwQFBgcICQoLDA0ODw");
        assert!(reported.starts_with("cipher-chat: ") && !shows, "{reported}");
    }
}

#[test]
fn an_unknown_command_is_reported_with_the_nearest() {
    let output = Launch::new("gatway").command().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let reported = errors(&output);
    assert!(reported.contains("Usage") && reported.contains("'gateway'"), "{reported}");
}

#[test]
fn an_unknown_variable_is_a_fault_of_every_command() {
    for command in ["serve", "chat", "bench", "decode", "probe"] {
        let output = output(&Launch::new(command).variable("CIPHER_CHAT_INVIET", "x"));
        assert_eq!(output.status.code(), Some(2), "{command}");
        assert!(errors(&output).contains("did you mean CIPHER_CHAT_INVITE?"), "{}", errors(&output));
    }
}

#[test]
fn a_role_knows_only_its_own_options() {
    let pairing = Launch::new("pairing");
    let ops = "127.0.0.1:8080";
    let output = pairing.command().args(["--ops-listen", ops, "--listen", ops]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let reported = errors(&output);
    assert!(reported.contains("--listen is an option of serve and gateway, not of pairing"), "{reported}");
    assert!(reported.contains("--nats: pairing needs it"), "{reported}");
    assert!(!reported.contains("--ops-listen"), "{reported}");
    let help = pairing.command().arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("Usage: cipher-chat pairing [OPTIONS] --nats <URL"), "{help}");
    for foreign in [" --listen", "--session-rate", "--grace"] {
        assert!(!help.contains(foreign), "{foreign} in:\n{help}");
    }
    assert!(!help.split(|c: char| !c.is_alphanumeric()).any(|word| word == "serve"), "{help}");
}

#[test]
fn nothing_plain_is_offered_to_other_machines() {
    let output = output(&Launch::new("serve").set("listen", "0.0.0.0:0"));
    assert_eq!(output.status.code(), Some(2));
    let reported = errors(&output);
    assert!(
        reported.contains("--listen") && reported.contains("--tls-cert") && reported.contains("127.0.0.1"),
        "{reported}"
    );
    let output = self::output(&Launch::new("serve").set("ops-listen", "[::]:0"));
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("--tls-client-ca"), "{}", errors(&output));
}

#[test]
fn a_port_in_use_has_its_own_exit_code() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for option in ["listen", "ops-listen"] {
        let output = output(&Launch::new("serve").set(option, &address));
        assert_eq!(output.status.code(), Some(3));
        let reported = errors(&output);
        assert!(reported.contains(&format!("--{option}")) && reported.contains(&address), "{reported}");
    }
}

#[test]
fn help_and_version_are_there_for_who_asks() {
    for (role, words) in [("--help", "serve"), ("--version", env!("CARGO_PKG_VERSION"))] {
        let output = output(&Launch::new(role));
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8(output.stdout).unwrap().contains(words));
    }
    for role in ["serve", "gateway", "pairing", "janitor"] {
        let output = Launch::new(role).command().arg("--help").output().unwrap();
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().contains("CIPHER_CHAT_NODE_ID"), "{role}");
    }
}

#[tokio::test]
async fn it_serves_without_a_command_and_says_where() {
    let serve = Launch::new("--ops-listen=127.0.0.1:0").variable("CIPHER_CHAT_LISTEN", "127.0.0.1:0");
    let mut child = serve.command().stderr(std::process::Stdio::piped()).spawn().unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    let line = lines.map_while(Result::ok).find(|line| line.contains("http://localhost:")).unwrap();
    let port = line.rsplit_once(':').unwrap().1.trim().parse().unwrap();
    assert_eq!(get(([127, 0, 0, 1], port).into(), "/").await.status, 200);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn logs_are_for_people_or_for_machines() {
    let serve = Launch::new("serve").set("log-format", "json").command();
    let mut serve = serve;
    let mut child = serve.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    let line = lines.map_while(Result::ok).next().unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(line["fields"]["message"].is_string(), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
}
