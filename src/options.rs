//! The command line, and the environment variables of the same names. Everything is taken as text first and checked together, so that
//! all wrong options are reported at once, before anything starts.

mod check;

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand};

pub use self::check::{Roles, check};
use bench::BenchOptions;
use terminal::ChatOptions;

/// Anonymous, ephemeral, end-to-end encrypted one-to-one chat.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Without a command, `serve` runs. Every option of serve, gateway, pairing and janitor can be given as an environment variable: CIPHER_CHAT_ and \
its name, for example CIPHER_CHAT_SESSION_RATE. Logs go to standard error; RUST_LOG chooses what is logged.\n\nExit codes: 0 an orderly \
end, 1 a failure while running, 2 wrong options (nothing was started), 3 an address cannot be listened on."
)]
pub struct Cli {
    /// What to run.
    #[command(subcommand)]
    pub command: Command,
}

/// What to run.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in one process: the page, gateway, pairing and janitor (the default)
    Serve(GatewayOptions),
    /// Run the edge: REST, WebSockets, the page
    Gateway(GatewayOptions),
    /// Run a replica that matches people
    Pairing(NodeOptions),
    /// Run a replica that expires what nobody renews
    Janitor(NodeOptions),
    /// Talk to somebody in this terminal
    Chat(ChatOptions),
    /// Load a server that is yours, and measure it
    Bench(BenchOptions),
    /// Show a CBOR event of the bus (standard input) as JSON, for `nats sub --translate`
    Decode,
}

/// What every node is told. `None` is the default, where the help names one.
#[derive(Args, Clone, Debug, Default)]
pub struct NodeOptions {
    /// Where health and metrics are served [default: 127.0.0.1:9090]
    #[arg(long, env = "CIPHER_CHAT_OPS_LISTEN", value_name = "ADDRESS")]
    pub ops_listen: Option<String>,
    /// NATS servers, comma-separated (nats:// or tls://). `serve` without it uses a bus in its own process
    #[arg(long, env = "CIPHER_CHAT_NATS", value_name = "URL[,URL…]")]
    pub nats: Option<String>,
    /// The authority that signed the NATS servers' certificates (PEM); demands TLS
    #[arg(long, env = "CIPHER_CHAT_NATS_CA", value_name = "FILE")]
    pub nats_ca: Option<String>,
    /// This node's certificate for NATS (PEM)
    #[arg(long, env = "CIPHER_CHAT_NATS_CERT", value_name = "FILE")]
    pub nats_cert: Option<String>,
    /// Its private key (PEM)
    #[arg(long, env = "CIPHER_CHAT_NATS_KEY", value_name = "FILE")]
    pub nats_key: Option<String>,
    /// This node's name on the bus: its certificate's name in a cluster [default: random]
    #[arg(long, env = "CIPHER_CHAT_NODE_ID", value_name = "NAME")]
    pub node_id: Option<String>,
    /// This listener's certificate chain (PEM). Demanded beyond loopback
    #[arg(long, env = "CIPHER_CHAT_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<String>,
    /// Its private key (PEM)
    #[arg(long, env = "CIPHER_CHAT_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<String>,
    /// Clients must show a certificate of this authority (PEM): Nginx's
    #[arg(long, env = "CIPHER_CHAT_TLS_CLIENT_CA", value_name = "FILE")]
    pub tls_client_ca: Option<String>,
    /// And it must be valid for this DNS name
    #[arg(long, env = "CIPHER_CHAT_TLS_CLIENT_NAME", value_name = "NAME")]
    pub tls_client_name: Option<String>,
    /// How long a gateway signs with one key; the same on all nodes [default: 1h]
    #[arg(long, env = "CIPHER_CHAT_KEY_ROTATION", value_name = "TIME")]
    pub key_rotation: Option<String>,
    /// The life of a token, renewed at half; the same on all nodes [default: 10m]
    #[arg(long, env = "CIPHER_CHAT_TOKEN_LIFE", value_name = "TIME")]
    pub token_life: Option<String>,
    /// How long a side may stay away before its room ends; the same on all nodes [default: 60s]
    #[arg(long, env = "CIPHER_CHAT_GRACE", value_name = "TIME")]
    pub grace: Option<String>,
    /// How logs are written: text or json [default: text]
    #[arg(long, env = "CIPHER_CHAT_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<String>,
}

