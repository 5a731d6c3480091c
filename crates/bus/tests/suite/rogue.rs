//! A node that has a certificate of the authority, and lies.

use std::{fs, path::PathBuf, sync::atomic::Ordering::Relaxed};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use bus::{Bus, BusFault, ConnectError, Doubt, NEEDED_PAYLOAD, NatsOptions, Status};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair as CertificateKey,
};
use schemas::{
    KeyId, NodeId, Service, UnixMillis,
    announcement::{Announcement, statement},
    limits,
    message::Message,
};

use crate::{becomes, connect, nats::NatsServer, node, ready, within};

/// Certificates of two authorities for some nodes, each with what it says of its role.
struct Pki {
    dir: PathBuf,
}

impl Pki {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("bus-rogue-{}-{name}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let pki = Self { dir };
        for authority in ["ours", "theirs"] {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, authority);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let issuer = CertifiedIssuer::self_signed(params, CertificateKey::generate().unwrap()).unwrap();
            fs::write(pki.path(&format!("{authority}.pem")), issuer.pem()).unwrap();
            let (client, server) = (ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth);
            for (file, common, unit, usage) in [
                ("g1", "g1", Some("gateway"), client.clone()),
                ("g2", "g2", None, client.clone()),
                ("p1", "p1", Some("pairing"), client),
                ("server", "g1", None, server),
            ] {
                let mut params = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap();
                params.distinguished_name.push(DnType::CommonName, common);
                if let Some(unit) = unit {
                    params.distinguished_name.push(DnType::OrganizationalUnitName, unit);
                }
                params.extended_key_usages = vec![usage];
                let key = CertificateKey::generate().unwrap();
                let certificate = params.signed_by(&key, &issuer).unwrap();
                fs::write(pki.path(&format!("{authority}-{file}.pem")), certificate.pem()).unwrap();
                fs::write(pki.path(&format!("{authority}-{file}.key")), key.serialize_pem()).unwrap();
            }
        }
        pki
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    fn options(&self, authority: &str, file: &str) -> NatsOptions {
        NatsOptions {
            // Nobody listens there: what is judged needs no connection.
            urls: vec!["nats://127.0.0.1:1".into()],
            ca: Some(self.path(&format!("{authority}.pem"))),
            cert: Some(self.path(&format!("{authority}-{file}.pem"))),
            key: Some(self.path(&format!("{authority}-{file}.key"))),
        }
    }

