//! The addresses that a process listens on, their certificates, and the rule that nothing
//! unprotected can be reached from other machines.

use std::path::PathBuf;

use gateway::config::Peers;
use serving::{
    ops_token::OpsToken,
    socket::Address,
    tls::{self, AcceptedNames, TlsError, TlsFiles},
};

use super::{
    faults::with_causes,
    reader::Reader,
    role::Role,
    spec::{Optional, Row},
    table::{
        INSECURE_LISTEN, LISTEN, OPS_LISTEN, OPS_TLS_CERT, OPS_TLS_CLIENT_CA, OPS_TLS_CLIENT_NAMES,
        OPS_TLS_KEY, OPS_TOKEN_FILE, TLS_CERT, TLS_CLIENT_CA, TLS_CLIENT_NAME, TLS_CLIENT_NAMES, TLS_KEY,
    },
};

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Where.
    pub address: Address,
    /// The certificate files; plain without them.
    pub tls: Option<TlsFiles>,
}

/// The listeners for health checks and metrics, and what whoever asks there from elsewhere has to
/// show. `shared` are the certificate files of the other
/// listeners.
pub fn ops(reader: &mut Reader, shared: Option<&TlsFiles>) -> (Vec<Listener>, Option<OpsToken>) {
    let addresses = reader.get(&OPS_LISTEN).0;
    let own = of_ops(reader);
    // The names that are accepted there are those of proxies.
    let shared = || shared.map(|files| TlsFiles { client_names: AcceptedNames::Any, ..files.clone() });
    let files = own.or_else(shared);
    let token = ops_token(reader);
    let has_token = reader.is_given(&OPS_TOKEN_FILE);
    let authority = files.as_ref().is_some_and(|files| files.client_ca.is_some() || has_token);
    if !authority && ops_files_are_sound(reader) {
        let remedy = "give --ops-tls-cert, --ops-tls-key and --ops-tls-client-ca (or --tls-cert, --tls-key and \
                      --tls-client-ca; in place of an authority --ops-token-file will do), or listen on 127.0.0.1";
        protect(reader, &OPS_LISTEN, &addresses, remedy);
    }
    are_different(reader, &OPS_LISTEN, &addresses);
    // On this machine, health checks and metrics need no certificate.
    let tls = |address: &Address| files.clone().filter(|_| !address.is_local());
    let listeners = addresses.iter().map(|address| Listener { address: address.clone(), tls: tls(address) });
    (listeners.collect(), token)
}

/// What whoever watches from elsewhere has to show.
fn ops_token(reader: &mut Reader) -> Option<OpsToken> {
    let path = reader.find(&OPS_TOKEN_FILE)?;
    OpsToken::read(&path).map_err(|fault| reader.wrong(&OPS_TOKEN_FILE, &with_causes(&fault))).ok()
}

/// The listeners for clients, and who may connect to them.
pub fn clients(reader: &mut Reader, files: Option<&TlsFiles>, ops: &[Listener]) -> (Vec<Listener>, Peers) {
    let addresses = reader.get(&LISTEN).0;
    if let Some(insecure) = reader.find(&INSECURE_LISTEN) {
        if reader.is_given(&LISTEN) {
            let fault = "there is one kind of listener for clients: give one of the two";
            reader.conflict(&[&LISTEN, &INSECURE_LISTEN], fault);
        }
        let address = Address::Tcp(insecure);
        differ(reader, &INSECURE_LISTEN, std::slice::from_ref(&address), ops);
        return (vec![Listener { address, tls: None }], Peers::Proxies);
    }
    if files.is_none() && files_are_sound(reader) {
        let remedy = "give --tls-cert and --tls-key, or listen on 127.0.0.1";
        protect(reader, &LISTEN, &addresses, remedy);
    }
    are_different(reader, &LISTEN, &addresses);
    differ(reader, &LISTEN, &addresses, ops);
    let tls = |address: &Address| files.cloned().filter(|_| matches!(address, Address::Tcp(_)));
    let listeners = addresses.iter().map(|address| Listener { address: address.clone(), tls: tls(address) });
    (listeners.collect(), Peers::Anybody)
}

/// Nothing plain can be reached from other machines.
fn protect(reader: &mut Reader, option: &dyn Row, addresses: &[Address], remedy: &str) {
    for address in addresses.iter().filter(|address| !address.is_local()) {
        let fault = format!("{address} can be reached from other machines: {remedy}");
        reader.conflict(&[option], &fault);
    }
}

/// The addresses of an option are given once each.
fn are_different(reader: &mut Reader, option: &dyn Row, addresses: &[Address]) {
    for (number, address) in addresses.iter().enumerate() {
        if addresses[..number].iter().any(|other| address.is_taken_by(other)) {
            reader.conflict(&[option], &format!("{address} is given twice: give it once"));
        }
    }
}

