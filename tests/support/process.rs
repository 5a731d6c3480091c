//! One process of the real binary: on free ports, with access to its log, ended with the test.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    os::fd::OwnedFd,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::Arc,
    thread,
};

use parking_lot::{Condvar, Mutex};

use super::{PATIENCE, eventually, http};

/// How much of a log a failed test shows.
const SHOWN_LINES: usize = 150;

/// The binary with what it is told. Every option is told as its environment variable, which roles
/// without that option ignore.
#[derive(Clone)]
pub(crate) struct Launch {
    role: &'static str,
    variables: Vec<(String, String)>,
    /// How many files it may open.
    files: Option<u32>,
    /// A socket that it is passed, as systemd passes one.
    passed: Option<Arc<OwnedFd>>,
    quiet: Quiet,
}

/// Runs `cipher-chat order`.
pub(crate) fn order(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cipher-chat"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CIPHER_CHAT_")) {
        command.env_remove(name);
    }
    command.arg("order").args(words).output().unwrap()
}

/// Whether a log is shown if the test fails.
#[derive(Clone, Copy, PartialEq)]
enum Quiet {
    Yes,
    No,
}

impl Launch {
    /// A process of this role, with all rates off.
    pub(crate) fn new(role: &'static str) -> Self {
        let mut launch = Self { role, variables: Vec::new(), files: None, passed: None, quiet: Quiet::No }
            .set("listen", "127.0.0.1:0")
            .set("ops-listen", "127.0.0.1:0")
            .variable("RUST_LOG", "info,async_nats=off")
            .variable("NO_COLOR", "1");
        for rate in [
            "session-rate",
            "connect-rate",
            "find-rate",
            "frame-rate",
            "byte-rate",
            "connections-per-address",
            "waiting-per-address",
        ] {
            launch = launch.set(rate, "0");
        }
        launch
    }

    /// Sets an option; its last value counts.
    pub(crate) fn set(self, option: &str, value: &str) -> Self {
        self.variable(&format!("CIPHER_CHAT_{}", option.replace('-', "_").to_uppercase()), value)
    }

    /// Leaves an option out that is set otherwise.
    pub(crate) fn without(mut self, option: &str) -> Self {
        let name = format!("CIPHER_CHAT_{}", option.replace('-', "_").to_uppercase());
        self.variables.retain(|(set, _)| *set != name);
        self
    }

    /// Lets it open so many files and no more.
    pub(crate) fn files(self, files: u32) -> Self {
        Self { files: Some(files), ..self }
    }

    /// Passes it a socket that listens already, as systemd does.
    pub(crate) fn passing(self, listener: impl Into<OwnedFd>) -> Self {
        Self { passed: Some(Arc::new(listener.into())), ..self }
    }

    /// Sets many.
    pub(crate) fn set_all(self, options: &[(&str, &str)]) -> Self {
        options.iter().fold(self, |launch, (option, value)| launch.set(option, value))
    }

    /// Sets any environment variable.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(set, _)| set != name);
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Logs everything, which is too much to be shown when the test fails.
    pub(crate) fn traced(mut self) -> Self {
        self.quiet = Quiet::Yes;
        self.variable("RUST_LOG", "trace")
    }

    /// The command, for a process that is expected to end by itself.
    pub(crate) fn command(&self) -> Command {
        let binary = env!("CARGO_BIN_EXE_cipher-chat");
        let mut command = match self.files {
            None => Command::new(binary),
            Some(files) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("ulimit -n {files} && exec \"$0\" \"$@\""), binary]);
                shell
            }
        };
        let stdin = match &self.passed {
            None => Stdio::null(),
            Some(socket) => {
                let mut shell = Command::new("sh");
                let script = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"";
                shell.args(["-c", script]).arg(command.get_program()).args(command.get_args());
                command = shell;
                Stdio::from(socket.try_clone().unwrap())
            }
        };
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CIPHER_CHAT_")) {
            command.env_remove(name);
        }
        command.arg(self.role).envs(self.variables.iter().cloned()).stdin(stdin);
        command
    }

    /// Starts it and waits until it listens, not until it is ready.
    pub(crate) fn start(&self) -> Process {
        let mut command = self.command();
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Log::default());
        let written = log.clone();
        // Reads until the process ends; otherwise the process would block on a full pipe.
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                written.push(line);
            }
            written.end();
        });
        let mut process = Process {
            role: self.role,
            child,
            log,
            clients: None,
            ops: ([127, 0, 0, 1], 0).into(),
            quiet: self.quiet,
        };
        process.ops = process.announced("ops=").parse().unwrap();
        if matches!(self.role, "serve" | "gateway") {
            let address = process.announced("://").replace("localhost", "127.0.0.1");
            process.clients = Some(address.parse().unwrap());
        }
        process
    }

    /// Starts it and waits until it is ready.
    pub(crate) async fn ready(&self) -> Process {
        let process = self.start();
        process.is_ready().await;
        process
    }
}

