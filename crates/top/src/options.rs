//! The options of `cipher-chat top`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use bus::{ConnectError, NatsOptions};
use clap::{Args, ValueEnum};
use schemas::{NodeId, subject::OPERATOR};
use serde::Deserialize;

use crate::column::Column;

/// Where NATS is if nothing is said.
const NATS: &str = "nats://127.0.0.1:4222";

/// The options of `cipher-chat top`.
#[derive(Args, Clone, Debug)]
pub struct TopOptions {
    /// File of a context that `cipher-chat pki` has written for whoever watches: it names the
    /// servers, the certificate and its key
    #[arg(long, value_name = "FILE")]
    context: Option<PathBuf>,
    /// NATS servers of the cluster, instead of those of the context
    /// [default: nats://127.0.0.1:4222]
    #[arg(
        long,
        value_name = "URL[,URL…]",
        value_delimiter = ',',
        env = "CIPHER_CHAT_NATS",
        hide_env_values = true
    )]
    nats: Vec<String>,
    /// File of the certificate authorities (PEM) of the NATS servers
    #[arg(long, value_name = "FILE", env = "CIPHER_CHAT_NATS_CA", conflicts_with = "context")]
    nats_ca: Option<PathBuf>,
    /// File of the certificate (PEM) of whoever watches, such as ops/bus.pem
    #[arg(
        long,
        value_name = "FILE",
        env = "CIPHER_CHAT_NATS_CERT",
        conflicts_with = "context",
        requires = "nats_key"
    )]
    nats_cert: Option<PathBuf>,
    /// File of that certificate's private key (PEM)
    #[arg(
        long,
        value_name = "FILE",
        env = "CIPHER_CHAT_NATS_KEY",
        conflicts_with = "context",
        requires = "nats_cert"
    )]
    nats_key: Option<PathBuf>,
    /// Look once, for a few seconds, and print what was seen. Ends with 1 if no node is heard
    #[arg(long)]
    pub(super) once: bool,
    /// Print JSON: a line for each look
    #[arg(long)]
    pub(super) json: bool,
    /// The column by which nodes are sorted at first
    #[arg(long, value_name = "COLUMN", value_enum, default_value_t = Column::Node)]
    pub(super) sort: Column,
}

/// Why the options cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum OptionsError {
    /// The context's file cannot be read.
    #[error("cannot read the context {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is none.
    #[error("{} is no context of the nats command", path.display())]
    Context {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
    /// The servers or files cannot be used.
    #[error(transparent)]
    Nats(#[from] ConnectError),
}

/// The fields of a context that are used.
#[derive(Deserialize)]
struct Context {
    url: String,
    #[serde(default)]
    ca: PathBuf,
    #[serde(default)]
    cert: PathBuf,
    #[serde(default)]
    key: PathBuf,
}

impl TopOptions {
    /// Where the cluster is, and as whom to watch it.
    pub(super) fn nats(&self) -> Result<(NatsOptions, NodeId), OptionsError> {
        let mut options = match &self.context {
            Some(path) => of_context(path)?,
            None => NatsOptions {
                urls: vec![NATS.to_owned()],
                ca: self.nats_ca.clone(),
                cert: self.nats_cert.clone(),
                key: self.nats_key.clone(),
            },
        };
        if !self.nats.is_empty() {
            options.urls.clone_from(&self.nats);
        }
        if let Some(fault) = options.check().into_iter().next() {
            return Err(fault.into());
        }
        let certified = options.names()?.and_then(|names| names.into_iter().next());
        // A constant of that form; a test reads it.
        #[expect(clippy::expect_used, reason = "see above")]
        let name = certified.unwrap_or_else(|| OPERATOR.parse().expect("a node's name"));
        Ok((options, name))
    }
}

fn of_context(path: &Path) -> Result<NatsOptions, OptionsError> {
    let text = fs::read_to_string(path).map_err(|source| OptionsError::File { path: path.into(), source })?;
    let context: Context =
        serde_json::from_str(&text).map_err(|source| OptionsError::Context { path: path.into(), source })?;
    let file = |path: PathBuf| Some(path).filter(|path| !path.as_os_str().is_empty());
    let Context { url, ca, cert, key } = context;
    let urls = url.split(',').map(|url| url.trim().to_owned()).collect();
    Ok(NatsOptions { urls, ca: file(ca), cert: file(cert), key: file(key) })
}

impl ValueEnum for Column {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.word()))
    }
}

#[cfg(test)]
mod tests {
    use std::env;

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        top: TopOptions,
    }

    fn options(words: &[&str]) -> Result<TopOptions, clap::Error> {
        Line::try_parse_from([&["top"], words].concat()).map(|line| line.top)
    }

    #[test]
    fn a_context_names_servers_and_files() {
        let path = env::temp_dir().join(format!("context-{}.json", std::process::id()));
        fs::write(&path, r#"{"description": "x", "url": "nats://127.0.0.1:1, nats://localhost:2"}"#).unwrap();
        let of = |more: &[&str]| {
            let words = [&["--context", path.to_str().unwrap()], more].concat();
            options(&words).unwrap().nats().unwrap()
        };
        let (read, name) = of(&[]);
        assert_eq!(read.urls, ["nats://127.0.0.1:1", "nats://localhost:2"]);
        assert_eq!((read.ca, read.cert, read.key, name.as_str()), (None, None, None, "ops"));
        assert_eq!(of(&["--nats", "nats://127.0.0.1:3"]).0.urls, ["nats://127.0.0.1:3"]);
        fs::write(&path, "no JSON").unwrap();
        let told = options(&["--context", path.to_str().unwrap()]).unwrap().nats().unwrap_err();
        assert!(matches!(told, OptionsError::Context { .. }), "{told:?}");
        fs::remove_file(&path).unwrap();
        let told = options(&["--context", path.to_str().unwrap()]).unwrap().nats().unwrap_err();
        assert!(matches!(told, OptionsError::File { .. }), "{told:?}");
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        assert_eq!(options(&[]).unwrap().nats().unwrap().0.urls, [NATS]);
        assert!(options(&["--nats-cert", "a"]).is_err());
        assert!(options(&["--context", "a", "--nats-ca", "b"]).is_err());
        assert!(options(&["--sort", "nonsense"]).is_err());
        let plain = options(&["--nats", "nats://192.0.2.1:4222"]).unwrap().nats().unwrap_err();
        assert!(matches!(plain, OptionsError::Nats(ConnectError::Plain { .. })), "{plain:?}");
    }
}