/// Two listeners have two addresses.
fn differ(reader: &mut Reader, option: &dyn Row, addresses: &[Address], ops: &[Listener]) {
    for address in addresses.iter().filter(|address| ops.iter().any(|ops| address.is_taken_by(&ops.address)))
    {
        let remedy = match address {
            Address::Tcp(_) => "ports",
            Address::Unix(_) => "paths",
        };
        let fault = format!("both are {address}: give them different {remedy}");
        reader.conflict(&[option, &OPS_LISTEN], &fault);
    }
}

fn files_are_sound(reader: &Reader) -> bool {
    reader.is_sound(&TLS_CERT) && reader.is_sound(&TLS_KEY)
}

fn ops_files_are_sound(reader: &Reader) -> bool {
    let rows: [&dyn Row; 4] = [&TLS_CLIENT_CA, &OPS_TLS_CERT, &OPS_TLS_KEY, &OPS_TLS_CLIENT_CA];
    files_are_sound(reader) && rows.into_iter().all(|row| reader.is_sound(row))
}

/// The certificate files of all listeners that have none of their own.
pub fn certificates(reader: &mut Reader) -> Option<TlsFiles> {
    let accepted = if matches!(reader.role, Role::Serve | Role::Gateway) {
        let name = reader.find(&TLS_CLIENT_NAME).map(|name| AcceptedNames::Name(name.0));
        let listed = reader.find(&TLS_CLIENT_NAMES).map(AcceptedNames::Listed);
        if name.is_some() && listed.is_some() {
            reader.conflict(&[&TLS_CLIENT_NAME, &TLS_CLIENT_NAMES], "give only one of them");
        }
        name.or(listed).unwrap_or(AcceptedNames::Any)
    } else {
        AcceptedNames::Any
    };
    SHARED.read(reader, accepted)
}

/// The certificate files of the listener for health checks and metrics alone.
fn of_ops(reader: &mut Reader) -> Option<TlsFiles> {
    let listed = reader.find(&OPS_TLS_CLIENT_NAMES).map(AcceptedNames::Listed);
    OF_OPS.read(reader, listed.unwrap_or(AcceptedNames::Any))
}

/// The options that name the files of a listener.
struct FileRows {
    cert: &'static Optional<PathBuf>,
    key: &'static Optional<PathBuf>,
    client_ca: &'static Optional<PathBuf>,
    /// Those of the names that are accepted.
    names: &'static [&'static dyn Row],
}

static SHARED: FileRows = FileRows {
    cert: &TLS_CERT,
    key: &TLS_KEY,
    client_ca: &TLS_CLIENT_CA,
    names: &[&TLS_CLIENT_NAME, &TLS_CLIENT_NAMES],
};

static OF_OPS: FileRows = FileRows {
    cert: &OPS_TLS_CERT,
    key: &OPS_TLS_KEY,
    client_ca: &OPS_TLS_CLIENT_CA,
    names: &[&OPS_TLS_CLIENT_NAMES],
};

impl FileRows {
    fn read(&self, reader: &mut Reader, client_names: AcceptedNames) -> Option<TlsFiles> {
        let (cert, key) = (reader.find(self.cert), reader.find(self.key));
        let client_ca = reader.find(self.client_ca);
        let (cert_flag, key_flag, ca_flag) = (self.cert.flag(), self.key.flag(), self.client_ca.flag());
        for names in self.names {
            if reader.is_given(*names) && !reader.is_given(self.client_ca) {
                let fault = format!("it needs {ca_flag}: without it no client certificate is asked for");
                reader.conflict(&[*names], &fault);
            }
        }
        let missing: Option<(&dyn Row, String)> =
            match (reader.is_given(self.cert), reader.is_given(self.key)) {
                (true, false) => Some((self.key, format!("{cert_flag} needs it: give both"))),
                (false, true) => Some((self.cert, format!("{key_flag} needs it: give both"))),
                (false, false) if reader.is_given(self.client_ca) => {
                    Some((self.cert, format!("{ca_flag} needs it, and {key_flag}: give all three")))
                }
                _ => None,
            };
        if let Some((row, fault)) = missing {
            reader.wrong(row, &fault);
        }
        let files = TlsFiles { cert: cert?, key: key?, client_ca, client_names };
        for fault in tls::check(&files) {
            reader.wrong(self.option_of(&fault, &files), &fault.to_string());
        }
        Some(files)
    }

    /// The option that names the file with the fault.
    fn option_of(&self, fault: &TlsError, files: &TlsFiles) -> &dyn Row {
        match fault {
            TlsError::File { path, .. } if *path == files.cert => self.cert,
            TlsError::File { path, .. } if *path == files.key => self.key,
            TlsError::File { .. } | TlsError::Authority { .. } | TlsError::Verifier(_) => self.client_ca,
            TlsError::Certificate(_) => self.cert,
            TlsError::Name(_) => self.names[0],
            TlsError::Names { .. } => self.names[self.names.len() - 1],
        }
    }
}
