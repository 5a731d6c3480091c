//! The role `console`: a page that shows the cluster, for whoever may see metrics, and passes signed
//! orders on. It is no node: it has the certificate of a person who watches.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    process::ExitCode,
    sync::{Arc, atomic::AtomicU64},
};

use anyhow::Context;
use bus::{Bus, Clock, NatsOptions, Watcher};
use console_page::{Lasting, OpenSource, Watching};
use gateway::config::UPGRADE_WAIT;
use overview::{
    RulesError, Standing,
    watch::{self, Own, Source},
};
use prometheus_client::registry::Registry;
use schemas::{NodeId, Service};
use serving::ops::{self, Readiness};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    FAILED, WRONG_OPTIONS, fail, notify, ops_listeners,
    options::{self, Console, Role},
    orders_http,
    passed::Passed,
    process::{self, StopSignals},
    reload::{self, Reloader},
    roles::VERSION,
    sockets::Sockets,
    telemetry::{
        self,
        process::{ProcessMetrics, Use},
        syslog::{Syslog, SyslogMetrics},
    },
};

/// Checks the options, then shows the cluster until it is told to stop.
pub fn main(words: &[OsString]) -> ExitCode {
    let console = match options::read::<Console>(words, std::env::vars_os()) {
        Ok(console) => console,
        Err(faults) => {
            eprintln!("{faults}\n\n{}", options::usage(Role::Console));
            return ExitCode::from(WRONG_OPTIONS);
        }
    };
    // While there is one thread.
    let passed = Passed::receive();
    wipe::share_one_heap();
    let syslog = console.syslog.clone().map(|server| Syslog::start(server, console.id.as_str()));
    let lost = syslog.as_ref().map(Syslog::dropped).unwrap_or_default();
    telemetry::start(console.log_format, syslog, None);
    match passed {
        Ok(passed) => process::run(run(console, passed, lost)),
        Err(error) => fail(&error, WRONG_OPTIONS),
    }
}

async fn run(console: Console, passed: Passed, lost: Arc<AtomicU64>) -> ExitCode {
    let sockets = match Sockets::open(&[], &console.ops, passed) {
        Ok(sockets) => sockets,
        Err(code) => return code,
    };
    match show(console, sockets, lost).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, FAILED),
    }
}

async fn show(console: Console, sockets: Sockets, lost: Arc<AtomicU64>) -> anyhow::Result<()> {
    // Before anybody can see that it runs: a signal that comes early is to end it in order, too.
    let mut signals = StopSignals::listen()?;
    let (clock, mut registry) = (Clock::start(), Registry::with_prefix("cipher_chat"));
    let certificates = certificate_files(&console);
    let own = ProcessMetrics { started: clock.now(), version: VERSION, certificates };
    registry.register_collector(Box::new(own));
    registry.register_collector(Box::new(SyslogMetrics(lost)));
    let metrics = reload::Metrics::register(&mut registry);
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let Console { id, ops_token, nats, .. } = console;
    // What cannot work is told at once.
    Watcher::open(nats.clone(), &id, watch::EVERY).await.context("cannot watch the bus")?;
    let open = source(nats.clone(), id.clone());
    let watching = Watching::new(open, Lasting::Always, clock, tasks.clone(), stop.clone())?;
    let seen = watching.clone();
    let bus = Bus::nats(nats, id.clone()).await.context("cannot join the bus")?;
    let orders = orders_http::passing_on(bus.clone(), watching.clone());
    let data = console_page::data(watching).merge(orders);
    let router = ops::router(move || readiness(&seen), Arc::new(registry), data, ops_token);
    let router = router.merge(ops::open(console_page::page()));
    ops_listeners::open(sockets.ops, &router, &id, UPGRADE_WAIT, (&tasks, &stop))?;
    let reloader = Reloader { listeners: sockets.certificates, nats: None, passes: None, metrics };
    tasks.spawn(reloader.run(signals.reload(), reload::LOOK, stop.clone()));
    notify::ready();
    tasks.spawn(notify::stay_alive(stop.clone()));
    signals.next().await;
    notify::stopping();
    stop.cancel();
    bus.drain().await;
    Ok(())
}

/// The cluster, by its bus.
fn source(nats: NatsOptions, name: NodeId) -> OpenSource {
    Arc::new(move || {
        let (nats, name) = (nats.clone(), name.clone());
        Box::pin(async move {
            match Watcher::open(nats, &name, watch::EVERY).await {
                Ok(watcher) => Some(Source::Cluster(Box::new(watcher))),
                Err(fault) => {
                    tracing::warn!(event = "console.blind", %fault, "the bus cannot be watched; trying again");
                    None
                }
            }
        })
    })
}

/// What `serve` shows of itself, and of who else it hears.
///
/// # Errors
/// If the alarms that are built in cannot be used.
pub fn own(
    bus: &Bus,
    roles: Vec<Service>,
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
    clock: Clock,
    (tasks, stop): (&TaskTracker, &CancellationToken),
) -> Result<Watching, RulesError> {
    let bus = bus.clone();
    let open: OpenSource = Arc::new(move || {
        let (bus, roles, metrics) = (bus.clone(), roles.clone(), metrics.clone());
        Box::pin(
            async move { Own::open(&bus, roles, metrics).await.ok().map(|own| Source::Own(Box::new(own))) },
        )
    });
    Watching::new(open, Lasting::WhileLookedAt, clock, tasks.clone(), stop.clone())
}

/// It is ready as long as what it shows is not old.
fn readiness(watching: &Watching) -> Readiness {
    let is_up = watching.report().is_ok_and(|report| report.standing != Standing::BusDown);
    let faults = if is_up { Vec::new() } else { vec!["the bus is down".to_owned()] };
    Readiness { faults, lacks: Vec::new() }
}

/// Where the certificates are that this process shows.
fn certificate_files(console: &Console) -> BTreeMap<Use, std::path::PathBuf> {
    let operations = console.ops.iter().find_map(|listener| Some(listener.tls.as_ref()?.cert.clone()));
    let files = [(Use::Bus, console.nats.cert.clone()), (Use::Operations, operations)];
    files.into_iter().filter_map(|(used, file)| Some((used, file?))).collect()
}
