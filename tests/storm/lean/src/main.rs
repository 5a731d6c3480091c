//! The lean server that a storm (`tests/storm/run`) compares gateways with, and people who come to it.
//!
//! The server does what no server with TLS and WebSocket can leave out: it shakes hands, answers the
//! upgrade, and keeps the connection. Its handshake is that of the gateways, and its people knock as
//! theirs do. Everything that gateways take beyond that, they take for what they are there for.

mod people;
mod server;
mod upgrade;

use std::{io, net::SocketAddr, path::PathBuf};

use clap::Parser;
use tokio::{net::TcpListener, runtime};

/// A lean server, and people who come to it.
#[derive(Debug, Parser)]
enum Order {
    /// Lets everybody in, on one thread
    Serve {
        /// Where
        #[arg(long)]
        listen: SocketAddr,
        /// The certificate chain, PEM
        #[arg(long)]
        cert: PathBuf,
        /// Its private key, PEM
        #[arg(long)]
        key: PathBuf,
    },
    /// Brings people to a lean server, all at once. Says when the last is in, and keeps them there until
    /// standard input ends
    Come {
        /// Where to
        #[arg(long)]
        to: SocketAddr,
        /// Whom they trust, PEM
        #[arg(long)]
        ca: PathBuf,
        /// How many
        #[arg(long)]
        people: usize,
    },
    /// Shakes hands with any server, and says what was agreed on
    Agreed {
        /// With whom
        #[arg(long)]
        to: SocketAddr,
        /// Whom to trust, PEM
        #[arg(long)]
        ca: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    // Each connection takes one.
    rlimit::increase_nofile_limit(u64::MAX)?;
    match Order::parse() {
        Order::Serve { listen, cert, key } => {
            let config = server::config(&cert, &key)?;
            runtime::Builder::new_current_thread()
                .enable_all()
                .build()?
                .block_on(async { Ok(server::serve(TcpListener::bind(listen).await?, config).await?) })
        }
        Order::Come { to, ca, people } => {
            // As many threads as processors, like the load generator.
            let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
            let inside = runtime.block_on(people::come(to, people::connector(&ca)?, people))?;
            println!("{} are in", inside.len());
            io::copy(&mut io::stdin(), &mut io::sink())?;
            Ok(())
        }
        Order::Agreed { to, ca } => {
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            println!("{}", runtime.block_on(people::agreed(to, people::connector(&ca)?))?);
            Ok(())
        }
    }
}
