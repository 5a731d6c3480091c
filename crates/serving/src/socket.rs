//! What a listener accepts connections from: TCP, or a Unix socket for whoever is on the same
//! machine.

use std::{
    fmt, fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::{
        fd::OwnedFd,
        unix::{
            fs::{FileTypeExt, MetadataExt, PermissionsExt},
            net,
        },
    },
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener};

/// Connections that the kernel has accepted and we have not: a thousand clients may reconnect at
/// once.
const BACKLOG: u32 = 4096;

/// What the kernel may keep of what a client has not read, in bytes; it takes twice as much to keep
/// it. Without a bound it is up to 4 MiB for each connection. A chat partner half around the world
/// (300 ms) still gets 200 KB/s, four fifths of the default byte rate.
pub(crate) const SEND_BUFFER: u32 = 40 * 1024;

/// After this time without an acknowledgement of what was sent, or with a client that takes
/// nothing, the kernel gives a connection up and forgets what it keeps for it, also when it is
/// closed already. Longer than the wait for a pong.
pub(crate) const UNREAD_FOR_GOOD: Duration = Duration::from_secs(40);

/// Who may connect to a Unix socket of ours: its user and its group, to which a proxy can belong.
const SOCKET_MODE: u32 = 0o660;

/// The longest path of a Unix socket, in bytes (unix(7): 108 with the zero behind it).
const PATH_BYTES: usize = 107;

/// How the address of a Unix socket begins.
const UNIX: &str = "unix:";

/// For whom a client at a Unix socket is taken: for this machine.
const THIS_MACHINE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Where a listener can be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// IP address and port.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// Whether only this machine can connect to it.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }

    /// Whether two listeners cannot both have it. Port 0 stands for any free port.
    pub fn is_taken_by(&self, other: &Self) -> bool {
        self == other && !matches!(self, Self::Tcp(address) if address.port() == 0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(path) = text.strip_prefix(UNIX) {
            let is_usable = path.starts_with('/') && path.len() <= PATH_BYTES;
            return if is_usable { Ok(Self::Unix(path.into())) } else { Err(AddressError::Path) };
        }
        let local = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        local.as_deref().unwrap_or(text).parse().map(Self::Tcp).map_err(|_| AddressError::Form)
    }
}

/// Why a text is no [`Address`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It has another form.
    #[error("write IP:PORT, such as 127.0.0.1:8080 or [::]:443, or unix:/PATH")]
    Form,
    /// The path of a Unix socket is not absolute, or too long for the system.
    #[error("the path of a Unix socket begins with / and has {PATH_BYTES} bytes at most")]
    Path,
}

/// Whom an IPv6 socket that listens on all addresses takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Clients of IPv6 and of IPv4.
    Both,
    /// Clients of IPv6: those of IPv4 have a listener of their own.
    Own,
}

/// A socket that listens.
#[derive(Debug)]
pub enum Listening {
    /// On an IP address.
    Tcp(TcpListener),
    /// On a path, whose file goes with it if we have made it.
    Unix(UnixListener, Option<SocketFile>),
}

impl Listening {
    /// Listens on an address.
    ///
    /// # Errors
    /// If it is taken, or not ours.
    pub fn open(address: &Address, family: Family) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => open_tcp(*address, family).map(Self::Tcp),
            Address::Unix(path) => open_unix(path),
        }
    }

    /// Takes a TCP socket over that listens already.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn from_tcp(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        bound_what_is_unread(&SockRef::from(&listener))?;
        TcpListener::from_std(listener).map(Self::Tcp)
    }

    /// Takes a Unix socket over that listens already.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn from_unix(listener: net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        SockRef::from(&listener).set_send_buffer_size(SEND_BUFFER as usize)?;
        UnixListener::from_std(listener).map(|listener| Self::Unix(listener, None))
    }

    /// Where it can be found.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            Self::Unix(listener, _) => {
                let address = listener.local_addr()?;
                Ok(Address::Unix(address.as_pathname().unwrap_or(Path::new("")).to_owned()))
            }
        }
    }

    /// The next connection, and the address at its other end.
    pub(crate) async fn accept(&self) -> io::Result<(TcpStream, IpAddr)> {
        match self {
            Self::Tcp(listener) => {
                let (socket, from) = listener.accept().await?;
                // It fails if the client has gone.
                socket.set_nodelay(true).map_err(|_| io::ErrorKind::ConnectionAborted)?;
                Ok((socket, from.ip()))
            }
            Self::Unix(listener, _) => {
                let (socket, _) = listener.accept().await?;
                Ok((as_tcp(socket.into_std()?)?, THIS_MACHINE))
            }
        }
    }
}

