//! The terminal client as people use it: the real binary in real terminals.

mod drawing;
mod earlier;
mod helpers;
mod json;
mod leaving;
mod memory;
mod tmux;
mod top;

use self::tmux::Terminal;
use crate::support::{
    cluster::Cluster,
    eventually,
    process::{Launch, Process},
    unique,
};

fn at(process: &Process) -> String {
    format!("--url http://{}", process.address())
}

/// Two people who have met by a topic.
async fn couple(serve: &Process) -> (Terminal, Terminal) {
    let parameters = format!("{} --topic {}", at(serve), unique("topic"));
    let one = Terminal::chatting(&parameters).await;
    one.shows("Looking for somebody").await;
    let other = Terminal::chatting(&parameters).await;
    for terminal in [&one, &other] {
        terminal.shows("connected, end-to-end encrypted").await;
    }
    (one, other)
}

/// Each sends something that the other receives.
async fn exchange(one: &Terminal, other: &Terminal) {
    for (speaker, listener) in [(one, other), (other, one)] {
        let text = unique("text");
        speaker.line(&text);
        listener.shows(&format!("them  {text}")).await;
        speaker.shows(&format!("you  {text}  ✓✓")).await;
    }
}

/// The numbers of the safety code below the bar.
fn code(terminal: &Terminal) -> String {
    let screen = terminal.screen();
    let is_number = |word: &&str| word.len() == 5 && word.bytes().all(|byte| byte.is_ascii_digit());
    let numbers: Vec<_> = screen.split_whitespace().filter(is_number).collect();
    assert_eq!(numbers.len(), 3, "{screen}");
    numbers.join(" ")
}

#[tokio::test]
async fn two_people_meet_see_the_same_code_and_talk() {
    let serve = Launch::new("serve").ready().await;
    let (one, other) = couple(&serve).await;
    assert_eq!(code(&one), code(&other));
    exchange(&one, &other).await;
    one.line("안녕하세요 👋");
    other.shows("them  안녕하세요 👋").await;
    one.shows("you  안녕하세요 👋  ✓✓").await;
}

#[tokio::test]
async fn the_code_is_explained_with_the_same_numbers() {
    let serve = Launch::new("serve").ready().await;
    let (one, _other) = couple(&serve).await;
    let code = code(&one);
    one.line("/safety");
    one.shows("Compare them on a call, or face to face").await;
    one.shows(&format!("the same numbers: {code}")).await;
    one.press("Escape");
    one.hides("Compare them").await;
}

#[tokio::test]
async fn the_other_sees_who_types_and_who_stops() {
    let serve = Launch::new("serve").ready().await;
    let (one, other) = couple(&serve).await;
    one.write("half a tho");
    other.shows("typing…").await;
    one.press("C-u");
    other.hides("typing…").await;
}

#[tokio::test]
async fn what_is_pasted_is_one_text_and_commands_nothing() {
    let serve = Launch::new("serve").ready().await;
    let (one, other) = couple(&serve).await;
    one.paste("first\nsecond \x1b[31mred\n/quit\n");
    one.shows("> first second").await;
    one.press("Enter");
    other.shows("them  first second").await;
    other.shows("/quit").await;
    exchange(&one, &other).await;
}

#[tokio::test]
async fn next_ends_one_chat_and_finds_another_person() {
    let serve = Launch::new("serve").ready().await;
    let parameters = format!("{} --topic {}", at(&serve), unique("topic"));
    let one = Terminal::chatting(&parameters).await;
    let other = Terminal::chatting(&parameters).await;
    one.shows("connected").await;
    exchange(&one, &other).await;
    let first = code(&one);
    one.line("/next");
    other.shows("The other person said goodbye").await;
    one.shows("Looking for somebody").await;
    one.hides("them  ").await;
    let third = Terminal::chatting(&parameters).await;
    one.shows("connected").await;
    third.shows("connected").await;
    assert_eq!(code(&one), code(&third));
    assert_ne!(code(&one), first);
    exchange(&one, &third).await;
}

