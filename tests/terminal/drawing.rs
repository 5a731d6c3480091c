//! What is on the screen when its size changes and when others write to it.

use super::{at, code, couple, exchange, tmux::Terminal};
use crate::support::{
    process::{Launch, Process},
    unique,
};

#[tokio::test]
async fn a_small_terminal_that_grows_and_shrinks_is_redrawn() {
    let serve = Launch::new("serve").ready().await;
    let (one, other) = couple(&serve).await;
    one.resize(40, 12);
    exchange(&one, &other).await;
    one.shows(&rule(40)).await;
    assert_eq!(code(&one), code(&other));
    one.resize(100, 30);
    exchange(&one, &other).await;
    one.shows(&rule(100)).await;
}

/// Somebody who waits alone, in a terminal whose shell allows the chat to be stopped.
async fn alone(serve: &Process) -> Terminal {
    let terminal = Terminal::open(80, 24).await;
    terminal.line("set +m");
    terminal.chat("", &at(serve));
    terminal.shows("Looking for somebody").await;
    // This is drawn last.
    terminal.shows(&format!("{}>\n", rule(80))).await;
    terminal
}

/// What is on the screen of somebody who waits, down to where it is said later what may be expected.
fn drawn(terminal: &Terminal) -> String {
    const LAST: &str = "/help lists the commands.\n";
    let screen = terminal.screen();
    let end = screen.find(LAST).expect("the whole of it is there") + LAST.len();
    screen[..end].to_owned()
}

/// The row above the input line, which is as wide as the screen.
fn rule(width: u16) -> String {
    format!("\n{}\n", "─".repeat(width.into()))
}

#[tokio::test]
async fn keys_that_come_with_a_new_size_are_read_and_drawn_in_it() {
    let serve = Launch::new("serve").ready().await;
    let one = alone(&serve).await;
    for (width, height) in [(40, 12), (100, 30), (60, 20), (80, 24)] {
        let text = unique("text");
        one.at_once(async |one| {
            one.resize(width, height);
            one.is_of_size(width, height).await;
            one.write(&text);
        })
        .await;
        one.shows(&format!("{}> {text}", rule(width))).await;
        one.at_once(async |one| {
            one.press("C-u");
            one.resize(width + 5, height);
            one.is_of_size(width + 5, height).await;
        })
        .await;
        one.shows(&format!("{}>\n", rule(width + 5))).await;
    }
}

#[tokio::test]
async fn a_terminal_that_has_its_old_size_again_is_redrawn() {
    let serve = Launch::new("serve").ready().await;
    let one = alone(&serve).await;
    let screen = drawn(&one);
    one.at_once(async |one| {
        for (width, height) in [(30, 8), (80, 24)] {
            one.resize(width, height);
            one.is_of_size(width, height).await;
        }
        assert!(!one.screen().contains(&screen));
    })
    .await;
    one.shows(&screen).await;
    one.shows(&format!("{}>\n", rule(80))).await;
}

#[tokio::test]
async fn control_l_draws_over_what_others_have_written() {
    let serve = Launch::new("serve").ready().await;
    let one = alone(&serve).await;
    let screen = drawn(&one);
    one.scribble("\x1b[5;1Hwritten by somebody else");
    one.shows("written by somebody else").await;
    one.press("C-l");
    one.shows(&screen).await;
}

#[tokio::test]
async fn no_log_disturbs_the_screen_whatever_is_asked_for() {
    let serve = Launch::new("serve").ready().await;
    let one = Terminal::open(80, 24).await;
    one.chat("RUST_LOG=trace,tungstenite=trace", &at(&serve));
    one.shows("Looking for somebody").await;
    let screen = one.screen();
    assert!(!screen.contains("TRACE") && !screen.contains("DEBUG"), "{screen}");
    one.press("C-c");
    one.is_back().await;
    assert!(!one.history().contains("TRACE"));
}
