//! The options of `cipher-chat chat`.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;
use client::{
    PassKeys, ServerUrl,
    invite::{Invite, InviteLink, LinkError},
    server::UrlError,
};
use schemas::criteria::{Language, Role, Topic};
use zeroize::Zeroizing;

/// Stands for `--invite` without a value. It cannot be a link or a secret: it is too short.
const NEW_INVITE: &str = "new";

/// Stands for an invite on standard input.
const FROM_INPUT: &str = "-";

/// The options of `cipher-chat chat`.
#[derive(Args, Clone, Debug)]
pub struct ChatOptions {
    /// Open this invite link, or the twelve words of one (then name its server with --url). With -
    /// the first line of standard input is the link: other users of this machine can read a command
    /// line, and shells remember it
    #[arg(value_name = "LINK", conflicts_with_all = ["invite", "new_invite", "topic"])]
    pub(super) link: Vec<Word>,
    /// The server. Several may be given, separated by commas, if they are one service: the next is
    /// tried where one does not answer [default: the invite link's server, or
    /// http://127.0.0.1:8080]
    #[arg(long, value_name = "URL[,URL…]", value_delimiter = ',')]
    pub(super) url: Vec<UrlOption>,
    /// Meet somebody who names the same topic. Without a topic you meet others who name none
    #[arg(long, value_name = "WORDS", conflicts_with = "invite")]
    pub(super) topic: Option<Topic>,
    /// The language that you speak, as a BCP 47 tag such as en or pt-BR. For the first 10 seconds
    /// you meet only people who speak it or have named no language; then anybody
    #[arg(long, value_name = "TAG")]
    pub(super) lang: Option<Language>,
    /// Your role in the chat. Who seeks meets only people who offer, and the other way round.
    /// Without a role you meet others who have none
    #[arg(long, value_parser = role, value_name = "seek|offer")]
    pub(super) role: Option<Role>,
    /// The same as LINK; it may also be the part of a link after its #. The variable keeps it from
    /// other users of this machine. Without a value it means --new-invite
    #[arg(
        long,
        value_name = "LINK",
        num_args = 0..=1,
        default_missing_value = NEW_INVITE,
        env = "CIPHER_CHAT_INVITE",
        hide_env_values = true
    )]
    pub(super) invite: Option<InviteOption>,
    /// Talk only to a helper of the operator who has this public key, as base64url or in a file
    /// (PEM). Until the other side has proved it, nothing that you write is sent, and nothing of the
    /// other side is shown. You seek, unless --role says otherwise
    #[arg(long, value_parser = helper_keys, value_name = "FILE|KEY")]
    pub(super) helper_key: Option<PassKeys>,
    /// You are a helper: the link that the operator has made for you, or a file that holds it, which
    /// other users of this machine cannot see. You offer, unless --role says otherwise
    #[arg(long, value_name = "FILE|LINK", env = "CIPHER_CHAT_PASS", hide_env_values = true)]
    pub(super) pass: Option<Word>,
    /// Make an invite link, show it, and wait for the person who opens it
    #[arg(long, conflicts_with_all = ["invite", "topic"])]
    pub(super) new_invite: bool,
    /// Trust only the certificate authorities in this PEM file [default: those of this system]
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// Write plain lines instead of using the whole screen: for screen readers, simple terminals
    /// and scripts. This is the default where standard input or output is not a terminal
    #[arg(long)]
    pub(super) plain: bool,
    /// Read and write lines of JSON, for programs: see docs/terminal.md
    #[arg(long, conflicts_with = "plain")]
    pub(super) json: bool,
}

/// A word of the command line that may be a secret.
#[derive(Clone)]
pub(super) struct Word(pub(super) Zeroizing<String>);

impl FromStr for Word {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Word(…)")
    }
}

/// How an invite is given.
#[derive(Clone, Debug)]
pub(super) enum InviteOption {
    /// Make a new one.
    New,
    /// On standard input.
    FromInput,
    /// The secret of an invite link, in either form.
    Secret(Invite),
    /// An invite link.
    Link(InviteLink),
}

impl FromStr for InviteOption {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        match text {
            NEW_INVITE => Ok(Self::New),
            FROM_INPUT => Ok(Self::FromInput),
            link if link.contains('#') || link.contains("://") => InviteLink::parse(link).map(Self::Link),
            secret => Invite::parse(secret).map(Self::Secret),
        }
    }
}

/// What is given as a server.
#[derive(Clone, Debug)]
pub(super) enum UrlOption {
    Server(ServerUrl),
    /// An invite link: it names a server, too.
    Link(InviteLink),
}

impl FromStr for UrlOption {
    type Err = UrlFault;

    fn from_str(text: &str) -> Result<Self, UrlFault> {
        if text.contains('#') {
            Ok(Self::Link(InviteLink::parse(text)?))
        } else {
            Ok(Self::Server(text.parse()?))
        }
    }
}

/// Why a text is not a server.
#[derive(Debug, thiserror::Error)]
pub(super) enum UrlFault {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// The operator's public key itself, or the file that holds it.
fn helper_keys(word: &str) -> Result<PassKeys, String> {
    match PassKeys::parse(word) {
        Some(keys) => Ok(keys),
        None => PassKeys::from_file(Path::new(word)).map_err(|fault| fault.to_string()),
    }
}

fn role(word: &str) -> Result<Role, &'static str> {
    match word {
        "seek" => Ok(Role::Seek),
        "offer" => Ok(Role::Offer),
        _ => Err("a role is seek or offer"),
    }
}