#[tokio::test]
async fn leaving_forgets_everything_and_the_peer_may_read_on() {
    let serve = Launch::new("serve").ready().await;
    let (one, other) = couple(&serve).await;
    exchange(&one, &other).await;
    one.line("/leave");
    one.shows("Forgotten: the keys and every text").await;
    one.hides("them  ").await;
    other.shows("over: the other person said goodbye").await;
    assert!(other.screen().contains("them  "));
    other.line("/next");
    other.shows("Looking for somebody").await;
    other.hides("them  ").await;
}

#[tokio::test]
async fn a_report_ends_the_chat_on_both_sides() {
    let serve = Launch::new("serve").ready().await;
    let (one, other) = couple(&serve).await;
    one.line("/report spam");
    one.shows("Report this chat (spam)?").await;
    one.press("Enter");
    one.shows("You ended the chat with a report").await;
    one.shows("the server has taken your report").await;
    other.shows("over: the other person has left").await;
}

#[tokio::test]
async fn a_link_made_in_one_terminal_is_opened_in_the_other() {
    let serve = Launch::new("serve").ready().await;
    let host = Terminal::chatting(&format!("{} --new-invite", at(&serve))).await;
    host.shows("Your invite link").await;
    let screen = host.screen();
    assert!(screen.contains('█'), "a QR code:\n{screen}");
    let link = screen.split_whitespace().find(|word| word.contains("/#")).unwrap();
    let guest = Terminal::open(80, 24).await;
    guest.chat(&format!("CIPHER_CHAT_INVITE='{link}'"), "");
    for terminal in [&host, &guest] {
        terminal.shows("connected").await;
        terminal.shows("by invitation").await;
    }
    assert!(!host.screen().contains(link));
    assert_eq!(code(&host), code(&guest));
    exchange(&host, &guest).await;
    let late = Terminal::open(80, 24).await;
    late.chat(&format!("CIPHER_CHAT_INVITE='{link}'"), "");
    late.shows("This link has been used").await;
}

#[tokio::test]
async fn an_invite_is_opened_as_an_argument_in_words_or_from_standard_input() {
    let serve = Launch::new("serve").ready().await;
    for form in ["link", "words", "input"] {
        let host = Terminal::open(100, 40).await;
        host.chat("", &format!("{} --new-invite", at(&serve)));
        host.shows("To be read out").await;
        let screen = host.screen();
        let link = screen.split_whitespace().find(|word| word.contains("/#")).unwrap();
        let words = client::invite::InviteLink::parse(link).unwrap().invite.words();
        let guest = Terminal::open(80, 24).await;
        match form {
            "link" => guest.chat("", &format!("'<{link}>.'")),
            "words" => guest.chat("", &format!("{} {}", at(&serve), &*words)),
            _ => {
                guest.chat("", "-");
                guest.shows("(not shown), then Enter").await;
                guest.line(link);
            }
        }
        for terminal in [&host, &guest] {
            terminal.shows("connected, end-to-end encrypted").await;
        }
        exchange(&host, &guest).await;
        assert!(form != "input" || !guest.history().contains(link));
    }
}

#[tokio::test]
async fn a_server_that_comes_back_is_found_again() {
    let mut serve = Launch::new("serve").ready().await;
    let (one, other) = couple(&serve).await;
    exchange(&one, &other).await;
    serve.kill();
    for terminal in [&one, &other] {
        terminal.shows("no connection, trying again").await;
    }
    let serve = Launch::new("serve").set("listen", &serve.address().to_string()).ready().await;
    for terminal in [&one, &other] {
        terminal.shows("The session is over: the server was restarted").await;
        terminal.line("/next");
    }
    for terminal in [&one, &other] {
        terminal.shows("connected, end-to-end encrypted").await;
    }
    assert_eq!(code(&one), code(&other));
    exchange(&one, &other).await;
    drop(serve);
}

