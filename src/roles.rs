//! The roles of a process: what each is made of, how it starts and how it stops.

use std::{future::Future, net::SocketAddr, process::ExitCode, sync::Arc};

use anyhow::Context;
use bus::{Bus, Clock, Local, Status};
use gateway::{Gateway, config::Config};
use prometheus_client::registry::Registry;
use schemas::Service;
use serving::{
    listener::{self, ListenerConfig},
    ops,
    tls::{self, Acceptor, Clients},
};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    FAILED, WRONG_OPTIONS, fail, memory,
    options::{self, GatewayOptions, Roles},
    process::{self, StopSignals},
    telemetry,
};

/// The program's version, as nodes tell each other.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// An address is taken or not ours.
const CANNOT_LISTEN: u8 = 3;

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// All in one.
    Serve,
    /// The edge.
    Gateway,
    /// Matches people.
    Pairing,
    /// Expires what nobody renews.
    Janitor,
}

impl Role {
    /// The word on the command line, and the beginning of a random node id.
    pub fn word(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Gateway => "gateway",
            Self::Pairing => "pairing",
            Self::Janitor => "janitor",
        }
    }

    fn has_gateway(self) -> bool {
        matches!(self, Self::Serve | Self::Gateway)
    }
}

/// Checks the options, then runs the role until it is told to stop.
pub fn main(role: Role, options: &GatewayOptions) -> ExitCode {
    let roles = match options::check(role, options) {
        Ok(roles) => roles,
        Err(faults) => {
            eprintln!("{faults}");
            return ExitCode::from(WRONG_OPTIONS);
        }
    };
    telemetry::start(roles.log_format);
    if role.has_gateway() {
        wipe::keep_ready();
    } else {
        // One task does all the work there.
        wipe::share_one_heap();
    }
    process::run(run(role, roles))
}

async fn run(role: Role, roles: Roles) -> ExitCode {
    let config = roles.gateway;
    let certificates = match read_certificates(&config) {
        Ok(certificates) => certificates,
        Err(error) => return fail(&error, WRONG_OPTIONS),
    };
    let (clients, watchers) = match open_listeners(role, &config) {
        Ok(listeners) => listeners,
        Err(error) => return fail(&error, CANNOT_LISTEN),
    };
    let bus = match roles.nats {
        None => Ok(Local::new().join(config.node.clone())),
        Some(options) => Bus::nats(options, config.node.clone()).await,
    };
    let bus = match bus {
        Ok(bus) => bus,
        Err(error) => return fail(&anyhow::Error::new(error).context("cannot join the bus"), WRONG_OPTIONS),
    };
    let ended =
        Process { role, config, bus, clock: Clock::start(), registry: Registry::with_prefix("cipher_chat") }
            .run(clients, watchers, certificates)
            .await;
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, FAILED),
    }
}

/// TLS for clients and for whoever watches.
struct Certificates {
    clients: Option<Acceptor>,
    watchers: Option<Acceptor>,
}

fn read_certificates(config: &Config) -> anyhow::Result<Certificates> {
    let acceptor = |clients| config.tls.as_ref().map(|files| tls::acceptor(files, clients)).transpose();
    let watched_with_tls = !config.ops_listen.ip().is_loopback();
    Ok(Certificates {
        clients: acceptor(Clients::Named)?,
        watchers: if watched_with_tls { acceptor(Clients::Any)? } else { None },
    })
}

fn open_listeners(role: Role, config: &Config) -> anyhow::Result<(Option<TcpListener>, TcpListener)> {
    let open = |option: &str, address: SocketAddr| {
        listener::bind(address).with_context(|| format!("cannot listen on {option} {address}"))
    };
    let clients = role.has_gateway().then(|| open("--listen", config.listen)).transpose()?;
    Ok((clients, open("--ops-listen", config.ops_listen)?))
}

/// Whether a process has what it needs to do its work.
type Readiness = Arc<dyn Fn() -> bool + Send + Sync>;

/// A process that is ready to run.
struct Process {
    role: Role,
    config: Config,
    bus: Bus,
    clock: Clock,
    registry: Registry,
}

impl Process {
    async fn run(
        mut self,
        clients: Option<TcpListener>,
        watchers: TcpListener,
        certificates: Certificates,
    ) -> anyhow::Result<()> {
        // Before anybody can see that it runs: a signal that comes early is to end it in order, too.
        let mut signals = StopSignals::listen()?;
        let stop = CancellationToken::new();
        let mut services = JoinSet::new();
        self.registry.register_collector(Box::new(telemetry::BusMetrics(self.bus.counters())));
        let ready = self.start(&mut services, clients, certificates.clients, &stop).await?;
        let (tasks, stop_ops) = (TaskTracker::new(), CancellationToken::new());
        let config = ListenerConfig {
            tls: certificates.watchers,
            request_wait: self.config.upgrade_wait,
            admit: Arc::new(|_| Ok(())),
        };
        tracing::info!(ops = %watchers.local_addr()?, node = self.config.node.as_str(), "health and metrics");
        let ops = ops::router(move || ready(), Arc::new(self.registry));
        tasks.spawn(listener::serve(watchers, ops, config, tasks.clone(), stop_ops.clone()));

        let ended = tokio::select! {
            () = signals.next() => Ok(()),
            ended = services.join_next() => ended_early(ended),
        };
        stop.cancel();
        let ended = tokio::select! {
            rest = finish(&mut services) => ended.and(rest),
            () = signals.next() => ended.context("stopped at once"),
        };
        self.bus.drain().await;
        stop_ops.cancel();
        ended
    }

