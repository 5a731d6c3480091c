//! The command line as clap knows it: help, usage, and the commands that are not roles.

use std::{collections::BTreeSet, ffi::OsString};

use bench::BenchOptions;
use clap::{Arg, Args, Subcommand};
use pki::PkiOptions;
use terminal::ChatOptions;
use top::TopOptions;

use super::{role::Role, spec::Row, table::TABLE};
use crate::{order::OrderOptions, page::PageOptions, pass::PassOptions, probe::ProbeOptions};

/// The text below the list of commands.
const AFTER_COMMANDS: &str = "\
Without a command, `serve` runs. `cipher-chat COMMAND --help` explains the options of a command.

RUST_LOG chooses what is logged, for example `warn` or `info,gateway=debug`.

Exit codes: 0 orderly end, 1 failure while running, 2 wrong options (nothing was started), 3 cannot listen on an address, 4 (chat) the \
other person left without a goodbye, 5 (chat) a text may not have arrived, 6 (page) the host does not answer.";

/// The text below the options of a role.
const AFTER_OPTIONS: &str = "\
Each option is also an environment variable, as shown, and a key of the file of --config. The command line wins, then the environment. A list is separated by commas, and its option may be \
given several times. A TIME is a whole number with ms, s, m or h, such as 90s; without a unit it is in seconds. Logs go to standard \
error; RUST_LOG chooses what is logged.

Exit codes: 0 orderly end, 1 failure while running, 2 wrong options (nothing was started), 3 cannot listen on an address.";

/// The commands that are not roles of a node.
#[derive(Debug, Subcommand)]
pub enum Tool {
    /// Chat with somebody in this terminal
    Chat(ChatOptions),
    /// Load a server that is yours, and measure it
    Bench(BenchOptions),
    /// Watch a cluster in this terminal: its nodes, what they do, what is wrong
    // In a box: it is larger than the others.
    Top(Box<TopOptions>),
    /// Show a CBOR event of the bus (standard input) as JSON, for `nats sub --translate`
    Decode,
    /// Make the certificates, keys and NATS permissions of a cluster
    // In a box: it is much larger than the others.
    Pki(Box<PkiOptions>),
    /// Check the options of a role and show what would be in force, and why; nothing is started
    Check(CheckOptions),
    /// Write a file for --config that explains every option
    Config,
    /// Ask the node on this machine whether it is ready, or for its metrics
    Probe(ProbeOptions),
    /// Order the cluster to pause, close, resume and the like, signed with the operator's key
    // In a box: it is much larger than the others.
    Order(Box<OrderOptions>),
    /// Write the page as one file that opens from a disk, or check that a host serves it unchanged
    Page(PageOptions),
    /// Make, show, check and revoke the passes of helpers
    Pass(PassOptions),
}

/// What `cipher-chat check` is given.
#[derive(Args, Clone, Debug)]
pub struct CheckOptions {
    /// The role, `serve` if it is left out, and its options
    #[arg(value_name = "ROLE AND OPTIONS", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

impl CheckOptions {
    /// The role, and the words after it.
    pub fn role(&self) -> (Role, &[OsString]) {
        let named = self.words.split_first().and_then(|(first, rest)| {
            Role::ALL.into_iter().find(|role| first == role.word()).map(|role| (role, rest))
        });
        named.unwrap_or((Role::Serve, &self.words))
    }
}

/// The whole command line.
pub fn command() -> clap::Command {
    let command = clap::Command::new("cipher-chat").subcommands(Role::ALL.map(of_role));
    Tool::augment_subcommands(command)
        .version(env!("CARGO_PKG_VERSION"))
        .about("Anonymous, ephemeral, end-to-end encrypted one-to-one chat")
        .after_help(AFTER_COMMANDS)
        .subcommand_required(true)
}

/// The command of a role, with all its options.
pub fn of_role(role: Role) -> clap::Command {
    let rows = TABLE.iter().filter(|row| row.is_of(role));
    clap::Command::new(role.word())
        .about(role.about())
        .after_help(AFTER_OPTIONS)
        .args(rows.map(|row| argument(*row, role)))
}

fn argument(row: &'static dyn Row, role: Role) -> Arg {
    let needed = row.is_required_by(role);
    let default = if needed { "[required]".to_owned() } else { format!("[default: {}]", row.default()) };
    Arg::new(row.spec().name)
        .long(row.spec().name)
        .value_name(row.form())
        .required(needed)
        .help_heading(row.spec().group.heading())
        .help(format!("{} {default} [env: {}]", row.help(), row.variable()))
}

/// The usage of a role, and where to read more.
pub fn usage(role: Role) -> String {
    let mut command = command();
    command.build();
    let usage = command.find_subcommand_mut(role.word()).map(|role| role.render_usage().to_string());
    format!("{}\n\nFor more information, try '--help'.", usage.unwrap_or_default())
}

/// All environment variables of the program, of all roles and commands.
pub fn variables() -> BTreeSet<String> {
    let tools = Tool::augment_subcommands(clap::Command::new("tools"));
    let of_tools = tools.get_subcommands().flat_map(|tool| {
        let variables = tool.get_arguments().filter_map(Arg::get_env);
        variables.map(|name| name.to_string_lossy().into_owned()).collect::<Vec<_>>()
    });
    TABLE.iter().map(|row| row.variable()).chain(of_tools).collect()
}

/// Inserts `serve` where no command is given: `cipher-chat --grace 2m` means
/// `cipher-chat serve --grace 2m`.
pub fn with_default_command(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<_> = args.collect();
    let first = args.get(1).and_then(|arg| arg.to_str());
    let about_all = matches!(first, Some("-h" | "--help" | "-V" | "--version"));
    if !about_all && first.is_none_or(|arg| arg.starts_with('-')) {
        args.insert(args.len().min(1), Role::Serve.word().into());
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(args: &[&str]) -> Vec<String> {
        let args = args.iter().map(OsString::from);
        with_default_command(args).into_iter().map(|arg| arg.into_string().unwrap()).collect()
    }

    #[test]
    fn serve_is_what_runs_without_a_command() {
        assert_eq!(completed(&["cc"]), ["cc", "serve"]);
        assert_eq!(completed(&["cc", "--listen", "x"]), ["cc", "serve", "--listen", "x"]);
        assert_eq!(completed(&["cc", "gateway"]), ["cc", "gateway"]);
        assert_eq!(completed(&["cc", "--help"]), ["cc", "--help"]);
    }

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn a_usage_names_what_a_role_cannot_do_without() {
        assert_eq!(usage(Role::Serve).lines().next(), Some("Usage: cipher-chat serve [OPTIONS]"));
        for role in [Role::Gateway, Role::Pairing, Role::Janitor] {
            let usage = usage(role);
            assert!(usage.contains(role.word()) && usage.contains("--nats <URL"), "{usage}");
        }
    }
}
