//! The roles of a process: how each starts and how it stops.

mod plan;
mod services;

use std::{
    ffi::OsString,
    process::ExitCode,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use anyhow::Context;
use bus::{Bus, Clock, Local, NodeState};
use gateway::config::{self, Config, Peers};
use health::{Fault, Health};
use orders::{Keeper, Standing};
use prometheus_client::registry::Registry;
use schemas::{Service, orders::Bringer};
use serving::{
    listener::Door,
    ops::{self, Readiness},
    reload::Certificates,
    socket::Address,
};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    plan::{Edge, PairingPlan, Plan},
    services::{Running, connections_moved, ended_early, finish, frames_moved, give_back, service},
};
use crate::{
    FAILED, WRONG_OPTIONS, fail, notify, ops_listeners,
    options::{self, Configuration, Gateway, Janitor, Node, Pairing, Role, Serve},
    orders_http,
    pass_list::PassList,
    passed::Passed,
    process::{self, StopSignals},
    reload::{self, NatsFiles, Reloader},
    sockets::{self, Sockets},
    telemetry::{
        self,
        process::ProcessMetrics,
        syslog::{Syslog, SyslogMetrics},
        traces::Traces,
    },
    watching,
};

/// The program's version, as nodes tell each other.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How often it is said that a certificate ends.
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Checks the options of a role, then runs it until it is told to stop.
pub fn main(role: Role, words: &[OsString]) -> ExitCode {
    match role {
        Role::Serve => start::<Serve>(words),
        Role::Gateway => start::<Gateway>(words),
        Role::Pairing => start::<Pairing>(words),
        Role::Janitor => start::<Janitor>(words),
        Role::Console => watching::main(words),
    }
}

fn start<C: Configuration + Into<Plan>>(words: &[OsString]) -> ExitCode {
    let plan: Plan = match options::read::<C>(words, std::env::vars_os()) {
        Ok(configuration) => configuration.into(),
        Err(faults) => {
            eprintln!("{faults}\n\n{}", options::usage(C::ROLE));
            return ExitCode::from(WRONG_OPTIONS);
        }
    };
    // While there is one thread.
    let passed = Passed::receive();
    if plan.edge.is_some() {
        wipe::keep_ready();
    } else {
        // One task does all the work there.
        wipe::share_one_heap();
    }
    let node = &plan.node;
    let traces = match Traces::new(node.traces.as_ref(), C::ROLE.word(), node.id.as_str()) {
        Ok(traces) => traces,
        Err(error) => return fail(&error, WRONG_OPTIONS),
    };
    let syslog = plan.node.syslog.clone().map(|server| Syslog::start(server, plan.node.id.as_str()));
    let lost = syslog.as_ref().map(Syslog::dropped).unwrap_or_default();
    telemetry::start(plan.node.log_format, syslog, traces.layer());
    match passed {
        Ok(passed) => process::run(run(plan, passed, lost, traces)),
        Err(error) => fail(&error, WRONG_OPTIONS),
    }
}

/// Says at the start and once a day how the certificate stands that is shown.
async fn watch(certificates: Arc<Certificates>, clock: Clock, stop: CancellationToken) {
    loop {
        if let Some(validity) = certificates.validity() {
            validity.tell(clock.now().as_secs());
        }
        if stop.run_until_cancelled(sleep(A_DAY)).await.is_none() {
            return;
        }
    }
}

async fn run(mut plan: Plan, passed: Passed, lost_lines: Arc<AtomicU64>, traces: Traces) -> ExitCode {
    let clients = plan.edge.as_ref().map_or(&[][..], |edge| &edge.listeners);
    let sockets = match Sockets::open(clients, &plan.node.ops, passed) {
        Ok(sockets) => sockets,
        Err(code) => return code,
    };
    let certificates = plan.certificate_files();
    let id = plan.node.id.clone();
    let bus = match plan.nats.take() {
        None => Ok((Local::new().join(id), None)),
        Some(options) => NatsFiles::open(options, async |options| Bus::nats(options, id).await).await,
    };
    let (bus, nats) = match bus {
        Ok(joined) => joined,
        Err(error) => return fail(&anyhow::Error::new(error).context("cannot join the bus"), WRONG_OPTIONS),
    };
    let (clock, mut registry) = (Clock::start(), Registry::with_prefix("cipher_chat"));
    let own = ProcessMetrics { started: clock.now(), version: VERSION, certificates };
    registry.register_collector(Box::new(own));
    registry.register_collector(Box::new(SyslogMetrics(lost_lines)));
    registry.register_collector(Box::new(traces.metrics()));
    let sending = match traces.send() {
        Ok(sending) => sending,
        Err(error) => return fail(&error, WRONG_OPTIONS),
    };
    let process = Process { node: plan.node.clone(), bus, clock, registry, nats, passes: None };
    let ended = process.run(plan, sockets).await;
    // Last of all, so that what was done at the end is sent, too.
    sending.stop().await;
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, FAILED),
    }
}