    /// Starts the services of the role, and says how to know whether they can do their work.
    async fn start(
        &mut self,
        services: &mut JoinSet<anyhow::Result<()>>,
        clients: Option<TcpListener>,
        tls: Option<Acceptor>,
        stop: &CancellationToken,
    ) -> anyhow::Result<Readiness> {
        let alone = self.config.topology == session::Topology::Standalone;
        if matches!(self.role, Role::Serve | Role::Pairing) {
            let metrics = pairing::Metrics::default();
            metrics.register(&mut self.registry);
            let listen_first = if alone { std::time::Duration::ZERO } else { pairing::LISTEN_FIRST };
            if self.role == Role::Pairing {
                services.spawn(give_back(metrics.clone(), pairing::Metrics::moved, stop.clone()));
            }
            let config = pairing::Config { boot: self.config.boot, listen_first, metrics };
            services
                .spawn(service("pairing", pairing::run(config, self.bus.clone(), self.clock, stop.clone())));
        }
        if matches!(self.role, Role::Serve | Role::Janitor) {
            let metrics = janitor::Metrics::register(&mut self.registry);
            if self.role == Role::Janitor {
                services.spawn(give_back(metrics.clone(), janitor::Metrics::moved, stop.clone()));
            }
            let config = janitor::Config {
                boot: self.config.boot,
                version: VERSION.to_owned(),
                token_life: self.config.token_life,
                key_rotation: self.config.key_rotation,
                grace: self.config.grace,
                capacity: janitor::leases::Capacity::default(),
                metrics,
            };
            services
                .spawn(service("janitor", janitor::run(config, self.bus.clone(), self.clock, stop.clone())));
        }
        let Some(listener) = clients else {
            let status = self.bus.status();
            return Ok(Arc::new(move || *status.borrow() == Status::Up));
        };
        let metrics = gateway::metrics::Metrics::default();
        metrics.register(&mut self.registry);
        services.spawn(give_back(metrics.clone(), connections_moved, stop.clone()));
        services.spawn(give_back(metrics.clone(), frames_moved, stop.clone()));
        let gateway = Gateway::new(self.config.clone(), self.bus.clone(), self.clock, metrics);
        let node = gateway.node().clone();
        let scheme = if tls.is_some() { "https" } else { "http" };
        tracing::info!("open {scheme}://{}", shown(listener.local_addr()?));
        self.bus.introduce(Service::Gateway, VERSION).await;
        services.spawn(service("gateway", gateway.run(listener, tls, stop.clone())));
        Ok(Arc::new(move || node.ready()))
    }
}

/// How many connections have come and gone.
fn connections_moved(metrics: &gateway::metrics::Metrics) -> u64 {
    metrics.connections_opened.get() + metrics.connections_closed.get()
}

/// How many batches of frames have been on their way. When a flood of them is over, the allocator keeps much of what it has needed
/// ([`wipe::keep_ready`]).
fn frames_moved(metrics: &gateway::metrics::Metrics) -> u64 {
    /// In frames: a few of the largest, as long as they are under way, take as much as a connection that comes does for a moment, and
    /// many are small.
    const BATCH: u64 = 64;
    metrics.frames_relayed.get() / BATCH
}

/// Gives memory back after the rushes of a process. In `serve` they are those of its connections and frames, whatever else follows from them.
async fn give_back<M>(metrics: M, moved: fn(&M) -> u64, stop: CancellationToken) -> anyhow::Result<()> {
    stop.run_until_cancelled(memory::give_back_after_rushes(|| moved(&metrics))).await;
    Ok(())
}

/// An address as a person types it.
fn shown(address: SocketAddr) -> String {
    if address.ip().is_loopback() { format!("localhost:{}", address.port()) } else { address.to_string() }
}

async fn service<E: std::error::Error + Send + Sync + 'static>(
    name: &'static str,
    running: impl Future<Output = Result<(), E>>,
) -> anyhow::Result<()> {
    running.await.with_context(|| format!("the {name} failed"))
}

/// A service has ended although nobody asked it to.
fn ended_early(ended: Option<Result<anyhow::Result<()>, tokio::task::JoinError>>) -> anyhow::Result<()> {
    match ended {
        Some(Ok(result)) => result.and_then(|()| anyhow::bail!("a service ended early")),
        Some(Err(panic)) => Err(panic).context("a service failed"),
        None => Ok(()),
    }
}

/// Waits for all services; the first failure is told.
async fn finish(services: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    let mut first = Ok(());
    while let Some(ended) = services.join_next().await {
        let result = ended.context("a service failed").and_then(|result| result);
        first = first.and(result);
    }
    first
}
