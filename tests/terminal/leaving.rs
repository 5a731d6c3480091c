//! How a chat ends with its process, and what the terminal is afterwards.

use super::{at, tmux::Terminal};
use crate::support::{process::Launch, unique};

/// The screen, the keys and the scroll-back are restored.
async fn is_as_before(terminal: &Terminal, settings: &str, said: &str) {
    terminal.is_back().await;
    terminal.shows("something that was here before").await;
    assert_eq!(terminal.settings(), settings);
    let history = terminal.history();
    assert!(!history.contains(said) && !history.contains("Looking for"), "{history}");
    terminal.line("echo a line for the shell | tr a-z A-Z");
    terminal.shows("A LINE FOR THE SHELL").await;
}

async fn gives_the_terminal_back(end: impl FnOnce(&Terminal)) {
    let serve = Launch::new("serve").ready().await;
    let parameters = format!("{} --topic {}", at(&serve), unique("topic"));
    let one = Terminal::open(80, 24).await;
    one.line("echo something that was here before");
    one.shows("something that was here before").await;
    let settings = one.settings();
    one.chat("", &parameters);
    let other = Terminal::chatting(&parameters).await;
    one.shows("connected").await;
    other.shows("connected").await;
    assert_ne!(one.settings(), settings);
    let text = unique("text");
    other.line(&text);
    one.shows(&text).await;
    end(&one);
    other.shows("The other person said goodbye").await;
    is_as_before(&one, &settings, &text).await;
}

#[tokio::test]
async fn control_c_says_goodbye_and_gives_the_terminal_back() {
    gives_the_terminal_back(|terminal| terminal.press("C-c")).await;
}

#[tokio::test]
async fn quitting_says_goodbye_and_gives_the_terminal_back() {
    gives_the_terminal_back(|terminal| terminal.line("/quit")).await;
}

#[tokio::test]
async fn a_signal_says_goodbye_and_gives_the_terminal_back() {
    gives_the_terminal_back(|terminal| terminal.signal("TERM")).await;
}

#[tokio::test]
async fn a_signal_says_goodbye_in_plain_lines_too() {
    let serve = Launch::new("serve").ready().await;
    for signal in ["TERM", "HUP", "INT"] {
        let (one, other) = (Terminal::open(80, 24).await, Terminal::open(80, 24).await);
        let parameters = format!("{} --topic {} --plain", at(&serve), unique("topic"));
        for terminal in [&one, &other] {
            terminal.chat("", &parameters);
        }
        for terminal in [&one, &other] {
            terminal.shows("* connected, end-to-end encrypted").await;
        }
        one.signal(signal);
        other.shows("* the other person said goodbye").await;
        one.line("echo $? and the shell again | tr a-z A-Z");
        one.shows("0 AND THE SHELL AGAIN").await;
    }
}
