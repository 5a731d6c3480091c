//! What messages may repeat of what was given. An invite is a secret, and so is a password in a
//! URL; standard error ends up in logs, in screenshots and in questions to others. So no message of
//! this program repeats a word or value that could be one, not even in an option that it does not
//! belong to.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::help;

/// What stands in a message for a value that is not repeated.
pub const HIDDEN: &str = "(not shown)";

/// A flag is repeated up to this length. The longest of this program is shorter.
const FLAG: usize = 40;

/// A flag as it was typed, unless it might be something else: flags are lower case, and an invite's
/// secret of 22 characters hardly ever is.
pub fn flag(word: &str) -> &str {
    let is_flag = word.starts_with('-')
        && word.len() <= FLAG
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    if is_flag { word } else { HIDDEN }
}

/// A key of a file as it was written, unless it might be something else.
pub fn key(word: &str) -> &str {
    let is_key = word.len() <= FLAG && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    if is_key { word } else { HIDDEN }
}

/// The parts of a value that no message may repeat: those that may have a password or the secret of
/// an invite in them.
pub fn secrets(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|part| part.contains(['@', '#']))
}

/// A message without these secrets, however they are quoted.
pub fn without<'a>(message: &str, secrets: impl Iterator<Item = &'a str>) -> String {
    secrets.fold(message.to_owned(), |message, secret| {
        let quoted = format!("{secret:?}");
        let escaped = quoted.trim_matches('"');
        [quoted.as_str(), escaped, secret].iter().fold(message, |message, form| message.replace(form, HIDDEN))
    })
}

/// A fault that clap has found, without any word or value that was given, and with the usage.
/// (clap's own text quotes them.)
pub fn told(fault: &clap::Error) -> String {
    let told = match fault.kind() {
        // These name options of this program alone.
        ErrorKind::MissingRequiredArgument
        | ErrorKind::ArgumentConflict
        | ErrorKind::MissingSubcommand
        | ErrorKind::NoEquals
        | ErrorKind::TooFewValues
        | ErrorKind::WrongNumberOfValues
        | ErrorKind::InvalidUtf8 => {
            let text = fault.render().to_string();
            return text.strip_prefix("error: ").unwrap_or(&text).trim_end().to_owned();
        }
        ErrorKind::UnknownArgument => unknown_word(fault),
        ErrorKind::InvalidSubcommand => unknown_command(fault),
        ErrorKind::TooManyValues => format!("{} has too many values", option(fault)),
        ErrorKind::InvalidValue => invalid_value(fault),
        _ => match std::error::Error::source(fault) {
            Some(source) => format!("the value of {} is not valid: {source}", option(fault)),
            None => format!("the value of {} is not valid", option(fault)),
        },
    };
    let usage = match fault.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => format!("\n\n{usage}"),
        _ => String::new(),
    };
    format!("{told}{usage}\n\nFor more information, try '--help'.")
}

fn unknown_word(fault: &clap::Error) -> String {
    let word = flag(text(fault, ContextKind::InvalidArg));
    match text(fault, ContextKind::SuggestedArg) {
        "" if word == HIDDEN => "there is a word that this command does not expect".to_owned(),
        "" => format!("{word} is not an option of this command"),
        near => format!("{word} is not an option of this command: did you mean '{near}'?"),
    }
}

fn unknown_command(fault: &clap::Error) -> String {
    let near = match fault.get(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::Strings(near)) => near.first(),
        _ => None,
    };
    if text(fault, ContextKind::InvalidSubcommand).contains("://") {
        "a link is not a command: cipher-chat chat LINK opens an invite link".to_owned()
    } else {
        match near {
            Some(near) => format!("there is no command of this name: did you mean '{near}'?"),
            None => "there is no command of this name".to_owned(),
        }
    }
}

fn invalid_value(fault: &clap::Error) -> String {
    if text(fault, ContextKind::InvalidValue).is_empty() {
        return format!("{} needs a value", option(fault));
    }
    match fault.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(choices)) if !choices.is_empty() => {
            format!("the value of {} is not one of: {}", option(fault), choices.join(", "))
        }
        _ => format!("the value of {} is not valid", option(fault)),
    }
}

/// The option that a fault is about, with its variable if it has one.
fn option(fault: &clap::Error) -> String {
    let shown = text(fault, ContextKind::InvalidArg);
    let mut command = help::command();
    command.build();
    let variable = command
        .get_subcommands()
        .flat_map(clap::Command::get_arguments)
        .find(|argument| argument.to_string() == shown)
        .and_then(clap::Arg::get_env);
    match variable {
        Some(variable) => format!("{shown} ({})", variable.to_string_lossy()),
        None => shown.to_owned(),
    }
}

fn text(fault: &clap::Error, kind: ContextKind) -> &str {
    match fault.get(kind) {
        Some(ContextValue::String(text)) => text,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_a_flag_is_repeated() {
        assert_eq!(flag("--sesion-rate"), "--sesion-rate");
        assert_eq!(flag("-x"), "-x");
        for word in ["AAECAwQFBgcICQoLDA0ODw", "-AECAwQFBgcICQoLDA0ODw", "abandon", "--https://a/#b", "--a=b"]
        {
            assert_eq!(flag(word), HIDDEN, "{word}");
        }
    }

    #[test]
    fn secrets_are_taken_out_of_messages_however_they_are_quoted() {
        let given = "https://a, https://me:\"x\"@b ,https://c/#s";
        assert_eq!(secrets(given).collect::<Vec<_>>(), ["https://me:\"x\"@b", "https://c/#s"]);
        let message = format!("{:?} and https://c/#s are wrong, https://a is not", "https://me:\"x\"@b");
        assert_eq!(
            without(&message, secrets(given)),
            "(not shown) and (not shown) are wrong, https://a is not"
        );
    }
}
