//! Writes `docs/options.md` from the table, and from clap's description of the other commands.

use std::{env, fmt::Write, fs};

use clap::{Arg, Command};

use super::{
    help,
    role::Role,
    spec::{Default, Group, Row},
    table::TABLE,
};

/// The document in this repository.
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/options.md");

/// The text before the tables.
const INTRODUCTION: &str = "\
# Options

<!-- Written by the tests from src/options/table/: change that, then run UPDATE=1 cargo test -p cipher-chat options -->

`serve`, `gateway`, `pairing` and `janitor` are the roles of a node; `console` shows a cluster and is no node. Each knows only its own options; `cipher-chat ROLE --help` shows them.

- An option is given on the command line (`--session-rate 100` or `--session-rate=100`), as an environment variable, or in a file
  (`--config`; `session-rate = 100`). The command line wins over the environment, the environment over the file, and the file over the default.
- `cipher-chat config` writes such a file with every default in a comment. `cipher-chat check ROLE …` says all that is wrong, or what would be in
  force and where each value comes from; nothing is started.
- A list is separated by commas, and its option may be given several times. Any other option is given once.
- A `TIME` is a whole number with `ms`, `s`, `m` or `h`, such as `90s`. Without a unit it is in seconds.
- A variable or a key of another role is ignored, so that all nodes can share one environment and one file. A variable that begins with `CIPHER_CHAT_` and
  belongs to no option is a fault, and so is one that is empty: unset it instead.
- All faults are reported together, before anything starts. The process then ends with exit code 2. The other codes: 0 orderly end,
  1 failure while running, 3 cannot listen on an address.
- `RUST_LOG` chooses what is logged, for example `warn` or `info,gateway=debug`.
";

#[test]
fn the_document_of_options_is_up_to_date() {
    let written = document();
    if env::var_os("UPDATE").is_some() {
        fs::write(PATH, written).unwrap();
        return;
    }
    let found = fs::read_to_string(PATH).unwrap_or_default();
    assert!(found == written, "{PATH} is out of date: run UPDATE=1 cargo test -p cipher-chat options");
}

#[test]
fn the_document_names_every_option_of_every_command() {
    let document = document();
    let command = help::command();
    for subcommand in command.get_subcommands() {
        let shown = subcommand.get_arguments().filter(|argument| !argument.is_hide_set());
        for flag in shown.filter_map(Arg::get_long) {
            assert!(document.contains(&format!("`--{flag}")), "--{flag} of {}", subcommand.get_name());
        }
    }
    for variable in help::variables() {
        assert!(document.contains(&format!("`{variable}`")), "{variable}");
    }
}

fn document() -> String {
    let mut text = INTRODUCTION.to_owned();
    for group in Group::ALL {
        let rows = TABLE.iter().filter(|row| row.spec().group == group);
        _ = write!(
            text,
            "\n## {}\n\n| option and variable | default | roles | meaning |\n|---|---|---|---|\n",
            group.heading()
        );
        rows.for_each(|row| _ = writeln!(text, "{}", row_of(*row)));
    }
    let command = help::command();
    for (name, tool) in tools(&command) {
        let options: Vec<_> = tool.get_arguments().filter(|argument| !argument.is_hide_set()).collect();
        if options.is_empty() {
            continue;
        }
        let about = tool.get_about().map(ToString::to_string).unwrap_or_default();
        _ = write!(text, "\n## `{name}`\n\n{about}.\n\n| option | meaning |\n|---|---|\n");
        options.iter().for_each(|option| _ = writeln!(text, "{}", line_of(option)));
    }
    text
}

/// The commands that are not roles, each with the commands below it.
fn tools(command: &Command) -> Vec<(String, &Command)> {
    let tools = command.get_subcommands().filter(|command| !is_role(command));
    tools
        .flat_map(|tool| {
            let name = format!("cipher-chat {}", tool.get_name());
            let below = tool.get_subcommands().filter(|below| below.get_name() != "help");
            let below =
                below.map(|below| (format!("{name} {}", below.get_name()), below)).collect::<Vec<_>>();
            std::iter::once((name, tool)).chain(below)
        })
        .collect()
}

fn is_role(command: &Command) -> bool {
    Role::ALL.iter().any(|role| role.word() == command.get_name())
}

fn row_of(row: &dyn Row) -> String {
    let option = code(&format!("{} {}", row.flag(), row.form()));
    let default = match row.default() {
        Default::Value(value) => code(&value),
        Default::None(what) => what.to_owned(),
    };
    let required: Vec<_> =
        row.spec().roles.iter().filter(|role| row.is_required_by(**role)).map(|role| role.word()).collect();
    let required =
        if required.is_empty() { String::new() } else { format!(" Required by {}.", required.join(", ")) };
    let roles = if row.spec().roles.len() == Role::ALL.len() { "all".to_owned() } else { row.roles() };
    let example = code(&format!("{} {}", row.flag(), row.spec().example));
    format!(
        "| {option}<br>`{}` | {default} | {roles} | {}{required} Example: {example} |",
        row.variable(),
        cell(&row.help())
    )
}

/// An option of a command that clap describes.
fn line_of(argument: &Arg) -> String {
    let values: Vec<_> =
        argument.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
    let takes_values = argument.get_action().takes_values();
    let written = match argument.get_long() {
        Some(long) if takes_values => format!("--{long} {}", values.join(" ")),
        Some(long) => format!("--{long}"),
        None => values.join(" "),
    };
    let mut text = format!("| {}", code(&written));
    if let Some(variable) = argument.get_env() {
        _ = write!(text, "<br>`{}`", variable.to_string_lossy());
    }
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    _ = write!(text, " | {}", cell(&help));
    let choices: Vec<_> = argument.get_possible_values().iter().map(|value| code(value.get_name())).collect();
    if takes_values && !choices.is_empty() {
        _ = write!(text, ": {}", choices.join(", "));
    }
    let defaults: Vec<_> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if takes_values && !defaults.is_empty() {
        _ = write!(text, " [default: {}]", cell(&defaults.join(",")));
    }
    text + " |"
}

/// Text in a code span of a table.
fn code(text: &str) -> String {
    format!("`{}`", cell(text))
}

/// Text in a cell of a table, which a bar would end.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
