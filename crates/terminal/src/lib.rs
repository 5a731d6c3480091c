//! `cipher-chat chat`: the terminal client, for one chat after the other.
//!
//! At a terminal it takes the whole screen. In a script, or with `--plain`, it uses plain lines:
//! the peer's texts go to standard output, everything else to standard error. Nothing is written
//! anywhere else.

mod command;
mod conversation;
mod draft;
mod full_screen;
mod input;
mod keys;
mod layout;
mod log;
mod model;
mod popup_text;
mod screen;
mod state;
mod stop;
mod terminal;
mod text;
mod view;

use std::{path::PathBuf, process::ExitCode, str::FromStr};

use anyhow::Context;
use clap::Args;
use client::{
    Chat, ChatCriteria, Server, ServerUrl, Trust,
    chat::MeetBy,
    invite::{Invite, InviteLink, LinkError},
};
use schemas::criteria::{Language, Role, Topic};
use zeroize::Zeroizing;

use self::{
    conversation::Conversation, full_screen::FullScreen, screen::Screen, state::MeetingKind,
    terminal::Terminal,
};

/// The server if no other is named: `cipher-chat serve` on this machine.
const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// Stands for `--invite` without a value. It cannot be a link or a secret: it is too short.
const NEW_INVITE: &str = "new";

/// The options of `cipher-chat chat`.
#[derive(Args, Clone, Debug)]
pub struct ChatOptions {
    /// The server; or several, separated by commas, to try in turn [default: the link's, or
    /// http://127.0.0.1:8080]
    #[arg(long, value_name = "URL[,URL…]", value_delimiter = ',')]
    pub url: Vec<ServerUrl>,
    /// Meet somebody who names the same topic
    #[arg(long, value_name = "WORDS", conflicts_with = "invite")]
    pub topic: Option<Topic>,
    /// Your language, as a BCP 47 tag. You meet people with another language only after 10 seconds
    #[arg(long, value_name = "TAG")]
    pub lang: Option<Language>,
    /// Your role: who seeks meets only who offers, and the other way round
    #[arg(long, value_parser = role, value_name = "seek|offer")]
    pub role: Option<Role>,
    /// Meet whoever has this invite link (or only what comes after its #). Other users of this
    /// machine can read a command line; the variable keeps the link from them. Without a value: as
    /// --new-invite
    #[arg(
        long,
        value_name = "LINK",
        num_args = 0..=1,
        default_missing_value = NEW_INVITE,
        env = "CIPHER_CHAT_INVITE",
        hide_env_values = true
    )]
    pub invite: Option<InviteOption>,
    /// Make an invite link to give to somebody, and wait for them
    #[arg(long, conflicts_with_all = ["invite", "topic"])]
    pub new_invite: bool,
    /// Trust only the certificate authorities in this file (PEM) [default: those of this system]
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Use plain lines, even at a terminal: for screen readers and simple terminals
    #[arg(long)]
    pub plain: bool,
}

/// How an invite is given.
#[derive(Clone, Debug)]
pub enum InviteOption {
    /// Make a new one.
    New,
    /// The secret of an invite link.
    Secret(Invite),
    /// An invite link.
    Link(InviteLink),
}

impl FromStr for InviteOption {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        match text {
            NEW_INVITE => Ok(Self::New),
            link if link.contains('#') => InviteLink::parse(link).map(Self::Link),
            secret => Invite::parse(secret).map(Self::Secret),
        }
    }
}

fn role(word: &str) -> Result<Role, &'static str> {
    match word {
        "seek" => Ok(Role::Seek),
        "offer" => Ok(Role::Offer),
        _ => Err("a role is seek or offer"),
    }
}

impl ChatOptions {
    fn invite(&self) -> Option<&InviteOption> {
        if self.new_invite { Some(&InviteOption::New) } else { self.invite.as_ref() }
    }
}

/// Runs until somebody quits, or until the input and its last chat have ended.
///
/// # Errors
/// If the server cannot be reached, or refuses. Later faults are shown, and the exit code is 1 if a
/// text may not have arrived or a fault has broken off a chat.
pub async fn run(options: ChatOptions) -> anyhow::Result<ExitCode> {
    let urls = urls(&options)?;
    let origin = urls[0].to_string();
    let trust = options.ca.clone().map_or(Trust::System, Trust::Ca);
    let server = Server::new(urls, &trust)?;
    let chat = Chat::open(&server).await.context("cannot open a session")?;
    if Terminal::is_there() && !options.plain {
        let meeting = meeting(&options);
        let new_criteria = Box::new(move || {
            let criteria = criteria(&options);
            let link = new_link(&options, &criteria, &origin);
            (criteria, link)
        });
        return FullScreen::new(server, chat, meeting, new_criteria).run().await;
    }
    let criteria = criteria(&options);
    let screen = Screen::new();
    if let Some(link) = new_link(&options, &criteria, &origin) {
        screen.status(format_args!("give this link to one person, who can use it once: {}", &*link));
    }
    Conversation::new(chat, screen, criteria).run().await
}

