//! Who gets through the handshake.

use std::{fs, path::PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::{ClientConfig, HandshakeKind, SupportedProtocolVersion, pki_types::PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::TlsConnector;

use super::*;

mod resumption;

/// A directory that is gone when the test is.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("gateway-tls-{:032x}", rand::random::<u128>()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

struct Identity {
    cert: rcgen::Certificate,
    key: KeyPair,
}

fn identity(authority: &Authority, name: &str, usage: ExtendedKeyUsagePurpose) -> Identity {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate().unwrap();
    Identity { cert: params.signed_by(&key, authority).unwrap(), key }
}

fn client(authority: &Authority, name: &str) -> Identity {
    identity(authority, name, ExtendedKeyUsagePurpose::ClientAuth)
}

struct World {
    directory: Directory,
    servers: Authority,
    clients: Authority,
    files: TlsFiles,
}

fn world(client_names: AcceptedNames) -> World {
    let (directory, servers, clients) = (Directory::new(), authority(), authority());
    let server = identity(&servers, "localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let files = TlsFiles {
        cert: directory.file("cert.pem", &server.cert.pem()),
        key: directory.file("key.pem", &server.key.serialize_pem()),
        client_ca: Some(directory.file("ca.pem", &clients.pem())),
        client_names,
    };
    World { directory, servers, clients, files }
}

impl World {
    /// Whether a client with this certificate hears an answer.
    async fn lets_in(&self, who: Option<&Identity>) -> bool {
        let acceptor = acceptor(&self.files).unwrap();
        meet(&Arc::new(self.client_config(who)), &acceptor).await.is_some()
    }

    fn client_config(&self, who: Option<&Identity>) -> ClientConfig {
        self.client_config_of(who, rustls::DEFAULT_VERSIONS)
    }

    fn client_config_of(
        &self,
        who: Option<&Identity>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ClientConfig {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.servers.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        match who {
            None => builder.with_no_client_auth(),
            Some(Identity { cert, key }) => {
                let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
                builder.with_client_auth_cert(vec![cert.der().clone()], key).unwrap()
            }
        }
    }
}

/// How the handshake went of a client that hears an answer.
async fn meet(client: &Arc<ClientConfig>, acceptor: &Acceptor) -> Option<HandshakeKind> {
    let (near, far) = duplex(64 * 1024);
    let server = async {
        let mut stream = acceptor.accept(far).await.ok()?;
        stream.write_all(b"welcome").await.ok()?;
        stream.shutdown().await.ok()
    };
    let client = async {
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(client.clone()).connect(name, near).await.ok()?;
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await.ok()?;
        stream.get_ref().1.handshake_kind().filter(|_| heard == b"welcome")
    };
    let (served, heard) = tokio::join!(server, client);
    assert_eq!(served.is_some(), heard.is_some());
    heard
}

fn named(name: &str) -> AcceptedNames {
    AcceptedNames::Name(name.into())
}

#[tokio::test]
async fn only_the_listed_clients_get_through() {
    let mut world = world(AcceptedNames::Any);
    world.files.client_names =
        AcceptedNames::Listed(world.directory.file("names.txt", "\nnginx.g2\n haproxy.g1 \n"));
    for (name, accepted) in [("nginx.g2", true), ("haproxy.g1", true), ("nginx.g1", false), ("nginx", false)]
    {
        assert_eq!(world.lets_in(Some(&client(&world.clients, name))).await, accepted, "{name}");
    }
    let foreign = client(&authority(), "nginx.g2");
    assert!(!world.lets_in(Some(&foreign)).await, "another authority");
    assert!(!world.lets_in(None).await, "no certificate");
}

#[test]
fn an_unfit_list_of_names_is_told() {
    let mut world = world(AcceptedNames::Any);
    for (text, told) in [("", "it holds no name"), ("nginx\nnot a name\n", "line 2 is not a DNS name")] {
        let list = world.directory.file("names.txt", text);
        world.files.client_names = AcceptedNames::Listed(list);
        let faults = check(&world.files);
        assert!(
            matches!(faults[..], [TlsError::Names { .. }]) && faults[0].to_string().ends_with(told),
            "{faults:?}"
        );
    }
    world.files.client_names = AcceptedNames::Listed(world.directory.0.join("missing"));
    assert!(matches!(check(&world.files)[..], [TlsError::Names { .. }]));
}

#[tokio::test]
async fn only_the_named_client_of_the_authority_gets_through() {
    let world = world(named("nginx"));
    let nginx = client(&world.clients, "nginx");
    assert!(world.lets_in(Some(&nginx)).await);
    assert!(!world.lets_in(None).await, "no certificate");
    for name in ["nginx2", "other", "x.nginx"] {
        assert!(!world.lets_in(Some(&client(&world.clients, name))).await, "{name}");
    }
    let foreign = client(&authority(), "nginx");
    assert!(!world.lets_in(Some(&foreign)).await, "another authority");
    let server = identity(&world.clients, "nginx", ExtendedKeyUsagePurpose::ServerAuth);
    assert!(!world.lets_in(Some(&server)).await, "not made for a client");
}

#[tokio::test]
async fn where_any_name_will_do_a_certificate_is_needed_still() {
    let world = world(AcceptedNames::Any);
    assert!(world.lets_in(Some(&client(&world.clients, "watcher"))).await);
    assert!(!world.lets_in(None).await);
    assert!(!world.lets_in(Some(&client(&authority(), "watcher"))).await);
}

#[tokio::test]
async fn without_an_authority_everybody_may_come() {
    let mut world = world(AcceptedNames::Any);
    world.files.client_ca = None;
    assert!(world.lets_in(None).await);
}

#[test]
fn an_unfit_file_is_named() {
    let World { directory, files, .. } = world(AcceptedNames::Any);
    let fault = |files: TlsFiles| acceptor(&files).err().unwrap().to_string();
    let missing = directory.0.join("missing.pem");
    let shown = missing.display().to_string();
    assert!(fault(TlsFiles { cert: missing.clone(), ..files.clone() }).starts_with(&shown));
    assert!(fault(TlsFiles { key: missing.clone(), ..files.clone() }).starts_with(&shown));
    assert!(fault(TlsFiles { client_ca: Some(missing), ..files.clone() }).starts_with(&shown));
    let empty = directory.file("empty.pem", "");
    assert!(fault(TlsFiles { cert: empty.clone(), ..files.clone() }).contains("empty.pem"));
    assert!(fault(TlsFiles { client_ca: Some(empty), ..files.clone() }).contains("empty.pem"));
    let other = directory.file("other.pem", &KeyPair::generate().unwrap().serialize_pem());
    assert!(fault(TlsFiles { key: other, ..files }).starts_with("the certificate and its key"));
}

#[test]
fn all_faults_of_the_files_are_reported_at_once() {
    let World { directory, files, .. } = world(named("nginx"));
    assert!(check(&files).is_empty());
    let other = directory.file("other.pem", &KeyPair::generate().unwrap().serialize_pem());
    assert!(matches!(check(&TlsFiles { key: other, ..files.clone() })[..], [TlsError::Certificate(_)]));
    let missing = |name: &str| directory.0.join(name);
    let wrong =
        TlsFiles { cert: missing("cert"), key: missing("key"), client_ca: Some(missing("ca")), ..files };
    let paths: Vec<_> = check(&wrong)
        .into_iter()
        .map(|fault| match fault {
            TlsError::File { path, .. } => path,
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(paths, [missing("cert"), missing("key"), missing("ca")]);
}
