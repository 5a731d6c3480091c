//! A real nats-server for one test: on a free port, in a directory of its own, ended with the test.
//!
//! The program is `$NATS_SERVER`, or `nats-server` on the path, or the one that `tests/setup` puts
//! into `tests/.cache`.

use std::{
    env, fs,
    hash::{BuildHasher, RandomState},
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use parking_lot::Mutex;

/// Far longer than a server takes to start, even on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Ports that the kernel gives to no outgoing connection, so that none can take the port of a
/// server that is down for a moment.
const PORTS: std::ops::Range<u16> = 12_000..32_000;

/// A nats-server, running or not.
pub(crate) struct NatsServer {
    port: u16,
    dir: PathBuf,
    config: String,
    process: Option<Child>,
    log: Arc<Mutex<String>>,
}

impl NatsServer {
    /// A server without TLS or accounts.
    pub(crate) fn start() -> Self {
        Self::with_config("")
    }

    /// A server with more configuration (in the syntax of nats-server; paths are relative to
    /// [`dir`](Self::dir)).
    pub(crate) fn with_config(config: &str) -> Self {
        let dir = env::temp_dir().join(format!("nats-{}-{:016x}", std::process::id(), random()));
        fs::create_dir_all(&dir).unwrap();
        Self::in_dir(dir, config)
    }

    /// The same in an existing directory with files that the configuration names. The directory is
    /// removed at the end.
    pub(crate) fn in_dir(dir: PathBuf, config: &str) -> Self {
        let mut server = Self { port: 0, dir, config: config.into(), process: None, log: Arc::default() };
        // Another test may take the port before the server does. Then the server ends, and the next
        // port is tried.
        for _ in 0..20 {
            server.port = free_port();
            if server.try_run() {
                return server;
            }
        }
        panic!("nats-server does not start:\n{}", server.log());
    }

    /// Where clients connect.
    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The port, the same after a restart.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its own directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// All that it has logged.
    pub(crate) fn log(&self) -> String {
        self.log.lock().clone()
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Stops it as an operator would.
    pub(crate) fn stop(&mut self) {
        self.signal("TERM");
        if let Some(mut process) = self.process.take() {
            process.wait().unwrap();
        }
    }

    /// Starts it again on the same port, with the same configuration.
    pub(crate) fn restart(&mut self) {
        self.kill();
        assert!(self.try_run(), "nats-server does not start again:\n{}", self.log());
    }

    /// Makes it hang: its connections stay open, and it does nothing.
    pub(crate) fn pause(&self) {
        self.signal("STOP");
    }

    /// Ends a [`pause`](Self::pause).
    pub(crate) fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let process = self.process.as_ref().expect("the server runs");
        let command = format!("kill -{name} {}", process.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    }

    fn try_run(&mut self) -> bool {
        let config = format!("listen: \"127.0.0.1:{}\"\n{}\n", self.port, self.config);
        fs::write(self.dir.join("server.conf"), config).unwrap();
        let mut process = Command::new(program())
            .args(["-c", "server.conf"])
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nats-server is installed: $NATS_SERVER, the path, or tests/.cache");
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (ready, started) = mpsc::channel();
        let log = self.log.clone();
        // Reads until the server ends; otherwise the server would block on a full pipe.
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if line.contains("Server is ready") {
                    let _ = ready.send(());
                }
                log.lock().push_str(&(line + "\n"));
            }
        });
        // The sender is dropped when the server ends.
        let runs = started.recv_timeout(START_TIMEOUT).is_ok();
        self.process = Some(process);
        if !runs {
            self.kill();
        }
        runs
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

pub(crate) fn program() -> PathBuf {
    if let Some(named) = env::var_os("NATS_SERVER") {
        return named.into();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).map(|dir| dir.join("nats-server"));
    // The workspace's root is the package's own folder, or the one above it.
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cached = package.ancestors().take(2).map(|dir| dir.join("tests/.cache/venv/bin/nats-server"));
    on_path.chain(cached).find(|path| path.is_file()).unwrap_or_else(|| "nats-server".into())
}

pub(crate) fn free_port() -> u16 {
    let span = u64::from(PORTS.end - PORTS.start);
    let candidates = std::iter::repeat_with(|| PORTS.start + (random() % span) as u16);
    let mut free = candidates.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.next().unwrap()
}

/// The standard library draws a key at random for each hasher.
fn random() -> u64 {
    RandomState::new().hash_one(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Read, net::TcpStream};

    /// The first line that a server sends.
    fn greeting(server: &NatsServer) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).ok()?;
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).ok()?;
        String::from_utf8(bytes.into()).ok()
    }

    #[test]
    fn a_server_keeps_its_port_over_restarts_and_leaves_nothing() {
        let mut server = NatsServer::with_config("server_name: one");
        assert!(server.url().ends_with(&format!(":{}", server.port())) && server.log().contains("one"));
        assert_eq!(greeting(&server).as_deref(), Some("INFO"));
        server.pause();
        server.resume();
        assert_eq!(greeting(&server).as_deref(), Some("INFO"));
        for end in [NatsServer::stop, NatsServer::kill] {
            end(&mut server);
            assert_eq!(greeting(&server), None);
            server.restart();
            assert_eq!(greeting(&server).as_deref(), Some("INFO"));
        }
        let dir = server.dir().to_owned();
        drop(server);
        assert!(!dir.exists());
    }

    #[test]
    fn two_servers_do_not_interfere() {
        assert_ne!(NatsServer::start().port(), 0);
        let (one, two) = (NatsServer::start(), NatsServer::start());
        assert_ne!(one.port(), two.port());
        assert_ne!(one.dir(), two.dir());
    }
}
