//! Who may connect to whom: both sides need a certificate of the same authority.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::Ordering::Relaxed,
};

use bus::{Bus, ConnectError, FrameRoute, NatsOptions, Status};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use schemas::{limits, subject::Interest};

use crate::{becomes, counted, heard_message, nats::NatsServer, node, want, within};

/// A directory with two authorities, `ours` and `theirs`, and certificates of both.
struct Pki {
    dir: PathBuf,
}

impl Pki {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("bus-tls-{}-{name}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let pki = Self { dir };
        for authority in ["ours", "theirs"] {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, authority);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
            fs::write(pki.path(&format!("{authority}-ca.pem")), issuer.pem()).unwrap();
            for (role, usage) in [
                ("server", ExtendedKeyUsagePurpose::ServerAuth),
                ("client", ExtendedKeyUsagePurpose::ClientAuth),
            ] {
                let mut params = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap();
                params.distinguished_name.push(DnType::CommonName, "g1");
                params.extended_key_usages = vec![usage];
                let key = KeyPair::generate().unwrap();
                let certificate = params.signed_by(&key, &issuer).unwrap();
                fs::write(pki.path(&format!("{authority}-{role}.pem")), certificate.pem()).unwrap();
                fs::write(pki.path(&format!("{authority}-{role}.key")), key.serialize_pem()).unwrap();
            }
        }
        pki
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    /// A server with a certificate of `authority` that accepts only clients of ours.
    fn server(&self, authority: &str) -> NatsServer {
        NatsServer::with_config(&format!(
            "tls {{ cert_file: {cert:?}, key_file: {key:?}, ca_file: {ca:?}, verify: true }}",
            cert = self.path(&format!("{authority}-server.pem")),
            key = self.path(&format!("{authority}-server.key")),
            ca = self.path("ours-ca.pem"),
        ))
    }

    fn options(&self, server: &NatsServer, client: Option<&str>) -> NatsOptions {
        NatsOptions {
            urls: vec![server.url()],
            ca: Some(self.path("ours-ca.pem")),
            cert: client.map(|client| self.path(&format!("{client}.pem"))),
            key: client.map(|client| self.path(&format!("{client}.key"))),
        }
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[tokio::test]
async fn nodes_and_servers_of_one_authority_connect() {
    let pki = Pki::new("meet");
    let server = pki.server("ours");
    let bus = Bus::nats(pki.options(&server, Some("ours-client")), node("g1")).await.unwrap();
    becomes(&bus, Status::Up).await;
    let mut subscription =
        bus.subscribe(&[Interest::Wants, Interest::RoomTraffic(node("g1"))]).await.unwrap();
    bus.publish(&want("g1")).unwrap();
    assert_eq!(heard_message(&mut subscription).await, want("g1"));
    let frames = bytes::Bytes::from(vec![7; limits::BUS_FRAMES_BYTES]);
    let route = FrameRoute { room: crate::room(1), to: node("g1") };
    for _ in 0..20 {
        let permit = within(bus.reserve_frames(frames.len())).await;
        bus.publish_frames_with(permit, &route, frames.clone()).unwrap();
        let bus::Heard::Frames { payload, .. } = crate::heard(&mut subscription).await else {
            panic!("frames")
        };
        assert_eq!(payload, frames);
    }
}

#[tokio::test]
async fn a_node_that_the_server_does_not_know_is_refused() {
    let pki = Pki::new("stranger");
    let server = pki.server("ours");
    let strangers = [
        pki.options(&server, Some("theirs-client")),
        pki.options(&server, Some("ours-server")),
        pki.options(&server, None),
        NatsOptions { ca: None, ..pki.options(&server, None) },
    ];
    for options in strangers {
        stays_out(options).await;
    }
}

#[tokio::test]
async fn a_server_that_the_node_does_not_know_is_refused() {
    let pki = Pki::new("foreign");
    stays_out(pki.options(&pki.server("theirs"), Some("ours-client"))).await;
    let wrong_role = NatsServer::with_config(&format!(
        "tls {{ cert_file: {:?}, key_file: {:?} }}",
        pki.path("ours-client.pem"),
        pki.path("ours-client.key")
    ));
    stays_out(pki.options(&wrong_role, Some("ours-client"))).await;
}

#[tokio::test]
async fn a_server_without_tls_is_refused_by_a_node_that_has_an_authority() {
    let pki = Pki::new("plain");
    let server = NatsServer::start();
    stays_out(pki.options(&server, Some("ours-client"))).await;
    stays_out(pki.options(&server, None)).await;
}

async fn stays_out(options: NatsOptions) {
    let bus = Bus::nats(options, node("g1")).await.unwrap();
    counted(&bus.counters().failed_connects, 2).await;
    assert_eq!(bus.counters().connects.load(Relaxed), 0);
    assert_eq!(*bus.status().borrow(), Status::Down);
}

#[tokio::test]
async fn a_mistake_in_the_files_is_reported_at_the_start() {
    let pki = Pki::new("mistakes");
    let server = NatsServer::start();
    let good = || pki.options(&server, Some("ours-client"));
    fs::write(pki.path("empty.pem"), "no certificate\n").unwrap();
    let refused = async |options| Bus::nats(options, node("g1")).await.expect_err("it is reported");
    let is_file =
        |fault: &ConnectError, file: &Path| matches!(fault, ConnectError::File { path, .. } if path == file);

    let absent = pki.path("absent.pem");
    let empty = pki.path("empty.pem");
    for file in [&absent, &empty] {
        for options in [
            NatsOptions { ca: Some(file.clone()), ..good() },
            NatsOptions { cert: Some(file.clone()), ..good() },
            NatsOptions { key: Some(file.clone()), ..good() },
        ] {
            let fault = refused(options).await;
            assert!(is_file(&fault, file) && fault.to_string().contains(".pem"), "{fault}");
        }
    }
    let fault = refused(NatsOptions { key: Some(pki.path("theirs-client.key")), ..good() }).await;
    assert!(matches!(fault, ConnectError::Certificate(_)), "{fault}");
    let fault = refused(NatsOptions { key: None, ..good() }).await;
    assert!(matches!(fault, ConnectError::Pair), "{fault}");
    let fault = refused(NatsOptions { urls: vec!["http://x".into()], ..good() }).await;
    assert!(matches!(fault, ConnectError::Url { number: 1 }), "{fault}");
}