/// Tells whether a process has what it needs to do its work.
type AskReadiness = Arc<dyn Fn() -> Readiness + Send + Sync>;

/// A process that is ready to run.
struct Process {
    node: Node,
    bus: Bus,
    clock: Clock,
    registry: Registry,
    /// Its certificate files for the bus.
    nats: Option<NatsFiles>,
    /// The list of passes that are taken back, if there is a gateway that has one.
    passes: Option<PassList>,
}

impl Process {
    async fn run(mut self, plan: Plan, sockets: Sockets) -> anyhow::Result<()> {
        // Before anybody can see that it runs: a signal that comes early is to end it in order,
        // too.
        let mut signals = StopSignals::listen()?;
        let stop = CancellationToken::new();
        let mut services = JoinSet::new();
        let certificate = sockets.certificates.first().cloned();
        let nats = self.nats.take();
        let metrics = reload::Metrics::register(&mut self.registry);
        let request_wait = plan.edge.as_ref().map_or(config::UPGRADE_WAIT, |edge| edge.config.upgrade_wait);
        self.registry.register_collector(Box::new(telemetry::BusMetrics(self.bus.clone())));
        let roles = plan.roles();
        let is_whole = roles.len() == Service::ALL.len();
        let standing = self.standing();
        let keeper = Keeper::new(standing.clone(), self.bus.clone(), self.clock, self.node.boot, &roles);
        let drained = keeper.drained();
        services.spawn(service("orders", keeper.run(stop.clone())));
        let ready = self.start(&mut services, plan, sockets.clients, &standing, &stop).await?;
        let passes = self.passes.take();
        let registry = Arc::new(self.registry);
        let (asked, told) = (ready.clone(), registry.clone());
        let state = NodeState {
            ready: Arc::new(move || asked().text()),
            // It fails only if a metric's own encoding does.
            metrics: Arc::new(move || ops::metrics(&told).unwrap_or_default()),
        };
        for role in roles.iter().copied() {
            self.bus.introduce(role, VERSION, self.clock.now(), state.clone()).await;
        }
        let (tasks, stop_ops) = (TaskTracker::new(), CancellationToken::new());
        if let Some(certificate) = certificate {
            tasks.spawn(watch(certificate, self.clock, stop_ops.clone()));
        }
        let reloader = Reloader { listeners: sockets.certificates, nats, passes, metrics };
        tasks.spawn(reloader.run(signals.reload(), reload::LOOK, stop_ops.clone()));
        let orders = orders_http::router(standing, self.clock, self.node.id.clone(), self.node.boot);
        let watching = if is_whole {
            Some(watching::own(&self.bus, roles, state.metrics, self.clock, (&tasks, &stop_ops))?)
        } else {
            None
        };
        let (page, data) = console_page::routers(watching);
        let more = orders.merge(data);
        let ops = ops::router(move || ready(), registry, more, self.node.ops_token.clone());
        let ops = ops.merge(ops::open(page));
        ops_listeners::open(sockets.ops, &ops, &self.node.id, request_wait, (&tasks, &stop_ops))?;

        notify::ready();
        tasks.spawn(notify::stay_alive(stop_ops.clone()));
        let ended = tokio::select! {
            () = signals.next() => Ok(()),
            () = drained.cancelled() => {
                tracing::info!(event = "order.drain", "the operator has told this node to stop");
                Ok(())
            }
            ended = services.join_next() => ended_early(ended),
        };
        notify::stopping();
        stop.cancel();
        let ended = tokio::select! {
            rest = finish(&mut services) => ended.and(rest),
            () = signals.next() => ended.context("stopped at once"),
        };
        self.bus.drain().await;
        stop_ops.cancel();
        ended
    }

    /// The operator's orders, those of the file among them: before anybody connects.
    fn standing(&mut self) -> Standing {
        let metrics = orders::Metrics::default();
        metrics.register(&mut self.registry);
        let standing = Standing::new(self.node.orders.key, metrics);
        for order in &self.node.orders.signed {
            standing.take(self.clock.now(), order, Bringer::Keeper);
        }
        standing
    }