    async fn bus(&self, authority: &str, file: &str, id: &str) -> Bus {
        Bus::nats(self.options(authority, file), node(id)).await.unwrap()
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Announces a key of its own in the name of `named`, vouched for by `voucher`.
fn announce(key: &Ed25519KeyPair, named: &str, voucher: &Bus, not_after: UnixMillis) -> Announcement {
    let public: [u8; 32] = key.public_key().as_ref().try_into().unwrap();
    let said = statement(&KeyId::of_public(&public), not_after, &node(named));
    let possession = key.sign(&said).as_ref().try_into().unwrap();
    Announcement { public, not_after, node: node(named), possession, proof: voucher.vouch(&said) }
}

fn now() -> UnixMillis {
    bus::Clock::start().now()
}

#[tokio::test]
async fn only_a_gateway_vouches_for_a_key_and_only_for_its_own() {
    let pki = Pki::new("vouch");
    let (g1, g2) = (pki.bus("ours", "g1", "g1").await, pki.bus("ours", "g2", "g2").await);
    let p1 = pki.bus("ours", "p1", "p1").await;
    let (stranger, server) = (pki.bus("theirs", "g1", "g1").await, pki.bus("ours", "server", "g1").await);
    let key = Ed25519KeyPair::generate().unwrap();
    let end = UnixMillis(now().0 + 60_000);
    let good = announce(&key, "g1", &g1, end);
    assert_eq!(g2.believe(&good, now()), Ok(()));
    assert_eq!(p1.believe(&good, now()), Ok(()), "also a janitor or pairing judges it");
    let by_g2 = announce(&key, "g2", &g2, end);
    assert_eq!(g1.believe(&by_g2, now()), Ok(()), "a certificate need not say its role");

    let unsigned = Announcement { proof: None, ..good.clone() };
    let other_end = announce(&key, "g1", &g1, UnixMillis(end.0 + 1));
    for (forged, doubt) in [
        (announce(&key, "g1", &g2, end), Doubt::Name),
        (announce(&key, "p1", &p1, end), Doubt::Name),
        (announce(&key, "g1", &stranger, end), Doubt::Certificate),
        (announce(&key, "g1", &server, end), Doubt::Certificate),
        (unsigned, Doubt::Unsigned),
        // Proofs of another statement, and statements of another's key.
        (Announcement { proof: other_end.proof.clone(), ..good.clone() }, Doubt::Signature),
        (Announcement { not_after: other_end.not_after, ..good.clone() }, Doubt::Possession),
        (Announcement { node: node("g2"), ..good.clone() }, Doubt::Possession),
        (Announcement { public: [7; 32], ..good.clone() }, Doubt::Possession),
    ] {
        assert_eq!(g2.believe(&forged, now()), Err(doubt), "{forged:?}");
    }
    assert_eq!(g2.counters().doubted_keys.load(Relaxed), 9);
    let years = UnixMillis(now().0 + 100 * 365 * 24 * 3600 * 1000);
    let immortal = announce(&key, "g1", &g1, years);
    assert_eq!(g2.believe(&immortal, UnixMillis(u64::MAX / 2)), Err(Doubt::Certificate), "it has expired");
}

#[tokio::test]
async fn a_proof_that_is_padded_is_not_looked_at() {
    let pki = Pki::new("padded");
    let (g1, g2) = (pki.bus("ours", "g1", "g1").await, pki.bus("ours", "g2", "g2").await);
    let key = Ed25519KeyPair::generate().unwrap();
    let mut padded = announce(&key, "g1", &g1, UnixMillis(now().0 + 60_000));
    padded.proof.as_mut().unwrap().chain.push(vec![0; limits::PROOF_BYTES].into());
    assert_eq!(g2.believe(&padded, now()), Err(Doubt::Certificate));
    let mut long = announce(&key, "g1", &g1, UnixMillis(now().0 + 60_000));
    long.proof.as_mut().unwrap().chain.extend((0..limits::PROOF_CERTIFICATES).map(|_| vec![0].into()));
    assert_eq!(g2.believe(&long, now()), Err(Doubt::Certificate));
}

#[tokio::test]
async fn without_certificates_nothing_is_signed_and_a_key_is_still_its_owners() {
    let server = NatsServer::start();
    let (g1, g2) = (connect(&server, "g1").await, connect(&server, "g2").await);
    let key = Ed25519KeyPair::generate().unwrap();
    let good = announce(&key, "g1", &g1, UnixMillis(now().0 + 60_000));
    assert_eq!(good.proof, None);
    assert_eq!(g2.believe(&good, now()), Ok(()));
    let stolen = Announcement { node: node("g2"), ..good };
    assert_eq!(g2.believe(&stolen, now()), Err(Doubt::Possession));
}

#[tokio::test]
async fn a_node_whose_certificate_is_anothers_does_not_start() {
    let pki = Pki::new("name");
    let fault = Bus::nats(pki.options("ours", "g1"), node("g2")).await.unwrap_err();
    assert!(matches!(fault, ConnectError::Name { .. }), "{fault}");
    assert_eq!(pki.options("ours", "g1").names().unwrap(), Some(vec![node("g1")]));
}

#[tokio::test]
async fn a_renewed_certificate_vouches_from_then_on() {
    let pki = Pki::new("renewed");
    let (g1, g2) = (pki.bus("ours", "g1", "g1").await, pki.bus("ours", "g2", "g2").await);
    let copy = |from: &str, to: &str| fs::copy(pki.path(from), pki.path(to)).unwrap();
    for kind in ["pem", "key"] {
        copy(&format!("theirs-g1.{kind}"), &format!("ours-g1.{kind}"));
    }
    g1.renew_identity();
    let key = Ed25519KeyPair::generate().unwrap();
    let said = announce(&key, "g1", &g1, UnixMillis(now().0 + 60_000));
    assert_eq!(g2.believe(&said, now()), Err(Doubt::Certificate), "it is the new one");
    copy("theirs.pem", "ours.pem");
    g2.renew_identity();
    assert_eq!(g2.believe(&said, now()), Ok(()), "as the new authority says");
    fs::write(pki.path("ours-g1.pem"), "nonsense").unwrap();
    g1.renew_identity();
    assert!(g1.vouch(b"x").is_some(), "what cannot be read stays as it was");
}

/// Whoever asks cannot have a node publish where it likes.
#[tokio::test]
async fn a_question_that_names_no_inbox_of_its_asker_is_not_answered() {
    let server = NatsServer::start();
    let bus = connect(&server, "g1").await;
    becomes(&bus, Status::Up).await;
    bus.introduce(Service::Gateway, "1.2.3", now(), ready()).await;
    let mut syncs = bus.subscribe(&[schemas::subject::Interest::Syncs]).await.unwrap();
    let rogue = async_nats::connect(server.url()).await.unwrap();
    let mut everything = rogue.subscribe("cc.v1.want.>").await.unwrap();
    let mut victim = rogue.subscribe("_INBOX_g2.>").await.unwrap();
    for subject in ["$SRV.PING", "$SRV.INFO", "$SRV.STATS", "cc.v1.sync.rogue"] {
        for reply in ["cc.v1.want.g1", "_INBOX_g2.a.b.>", "$SRV.PING", "_INBOX_g2.abc"] {
            // Of the micro protocol nobody knows who asks; an answer in an inbox does no harm.
            if !(subject.starts_with('$') && reply == "_INBOX_g2.abc") {
                rogue.publish_with_reply(subject, reply, "".into()).await.unwrap();
            }
        }
    }
    rogue.publish_with_reply("cc.v1.sync.rogue", "_INBOX_rogue.abc", "".into()).await.unwrap();
    rogue.flush().await.unwrap();
    // The only one that is to be answered comes last, so the others have been dropped by then.
    let bus::Heard::Message { message, reply: Some(_), .. } = crate::heard(&mut syncs).await else {
        panic!("a question")
    };
    assert_eq!(message, Message::Sync { from: node("rogue") });
    // One more question, which is answered: the answers to those before it would be here by then.
    within(rogue.request("$SRV.PING", "".into())).await.unwrap();
    rogue.publish("cc.v1.want.end", "".into()).await.unwrap();
    rogue.publish("_INBOX_g2.end", "".into()).await.unwrap();
    let next = within(futures_util::StreamExt::next(&mut everything)).await.unwrap();
    assert_eq!(next.subject.as_str(), "cc.v1.want.end");
    let next = within(futures_util::StreamExt::next(&mut victim)).await.unwrap();
    assert_eq!(next.subject.as_str(), "_INBOX_g2.end");
}

#[tokio::test]
async fn a_server_that_takes_too_little_is_a_fault() {
    let small = NatsServer::with_config("max_payload: 65536");
    let bus = connect(&small, "g1").await;
    becomes(&bus, Status::Up).await;
    assert_eq!(bus.faults(), [BusFault::MaxPayload { allowed: 65536, needed: NEEDED_PAYLOAD }]);
    let enough = NatsServer::with_config(&format!("max_payload: {NEEDED_PAYLOAD}"));
    let bus = connect(&enough, "g1").await;
    becomes(&bus, Status::Up).await;
    assert_eq!(bus.faults(), []);
}

#[tokio::test]
async fn a_refused_sync_is_a_fault_until_it_is_allowed() {
    for denied in ["publish: { deny: \"cc.v1.sync.>\" }", "subscribe: { deny: \"_INBOX_g1.>\" }"] {
        let server = NatsServer::with_config(&format!(
            "accounts: {{ A: {{ users: [ {{ user: u, password: p, permissions: {{ {denied} }} }} ] }} }}\n\
             no_auth_user: u"
        ));
        let bus = connect(&server, "g1").await;
        becomes(&bus, Status::Up).await;
        assert_eq!(bus.faults(), []);
        let question: NodeId = node("g1");
        let _answers = bus.ask(Message::Sync { from: question }).unwrap();
        within(async {
            while bus.faults() != [BusFault::SyncRefused] {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}