/// A running process. It is killed when it is dropped, if it has not ended before.
pub(crate) struct Process {
    role: &'static str,
    child: Child,
    log: Arc<Log>,
    clients: Option<SocketAddr>,
    ops: SocketAddr,
    quiet: Quiet,
}

impl Process {
    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.clients.expect("only a gateway has clients")
    }

    /// Where health and metrics are.
    pub(crate) fn ops(&self) -> SocketAddr {
        self.ops
    }

    /// The status of `/readyz`.
    pub(crate) async fn readiness(&self) -> u16 {
        http::get(self.ops, "/readyz").await.status
    }

    /// Waits until it is ready.
    pub(crate) async fn is_ready(&self) {
        eventually(&format!("the {} is ready", self.role), async || self.readiness().await == 200).await;
    }

    /// Waits until it is no longer ready.
    pub(crate) async fn is_not_ready(&self) {
        eventually(&format!("the {} is not ready", self.role), async || self.readiness().await == 503).await;
    }

    /// The value of a counter or gauge in `/metrics`, summed over all its labels.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let all = http::get(self.ops, "/metrics").await.text();
        let values = all.lines().filter_map(|line| {
            let rest = line.strip_prefix("cipher_chat_")?.strip_prefix(name)?;
            rest.starts_with(['{', ' ']).then(|| line.rsplit_once(' ')?.1.parse::<f64>().ok())?
        });
        values.sum()
    }

    /// Waits until it has logged this.
    pub(crate) async fn has_logged(&self, text: &str) {
        eventually(&format!("the {} logs {text:?}", self.role), async || self.log().contains(text)).await;
    }

    /// All that it has logged.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&mut self) {
        // An error means that it has already ended.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, as an operator does.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Makes it hang: its sockets stay open, and it does nothing. Waits until it does: the other threads
    /// are stopped only once one of them has taken the signal, and on a busy machine they answer until then.
    pub(crate) fn pause(&self) {
        self.signal("STOP");
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !self.is_stopped() {
            assert!(tokio::time::Instant::now() < deadline, "the {} does not stop", self.role);
            thread::yield_now();
        }
    }

    /// Whether all of its threads are stopped.
    fn is_stopped(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("stat"))).all(|stat| {
            // The state stands behind the name, which is in brackets. A thread may have ended meanwhile.
            stat.is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')))
        })
    }

    /// Ends a [`pause`](Self::pause).
    pub(crate) fn go_on(&self) {
        self.signal("CONT");
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        eventually(&format!("the {} ends", self.role), async || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    }

    /// The word that follows a mark in its log, once it is logged.
    fn announced(&self, mark: &str) -> String {
        self.log
            .word_after(mark)
            .unwrap_or_else(|| panic!("the {} does not start:\n{}", self.role, self.log()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() && self.quiet == Quiet::No {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let shown = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
            eprintln!("--- {} (ops {}) ---\n{}", self.role, self.ops, shown.join("\n"));
        }
    }
}

/// The log of a process, while it is written.
#[derive(Default)]
struct Log {
    lines: Mutex<Lines>,
    more: Condvar,
}

#[derive(Default)]
struct Lines {
    text: String,
    ended: bool,
}

impl Log {
    fn push(&self, line: String) {
        self.lines.lock().text.push_str(&(line + "\n"));
        self.more.notify_all();
    }

    fn end(&self) {
        self.lines.lock().ended = true;
        self.more.notify_all();
    }

    fn text(&self) -> String {
        self.lines.lock().text.clone()
    }

    /// `None` if the process ends without it, or takes too long.
    fn word_after(&self, mark: &str) -> Option<String> {
        let found = |text: &str| {
            let after = text.split_once(mark)?.1;
            after.split_once(char::is_whitespace).map(|(word, _)| word.to_owned())
        };
        let mut lines = self.lines.lock();
        let waits = |lines: &mut Lines| found(&lines.text).is_none() && !lines.ended;
        self.more.wait_while_for(&mut lines, waits, PATIENCE);
        found(&lines.text)
    }
}
