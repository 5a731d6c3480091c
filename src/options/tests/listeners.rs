//! Where clients and operators may connect, and with which certificates.

use gateway::config::Peers;

use super::{Directory, faults, read};
use crate::options::{configuration::Serve, listeners::Listener};

#[test]
fn nothing_plain_is_offered_to_other_machines() {
    assert_eq!(
        faults::<Serve>(&["--listen=0.0.0.0:8080", "--ops-listen=[::]:9090"], &[]),
        [
            "--listen: 0.0.0.0:8080 can be reached from other machines: give --tls-cert and --tls-key, or \
             listen on 127.0.0.1",
            "--ops-listen: [::]:9090 can be reached from other machines: give --ops-tls-cert, --ops-tls-key and \
             --ops-tls-client-ca (or --tls-cert, --tls-key and --tls-client-ca; in place of an authority \
             --ops-token-file will do), or listen on 127.0.0.1",
        ]
    );
    assert_eq!(
        read::<Serve>(&["--listen=localhost:1"]).unwrap().clients[0].address.to_string(),
        "127.0.0.1:1"
    );
    assert_eq!(
        faults::<Serve>(&["--listen=127.0.0.1:1", "--ops-listen=127.0.0.1:1"], &[]),
        ["--listen and --ops-listen: both are 127.0.0.1:1: give them different ports"]
    );
    assert!(read::<Serve>(&["--listen=127.0.0.1:0", "--ops-listen=127.0.0.1:0"]).is_ok());
}

#[test]
fn several_addresses_are_protected_one_by_one() {
    let directory = Directory::new();
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let cert = directory.file("cert", &certificate.cert.pem());
    let key = directory.file("key", &certificate.signing_key.serialize_pem());
    let files = ["--tls-cert", &cert, "--tls-key", &key, "--tls-client-ca", &cert];
    let listen = ["--listen=[::]:8443,unix:/run/a.sock", "--listen=127.0.0.1:8443"];
    let ops = ["--ops-listen", "127.0.0.1:9090,0.0.0.0:9091,unix:/run/ops.sock"];
    let serve = read::<Serve>(&[&files[..], &listen, &ops].concat()).unwrap();
    let shown = |listeners: &[Listener]| -> Vec<_> {
        listeners.iter().map(|listener| (listener.address.to_string(), listener.tls.is_some())).collect()
    };
    let expected = |all: [(&str, bool); 3]| all.map(|(address, is_tls)| (address.to_owned(), is_tls));
    let of_clients = [("[::]:8443", true), ("unix:/run/a.sock", false), ("127.0.0.1:8443", true)];
    assert_eq!(shown(&serve.clients), expected(of_clients));
    let of_ops = [("127.0.0.1:9090", false), ("0.0.0.0:9091", true), ("unix:/run/ops.sock", false)];
    assert_eq!(shown(&serve.node.ops), expected(of_ops));

    let remedy = "can be reached from other machines: give --tls-cert and --tls-key, or listen on 127.0.0.1";
    assert_eq!(
        faults::<Serve>(&["--listen=127.0.0.1:1,0.0.0.0:2,unix:/a,10.0.0.1:3"], &[]),
        [format!("--listen: 0.0.0.0:2 {remedy}"), format!("--listen: 10.0.0.1:3 {remedy}")]
    );
    assert_eq!(
        faults::<Serve>(&["--listen=unix:/a,unix:/a", "--ops-listen=unix:/a"], &[]),
        [
            "--listen and --ops-listen: both are unix:/a: give them different paths",
            "--listen: unix:/a is given twice: give it once",
        ]
    );
    assert_eq!(faults::<Serve>(&["--listen=,"], &[]), ["--listen: the list of addresses is empty"]);
}

#[test]
fn a_plain_listener_that_others_can_reach_is_for_proxies_alone() {
    let insecure = "--insecure-listen=0.0.0.0:8080";
    let serve = read::<Serve>(&[insecure, "--trusted-proxy=172.17.0.0/16"]).unwrap();
    let [Listener { address, tls: None }] = &serve.clients[..] else { panic!("{:?}", serve.clients) };
    assert_eq!(address.to_string(), "0.0.0.0:8080");
    assert_eq!(serve.gateway.peers, Peers::Proxies);
    assert_eq!(read::<Serve>(&[]).unwrap().gateway.peers, Peers::Anybody);
    assert_eq!(
        faults::<Serve>(&[insecure], &[]),
        [
            "--insecure-listen and --trusted-proxy: nobody could connect: name the networks of the proxies that may"
        ]
    );
    for wide in ["0.0.0.0/0", "203.0.113.9", "::/0"] {
        let reported = faults::<Serve>(&[insecure, "--trusted-proxy", wide], &[]);
        assert!(reported[0].starts_with("--insecure-listen and --trusted-proxy: "), "{reported:?}");
        assert!(reported[0].contains("is not a private network"), "{reported:?}");
    }
    let both = [insecure, "--listen=127.0.0.1:1", "--trusted-proxy=10.0.0.0/8"];
    assert_eq!(
        faults::<Serve>(&both, &[]),
        ["--listen and --insecure-listen: there is one kind of listener for clients: give one of the two"]
    );
}