impl From<TcpListener> for Listening {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

/// To whoever reads and writes it, one stream socket is like another: only its options differ, and
/// who is asked for an address. So what serves TCP serves Unix sockets, without a question for each
/// piece of data.
///
/// # Errors
/// If the system refuses.
pub fn as_tcp(socket: net::UnixStream) -> io::Result<TcpStream> {
    socket.set_nonblocking(true)?;
    TcpStream::from_std(OwnedFd::from(socket).into())
}

fn open_tcp(address: SocketAddr, family: Family) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if address.is_ipv6() && family == Family::Own {
        SockRef::from(&socket).set_only_v6(true)?;
    }
    // Without it a restart waits until the last connection's TIME_WAIT is over.
    socket.set_reuseaddr(true)?;
    bound_what_is_unread(&SockRef::from(&socket))?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepted sockets inherit both.
fn bound_what_is_unread(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_send_buffer_size(SEND_BUFFER as usize)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNREAD_FOR_GOOD))?;
    Ok(())
}

fn open_unix(path: &Path) -> io::Result<Listening> {
    remove_left_over(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.set_send_buffer_size(SEND_BUFFER as usize)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = SocketFile::of(path)?;
    // Nobody can connect before it listens.
    fs::set_permissions(path, fs::Permissions::from_mode(SOCKET_MODE))?;
    socket.listen(i32::try_from(BACKLOG).unwrap_or(i32::MAX))?;
    let listener = UnixListener::from_std(OwnedFd::from(socket).into())?;
    Ok(Listening::Unix(listener, Some(file)))
}

/// Removes the file of a socket on which nobody listens any more: that of a process that was
/// killed.
fn remove_left_over(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => {}
        // Whatever else is there stays, and is told by what follows.
        _ => return Ok(()),
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // Whoever listens and does not accept is not waited for.
    socket.set_nonblocking(true)?;
    match socket.connect(&SockAddr::unix(path)?) {
        Err(fault) if fault.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        _ => Err(io::ErrorKind::AddrInUse.into()),
    }
}

/// The file of a Unix socket that we have made. It is removed with the listener.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), identity: identity(path)? })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another process may have taken the path over: its socket is not ours.
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            // Whoever starts next removes what is left over.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> PathBuf {
        std::env::temp_dir().join(format!("socket-{:032x}", rand::random::<u128>()))
    }

    #[test]
    fn an_address_is_an_ip_and_a_port_or_the_path_of_a_unix_socket() {
        for (text, shown, local) in [
            ("127.0.0.1:8080", "127.0.0.1:8080", true),
            ("localhost:8080", "127.0.0.1:8080", true),
            ("[::1]:0", "[::1]:0", true),
            ("[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1", true),
            ("[::]:8443", "[::]:8443", false),
            ("0.0.0.0:443", "0.0.0.0:443", false),
            ("unix:/run/x.sock", "unix:/run/x.sock", true),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.is_local()), (shown, local));
        }
        for text in ["", "8080", "localhost", "1.2.3.4", "/run/x.sock", "chat.example:443"] {
            assert_eq!(text.parse::<Address>(), Err(AddressError::Form), "{text}");
        }
        for text in ["unix:", "unix:x.sock", &format!("unix:/{}", "x".repeat(PATH_BYTES))] {
            assert_eq!(text.parse::<Address>(), Err(AddressError::Path), "{text}");
        }
    }

    #[tokio::test]
    async fn a_unix_socket_is_for_user_and_group_and_its_file_goes_with_it() {
        let path = path();
        let address = Address::Unix(path.clone());
        let listening = Listening::open(&address, Family::Both).unwrap();
        assert_eq!(listening.address().unwrap(), address);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, SOCKET_MODE);
        let taken = Listening::open(&address, Family::Both).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse, "somebody listens there");
        drop(listening);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn what_a_killed_process_has_left_is_no_hindrance_and_other_files_stay() {
        let path = path();
        drop(net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "as after a kill");
        let first = Listening::open(&Address::Unix(path.clone()), Family::Both).unwrap();
        // Somebody else's socket takes the place of ours.
        fs::remove_file(&path).unwrap();
        let other = net::UnixListener::bind(&path).unwrap();
        drop(first);
        assert!(path.exists(), "it is not ours");
        drop(other);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "a text").unwrap();
        assert!(Listening::open(&Address::Unix(path.clone()), Family::Both).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "a text");
        fs::remove_file(&path).unwrap();
    }

    #[tokio::test]
    async fn ipv4_and_ipv6_can_have_a_listener_each() {
        let Ok(v6) = Listening::open(&"[::]:0".parse().unwrap(), Family::Own) else {
            return; // This machine has no IPv6.
        };
        let Ok(Address::Tcp(address)) = v6.address() else { panic!("not TCP") };
        let v4 = Address::Tcp(([0, 0, 0, 0], address.port()).into());
        assert_eq!(Listening::open(&v4, Family::Both).unwrap().address().unwrap(), v4);
    }
}
