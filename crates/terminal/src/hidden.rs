//! Reads an invite from standard input. At a terminal it is not shown: it would stay on the screen.

use std::io::{self, IsTerminal, Read, Write};

use client::invite::LINK_MAX;
use crossterm::{
    event::{Event, KeyCode, KeyModifiers, read},
    terminal::{disable_raw_mode, enable_raw_mode},
};
use zeroize::Zeroizing;

use super::streams;

/// The first line of standard input; what is behind it stays there.
pub(super) fn first_line() -> io::Result<Zeroizing<String>> {
    if io::stdin().is_terminal() {
        eprint!("Invite link or its twelve words (not shown), then Enter: ");
        io::stderr().flush()?;
        enable_raw_mode()?;
        let line = typed(read);
        disable_raw_mode()?;
        eprintln!();
        return line;
    }
    line_of(streams::input()?)
}

/// Byte by byte, since what is behind the line is to be read by others.
fn line_of(mut input: impl Read) -> io::Result<Zeroizing<String>> {
    // With room for the longest: what grows leaves copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(LINK_MAX));
    let mut byte = [0];
    while line.len() < LINK_MAX && line.last() != Some(&b'\n') && input.read(&mut byte)? > 0 {
        line.push(byte[0]);
    }
    let text = std::str::from_utf8(&line).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// A line from keys. Ctrl-C, Ctrl-D and Esc give up.
fn typed(mut next: impl FnMut() -> io::Result<Event>) -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::with_capacity(LINK_MAX));
    loop {
        match next()? {
            Event::Paste(text) => line.push_str(&Zeroizing::new(text)),
            Event::Key(key) if key.is_release() => {}
            Event::Key(key) => match key.code {
                KeyCode::Enter => return Ok(line),
                KeyCode::Backspace => _ = line.pop(),
                KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                KeyCode::Esc => return Err(io::ErrorKind::Interrupted.into()),
                KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => line.clear(),
                KeyCode::Char('j' | 'm') if key.modifiers.contains(KeyModifiers::CONTROL) => return Ok(line),
                KeyCode::Char(c) if line.len() < LINK_MAX => line.push(c),
                _ => {}
            },
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyEvent;

    use super::*;

    fn line(keys: &[(KeyCode, KeyModifiers)]) -> io::Result<String> {
        let mut keys = keys.iter();
        typed(|| {
            let (code, modifiers) = keys.next().unwrap();
            Ok(Event::Key(KeyEvent::new(*code, *modifiers)))
        })
        .map(|line| line.to_string())
    }

    #[test]
    fn the_first_line_is_read_and_no_more_is_taken() {
        let mut input = &b"one\ntwo\n"[..];
        assert_eq!(*line_of(&mut input).unwrap(), "one\n");
        assert_eq!(input, b"two\n");
        assert_eq!(line_of(&vec![b'x'; LINK_MAX + 9][..]).unwrap().len(), LINK_MAX);
        assert!(line_of(&b"\xff\n"[..]).is_err());
    }

    #[test]
    fn a_line_is_typed_without_being_shown() {
        let plain = |c| (KeyCode::Char(c), KeyModifiers::NONE);
        let enter = (KeyCode::Enter, KeyModifiers::NONE);
        let back = (KeyCode::Backspace, KeyModifiers::NONE);
        assert_eq!(line(&[plain('a'), plain('x'), back, plain('B'), enter]).unwrap(), "aB");
        let control = |c| (KeyCode::Char(c), KeyModifiers::CONTROL);
        assert_eq!(line(&[plain('a'), control('u'), plain('b'), enter]).unwrap(), "b");
        assert!(line(&[plain('a'), control('c')]).is_err());
    }
}