#[test]
fn no_more_connections_are_promised_than_there_can_be() {
    let room = crate::sockets::room_for_clients();
    assert_eq!(read::<Serve>(&["--connections", "100"]).unwrap().gateway.connections, Some(100));
    assert_eq!(read::<Serve>(&[]).unwrap().gateway.connections, None);
    if let Some(more) = room.checked_add(1) {
        let reported = faults::<Serve>(&["--connections", &more.to_string()], &[]);
        assert!(reported[0].contains(&format!("{room} at most")), "{reported:?}");
    }
    assert_eq!(
        faults::<Serve>(&["--connections=0"], &[]),
        [r#"--connections: "0" is not a whole number from 1 to 4294967295"#]
    );
}

#[test]
fn unusable_certificates_are_reported_with_their_options() {
    let directory = Directory::new();
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let cert = directory.file("cert", &certificate.cert.pem());
    let key = directory.file("key", &certificate.signing_key.serialize_pem());
    let other = directory.file("other", &rcgen::KeyPair::generate().unwrap().serialize_pem());
    let empty = directory.file("empty", "");
    let folder = directory.0.display().to_string();
    let flags = |words: &[&str]| -> Vec<String> {
        let text = faults::<Serve>(words, &[]);
        text.iter().map(|fault| fault.split_once(": ").unwrap().0.to_owned()).collect()
    };
    let with = |cert: &str, key: &str, ca: &str| {
        flags(&["--tls-cert", cert, "--tls-key", key, "--tls-client-ca", ca, "--tls-client-name=proxy"])
    };
    assert!(with(&cert, &key, &cert).is_empty());
    let (none, nil) = (directory.file("none", "-"), directory.file("nil", "-"));
    assert_eq!(with(&empty, &none, &nil), ["--tls-cert", "--tls-key", "--tls-client-ca"]);
    assert_eq!(with(&folder, "/nowhere", &folder), ["--tls-cert", "--tls-key", "--tls-client-ca"]);
    assert_eq!(with(&cert, &other, &cert), ["--tls-cert"], "they do not fit");
    assert_eq!(flags(&["--tls-key", &key]), ["--tls-cert"]);
    assert_eq!(
        flags(&["--tls-cert", &cert, "--tls-key", &key, "--tls-client-name", "not a name"]),
        ["--tls-client-name"]
    );
    assert_eq!(
        flags(&["--tls-cert", &cert, "--tls-key", &key, "--tls-client-name", "proxy"]),
        ["--tls-client-name"],
        "nobody is asked for a certificate"
    );
    let names = directory.file("names", "proxy.g1\n");
    let shared = ["--tls-cert", &cert, "--tls-key", &key, "--tls-client-ca", &cert];
    let listed = |names: &str| flags(&[&shared[..], &["--tls-client-names", names]].concat());
    assert!(listed(&names).is_empty());
    assert_eq!(listed(&empty), ["--tls-client-names"]);
    assert_eq!(
        flags(&[&shared[..], &["--tls-client-names", &names, "--tls-client-name", "proxy"]].concat()),
        ["--tls-client-name and --tls-client-names"]
    );
    let ops = |ca: &str, names: &str| {
        let files = ["--ops-tls-cert", &cert, "--ops-tls-key", &key, "--ops-tls-client-ca", ca];
        flags(&[&files[..], &["--ops-tls-client-names", names, "--ops-listen", "0.0.0.0:1"]].concat())
    };
    assert!(ops(&cert, &names).is_empty());
    assert_eq!(ops(&empty, &names), ["--ops-tls-client-ca"]);
    assert_eq!(ops(&cert, "/nowhere"), ["--ops-tls-client-names"]);
    assert_eq!(flags(&["--ops-tls-client-ca", &cert]), ["--ops-tls-cert"]);
    let nats = ["--nats", "nats://a", "--nats-cert", &cert, "--nats-key", &other, "--nats-ca", &empty];
    assert_eq!(flags(&nats), ["--nats-ca"]);
    assert_eq!(flags(&nats[..6]), ["--nats-cert and --nats-key"]);
}
