//! A byte stream to a server: TCP, with TLS where the address asks for it.

use std::io;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use crate::server::{Scheme, Server, ServerUrl};

/// What both kinds of stream can do.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A stream to a server.
pub(crate) type Stream = Box<dyn Io>;

/// Opens a stream. It has no time limit of its own: the caller gives up by dropping it.
pub(crate) async fn dial(server: &Server, url: &ServerUrl) -> io::Result<Stream> {
    let tcp = TcpStream::connect((url.bare_host(), url.port)).await?;
    tcp.set_nodelay(true)?;
    match (url.scheme, &server.tls) {
        (Scheme::Plain, _) => Ok(Box::new(tcp)),
        (Scheme::Tls, Some(tls)) => {
            let name = url.certificate_name().ok_or(io::ErrorKind::InvalidInput)?;
            Ok(Box::new(tls.connect(name, tcp).await?))
        }
        // A `Server` has a connector if one of its addresses needs one.
        (Scheme::Tls, None) => Err(io::ErrorKind::InvalidInput.into()),
    }
}
