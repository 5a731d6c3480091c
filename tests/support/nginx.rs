//! Nginx before gateways, as it is deployed: the files in `nginx/`, with other addresses.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
};

use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    PATIENCE, eventually,
    http::{self, Answer},
    in_time,
    nats::free_port,
    secure::Pki,
    unique,
};

/// Where Debian has a module that others have built in.
const STREAM: &str = "/usr/lib/nginx/modules/ngx_stream_module.so";

/// The files that are deployed.
const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/nginx");

/// An Nginx that is not as fast as its ports are taken by others is started again, this many times.
const ATTEMPTS: usize = 5;

/// A running Nginx. It is killed when it is dropped.
pub(crate) struct Nginx {
    dir: PathBuf,
    /// For people, and for health checks.
    ports: [u16; 2],
    process: Child,
    log: Arc<Mutex<String>>,
    people: TlsConnector,
}

impl Nginx {
    /// Starts it before these gateways, with the certificates of the proxy `nginx`, and waits until
    /// it serves.
    pub(crate) async fn start(pki: &Pki, gateways: &[SocketAddr]) -> Self {
        Self::changed(pki, gateways, &[]).await
    }

    /// The same with these texts in place of those.
    pub(crate) async fn changed(pki: &Pki, gateways: &[SocketAddr], changes: &[(&str, &str)]) -> Self {
        Self::start_with("nginx.conf", pki, gateways, changes).await
    }

    /// The same before gateways that end TLS themselves.
    pub(crate) async fn passing(pki: &Pki, gateways: &[SocketAddr]) -> Self {
        Self::start_with("passthrough.conf", pki, gateways, &[]).await
    }

    async fn start_with(main: &str, pki: &Pki, gateways: &[SocketAddr], changes: &[(&str, &str)]) -> Self {
        for _ in 0..ATTEMPTS {
            let mut nginx = Self::run(main, pki, gateways, changes);
            if nginx.serves().await {
                return nginx;
            }
            eprintln!("{}", nginx.log());
        }
        panic!("nginx does not start");
    }

    fn run(main: &str, pki: &Pki, gateways: &[SocketAddr], changes: &[(&str, &str)]) -> Self {
        let dir = env::temp_dir().join(unique("nginx"));
        let ports = [free_port(), free_port()];
        fs::create_dir_all(dir.join("conf")).unwrap();
        fs::create_dir_all(dir.join("run")).unwrap();
        symlink(pki.file("nginx"), dir.join("conf/node")).unwrap();
        let mut made = vec![false; changes.len()];
        for file in fs::read_dir(FILES).unwrap().map(|file| file.unwrap().path()) {
            if file.extension().is_some_and(|extension| extension == "conf") {
                let mut text = addressed(&file, ports, gateways);
                for ((what, by), made) in changes.iter().zip(&mut made) {
                    *made |= text.contains(what);
                    text = text.replace(what, by);
                }
                fs::write(dir.join("conf").join(file.file_name().unwrap()), text).unwrap();
            }
        }
        assert!(made.iter().all(|made| *made), "a change of what is not there: {changes:?}");
        let mut process = Command::new(program())
            .arg("-p")
            .arg(dir.join("run"))
            .arg("-c")
            .arg(dir.join("conf").join(main))
            .args(["-g", "daemon off;"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nginx is installed: $NGINX, the path, or /usr/sbin");
        let log = Arc::<Mutex<String>>::default();
        let outputs: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(process.stdout.take().unwrap()), Box::new(process.stderr.take().unwrap())];
        for output in outputs {
            let written = log.clone();
            // Reads until Nginx ends; otherwise it would block on a full pipe.
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    written.lock().push_str(&(line + "\n"));
                }
            });
        }
        Self { people: pki.client("public", None), dir, ports, process, log }
    }

    /// Waits until it serves, or has ended.
    async fn serves(&mut self) -> bool {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < deadline && self.process.try_wait().unwrap().is_none() {
            if http::is_listening(self.address()).await {
                return true;
            }
            tokio::time::sleep(super::LOOK).await;
        }
        false
    }

    /// Where people connect.
    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.ports[0]).into()
    }

    /// The same as the address of a page.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.ports[0])
    }

    /// Where health checks ask.
    pub(crate) fn health(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.ports[1]).into()
    }

    /// A connection of somebody with this address.
    pub(crate) async fn connect_from(&self, own: [u8; 4]) -> TlsStream<TcpStream> {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((own, 0))).unwrap();
        let connected = async {
            let stream = socket.connect(self.address()).await?;
            self.people.connect("localhost".try_into().unwrap(), stream).await
        };
        in_time("a connection to Nginx", connected).await.unwrap()
    }

    /// One request over HTTP/1.1, from this address.
    pub(crate) async fn call_from(
        &self,
        own: [u8; 4],
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let request = http::request(method, path, headers, "");
        let asked = http::over(self.connect_from(own).await, &request);
        in_time(&format!("an answer to {method} {path}"), asked).await.unwrap()
    }

    /// All that it has written: its access log, and what keeps it from running.
    pub(crate) fn log(&self) -> String {
        self.log.lock().clone()
    }

    /// The requests that it has logged, once there are as many.
    pub(crate) async fn requests(&self, at_least: usize) -> Vec<Value> {
        let logged =
            || self.log().lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>();
        eventually("requests are logged", async || logged().len() >= at_least).await;
        logged()
    }
}

/// A file of the configuration with the addresses of this test.
fn addressed(file: &Path, [people, health]: [u16; 2], gateways: &[SocketAddr]) -> String {
    let text = fs::read_to_string(file).unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    let changed: Vec<_> = text
        .lines()
        .filter_map(|line| match name {
            "modules.conf" if !Path::new(STREAM).exists() => None,
            "listen.conf" | "listen-passthrough.conf"
                if line.contains("[::]") && TcpListener::bind("[::1]:0").is_err() =>
            {
                None
            }
            "listen.conf" | "listen-passthrough.conf" if line.starts_with("listen [") => {
                Some(line.replace("[::]:8443", &format!("[::1]:{people}")))
            }
            "listen.conf" | "listen-passthrough.conf" => {
                Some(line.replace("listen 8443", &format!("listen 127.0.0.1:{people}")))
            }
            "health.conf" => Some(line.replace("8081", &health.to_string())),
            "upstream.conf" | "upstream-passthrough.conf" => match line.split_once("gateway-") {
                Some((before, rest)) => {
                    let number: usize = rest[..1].parse().unwrap();
                    let address = gateways.get(number - 1)?;
                    Some(line.replace(
                        &line[before.len()..before.len() + "gateway-1:8443".len()],
                        &address.to_string(),
                    ))
                }
                None => Some(line.to_owned()),
            },
            _ => Some(line.to_owned()),
        })
        .collect();
    changed.join("\n") + "\n"
}

/// The program: `$NGINX`, or `nginx` on the path, or where Debian has it, which is not on
/// everybody's path.
fn program() -> PathBuf {
    if let Some(named) = env::var_os("NGINX") {
        return named.into();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    places
        .find_map(|dir| Some(dir.join("nginx")).filter(|path| path.is_file()))
        .unwrap_or_else(|| "nginx".into())
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it only if it is asked to end.
        let _ = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.dir);
        if thread::panicking() {
            eprintln!("--- nginx ---\n{}", self.log());
        }
    }
}
