//! Colours and styles.

use ratatui::style::{Color, Modifier, Style};

/// Whether there are colours. Nothing depends on them alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Colours,
    /// See <https://no-color.org>.
    None,
}

impl Theme {
    /// The bar at the top.
    pub(super) fn bar(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// The name of this side.
    pub(super) fn mine(self) -> Style {
        self.coloured(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// The name of the peer.
    pub(super) fn theirs(self) -> Style {
        self.coloured(Color::Magenta).add_modifier(Modifier::BOLD)
    }

    /// For what has arrived.
    pub(super) fn good(self) -> Style {
        self.coloured(Color::Green)
    }

    /// For what needs attention.
    pub(super) fn bad(self) -> Style {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Dark on light in every terminal: cameras read that best.
    pub(super) fn paper(self) -> Style {
        match self {
            Self::Colours => Style::new().fg(Color::Black).bg(Color::White),
            Self::None => Style::new(),
        }
    }

    fn coloured(self, colour: Color) -> Style {
        match self {
            Self::Colours => Style::new().fg(colour),
            Self::None => Style::new(),
        }
    }
}
