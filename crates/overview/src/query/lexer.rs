//! A query as a list of words.

use std::time::Duration;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Word(String),
    Number(f64),
    Text(String),
    /// `[5m]`.
    Window(Duration),
    Sign(&'static str),
}

/// The longer ones first.
const SIGNS: [&str; 18] =
    ["=~", "!~", "==", "!=", ">=", "<=", "(", ")", "{", "}", ",", "=", "<", ">", "+", "-", "*", "/"];

/// Cuts a query into words.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut rest = text.trim_start();
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '"' => quoted(&rest[1..])?,
            '[' => window(&rest[1..])?,
            '0'..='9' => number(rest)?,
            'a'..='z' | 'A'..='Z' | '_' | ':' => {
                let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
                let (word, after) = rest.split_at(rest.find(|c| !is_of_word(c)).unwrap_or(rest.len()));
                (Token::Word(word.to_owned()), after)
            }
            _ => {
                let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
                let sign = sign.ok_or_else(|| format!("'{first}' is unknown"))?;
                (Token::Sign(sign), &rest[sign.len()..])
            }
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn quoted(rest: &str) -> Result<(Token, &str), String> {
    let (text, after) = rest.split_once('"').ok_or("a text does not end")?;
    if text.contains('\\') {
        return Err("a text with a backslash is unknown".to_owned());
    }
    Ok((Token::Text(text.to_owned()), after))
}

fn window(rest: &str) -> Result<(Token, &str), String> {
    let (text, after) = rest.split_once(']').ok_or("a window does not end")?;
    Ok((Token::Window(duration(text)?), after))
}

/// `90s`, `5m`, `2h`, `1d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is no time");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(wrong()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

fn number(rest: &str) -> Result<(Token, &str), String> {
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (number, after) = rest.split_at(end);
    let number = number.parse().map_err(|_| format!("'{number}' is no number"))?;
    Ok((Token::Number(number), after))
}
