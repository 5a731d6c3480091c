//! What the screen shows, and what keys do to it.

use overview::{Node, Report};

use crate::column::Column;

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// The next column to sort by.
    Right,
    Left,
    Up,
    Down,
    /// The other way round.
    Reverse,
    /// The details of a node, and back.
    Details,
    /// The alarms, also those that are over, and back.
    Alarms,
    /// Back, or the end.
    Back,
    Quit,
}

/// What fills the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Page {
    #[default]
    Nodes,
    Details,
    Alarms,
}

/// From the top, or from the bottom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Direction {
    #[default]
    Usual,
    Reversed,
}

/// The state of the screen.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) report: Option<Report>,
    pub(super) sort: Column,
    pub(super) direction: Direction,
    pub(super) page: Page,
    /// The node that is chosen, by name and role: it stays chosen when others come and go.
    chosen: Option<(schemas::NodeId, &'static str)>,
    /// How far the page of alarms is scrolled.
    pub(super) scrolled: usize,
    pub(super) is_over: bool,
}

impl Model {
    pub(super) fn new(sort: Column) -> Self {
        Self {
            report: None,
            sort,
            direction: Direction::Usual,
            page: Page::Nodes,
            chosen: None,
            scrolled: 0,
            is_over: false,
        }
    }

    /// The nodes as they are sorted.
    pub(super) fn nodes(&self) -> Vec<&Node> {
        let mut nodes: Vec<_> = self.report.iter().flat_map(|report| &report.nodes).collect();
        nodes.sort_by(|one, other| self.sort.compare(one, other));
        if self.direction == Direction::Reversed {
            nodes.reverse();
        }
        nodes
    }

    /// The place of the chosen node. Without one it is the first.
    pub(super) fn chosen(&self, nodes: &[&Node]) -> usize {
        let is_chosen = |node: &&Node| {
            self.chosen.as_ref().is_some_and(|(id, role)| node.node == *id && node.role == *role)
        };
        nodes.iter().position(is_chosen).unwrap_or(0)
    }

    pub(super) fn press(&mut self, key: Key) {
        match key {
            Key::Quit => self.is_over = true,
            Key::Back if self.page == Page::Nodes => self.is_over = true,
            Key::Back => self.page = Page::Nodes,
            Key::Left => self.sort_by(Column::ALL.len() - 1),
            Key::Right => self.sort_by(1),
            Key::Reverse => {
                self.direction = match self.direction {
                    Direction::Usual => Direction::Reversed,
                    Direction::Reversed => Direction::Usual,
                }
            }
            Key::Up if self.page == Page::Alarms => self.scrolled = self.scrolled.saturating_sub(1),
            Key::Down if self.page == Page::Alarms => {
                let lines = self.report.as_ref().map_or(0, |report| report.alarms.len() + report.past.len());
                self.scrolled = (self.scrolled + 1).min(lines.saturating_sub(1));
            }
            Key::Up => self.choose(|at| at.saturating_sub(1)),
            Key::Down => self.choose(|at| at + 1),
            Key::Details => self.turn_to(Page::Details),
            Key::Alarms => self.turn_to(Page::Alarms),
        }
    }

    fn sort_by(&mut self, step: usize) {
        let at = Column::ALL.iter().position(|column| *column == self.sort).unwrap_or(0);
        self.sort = Column::ALL[(at + step) % Column::ALL.len()];
    }

    fn choose(&mut self, of: impl Fn(usize) -> usize) {
        let nodes = self.nodes();
        let at = of(self.chosen(&nodes)).min(nodes.len().saturating_sub(1));
        self.chosen = nodes.get(at).map(|node| (node.node.clone(), node.role));
    }

    fn turn_to(&mut self, page: Page) {
        // Whoever looks at the details of a node means the one that was chosen then.
        self.choose(|at| at);
        self.scrolled = 0;
        self.page = if self.page == page { Page::Nodes } else { page };
    }
}
