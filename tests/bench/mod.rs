//! The load generator against a real server: it must count what has happened.

use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{
    certificates::Certificates,
    cluster::Cluster,
    process::{Launch, Process},
};

/// Runs the load generator with these further options to its end.
async fn run(urls: &str, words: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cipher-chat"));
    command.args(["bench", "--json", "-", "--url", urls]).args(words.split_whitespace());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// The same, against these servers.
async fn bench(at: &[&Process], words: &str) -> Output {
    let urls: Vec<_> = at.iter().map(|process| format!("http://{}", process.address())).collect();
    run(&urls.join(","), words).await
}

/// The results of a run that kept every promise.
#[track_caller]
fn kept(output: Output) -> Value {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON alone on standard output");
    assert_eq!(summary["verdict"], "kept", "{summary}");
    for count in ["duplicated", "reordered", "foreign", "broken"] {
        assert_eq!(summary["counts"][count], 0, "{count}: {summary}");
    }
    summary
}

async fn summary(at: &[&Process], words: &str) -> Value {
    kept(bench(at, words).await)
}

fn count(summary: &Value, name: &str) -> u64 {
    summary["counts"][name].as_u64().unwrap()
}

/// Checks that something was sent, and that all of it has arrived.
fn assert_all_arrived(summary: &Value) {
    assert!(count(summary, "sent") > 0, "{summary}");
    assert_eq!(count(summary, "sent"), count(summary, "delivered"), "{summary}");
    assert_eq!(count(summary, "lost"), 0, "{summary}");
    assert_eq!(summary["latency"]["count"], summary["counts"]["delivered"]);
}

#[tokio::test]
async fn a_crowd_that_says_nothing_is_connected_and_counted() {
    let serve = Launch::new("serve").ready().await;
    let summary = summary(&[&serve], "idle --pairs 5 --secs 1").await;
    assert_eq!((count(&summary, "connected"), count(&summary, "met"), count(&summary, "sent")), (10, 5, 0));
}

#[tokio::test]
async fn chats_at_a_rate_lose_nothing_as_frames_or_end_to_end() {
    let serve = Launch::new("serve").ready().await;
    for content in ["opaque", "e2e"] {
        let words = format!("steady --pairs 4 --secs 2 --rate 10 --content {content}");
        assert_all_arrived(&summary(&[&serve], &words).await);
    }
}

#[tokio::test]
async fn a_full_window_loses_nothing_as_frames_or_end_to_end() {
    let serve = Launch::new("serve").ready().await;
    for content in ["opaque", "e2e"] {
        let words = format!("saturation --pairs 2 --secs 1 --window 32 --content {content}");
        assert_all_arrived(&summary(&[&serve], &words).await);
    }
}

#[tokio::test]
async fn people_come_meet_and_go_on_to_the_next() {
    let serve = Launch::new("serve").ready().await;
    for content in ["opaque", "e2e"] {
        let summary = summary(&[&serve], &format!("churn --pairs 2 --secs 1 --content {content}")).await;
        assert_all_arrived(&summary);
        // In a visit one person chats with three others in turn, and each of the two pairs begins
        // at least one visit.
        assert!(count(&summary, "met") >= 6 && count(&summary, "connected") >= 8, "{summary}");
    }
}

#[tokio::test]
async fn a_storm_that_clients_make_loses_no_text() {
    let serve = Launch::new("serve").ready().await;
    let summary = summary(&[&serve], "storm --pairs 4 --secs 3 --rate 5").await;
    assert_all_arrived(&summary);
    assert_eq!(summary["plan"]["content"], "e2e");
    assert!(count(&summary, "disconnected") >= 8, "each of eight people was cut off: {summary}");
    assert_eq!(count(&summary, "disconnected"), count(&summary, "resumed"), "and came back");
    assert_eq!(summary["recovery"]["count"], summary["counts"]["resumed"]);
}

#[tokio::test]
async fn a_storm_after_the_death_of_a_gateway_loses_no_text() {
    let mut cluster = Cluster::start().await;
    let doomed = cluster.gateways[0].id();
    let summary = {
        let at: Vec<_> = cluster.gateways.iter().collect();
        summary(&at, &format!("storm --pairs 4 --secs 6 --rate 5 --kill {doomed}")).await
    };
    assert_all_arrived(&summary);
    assert!(count(&summary, "disconnected") >= 4, "one side of each pair was there: {summary}");
    assert_eq!(count(&summary, "disconnected"), count(&summary, "resumed"), "and came back");
    cluster.gateways[0].ended().await;
}

#[tokio::test]
async fn who_does_not_read_costs_nobody_else_a_message() {
    let serve = Launch::new("serve").ready().await;
    let summary = summary(&[&serve], "slow --pairs 4 --secs 2 --slow 50 --rate 10").await;
    assert_all_arrived(&summary);
    assert_eq!(summary["plan"]["slow_pairs"], 2);
}

#[tokio::test]
async fn a_private_authority_is_believed_over_tls_and_no_other() {
    let certificates = Certificates::for_names(&["localhost"]);
    let serve = Launch::new("serve")
        .set("tls-cert", &certificates.text("ours-localhost.pem"))
        .set("tls-key", &certificates.text("ours-localhost.key"))
        .start();
    let url = format!("https://localhost:{}", serve.address().port());
    let words =
        |authority: &str| format!("steady --pairs 2 --secs 1 --rate 5 --ca {}", certificates.text(authority));
    assert_all_arrived(&kept(run(&url, &words("ours.pem")).await));
    assert_eq!(run(&url, &words("theirs.pem")).await.status.code(), Some(1));
}

#[tokio::test]
async fn several_processes_are_as_one() {
    let serve = Launch::new("serve").ready().await;
    let summary = summary(&[&serve], "steady --pairs 5 --secs 1 --rate 10 --processes 2").await;
    assert_all_arrived(&summary);
    assert_eq!((count(&summary, "connected"), count(&summary, "met")), (10, 5));
    assert_eq!(summary["processes"], 2);
}

#[tokio::test]
async fn servers_are_measured_and_a_page_is_written() {
    let serve = Launch::new("serve").ready().await;
    let page = std::env::temp_dir().join(crate::support::unique("bench") + ".html");
    let words = format!("steady --pairs 2 --secs 2 --pid {} --html {}", serve.id(), page.display());
    let summary = summary(&[&serve], &words).await;
    let html = std::fs::read_to_string(&page);
    // Removed even if the checks fail.
    let _ = std::fs::remove_file(&page);
    let html = html.unwrap();
    assert!(html.starts_with("<!doctype html>") && html.contains("<svg") && !html.contains("http"));
    let samples = summary["servers"][0]["samples"].as_array().unwrap();
    assert!(
        samples.len() >= 2 && samples.iter().all(|sample| sample["memory"].as_u64() > Some(0)),
        "{summary}"
    );
}

#[tokio::test]
async fn a_rate_that_stands_in_the_way_is_named_with_its_option() {
    let serve = Launch::new("serve").set("session-rate", "1").ready().await;
    for words in ["steady --pairs 10", "churn --pairs 10", "steady --pairs 10 --processes 2"] {
        let output = bench(&[&serve], words).await;
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words}: {told}");
        assert!(told.contains("429") && told.contains("--session-rate 0"), "{words}: {told}");
        assert!(output.stdout.is_empty(), "no result without a run");
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_options_is_said_before_anything_starts() {
    let serve = Launch::new("serve").ready().await;
    for (words, named) in [
        ("steady --url http://192.0.2.1", "--i-own-this-target"),
        ("steady --secs 100000", "--secs"),
        ("steady --pairs 0", "--pairs"),
        ("storm --kill 1", "--kill"),
    ] {
        let output = bench(&[&serve], words).await;
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(named), "{words}");
    }
    assert_eq!(serve.metric("gateway_connections_opened_total").await, 0.0, "nobody came");
}
