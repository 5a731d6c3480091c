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
fn all_that_is_wrong_is_told_at_once_and_nothing_starts() {
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
    let told = errors(&output);
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
        assert!(told.contains(option), "{option} in:\n{told}");
    }
}

#[test]
fn what_does_not_fit_together_is_told_together() {
    let wrong = Launch::new("serve").set_all(&[
        ("grace", "5m"),
        ("key-rotation", "1m"),
        ("drain-spread", "9s"),
        ("heartbeat", "0s"),
        ("allowed-origin", "https://Friend.example/"),
        ("topics", " , "),
    ]);
    let output = output(&wrong);
    assert_eq!(output.status.code(), Some(2));
    let told = errors(&output);
    for word in ["--grace", "--key-rotation", "drain", "heartbeat", "--allowed-origin", "topics"] {
        assert!(told.contains(word), "{word} in:\n{told}");
    }
}

#[test]
fn an_unknown_option_or_command_is_told_with_what_there_is() {
    for role in ["serve", "gatway"] {
        let mut command = Launch::new(role).command();
        let output = command.arg("--colour=blue").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{role}");
        assert!(errors(&output).contains("Usage"), "{}", errors(&output));
    }
}

#[test]
fn nothing_plain_is_offered_to_other_machines() {
    let output = output(&Launch::new("serve").set("listen", "0.0.0.0:0"));
    assert_eq!(output.status.code(), Some(2));
    let told = errors(&output);
    assert!(told.contains("--listen") && told.contains("--tls-cert") && told.contains("127.0.0.1"), "{told}");
    let output = self::output(&Launch::new("serve").set("ops-listen", "[::]:0"));
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("--tls-client-ca"), "{}", errors(&output));
}

#[test]
fn a_port_that_is_taken_is_told_by_its_own_exit_code() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for option in ["listen", "ops-listen"] {
        let output = output(&Launch::new("serve").set(option, &address));
        assert_eq!(output.status.code(), Some(3));
        let told = errors(&output);
        assert!(told.contains(&format!("--{option}")) && told.contains(&address), "{told}");
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
