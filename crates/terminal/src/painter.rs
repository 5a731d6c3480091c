//! Writes the screen to a terminal, row by row.
//!
//! ratatui writes only the cells that have changed, and trusts that a terminal moves as it expects.
//! Where a terminal draws something wider or narrower, parts of an old text stay on the screen, or
//! slip beside somebody else's name. So a row that has changed is erased and written as a whole,
//! and whatever follows a text of disputed width is put in its place explicitly.

use std::io::{self, Write};

use crossterm::{
    cursor::{Hide, MoveTo, Show},
    queue,
    style::{Attribute, Color as Colour, Print, SetAttribute, SetBackgroundColor, SetForegroundColor},
    terminal::{Clear, ClearType},
};
use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};

use super::{
    text::{is_disputed, width},
    view::Cursor,
};

/// What is on the screen.
#[derive(Default)]
pub(super) struct Painter {
    shown: Option<Buffer>,
}

impl Painter {
    /// Writes what differs from the screen.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(super) fn paint(
        &mut self,
        out: &mut impl Write,
        buffer: Buffer,
        cursor: Option<Cursor>,
    ) -> io::Result<()> {
        let shown = self.shown.take().filter(|shown| shown.area == buffer.area);
        queue!(out, Hide)?;
        if shown.is_none() {
            queue!(out, SetAttribute(Attribute::Reset), Clear(ClearType::All))?;
        }
        // The row after whose text the cursor goes comes last: only the terminal knows where that
        // is.
        let last = match cursor {
            Some(Cursor::AfterText { y }) => Some(y),
            Some(Cursor::At { .. }) | None => None,
        };
        for y in (0..buffer.area.height).filter(|y| Some(*y) != last).chain(last) {
            let row = row(&buffer, y);
            let is_shown = shown.as_ref().is_some_and(|shown| self::row(shown, y) == row);
            if !is_shown || Some(y) == last {
                paint_row(out, row, y)?;
            }
        }
        if let Some(Cursor::At { x, y }) = cursor {
            queue!(out, MoveTo(x, y))?;
        }
        if cursor.is_some() {
            queue!(out, Show)?;
        }
        self.shown = Some(buffer);
        out.flush()
    }

    /// Makes the next painting write every row.
    pub(super) fn forget(&mut self) {
        self.shown = None;
    }
}

fn row(buffer: &Buffer, y: u16) -> &[Cell] {
    let columns = usize::from(buffer.area.width);
    let start = usize::from(y) * columns;
    &buffer.content[start..start + columns]
}

/// Erases a row and writes it. The cursor stays after the last cell that is not blank.
fn paint_row(out: &mut impl Write, row: &[Cell], y: u16) -> io::Result<()> {
    queue!(out, SetAttribute(Attribute::Reset), MoveTo(0, y), Clear(ClearType::CurrentLine))?;
    let is_blank = |cell: &Cell| cell.symbol().trim_matches(' ').is_empty() && cell.modifier.is_empty();
    let used = row.iter().rposition(|cell| !is_blank(cell)).map_or(0, |last| last + 1);
    // Where the cursor is, if that is known.
    let mut at = Some(0);
    let mut style = None;
    for (x, cell) in (0..).zip(&row[..used]) {
        // Covered by the text before it.
        if cell.symbol().is_empty() {
            continue;
        }
        if at != Some(x) {
            queue!(out, MoveTo(x, y))?;
        }
        if style != Some((cell.fg, cell.bg, cell.modifier)) {
            style = Some((cell.fg, cell.bg, cell.modifier));
            set_style(out, cell)?;
        }
        let columns = width(cell.symbol());
        if is_disputed(cell.symbol()) {
            // The whole place has the style, however much of it the text takes.
            if cell.modifier.contains(Modifier::REVERSED) {
                queue!(out, Print(" ".repeat(columns)), MoveTo(x, y))?;
            }
            at = None;
        } else {
            at = u16::try_from(columns).ok().and_then(|columns| x.checked_add(columns));
        }
        queue!(out, Print(cell.symbol()))?;
    }
    Ok(())
}

fn set_style(out: &mut impl Write, cell: &Cell) -> io::Result<()> {
    queue!(out, SetAttribute(Attribute::Reset))?;
    let attributes = [
        (Modifier::BOLD, Attribute::Bold),
        (Modifier::DIM, Attribute::Dim),
        (Modifier::REVERSED, Attribute::Reverse),
    ];
    for (modifier, attribute) in attributes {
        if cell.modifier.contains(modifier) {
            queue!(out, SetAttribute(attribute))?;
        }
    }
    if cell.fg != Color::Reset {
        queue!(out, SetForegroundColor(colour(cell.fg)))?;
    }
    if cell.bg != Color::Reset {
        queue!(out, SetBackgroundColor(colour(cell.bg)))?;
    }
    Ok(())
}

/// One of the colours of [`view`](super::view).
fn colour(colour: Color) -> Colour {
    match colour {
        Color::Black => Colour::Black,
        Color::Red => Colour::DarkRed,
        Color::Green => Colour::DarkGreen,
        Color::Magenta => Colour::DarkMagenta,
        Color::Cyan => Colour::DarkCyan,
        // ratatui calls it white, terminals call it grey.
        Color::White => Colour::White,
        _ => Colour::Reset,
    }
}

#[cfg(test)]
mod tests;
