//! `cipher-chat top` in real terminals.

use super::tmux::Terminal;
use crate::support::{cluster::Cluster, eventually};

#[tokio::test]
async fn the_cluster_is_shown_at_eighty_columns_and_at_others() {
    let cluster = Cluster::start().await;
    let terminal = Terminal::open(80, 24).await;
    terminal.line(&format!("{} top --nats {}", env!("CARGO_BIN_EXE_cipher-chat"), cluster.nats.url()));
    for shown in ["gateway-3", "pairing-1", "janitor-2", "ready", "chatting", "←→ sort"] {
        terminal.shows(shown).await;
    }
    let lines = terminal.screen().lines().map(|line| line.chars().count()).max();
    assert!(lines <= Some(80), "{}", terminal.screen());
    terminal.press("Right");
    terminal.shows("ROLE▾").await;
    terminal.press("Enter");
    terminal.shows("first certificate ends in").await;
    terminal.press("Escape");
    terminal.hides("first certificate ends in").await;
    terminal.resize(132, 40);
    terminal.shows("MEET99").await;
    terminal.resize(50, 14);
    terminal.hides("MEET99").await;
    terminal.shows("gateway-3").await;
    terminal.press("a");
    terminal.shows("WRONG AND WHAT WAS").await;
    terminal.press("q");
    terminal.is_back().await;
    eventually("the terminal echoes again", async || terminal.settings().contains(" echo ")).await;
}
