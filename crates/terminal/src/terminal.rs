//! Takes the terminal over, and restores it on every way out.

use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal, Write},
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
        Clear, ClearType, DisableLineWrap, EnableLineWrap, EnterAlternateScreen, LeaveAlternateScreen,
        disable_raw_mode, enable_raw_mode,
    },
};
use ratatui::{
    buffer::Buffer,
    layout::{Rect, Size},
};

use super::{painter::Painter, streams, view::Cursor};

/// Whether the terminal has to be restored.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Freed, and so wiped, with the chat.
type Out = BufWriter<File>;

/// The whole screen of a terminal. Dropping it clears the screen and restores the terminal.
pub(super) struct Terminal {
    out: Out,
    painter: Painter,
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
        let mut out = BufWriter::new(streams::output()?);
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        // What is too long for a row is cut off, and never reaches the next one.
        match execute!(out, EnterAlternateScreen, EnableBracketedPaste, DisableLineWrap) {
            Ok(()) => Ok(Self { out, painter: Painter::default() }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    pub(super) fn size(&self) -> io::Result<Size> {
        let (width, height) = crossterm::terminal::size()?;
        Ok(Size { width, height })
    }

    /// Draws on an empty screen of the present size, and shows that.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Buffer) -> Option<Cursor>) -> io::Result<()> {
        let mut buffer = Buffer::empty(Rect::from((ratatui::layout::Position::ORIGIN, self.size()?)));
        let cursor = draw(&mut buffer);
        self.painter.paint(&mut self.out, buffer, cursor)
    }

    /// Makes the next drawing write every row.
    pub(super) fn forget(&mut self) {
        self.painter.forget();
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
    _ = execute!(
        out,
        Clear(ClearType::All),
        EnableLineWrap,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
    _ = out.flush();
    _ = disable_raw_mode();
}