/// What a gateway is told besides.
#[derive(Args, Clone, Debug, Default)]
pub struct GatewayOptions {
    /// Where clients connect: the page, REST, WebSockets [default: 127.0.0.1:8080]
    #[arg(long, env = "CIPHER_CHAT_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Proxies whose X-Forwarded-For is believed, comma-separated (repeatable)
    #[arg(long, env = "CIPHER_CHAT_TRUSTED_PROXY", value_name = "CIDR")]
    pub trusted_proxy: Vec<String>,
    /// Origins besides the own host that may use this server, comma-separated (repeatable)
    #[arg(long, env = "CIPHER_CHAT_ALLOWED_ORIGIN", value_name = "ORIGIN")]
    pub allowed_origin: Vec<String>,
    /// The topics that are offered, comma-separated [default: any]
    #[arg(long, env = "CIPHER_CHAT_TOPICS", value_name = "TOPIC[,TOPIC…]")]
    pub topics: Option<String>,
    /// The ways to meet that are offered [default: random,invite]
    #[arg(long, env = "CIPHER_CHAT_MATCHING", value_name = "random,invite")]
    pub matching: Option<String>,
    /// New sessions per client address and minute; 0 for no limit, here and below [default: 30]
    #[arg(long, env = "CIPHER_CHAT_SESSION_RATE", value_name = "COUNT")]
    pub session_rate: Option<String>,
    /// WebSocket upgrades without a valid token per client address and minute; at 0 those with one are not limited either [default: 60]
    #[arg(long, env = "CIPHER_CHAT_CONNECT_RATE", value_name = "COUNT")]
    pub connect_rate: Option<String>,
    /// Requests to find, resume, leave and the like per session and minute [default: 30]
    #[arg(long, env = "CIPHER_CHAT_FIND_RATE", value_name = "COUNT")]
    pub find_rate: Option<String>,
    /// WebSocket frames per connection and second [default: 50]
    #[arg(long, env = "CIPHER_CHAT_FRAME_RATE", value_name = "COUNT")]
    pub frame_rate: Option<String>,
    /// Bytes per connection and second [default: 262144]
    #[arg(long, env = "CIPHER_CHAT_BYTE_RATE", value_name = "BYTES")]
    pub byte_rate: Option<String>,
    /// Live connections per client address [default: 1000]
    #[arg(long, env = "CIPHER_CHAT_CONNECTIONS_PER_ADDRESS", value_name = "COUNT")]
    pub connections_per_address: Option<String>,
    /// Between two pings of a connection [default: 25s]
    #[arg(long, env = "CIPHER_CHAT_HEARTBEAT", value_name = "TIME")]
    pub heartbeat: Option<String>,
    /// How soon after a ping something must be heard [default: 10s]
    #[arg(long, env = "CIPHER_CHAT_PONG_WAIT", value_name = "TIME")]
    pub pong_wait: Option<String>,
    /// How long a connection may take for its upgrade [default: 10s]
    #[arg(long, env = "CIPHER_CHAT_UPGRADE_WAIT", value_name = "TIME")]
    pub upgrade_wait: Option<String>,
    /// Over how long a stopping gateway spreads its clients' return [default: 5s]
    #[arg(long, env = "CIPHER_CHAT_DRAIN_SPREAD", value_name = "TIME")]
    pub drain_spread: Option<String>,
    /// When a stopping gateway closes what remains [default: 8s]
    #[arg(long, env = "CIPHER_CHAT_DRAIN_WAIT", value_name = "TIME")]
    pub drain_wait: Option<String>,
    /// What every node is told.
    #[command(flatten)]
    pub node: NodeOptions,
}

impl From<NodeOptions> for GatewayOptions {
    fn from(node: NodeOptions) -> Self {
        Self { node, ..Self::default() }
    }
}

/// Puts `serve` where no command is given: `cipher-chat --listen …` is `cipher-chat serve --listen …`.
pub fn with_default_command(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<_> = args.collect();
    let first = args.get(1).and_then(|arg| arg.to_str());
    let about_all = matches!(first, Some("-h" | "--help" | "-V" | "--version"));
    if !about_all && first.is_none_or(|arg| arg.starts_with('-')) {
        args.insert(args.len().min(1), "serve".into());
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn completed(args: &[&str]) -> Vec<String> {
        let args = args.iter().map(OsString::from);
        with_default_command(args).into_iter().map(|arg| arg.into_string().unwrap()).collect()
    }

    #[test]
    fn serve_is_what_runs_without_a_command() {
        assert_eq!(completed(&["cc"]), ["cc", "serve"]);
        assert_eq!(completed(&["cc", "--listen", "x"]), ["cc", "serve", "--listen", "x"]);
        assert_eq!(completed(&["cc", "gateway"]), ["cc", "gateway"]);
        assert_eq!(completed(&["cc", "--help"]), ["cc", "--help"]);
    }

    #[test]
    fn the_command_line_is_well_formed_and_every_option_has_its_variable() {
        let command = Cli::command();
        command.clone().debug_assert();
        for role in ["serve", "gateway", "pairing", "janitor"] {
            let role = command.find_subcommand(role).unwrap();
            for option in role.get_arguments().filter(|option| option.get_id() != "help") {
                let name = option.get_id().as_str().to_uppercase();
                assert_eq!(option.get_env().unwrap().to_str(), Some(format!("CIPHER_CHAT_{name}").as_str()));
            }
        }
    }
}
