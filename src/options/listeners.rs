//! The addresses that a process listens on, their certificates, and the rule that nothing
//! unprotected can be reached from other machines.

use std::net::SocketAddr;

use gateway::config::Peers;
use serving::tls::{self, TlsError, TlsFiles};

use super::{
    reader::Reader,
    role::Role,
    spec::Row,
    table::{INSECURE_LISTEN, LISTEN, OPS_LISTEN, TLS_CERT, TLS_CLIENT_CA, TLS_CLIENT_NAME, TLS_KEY},
};

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// IP address and port.
    pub address: SocketAddr,
    /// The certificate files; plain TCP without them.
    pub tls: Option<TlsFiles>,
}

/// The listener for health checks and metrics.
pub fn ops(reader: &mut Reader, files: Option<&TlsFiles>) -> Listener {
    let address = reader.get(&OPS_LISTEN);
    let authority = files.is_some_and(|files| files.client_ca.is_some());
    if !is_local(address) && !authority && files_are_sound(reader) && reader.is_sound(&TLS_CLIENT_CA) {
        let remedy = "give --tls-cert, --tls-key and --tls-client-ca, or listen on 127.0.0.1";
        let fault = format!("{address} can be reached from other machines: {remedy}");
        reader.conflict(&[&OPS_LISTEN], &fault);
    }
    // On loopback, health checks and metrics need no certificate.
    Listener { address, tls: files.filter(|_| !is_local(address)).cloned() }
}

/// The listener for clients, and who may connect to it.
pub fn clients(reader: &mut Reader, files: Option<&TlsFiles>, ops: &Listener) -> (Listener, Peers) {
    let address = reader.get(&LISTEN);
    if let Some(insecure) = reader.find(&INSECURE_LISTEN) {
        if reader.is_given(&LISTEN) {
            let fault = "there is one listener for clients: give one of the two";
            reader.conflict(&[&LISTEN, &INSECURE_LISTEN], fault);
        }
        differ(reader, &INSECURE_LISTEN, insecure, ops);
        return (Listener { address: insecure, tls: None }, Peers::Proxies);
    }
    if !is_local(address) && files.is_none() && files_are_sound(reader) {
        let remedy = "give --tls-cert and --tls-key, or listen on 127.0.0.1";
        let fault = format!("{address} can be reached from other machines: {remedy}");
        reader.conflict(&[&LISTEN], &fault);
    }
    differ(reader, &LISTEN, address, ops);
    (Listener { address, tls: files.cloned() }, Peers::Anybody)
}

/// Two listeners have two addresses.
fn differ(reader: &mut Reader, option: &dyn Row, address: SocketAddr, ops: &Listener) {
    // Port 0 stands for any free port.
    if address == ops.address && address.port() != 0 {
        let fault = format!("both are {address}: give them different ports");
        reader.conflict(&[option, &OPS_LISTEN], &fault);
    }
}

fn is_local(address: SocketAddr) -> bool {
    address.ip().is_loopback()
}

fn files_are_sound(reader: &Reader) -> bool {
    reader.is_sound(&TLS_CERT) && reader.is_sound(&TLS_KEY)
}

/// The certificate files of all listeners.
pub fn certificates(reader: &mut Reader) -> Option<TlsFiles> {
    let (cert, key) = (reader.find(&TLS_CERT), reader.find(&TLS_KEY));
    let client_ca = reader.find(&TLS_CLIENT_CA);
    let client_name = if matches!(reader.role, Role::Serve | Role::Gateway) {
        reader.find(&TLS_CLIENT_NAME).map(|name| name.0)
    } else {
        None
    };
    if client_name.is_some() && !reader.is_given(&TLS_CLIENT_CA) {
        let fault = "it needs --tls-client-ca: without it no client certificate is asked for";
        reader.conflict(&[&TLS_CLIENT_NAME], fault);
    }
    let given = |row: &dyn Row| reader.is_given(row);
    let missing: Option<(&dyn Row, &str)> = match (given(&TLS_CERT), given(&TLS_KEY)) {
        (true, false) => Some((&TLS_KEY, "--tls-cert needs it: give both")),
        (false, true) => Some((&TLS_CERT, "--tls-key needs it: give both")),
        (false, false) if given(&TLS_CLIENT_CA) => {
            Some((&TLS_CERT, "--tls-client-ca needs it, and --tls-key: give all three"))
        }
        _ => None,
    };
    if let Some((row, fault)) = missing {
        reader.wrong(row, fault);
    }
    let files = TlsFiles { cert: cert?, key: key?, client_ca, client_name };
    for fault in tls::check(&files) {
        reader.wrong(option_of(&fault, &files), &fault.to_string());
    }
    Some(files)
}

/// The option that names the file with the fault.
fn option_of(fault: &TlsError, files: &TlsFiles) -> &'static dyn Row {
    match fault {
        TlsError::File { path, .. } if *path == files.cert => &TLS_CERT,
        TlsError::File { path, .. } if *path == files.key => &TLS_KEY,
        TlsError::File { .. } | TlsError::Authority { .. } | TlsError::Verifier(_) => &TLS_CLIENT_CA,
        TlsError::Certificate(_) => &TLS_CERT,
        TlsError::Name(_) => &TLS_CLIENT_NAME,
    }
}
