//! What each key does.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::draft::Step;

/// The meaning of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Write(char),
    Enter,
    Go(Step),
    Delete(Step),
    /// Scroll the texts.
    Scroll(Scroll),
    /// Close the pop-up, or go back to the newest text.
    Escape,
    /// Quit if the line is empty; else delete one character, as a shell does.
    EndOfInput,
    /// Complete a command.
    Complete,
    /// Bring back the own text before.
    Older,
    /// Go back to newer ones, and at last to what was being written.
    Newer,
    /// Quit.
    Interrupt,
    /// Draw the whole screen again.
    Redraw,
}

/// A direction and distance of scrolling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scroll {
    Up,
    Down,
    PageUp,
    PageDown,
}

impl Key {
    /// Reads a key as a line editor does. `None` if it has no meaning here.
    pub(super) fn read(event: KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let held = |modifier| event.modifiers.contains(modifier);
        match event.code {
            KeyCode::Char(c) if held(KeyModifiers::ALT) && !held(KeyModifiers::CONTROL) => Self::with_alt(c),
            KeyCode::Char(c) if held(KeyModifiers::CONTROL) && !held(KeyModifiers::ALT) => {
                Self::with_control(c)
            }
            code => Self::plain(code, event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)),
        }
    }

    /// `wide`: with Control or Alt, so that a step goes over a word instead of a character.
    fn plain(code: KeyCode, wide: bool) -> Option<Self> {
        Some(match code {
            KeyCode::Char(c) => Self::Write(c),
            KeyCode::Enter => Self::Enter,
            KeyCode::Backspace => Self::Delete(if wide { Step::WordLeft } else { Step::Left }),
            KeyCode::Delete => Self::Delete(if wide { Step::WordRight } else { Step::Right }),
            KeyCode::Left => Self::Go(if wide { Step::WordLeft } else { Step::Left }),
            KeyCode::Right => Self::Go(if wide { Step::WordRight } else { Step::Right }),
            KeyCode::Home => Self::Go(Step::Home),
            KeyCode::End => Self::Go(Step::End),
            KeyCode::Up => Self::Scroll(Scroll::Up),
            KeyCode::Down => Self::Scroll(Scroll::Down),
            KeyCode::PageUp => Self::Scroll(Scroll::PageUp),
            KeyCode::PageDown => Self::Scroll(Scroll::PageDown),
            KeyCode::Esc => Self::Escape,
            KeyCode::Tab => Self::Complete,
            _ => return None,
        })
    }

    fn with_alt(c: char) -> Option<Self> {
        Some(match c {
            'b' => Self::Go(Step::WordLeft),
            'f' => Self::Go(Step::WordRight),
            'd' => Self::Delete(Step::WordRight),
            _ => return None,
        })
    }

    fn with_control(c: char) -> Option<Self> {
        Some(match c {
            'a' => Self::Go(Step::Home),
            'e' => Self::Go(Step::End),
            'b' => Self::Go(Step::Left),
            'f' => Self::Go(Step::Right),
            // Some terminals send it for Backspace, and more of them for Control-Backspace.
            'h' => Self::Delete(Step::Left),
            'w' => Self::Delete(Step::WordLeft),
            'u' => Self::Delete(Step::Home),
            'k' => Self::Delete(Step::End),
            'd' => Self::EndOfInput,
            'c' => Self::Interrupt,
            'l' => Self::Redraw,
            'p' => Self::Older,
            'n' => Self::Newer,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(code: KeyCode, modifiers: KeyModifiers) -> Option<Key> {
        Key::read(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn letters_are_written_whatever_the_keyboard_needs_for_them() {
        assert_eq!(pressed(KeyCode::Char('한'), KeyModifiers::NONE), Some(Key::Write('한')));
        assert_eq!(pressed(KeyCode::Char('A'), KeyModifiers::SHIFT), Some(Key::Write('A')));
        // AltGr, as some terminals report it.
        let alt_gr = KeyModifiers::CONTROL | KeyModifiers::ALT;
        assert_eq!(pressed(KeyCode::Char('@'), alt_gr), Some(Key::Write('@')));
    }

    #[test]
    fn control_and_alt_edit_as_in_a_shell() {
        let control = |c| pressed(KeyCode::Char(c), KeyModifiers::CONTROL);
        assert_eq!(control('w'), Some(Key::Delete(Step::WordLeft)));
        assert_eq!(control('c'), Some(Key::Interrupt));
        assert_eq!(control('x'), None);
        assert_eq!(pressed(KeyCode::Left, KeyModifiers::CONTROL), Some(Key::Go(Step::WordLeft)));
        assert_eq!(pressed(KeyCode::Backspace, KeyModifiers::ALT), Some(Key::Delete(Step::WordLeft)));
        assert_eq!(pressed(KeyCode::Char('x'), KeyModifiers::ALT), None);
    }

    #[test]
    fn a_released_key_means_nothing() {
        let released = KeyEvent::new_with_kind(KeyCode::Char('a'), KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(Key::read(released), None);
    }
}
