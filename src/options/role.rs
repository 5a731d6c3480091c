//! What a process can be.

/// A role of a node, as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Gateway, pairing and janitor in one process.
    Serve,
    /// What clients connect to.
    Gateway,
    /// Matches people.
    Pairing,
    /// Expires what nobody renews.
    Janitor,
    /// Shows a cluster to operators. It is no node.
    Console,
}

impl Role {
    /// All of them, as the help lists them.
    pub const ALL: [Self; 5] = [Self::Serve, Self::Gateway, Self::Pairing, Self::Janitor, Self::Console];

    /// Those of nodes.
    pub const NODES: [Self; 4] = [Self::Serve, Self::Gateway, Self::Pairing, Self::Janitor];

    /// The word on the command line, and the beginning of a random node id.
    pub fn word(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Gateway => "gateway",
            Self::Pairing => "pairing",
            Self::Janitor => "janitor",
            Self::Console => "console",
        }
    }

    /// What the help says of it.
    pub fn about(self) -> &'static str {
        match self {
            Self::Serve => "Run everything in one process: page, gateway, pairing and janitor (the default)",
            Self::Gateway => "Run a gateway: the page, REST and WebSockets",
            Self::Pairing => "Run a pairing node, which matches people",
            Self::Janitor => "Run a janitor node, which expires what nobody renews",
            Self::Console => "Show a cluster to operators, as a page",
        }
    }
}
