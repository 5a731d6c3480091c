//! What the options of `cipher-chat chat` come to together.

use std::{fs, io};

use client::{
    Chat, ChatCriteria, Helper, HelperError, PassKeys, ServerUrl, Session,
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
    /// This person is one.
    pub(super) helper: Option<Helper>,
    /// Talk to helpers of this operator alone.
    pub(super) helper_keys: Option<PassKeys>,
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
    #[error("the pass is not valid: {0}")]
    Pass(#[from] HelperError),
    #[error("the file of --pass cannot be read")]
    PassFile(#[source] io::Error),
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
        let (helper, desk) = self.given_pass()?.unzip();
        if urls.is_empty() {
            let origin = origin.or(desk.flatten());
            urls.push(origin.as_deref().unwrap_or(DEFAULT_URL).parse()?);
        }
        let role = self.role.or(match (&helper, &self.helper_key, &meeting) {
            (Some(_), _, _) => Some(Role::Offer),
            // Who has made an invite offers it.
            (None, Some(_), MeetingKind::Anybody | MeetingKind::Topic(_)) => Some(Role::Seek),
            (None, _, _) => None,
        });
        let helper_keys = self.helper_key.clone();
        Ok(Plan { urls, meeting, by, role, language: self.lang.clone(), helper, helper_keys })
    }

    /// The helper's pass that is given, and the server that its link names.
    fn given_pass(&self) -> Result<Option<(Helper, Option<String>)>, Fault> {
        let Some(given) = &self.pass else { return Ok(None) };
        let read;
        let link = if given.0.contains('#') || Helper::from_link(&given.0).is_ok() {
            &given.0
        } else {
            read = Zeroizing::new(fs::read_to_string(given.0.as_str()).map_err(Fault::PassFile)?);
            &read
        };
        let link = link.trim();
        let origin = link.split_once('#').and_then(|(desk, _)| desk.strip_suffix("/desk"));
        let origin = origin.filter(|origin| !origin.is_empty()).map(str::to_owned);
        Ok(Some((Helper::from_link(link)?, origin)))
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
    /// A chat in this session.
    pub(super) fn chat(&self, session: &Session) -> Chat {
        with_helper_keys(Chat::new(session.connect()), self.helper_keys.clone())
    }

    /// An invite to hand over.
    pub(super) fn handout(&self, invite: &Invite) -> Handout {
        let link = InviteLink { origin: self.urls[0].to_string(), invite: invite.clone() };
        Handout { link: Zeroizing::new(link.to_string()), words: invite.words() }
    }

    /// Whom to find, for people who meet in this way, and the invite to hand over if there is a new
    /// one. Each call makes a new one.
    pub(super) fn criteria(&self, meeting: &MeetingKind) -> (ChatCriteria, Option<Handout>) {
        let mut handout = None;
        let criteria = match (meeting, &self.by) {
            (MeetingKind::CreatesInvite, _) => {
                let invite = Invite::generate(&mut rand::rng());
                handout = Some(self.handout(&invite));
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

/// A chat with helpers of this operator alone, if there are keys.
pub(super) fn with_helper_keys(chat: Chat, keys: Option<PassKeys>) -> Chat {
    match keys {
        Some(keys) => chat.with_helper_keys(keys),
        None => chat,
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

    const PASSES: &str = include_str!("../../../schemas/vectors/passes.json");

    /// The link of a helper, and the operator's key, as the vectors have them.
    fn helpers_link() -> (String, String) {
        let vectors: serde_json::Value = serde_json::from_str(PASSES).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let link = format!(
            "https://help.example/desk#{}.{}",
            text(&vectors["secret"]["text"]),
            text(&vectors["pass"]["text"])
        );
        (link, "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w".into())
    }

    #[test]
    fn a_helper_offers_at_the_server_of_the_link_and_a_file_holds_it_too() {
        let (link, _) = helpers_link();
        let file = std::env::temp_dir().join(format!("pass-{}.link", std::process::id()));
        std::fs::write(&file, format!("{link}\n")).unwrap();
        let file_name = file.to_str().unwrap();
        for given in [&*link, file_name] {
            let plan = plan(&["--pass", given, "--topic", "grief"]);
            assert_eq!(addresses(&plan), ["https://help.example"]);
            assert_eq!(plan.criteria(&plan.meeting).0.role, Some(Role::Offer));
            assert!(plan.helper.is_some());
        }
        std::fs::remove_file(&file).unwrap();
        let colleague = plan(&["--pass", &link, &format!("https://a/#{SECRET}")]);
        assert_eq!(colleague.criteria(&colleague.meeting).0.role, Some(Role::Offer), "the seeker seeks");
        assert_eq!(addresses(&colleague), ["https://a"]);
        let (secret, pass) = link.split_once('.').map(|_| link.split_at(link.len() - 1)).unwrap();
        assert_eq!(pass.len(), 1);
        for wrong in [secret, "/nowhere/pass", &link[..70]] {
            let why = plan_with(&["--pass", wrong], "").err().unwrap();
            assert!(!why.contains(&link[30..60]), "{why}");
        }
        assert!(!format!("{:?}", read(&["--pass", &link]).unwrap()).contains(&link[30..60]));
    }

    #[test]
    fn who_names_the_operators_key_seeks_unless_it_is_said_otherwise() {
        let (_, key) = helpers_link();
        let role = |words: &[&str]| {
            let plan = plan(&[words, &["--helper-key", &key]].concat());
            assert!(plan.helper_keys.is_some());
            plan.criteria(&plan.meeting).0.role
        };
        assert_eq!(role(&["--topic", "grief"]), Some(Role::Seek));
        assert_eq!(role(&[]), Some(Role::Seek));
        assert_eq!(role(&[&link()]), Some(Role::Seek));
        assert_eq!(role(&["--new-invite"]), Some(Role::Offer));
        assert_eq!(role(&["--role", "offer"]), Some(Role::Offer));
        assert!(plan_with(&["--helper-key", "/nowhere/passes.pub"], "").is_err());
    }

    #[test]
    fn the_secret_of_an_invite_is_not_shown_by_debug() {
        for words in [&["--invite", SECRET][..], &[&link()], &["--url", &link()], &["--invite", &link()]] {
            assert!(!format!("{:?}", read(words).unwrap()).contains(SECRET));
        }
    }
}