/// The invite link to hand over, if a new one was asked for.
fn new_link(options: &ChatOptions, criteria: &ChatCriteria, origin: &str) -> Option<Zeroizing<String>> {
    match (options.invite(), &criteria.by) {
        (Some(InviteOption::New), MeetBy::Invite(invite)) => {
            let link = InviteLink { origin: origin.to_owned(), invite: invite.clone() };
            Some(Zeroizing::new(link.to_string()))
        }
        _ => None,
    }
}

fn meeting(options: &ChatOptions) -> MeetingKind {
    match (options.invite(), &options.topic) {
        (Some(InviteOption::New), _) => MeetingKind::CreatesInvite,
        (Some(InviteOption::Secret(_) | InviteOption::Link(_)), _) => MeetingKind::AcceptsInvite,
        (None, Some(topic)) => MeetingKind::Topic(text::harmless(topic.folded())),
        (None, None) => MeetingKind::Anybody,
    }
}

/// The addresses of the server; at least one.
fn urls(options: &ChatOptions) -> anyhow::Result<Vec<ServerUrl>> {
    Ok(match (options.invite(), &options.url[..]) {
        (Some(InviteOption::Link(link)), []) => vec![link.origin.parse()?],
        (_, []) => vec![DEFAULT_URL.parse()?],
        (_, given) => given.to_vec(),
    })
}

fn criteria(options: &ChatOptions) -> ChatCriteria {
    let criteria = match (options.invite(), &options.topic) {
        (Some(InviteOption::Secret(invite) | InviteOption::Link(InviteLink { invite, .. })), _) => {
            ChatCriteria::accept_invite(invite.clone())
        }
        (Some(InviteOption::New), _) => ChatCriteria::create_invite(Invite::generate(&mut rand::rng())),
        (None, Some(topic)) => ChatCriteria::topic(topic.clone()),
        (None, None) => ChatCriteria::anybody(),
    };
    ChatCriteria { role: options.role.or(criteria.role), language: options.lang.clone(), ..criteria }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct TestCli {
        #[command(flatten)]
        options: ChatOptions,
    }

    const SECRET: &str = "AAECAwQFBgcICQoLDA0ODw";

    fn read(words: &[&str]) -> Result<ChatOptions, clap::Error> {
        TestCli::try_parse_from([&["chat"], words].concat()).map(|cli| cli.options)
    }

    fn addresses(options: &ChatOptions) -> Vec<String> {
        urls(options).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_link_names_its_server_unless_another_is_named() {
        let link = format!("https://chat.example/#{SECRET}");
        let options = read(&["--invite", &link]).unwrap();
        assert_eq!(addresses(&options), ["https://chat.example"]);
        assert_eq!(criteria(&options).role, Some(Role::Seek));
        let options = read(&["--invite", &link, "--url", "http://a,wss://b"]).unwrap();
        assert_eq!(addresses(&options), ["http://a", "https://b"]);
        assert_eq!(addresses(&read(&["--invite", SECRET]).unwrap()), [DEFAULT_URL]);
    }

    #[test]
    fn an_invite_without_a_value_is_a_new_one_each_time() {
        let options = read(&["--invite", "--lang", "ko"]).unwrap();
        let (one, two) = (criteria(&options), criteria(&options));
        let (MeetBy::Invite(first), MeetBy::Invite(second)) = (one.by, two.by) else { panic!("invites") };
        assert_ne!(first, second);
        assert_eq!(one.role, Some(Role::Offer));
    }

    #[test]
    fn invalid_options_are_refused_at_the_start() {
        for words in [
            &["--topic", "a", "--invite"][..],
            &["--topic", " "],
            &["--role", "both"],
            &["--lang", "ko_KR"],
            &["--invite", "short"],
            &["--url", "chat.example"],
        ] {
            assert!(read(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn the_secret_of_an_invite_is_not_shown_by_debug() {
        for invite in [SECRET.to_owned(), format!("https://chat.example/#{SECRET}")] {
            let options = read(&["--invite", &invite]).unwrap();
            assert!(!format!("{options:?}").contains(SECRET));
        }
    }
}
