//! What the options of `cipher-chat chat` come to together.

use std::io;

use client::{
    ChatCriteria, ServerUrl,
    invite::{Invite, InviteLink, LinkError},
    server::UrlError,
};
use schemas::criteria::{Language, Role, Topic};
use zeroize::Zeroizing;

use super::{
    options::{ChatOptions, InviteOption, UrlOption},
    state::{Handout, MeetingKind},
    text::harmless,
};

/// The server if no other is named: `cipher-chat serve` on this machine.
const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// What all options come to.
pub(super) struct Plan {
    /// The addresses of the server; at least one.
    pub(super) urls: Vec<ServerUrl>,
    pub(super) meeting: MeetingKind,
    by: By,
    role: Option<Role>,
    language: Option<Language>,
}

/// By what the two meet at first.
enum By {
    Anybody,
    Topic(Topic),
    NewInvite,
    Invite(Invite),
}

/// Why options do not make a plan.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("the invite is not valid: {0}")]
    Invite(#[from] LinkError),
    #[error("there is no invite after chat: {0} (a topic is named with --topic)")]
    Word(#[source] LinkError),
    #[error("--url has an invite link, and there is another invite or a topic: give one of them")]
    TwoInvites,
    #[error("--url has an invite link and another address: give one of them")]
    LinkAmongUrls,
    #[error("the invite link names a server whose address is not valid: {0}")]
    Url(#[from] UrlError),
    #[error("standard input has no invite link in its first line")]
    NoInput(#[source] io::Error),
}

impl ChatOptions {
    /// What the options come to. `read` gives the first line of standard input.
    ///
    /// # Errors
    /// If they do not fit together, or if what was read is not an invite.
    pub(super) fn plan(&self, read: impl FnOnce() -> io::Result<Zeroizing<String>>) -> Result<Plan, Fault> {
        let invite = match self.given_invite()? {
            Some(InviteOption::FromInput) => {
                let line = read().map_err(Fault::NoInput)?;
                match line.parse()? {
                    invite @ (InviteOption::Link(_) | InviteOption::Secret(_)) => Some(invite),
                    InviteOption::New | InviteOption::FromInput => return Err(LinkError::Form.into()),
                }
            }
            invite => invite,
        };
        let (by, meeting, origin) = match (invite, &self.topic) {
            (Some(InviteOption::Link(link)), _) => {
                (By::Invite(link.invite), MeetingKind::AcceptsInvite, Some(link.origin))
            }
            (Some(InviteOption::Secret(invite)), _) => (By::Invite(invite), MeetingKind::AcceptsInvite, None),
            (Some(InviteOption::New | InviteOption::FromInput), _) => {
                (By::NewInvite, MeetingKind::CreatesInvite, None)
            }
            (None, Some(topic)) => {
                (By::Topic(topic.clone()), MeetingKind::Topic(harmless(topic.folded())), None)
            }
            (None, None) => (By::Anybody, MeetingKind::Anybody, None),
        };
        let given = self.url.iter().filter_map(|url| match url {
            UrlOption::Server(url) => Some(url.clone()),
            UrlOption::Link(_) => None,
        });
        let mut urls: Vec<_> = given.collect();
        if urls.is_empty() {
            urls.push(origin.as_deref().unwrap_or(DEFAULT_URL).parse()?);
        }
        Ok(Plan { urls, meeting, by, role: self.role, language: self.lang.clone() })
    }

    /// The one invite that is given, in whichever place.
    fn given_invite(&self) -> Result<Option<InviteOption>, Fault> {
        let words =
            Zeroizing::new(self.link.iter().map(|word| word.0.as_str()).collect::<Vec<_>>().join(" "));
        let given = if self.new_invite {
            Some(InviteOption::New)
        } else if words.is_empty() {
            self.invite.clone()
        } else {
            Some(words.parse().map_err(Fault::Word)?)
        };
        let link = self.url.iter().find_map(|url| match url {
            UrlOption::Link(link) => Some(link),
            UrlOption::Server(_) => None,
        });
        match (given, link) {
            (given, None) => Ok(given),
            (None, Some(link)) if self.topic.is_none() && self.url.len() == 1 => {
                Ok(Some(InviteOption::Link(link.clone())))
            }
            (None, Some(_)) if self.topic.is_none() => Err(Fault::LinkAmongUrls),
            _ => Err(Fault::TwoInvites),
        }
    }
}

impl Plan {
    /// Whom to find, for people who meet in this way, and the invite to hand over if there is a new
    /// one. Each call makes a new one.
    pub(super) fn criteria(&self, meeting: &MeetingKind) -> (ChatCriteria, Option<Handout>) {
        let mut handout = None;
        let criteria = match (meeting, &self.by) {
            (MeetingKind::CreatesInvite, _) => {
                let invite = Invite::generate(&mut rand::rng());
                let link = InviteLink { origin: self.urls[0].to_string(), invite: invite.clone() };
                let (words, link) = (invite.words(), Zeroizing::new(link.to_string()));
                handout = Some(Handout { link, words });
                ChatCriteria::create_invite(invite)
            }
            (MeetingKind::AcceptsInvite, By::Invite(invite)) => ChatCriteria::accept_invite(invite.clone()),
            (MeetingKind::Topic(_), By::Topic(topic)) => ChatCriteria::topic(topic.clone()),
            (_, _) => ChatCriteria::anybody(),
        };
        (
            ChatCriteria { role: self.role.or(criteria.role), language: self.language.clone(), ..criteria },
            handout,
        )
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use client::chat::MeetBy;

    use super::*;

    #[derive(Debug, Parser)]
    struct TestCli {
        #[command(flatten)]
        options: ChatOptions,
    }

    const SECRET: &str = "AAECAwQFBgcICQoLDA0ODw";
    const WORDS: &str = "abandon amount liar amount expire adjust cage candy arch gather drum buyer";

    fn read(words: &[&str]) -> Result<ChatOptions, clap::Error> {
        TestCli::try_parse_from([&["chat"], words].concat()).map(|cli| cli.options)
    }

    fn plan_with(words: &[&str], input: &str) -> Result<Plan, String> {
        let options = read(words).map_err(|fault| fault.to_string())?;
        options.plan(|| Ok(Zeroizing::new(input.to_owned()))).map_err(|fault| fault.to_string())
    }

    fn plan(words: &[&str]) -> Plan {
        plan_with(words, "").unwrap_or_else(|fault| panic!("{words:?}: {fault}"))
    }

    fn addresses(plan: &Plan) -> Vec<String> {
        plan.urls.iter().map(ToString::to_string).collect()
    }

    fn link() -> String {
        format!("https://chat.example/#{SECRET}")
    }

    /// Whether it opens the invite of [`SECRET`].
    fn opens(plan: &Plan) -> bool {
        let (criteria, handout) = plan.criteria(&plan.meeting);
        let meant = Invite::parse(SECRET).unwrap();
        criteria.role == Some(Role::Seek)
            && handout.is_none()
            && matches!(criteria.by, MeetBy::Invite(invite) if invite == meant)
    }

    #[test]
    fn a_link_is_opened_wherever_it_is_given_and_names_its_server() {
        let (link, pasted) = (link(), format!("<{}>.", link()));
        for words in [
            &[&*link][..],
            &["--invite", &link],
            &["--url", &link],
            &[&pasted],
            &["--url", &pasted],
            &["--", &link],
        ] {
            let plan = plan(words);
            assert!(opens(&plan), "{words:?}");
            assert_eq!(addresses(&plan), ["https://chat.example"], "{words:?}");
        }
        let other = plan(&[&link, "--url", "http://a,wss://b"]);
        assert!(opens(&other));
        assert_eq!(addresses(&other), ["http://a", "https://b"]);
    }

    #[test]
    fn twelve_words_are_opened_in_one_piece_or_in_twelve() {
        let apart: Vec<_> = WORDS.split(' ').collect();
        for words in [&[WORDS][..], &apart, &["--invite", WORDS], &["--invite", SECRET], &[SECRET]] {
            let plan = plan(words);
            assert!(opens(&plan), "{words:?}");
            assert_eq!(addresses(&plan), [DEFAULT_URL]);
        }
        let elsewhere = plan(&[&["--url", "https://chat.example"], &apart[..]].concat());
        assert!(opens(&elsewhere));
        assert_eq!(addresses(&elsewhere), ["https://chat.example"]);
    }

    #[test]
    fn a_hyphen_takes_the_invite_from_standard_input() {
        for words in [&["-"][..], &["--invite", "-"]] {
            for input in [&*link(), WORDS, SECRET] {
                assert!(opens(&plan_with(words, input).unwrap()), "{words:?} {input}");
            }
            for wrong in ["", "-", "new", "hello"] {
                assert!(plan_with(words, wrong).is_err(), "{wrong}");
            }
        }
    }

    #[test]
    fn a_new_invite_is_another_one_each_time() {
        for words in [&["--invite", "--lang", "ko"][..], &["--new-invite"]] {
            let plan = plan(words);
            let (one, first) = plan.criteria(&plan.meeting);
            let (two, second) = plan.criteria(&plan.meeting);
            let (MeetBy::Invite(one_invite), MeetBy::Invite(two_invite)) = (one.by, two.by) else { panic!() };
            assert_ne!(one_invite, two_invite);
            assert_eq!(one.role, Some(Role::Offer));
            let (first, second) = (first.unwrap(), second.unwrap());
            assert_ne!(first.link, second.link);
            assert_eq!(InviteLink::parse(&first.link).unwrap().invite, one_invite);
            assert_eq!(Invite::from_words(&first.words).unwrap(), one_invite);
        }
    }

    #[test]
    fn anybody_can_be_met_whatever_was_asked_for_at_first() {
        let by_topic = plan(&["--topic", "music"]);
        assert!(matches!(by_topic.criteria(&by_topic.meeting).0.by, MeetBy::Topic(_)));
        assert!(matches!(by_topic.criteria(&MeetingKind::Anybody).0.by, MeetBy::Anybody));
        assert!(by_topic.criteria(&MeetingKind::CreatesInvite).1.is_some());
    }

    #[test]
    fn invalid_options_are_refused_at_the_start() {
        let link = link();
        for words in [
            &["--topic", "a", "--invite"][..],
            &["--topic", " "],
            &["--role", "both"],
            &["--lang", "ko_KR"],
            &["--invite", "short"],
            &["--url", "chat.example"],
            &[&link, &link],
            &[&link, "--new-invite"],
            &[&link, "--topic", "a"],
            &[&link, "--invite", &link],
            &["--url", &link, "--topic", "a"],
            &["--url", &link, "--invite", &link],
            &["--url", &format!("{link},https://a")],
            &["music"],
            &["--plain", "--json"],
        ] {
            assert!(plan_with(words, "").is_err(), "{words:?}");
        }
    }

    #[test]
    fn the_secret_of_an_invite_is_not_shown_by_debug() {
        for words in [&["--invite", SECRET][..], &[&link()], &["--url", &link()], &["--invite", &link()]] {
            assert!(!format!("{:?}", read(words).unwrap()).contains(SECRET));
        }
    }
}