    /// Starts the services of the plan, and returns how to find out whether they are ready.
    async fn start(
        &mut self,
        services: &mut Running,
        plan: Plan,
        clients: Vec<Door>,
        standing: &Standing,
        stop: &CancellationToken,
    ) -> anyhow::Result<AskReadiness> {
        let orders = || standing.clone();
        // The rushes of a gateway include whatever follows from them in the other services.
        let gives_back = plan.edge.is_none();
        if let Some(PairingPlan { listen_first, fair_by }) = plan.pairing {
            let metrics = pairing::Metrics::default();
            metrics.register(&mut self.registry);
            if gives_back {
                services.spawn(give_back(metrics.clone(), pairing::Metrics::moved, stop.clone()));
            }
            let boot = self.node.boot;
            let config = pairing::Config { boot, listen_first, fair_by, metrics, orders: orders() };
            services
                .spawn(service("pairing", pairing::run(config, self.bus.clone(), self.clock, stop.clone())));
        }
        if let Some(lifetimes) = plan.janitor {
            let metrics = janitor::Metrics::register(&mut self.registry);
            if gives_back {
                services.spawn(give_back(metrics.clone(), janitor::Metrics::moved, stop.clone()));
            }
            let config = janitor::Config {
                boot: self.node.boot,
                version: VERSION.to_owned(),
                lifetimes,
                capacity: janitor::leases::Capacity::default(),
                metrics,
                orders: orders(),
            };
            services
                .spawn(service("janitor", janitor::run(config, self.bus.clone(), self.clock, stop.clone())));
        }
        match plan.edge {
            Some(Edge { config, .. }) => {
                let config = Config { orders: orders(), ..config };
                self.start_gateway(services, config, clients, stop).await
            }
            None => Ok(self.watch_health(services, stop)),
        }
    }

    async fn start_gateway(
        &mut self,
        services: &mut Running,
        mut config: Config,
        doors: Vec<Door>,
        stop: &CancellationToken,
    ) -> anyhow::Result<AskReadiness> {
        config.connections.get_or_insert_with(sockets::room_for_clients);
        let is_open_to_proxies_only = config.peers == Peers::Proxies;
        let metrics = gateway::metrics::Metrics::default();
        metrics.register(&mut self.registry);
        services.spawn(give_back(metrics.clone(), connections_moved, stop.clone()));
        services.spawn(give_back(metrics.clone(), frames_moved, stop.clone()));
        let list = config.passes.as_ref().and_then(|passes| passes.revoked.as_ref());
        let list = list.map(|list| list.file.clone());
        let gateway = gateway::Gateway::new(config, self.bus.clone(), self.clock, metrics);
        let node = gateway.node().clone();
        self.passes = list.map(|file| PassList::new(file, node.clone()));
        for Door { listening, tls } in &doors {
            tracing::info!("open {}", shown(&listening.address()?, tls.is_some()));
        }
        if is_open_to_proxies_only {
            tracing::warn!(
                event = "listener.plain",
                "clients are served without TLS: only the networks of --trusted-proxy may connect"
            );
        }
        services.spawn(service("gateway", gateway.run(doors, stop.clone())));
        self.registry.register_collector(Box::new(telemetry::GatewayLevels(node.clone())));
        let seen = node.clone();
        self.registry.register_collector(Box::new(telemetry::HealthMetrics(Box::new(move || {
            (seen.readiness(), seen.health().clock_skew_millis())
        }))));
        Ok(Arc::new(move || node.readiness()))
    }

    /// Without a gateway, which watches its own health.
    fn watch_health(&mut self, services: &mut Running, stop: &CancellationToken) -> AskReadiness {
        let health = Arc::new(Health::new(self.bus.clone(), self.clock.now()));
        let (watched, clock, until) = (health.clone(), self.clock, stop.clone());
        services.spawn(service("health", async move { watched.watch(clock, until).await }));
        let ask = move || {
            // Only gateways judge the times in tokens, and wait for that.
            let faults = health.faults().into_iter().filter(|fault| *fault != Fault::ClockPending);
            let faults = faults.map(|fault| fault.to_string()).collect();
            (Readiness { faults, lacks: Vec::new() }, health.clock_skew_millis())
        };
        let ask = Arc::new(ask);
        let shown = ask.clone();
        self.registry.register_collector(Box::new(telemetry::HealthMetrics(Box::new(move || shown()))));
        Arc::new(move || ask().0)
    }
}

/// An address as a person types it.
fn shown(address: &Address, is_tls: bool) -> String {
    let scheme = if is_tls { "https" } else { "http" };
    match address {
        Address::Tcp(tcp) if tcp.ip().is_loopback() => format!("{scheme}://localhost:{}", tcp.port()),
        Address::Tcp(tcp) => format!("{scheme}://{tcp}"),
        Address::Unix(_) => address.to_string(),
    }
}
