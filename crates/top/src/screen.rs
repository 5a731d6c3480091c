//! The terminal: takes it over, draws, reads keys, and gives it back on every way out.

use std::{io, process::ExitCode};

use anyhow::Context;
use crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures_util::StreamExt;
use ratatui::DefaultTerminal;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    Watched,
    model::{Key, Model},
    view::{self, Theme},
};

/// The whole screen of a terminal. Dropping it restores the terminal.
pub(super) struct Screen {
    terminal: DefaultTerminal,
    model: Model,
    theme: Theme,
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

impl Screen {
    /// Takes the terminal over; also a panic gives it back.
    ///
    /// # Errors
    /// If it cannot be set up.
    pub(super) fn open(model: Model) -> io::Result<Self> {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let theme = if no_colour { Theme::None } else { Theme::Colours };
        Ok(Self { terminal: ratatui::try_init()?, model, theme })
    }

    /// Shows the cluster until somebody quits.
    ///
    /// # Errors
    /// If the terminal fails.
    pub(super) async fn run(mut self, mut watched: Watched) -> anyhow::Result<ExitCode> {
        let mut keys = EventStream::new();
        let mut terminated = signal(SignalKind::terminate()).context("cannot listen for signals")?;
        let mut hung_up = signal(SignalKind::hangup()).context("cannot listen for signals")?;
        while !self.model.is_over {
            self.model.report = Some(watched.report());
            let (model, theme) = (&self.model, self.theme);
            self.terminal
                .draw(|frame| view::draw(model, theme, frame.buffer_mut()))
                .context("the terminal is gone")?;
            self.wait(&mut watched, &mut keys, &mut [&mut terminated, &mut hung_up]).await;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Until there is something else to show.
    async fn wait(
        &mut self,
        watched: &mut Watched,
        keys: &mut EventStream,
        [terminated, hung_up]: &mut [&mut tokio::signal::unix::Signal; 2],
    ) {
        let rounds = watched.cluster.rounds();
        loop {
            tokio::select! {
                () = watched.hear() => if watched.cluster.rounds() != rounds {
                    return;
                },
                event = keys.next() => match event {
                    Some(Ok(Event::Key(event))) => if let Some(key) = read(event) {
                        self.model.press(key);
                        return;
                    },
                    Some(Ok(Event::Resize(..))) => return,
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => {
                        self.model.is_over = true;
                        return;
                    }
                },
                _ = terminated.recv() => {
                    self.model.is_over = true;
                    return;
                }
                _ = hung_up.recv() => {
                    self.model.is_over = true;
                    return;
                }
            }
        }
    }
}

fn read(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    Some(match event.code {
        KeyCode::Char('c' | 'd') if event.modifiers.contains(KeyModifiers::CONTROL) => Key::Quit,
        KeyCode::Char('q') => Key::Quit,
        KeyCode::Esc => Key::Back,
        KeyCode::Left | KeyCode::Char('<') => Key::Left,
        KeyCode::Right | KeyCode::Char('>') => Key::Right,
        KeyCode::Up | KeyCode::Char('k') => Key::Up,
        KeyCode::Down | KeyCode::Char('j') => Key::Down,
        KeyCode::Char('r') => Key::Reverse,
        KeyCode::Char('a') => Key::Alarms,
        KeyCode::Enter => Key::Details,
        _ => return None,
    })
}
