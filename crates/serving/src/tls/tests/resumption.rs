//! A resumed session opens what its certificate would open, and nothing more.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rcgen::date_time_ymd;

use super::*;
use crate::reload::{Certificates, Renewed};

/// 2026-01-01 and 2027-01-01, in seconds since the Unix epoch.
const START: u64 = 1_767_225_600;
const END: u64 = 1_798_761_600;
const HOUR: u64 = 60 * 60;

/// A clock that is set by hand.
#[derive(Debug)]
struct Set(AtomicU64);

impl TimeProvider for Set {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(self.0.load(Relaxed))))
    }
}

/// A door whose clock is set by hand.
struct Door {
    world: World,
    time: Arc<Set>,
    acceptor: Acceptor,
}

impl Door {
    fn new() -> Self {
        let world = world(named("nginx"));
        let time = Arc::new(Set(AtomicU64::new(START)));
        let acceptor = acceptor_at(&world.files, time.clone()).unwrap();
        Self { world, time, acceptor }
    }

    fn set(&self, now: u64) {
        self.time.0.store(now, Relaxed);
    }

    /// A client that remembers its sessions, with a certificate that ends in that year.
    fn client(&self, until: i32) -> Arc<ClientConfig> {
        let mut params = CertificateParams::new(vec!["nginx".to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.world.clients).unwrap();
        Arc::new(self.world.client_config(Some(&Identity { cert, key })))
    }

    /// How a handshake goes; `None` if the client is refused.
    async fn meet(&self, client: &Arc<ClientConfig>) -> Option<HandshakeKind> {
        meet(client, &self.acceptor).await
    }
}

#[tokio::test]
async fn who_has_a_certificate_resumes_and_nobody_else() {
    let mut door = Door::new();
    let known = door.client(2030);
    assert_eq!(door.meet(&known).await, Some(HandshakeKind::Full));
    // A ticket serves more than one connection.
    for _ in 0..3 {
        assert_eq!(door.meet(&known).await, Some(HandshakeKind::Resumed));
    }
    door.world.files.client_ca = None;
    let open = acceptor(&door.world.files).unwrap();
    for _ in 0..2 {
        assert_eq!(meet(&known, &open).await, Some(HandshakeKind::Full), "nothing links two connections");
    }
}

#[tokio::test]
async fn no_ticket_outlives_its_certificate_however_often_it_is_renewed() {
    for after in [1, 60, HOUR, 2 * HOUR, 4 * HOUR] {
        let door = Door::new();
        let ending = door.client(2027);
        // Resumed again and again, each time with a new ticket, until the end.
        door.set(END - 3 * HOUR);
        assert_eq!(door.meet(&ending).await, Some(HandshakeKind::Full));
        for minutes in (1..18).map(|tenth| 180 - 10 * tenth) {
            door.set(END - minutes * 60);
            assert_eq!(door.meet(&ending).await, Some(HandshakeKind::Resumed), "{minutes} minutes before");
        }
        door.set(END + after);
        assert_eq!(door.meet(&ending).await, None, "{after} s after the end");
    }
}

#[tokio::test]
async fn when_a_certificate_ends_all_shake_hands_in_full_for_a_time() {
    let door = Door::new();
    let (ending, staying) = (door.client(2027), door.client(2030));
    door.set(END - 60);
    for client in [&ending, &staying] {
        assert_eq!(door.meet(client).await, Some(HandshakeKind::Full));
        assert_eq!(door.meet(client).await, Some(HandshakeKind::Resumed));
    }
    // Whose a ticket is, is not told.
    for after in [0, 60, HOUR] {
        door.set(END + after);
        assert_eq!(door.meet(&staying).await, Some(HandshakeKind::Full), "{after} s after the end");
    }
    door.set(END + 3 * HOUR);
    assert_eq!(door.meet(&staying).await, Some(HandshakeKind::Full));
    assert_eq!(door.meet(&staying).await, Some(HandshakeKind::Resumed));
    assert_eq!(door.meet(&ending).await, None);
}

#[tokio::test]
async fn a_ticket_is_good_for_an_hour_at_most() {
    let door = Door::new();
    let known = door.client(2030);
    door.meet(&known).await;
    door.set(START + 25 * 60);
    assert_eq!(door.meet(&known).await, Some(HandshakeKind::Resumed));
    // By the key before.
    door.set(START + 50 * 60);
    assert_eq!(door.meet(&known).await, Some(HandshakeKind::Resumed));
    door.set(START + 79 * 60);
    assert_eq!(door.meet(&known).await, Some(HandshakeKind::Resumed));
    door.set(START + 139 * 60);
    assert_eq!(door.meet(&known).await, Some(HandshakeKind::Full));
    // A clock that was set back.
    door.set(START);
    assert_eq!(door.meet(&known).await, Some(HandshakeKind::Full));
}

/// A certificate is revoked by another list of names, or another authority.
#[tokio::test]
async fn a_revoked_certificate_resumes_nothing() {
    for revoke in [
        |world: &World| fs::write(world.directory.0.join("names.txt"), "nginx.g2\n").unwrap(),
        |world: &World| fs::write(world.directory.0.join("ca.pem"), authority().pem()).unwrap(),
    ] {
        let mut world = world(AcceptedNames::Any);
        world.files.client_names = AcceptedNames::Listed(world.directory.file("names.txt", "nginx.g1\n"));
        let certificates = Certificates::open(world.files.clone()).unwrap();
        let stolen = Arc::new(world.client_config(Some(&client(&world.clients, "nginx.g1"))));
        assert_eq!(meet(&stolen, &certificates.acceptor()).await, Some(HandshakeKind::Full));
        assert_eq!(certificates.renew().unwrap(), Renewed::Same);
        assert_eq!(meet(&stolen, &certificates.acceptor()).await, Some(HandshakeKind::Resumed));
        revoke(&world);
        assert_eq!(certificates.renew().unwrap(), Renewed::Taken);
        assert_eq!(meet(&stolen, &certificates.acceptor()).await, None);
    }
}

/// In TLS 1.2 a ticket would keep the keys of its session.
#[tokio::test]
async fn where_certificates_are_asked_for_tls_1_3_alone_is_spoken() {
    let mut door = Door::new();
    let known = client(&door.world.clients, "nginx");
    let old = Arc::new(door.world.client_config_of(Some(&known), &[&rustls::version::TLS12]));
    assert_eq!(door.meet(&old).await, None);
    door.world.files.client_ca = None;
    let open = acceptor(&door.world.files).unwrap();
    for _ in 0..2 {
        assert_eq!(meet(&old, &open).await, Some(HandshakeKind::Full));
    }
}