/// The first session is opened before the screen is drawn, any other one on it.
#[tokio::test]
async fn a_new_session_tells_what_the_server_asks_for_on_the_screen() {
    let mut serve = Launch::new("serve").ready().await;
    let (one, _other) = couple(&serve).await;
    serve.kill();
    one.shows("no connection, trying again").await;
    let strict = Launch::new("serve").set("listen", &serve.address().to_string());
    let strict = strict.set("admission", "1000000").ready().await;
    one.shows("The session is over: the server was restarted").await;
    // The work may be done between two looks.
    one.record();
    one.line("/next");
    one.has_drawn("anybody").await;
    one.shows("Looking for somebody").await;
    one.hides("the server asks for some work").await;
    drop(strict);
}

#[tokio::test]
async fn a_link_stays_good_while_its_server_restarts() {
    let mut serve = Launch::new("serve").ready().await;
    let host = Terminal::chatting(&format!("{} --new-invite", at(&serve))).await;
    host.shows("Your invite link").await;
    let screen = host.screen();
    let link = screen.split_whitespace().find(|word| word.contains("/#")).unwrap();
    serve.kill();
    host.shows("no connection, trying again").await;
    let serve = Launch::new("serve").set("listen", &serve.address().to_string()).ready().await;
    host.shows("waiting for your guest").await;
    assert!(host.screen().contains(link));
    let guest = Terminal::open(80, 24).await;
    guest.chat(&format!("CIPHER_CHAT_INVITE='{link}'"), "");
    guest.shows("connected, end-to-end encrypted").await;
    exchange(&host, &guest).await;
    drop(serve);
}

/// Two people on two gateways, of whom the first could go to the other's, and their gateways.
async fn couple_of(cluster: &Cluster) -> ([Terminal; 2], [usize; 2]) {
    let [first, second] = [cluster.gateways[0].address(), cluster.gateways[1].address()];
    let topic = unique("topic");
    let one = Terminal::chatting(&format!("--url http://{first},http://{second} --topic {topic}")).await;
    // It has begun at one of them by chance.
    let mut here = 0;
    eventually("somebody waits at one of the two", async || {
        for (n, gateway) in cluster.gateways.iter().enumerate() {
            if gateway.metric("gateway_waiting").await == 1.0 {
                here = n;
                return true;
            }
        }
        false
    })
    .await;
    let there = cluster.gateways[1 - here].address();
    let other = Terminal::chatting(&format!("--url http://{there} --topic {topic}")).await;
    one.shows("connected").await;
    exchange(&one, &other).await;
    ([one, other], [here, 1 - here])
}

#[tokio::test]
async fn a_chat_goes_on_over_another_gateway() {
    let mut cluster = Cluster::start().await;
    let ([one, other], [here, _]) = couple_of(&cluster).await;
    let before = code(&one);
    cluster.gateways[here].kill();
    other.line("said while you were away");
    one.shows("them  said while you were away").await;
    other.shows("said while you were away  ✓✓").await;
    exchange(&one, &other).await;
    assert_eq!([code(&one), code(&other)], [before.clone(), before]);
}

#[tokio::test]
async fn what_is_said_to_a_gateway_that_hangs_arrives_over_another() {
    let cluster = Cluster::start().await;
    let ([one, other], [here, _]) = couple_of(&cluster).await;
    cluster.gateways[here].pause();
    one.line("said into the silence");
    other.shows("them  said into the silence").await;
    one.shows("said into the silence  ✓✓").await;
    exchange(&one, &other).await;
    cluster.gateways[here].go_on();
    cluster.gateways[here].is_ready().await;
    exchange(&one, &other).await;
}

#[tokio::test]
async fn plain_lines_can_be_asked_for_at_a_terminal() {
    let serve = Launch::new("serve").ready().await;
    let (one, other) = (Terminal::open(80, 24).await, Terminal::open(80, 24).await);
    let parameters = format!("{} --topic {}", at(&serve), unique("topic"));
    one.chat("", &format!("{parameters} --plain"));
    other.chat("TERM=dumb", &parameters);
    for terminal in [&one, &other] {
        terminal.shows("* connected, end-to-end encrypted").await;
        assert_eq!(terminal.alternate(), "0");
    }
    one.line("hello");
    other.shows("> hello").await;
}
