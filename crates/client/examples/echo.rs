//! Waits for somebody, says back whatever they say, and ends when they do.
//!
//! ```text
//! cargo run -p client --example echo -- http://127.0.0.1:8080 topic parrots    meet whoever names this topic
//! cargo run -p client --example echo -- http://127.0.0.1:8080 invite           make a link for one person, and wait for them
//! cargo run -p client --example echo -- http://127.0.0.1:8080 invite LINK      meet whoever made this link
//! ```

use std::{env, error::Error, process::ExitCode};

use client::{
    Chat, ChatCriteria, Server, Trust,
    channel::Typing,
    chat::{End, Event},
    invite::{Invite, InviteLink},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (url, criteria) = match arguments[..] {
        [url, "topic", topic] => (url, ChatCriteria::topic(topic.parse()?)),
        [url, "invite"] => (url, ChatCriteria::create_invite(new_invite(url))),
        [url, "invite", link] => (url, ChatCriteria::accept_invite(InviteLink::parse(link)?.invite)),
        _ => return Err("usage: echo URL topic WORDS | echo URL invite [LINK]".into()),
    };

    let server = Server::new([url.parse()?], &Trust::System)?;
    let mut chat = Chat::open(&server).await?;
    chat.find(criteria);
    let end = talk(&mut chat).await?;
    println!("{end}");
    // Deletes the session: nothing of it is left at the server.
    chat.close().await;
    Ok(if matches!(end, End::Fault(_) | End::Closed(_)) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The link is for one person; its secret never reaches the server.
fn new_invite(url: &str) -> Invite {
    let invite = Invite::generate(&mut rand::rng());
    println!("{}", InviteLink { origin: url.trim_end_matches('/').into(), invite: invite.clone() });
    invite
}

/// One chat, from the find to its end. Lost connections are made again meanwhile, and every text
/// still arrives once and in order.
async fn talk(chat: &mut Chat) -> Result<End, Box<dyn Error>> {
    while let Some(event) = chat.next_event().await {
        match event {
            // Compared over another channel, such as a call, it proves that nobody is between the
            // two.
            Event::Secured { safety } => println!("safety code {safety}"),
            Event::PeerTyping(Typing::Active) => chat.set_typing(Typing::Active),
            Event::PeerTyping(Typing::Idle) => chat.set_typing(Typing::Idle),
            // Refused if the peer sends faster than it takes what comes back: then the echo is
            // lost.
            Event::Message { text, .. } => _ = chat.send(&text).inspect_err(|fault| println!("{fault}")),
            Event::Ended { end } => return Ok(end),
            Event::Error { message, .. } => return Err(message.into()),
            _ => {}
        }
    }
    Err("the connection is over".into())
}
