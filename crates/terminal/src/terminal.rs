//! The terminal: taken over for a while, and given back as it was, whatever happens.

use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal, Write},
    os::fd::AsFd,
    panic,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

use crossterm::{
    cursor::Show,
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute,
    terminal::{
        Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
    },
};
use ratatui::{Frame, backend::CrosstermBackend, layout::Size};

/// Whether the terminal has to be given back.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Not `io::stdout()`: its buffer is never freed, so what was written last would never be wiped.
type Out = BufWriter<File>;

/// The whole screen of a terminal. Dropped, it clears it and gives it back.
pub(super) struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<Out>>,
}

impl Terminal {
    /// Whether somebody sits at a terminal that can be drawn on.
    pub(super) fn is_there() -> bool {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        io::stdin().is_terminal() && io::stdout().is_terminal() && !is_dumb
    }

    /// Takes the terminal over. The alternate screen has no scroll-back that anything could stay in.
    ///
    /// # Errors
    /// If the terminal cannot be set up; it is as it was before, then.
    pub(super) fn take() -> io::Result<Self> {
        give_back_on_panic();
        let mut out = BufWriter::new(File::from(io::stdout().as_fd().try_clone_to_owned()?));
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let entered = execute!(out, EnterAlternateScreen, EnableBracketedPaste);
        let taken = entered.and_then(|()| ratatui::Terminal::new(CrosstermBackend::new(out)));
        match taken {
            Ok(inner) => Ok(Self { inner }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    pub(super) fn size(&self) -> io::Result<Size> {
        self.inner.size()
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.inner.draw(draw).map(drop)
    }

    /// The next drawing writes every cell, whatever was there.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        // Not `clear`: it asks the terminal for its cursor, blocks until the answer, and fails without one.
        let size = self.inner.size()?;
        self.inner.resize(size.into())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

/// Otherwise the message of a panic would be drawn on a screen that disappears, and the shell left without an echo.
fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            give_back();
            usual(info);
        }));
    });
}

/// Once: after a panic the shell's screen is there again, with the message on it.
fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    // There is nobody to tell that a terminal is gone.
    _ = execute!(out, Clear(ClearType::All), DisableBracketedPaste, LeaveAlternateScreen, Show);
    _ = out.flush();
    _ = disable_raw_mode();
}
