//! Takes the terminal over, and restores it on every way out.

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

/// Whether the terminal has to be restored.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Not `io::stdout()`: its buffer is never freed, so the last texts in it would never be wiped.
type Out = BufWriter<File>;

/// The whole screen of a terminal. Dropping it clears the screen and restores the terminal.
pub(super) struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<Out>>,
}

impl Terminal {
    /// Whether input and output are a terminal that can be drawn on.
    pub(super) fn is_there() -> bool {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        io::stdin().is_terminal() && io::stdout().is_terminal() && !is_dumb
    }

    /// Takes the terminal over. The alternate screen has no scroll-back in which texts could stay.
    ///
    /// # Errors
    /// If the terminal cannot be set up. It is then as it was before.
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

    /// Makes the next drawing write every cell.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        // Not `clear`: it asks the terminal where the cursor is, and blocks until the answer.
        let size = self.inner.size()?;
        self.inner.resize(size.into())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

/// Restores the terminal before a panic is printed. Otherwise its message would vanish with the
/// alternate screen, and the shell would be left without echo.
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

/// Acts only once: after a panic, the message on the restored screen must not be cleared.
fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    // If the terminal is gone, there is nobody to report that to.
    _ = execute!(out, Clear(ClearType::All), DisableBracketedPaste, LeaveAlternateScreen, Show);
    _ = out.flush();
    _ = disable_raw_mode();
}
