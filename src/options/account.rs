//! What would be in force, and a file of all options: `cipher-chat check` and `cipher-chat config`.

use std::fmt::Write;

use super::{
    given::Given,
    role::Role,
    secrecy,
    spec::{Default, Group, Row},
    table::{CONFIG, TABLE},
    value::Repeat,
};

/// Each option of a role with its value and where that comes from.
pub fn of(role: Role, given: &Given) -> String {
    let mut text = format!("cipher-chat {}: nothing is wrong. In force would be:\n", role.word());
    for row in TABLE.iter().filter(|row| row.is_of(role)) {
        let (value, source) = match given.get(*row) {
            Some((value, source)) => (secrecy::without(value, secrecy::secrets(value)), source.origin(*row)),
            None => match row.default() {
                Default::Value(value) => (value, "default".to_owned()),
                Default::None(what) => ("-".to_owned(), what.to_owned()),
            },
        };
        _ = writeln!(text, "{:<26} {value:<24} ({source})", row.flag());
    }
    text
}

/// A file for `--config` with every option in a comment: its default, or an example.
pub fn file() -> String {
    let mut text = FIRST_LINES.to_owned();
    let mut group: Option<Group> = None;
    for row in TABLE.iter().filter(|row| row.spec().name != CONFIG.spec.name) {
        let spec = row.spec();
        if group != Some(spec.group) {
            group = Some(spec.group);
            _ = write!(text, "\n\n## {}\n", spec.group.heading());
        }
        _ = writeln!(text);
        let (value, without) = match row.default() {
            Default::Value(value) => (value, String::new()),
            Default::None(what) => (spec.example.to_owned(), format!(" Without it: {what}.")),
        };
        let roles = if spec.roles.len() == Role::ALL.len() { "all".to_owned() } else { row.roles() };
        let comment = format!("{} Roles: {roles}.{without}", row.help());
        wrapped(&comment).iter().for_each(|line| _ = writeln!(text, "# {line}"));
        _ = writeln!(text, "#{} = {}", spec.name, written(*row, &value));
    }
    text
}

const FIRST_LINES: &str = "\
# Options of cipher-chat, for --config. The environment (CIPHER_CHAT_NAME) and the command line win over this file. Options of other roles
# are left to them, so that all nodes of a machine can share one file.
#
# A line such as #name = value shows the default, or an example where there is none. Take its # away to set it.
";

/// A value as TOML.
fn written(row: &dyn Row, value: &str) -> String {
    let quoted = |text: &str| if is_bare(text) { text.to_owned() } else { format!("{text:?}") };
    match row.repeat() {
        Repeat::Once => quoted(value),
        Repeat::List => {
            let items: Vec<_> = value.split(',').map(quoted).collect();
            format!("[{}]", items.join(", "))
        }
    }
}

/// Whole numbers, true and false need no quotation marks.
fn is_bare(text: &str) -> bool {
    text.parse::<u32>().is_ok() || matches!(text, "true" | "false")
}

/// The columns of a comment.
const COLUMNS: usize = 98;

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= COLUMNS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
