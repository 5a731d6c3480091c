use std::{
    ffi::OsString,
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::STANDARD};
use bus::NatsOptions;
use gateway::{
    config::{Config, Matching, Peers, ProxyProtocol},
    rates::BURST,
};
use pairing::FairBy;
use schemas::{
    BootId, UnixMillis, lifetimes, limits,
    order::{Order, SignedOrder},
};
use session::Topology;

use super::{
    configuration::{Configuration, Console, Gateway, Janitor, Pairing, Serve},
    faults::Faults,
    help,
    listeners::Listener,
    role::Role,
    spec::{Default, Row},
    table::{self, TABLE},
};
use crate::duration;

/// What all roles but `serve` require.
const ON_NATS: [&str; 2] = ["--nats", "nats://127.0.0.1:4222"];

pub fn read_with<C: Configuration>(words: &[&str], environment: &[(&str, &str)]) -> Result<C, Faults> {
    let words: Vec<OsString> = words.iter().map(Into::into).collect();
    super::read_as(BootId(1), &words, environment_of(environment))
}

pub fn environment_of<'a>(
    variables: &'a [(&'a str, &'a str)],
) -> impl Iterator<Item = (OsString, OsString)> + 'a {
    variables.iter().map(|(name, value)| (name.into(), value.into()))
}

pub fn read<C: Configuration>(words: &[&str]) -> Result<C, Faults> {
    read_with(words, &[])
}

/// The faults of words and variables.
pub fn faults<C: Configuration>(words: &[&str], environment: &[(&str, &str)]) -> Vec<String> {
    let faults = read_with::<C>(words, environment).err().unwrap_or_default();
    faults.texts().into_iter().map(str::to_owned).collect()
}

/// The configuration of a role, as text.
fn configuration(role: Role, words: &[&str]) -> String {
    fn shown<C: Configuration + Debug>(words: &[&str]) -> String {
        match read::<C>(words) {
            Ok(configuration) => format!("{configuration:#?}"),
            Err(faults) => panic!("{words:?}:\n{faults}"),
        }
    }
    match role {
        Role::Serve => shown::<Serve>(words),
        Role::Gateway => shown::<Gateway>(words),
        Role::Pairing => shown::<Pairing>(words),
        Role::Janitor => shown::<Janitor>(words),
        Role::Console => shown::<Console>(words),
    }
}

fn rows(role: Role) -> impl Iterator<Item = &'static dyn Row> {
    // A file changes nothing by itself, and traces are refused by a program that has none.
    let of_traces = ["otlp-endpoint", "otlp-ca", "trace-sample"];
    let is_built = move |row: &dyn Row| cfg!(feature = "traces") || !of_traces.contains(&row.spec().name);
    TABLE.iter().copied().filter(move |row| row.is_of(role) && row.spec().name != "config" && is_built(*row))
}

#[test]
fn all_wrong_options_are_reported_together() {
    let wrong = [
        "chat",
        "--sesion-rate",
        "3",
        "--session-rate",
        "-1",
        "--listen",
        "0.0.0.0:1",
        "--ops-listen=8080",
        "--nats",
        "nats://a,http://u:secret@b",
        "--nats-cert",
        "/nowhere",
        "--trusted-proxy",
        "10.0.0.0/8,nonsense",
        "--trusted-proxy",
        "10.0.0.0/64",
        "--matching",
        "random,chance",
        "--grace",
        "5m",
        "--heartbeat",
        "0",
        "--pong-wait",
        "1s",
        "--pong-wait",
        "2s",
        "--allowed-origin",
        "https://Friend.example/",
        "--node-id",
        "--log-format",
        "xml",
    ];
    let environment =
        [("CIPHER_CHAT_FAME_RATE", "1"), ("CIPHER_CHAT_FIND_RATE", "many"), ("CIPHER_CHAT_INVITE", "a")];
    let number = "is not a whole number from 0 to 4294967295";
    let expected = [
        "a word is not expected here: options begin with --".to_owned(),
        "--sesion-rate is not an option: did you mean --session-rate?".to_owned(),
        "CIPHER_CHAT_FAME_RATE is not a variable of this program: did you mean CIPHER_CHAT_FRAME_RATE?"
            .to_owned(),
        "--listen: 0.0.0.0:1 can be reached from other machines: give --tls-cert and --tls-key, or listen \
         on 127.0.0.1"
            .to_owned(),
        r#"--ops-listen: "8080" is not an address to listen on: write IP:PORT, such as 127.0.0.1:8080 or [::]:443, or unix:/PATH"#.to_owned(),
        "--nats and --nats-ca: NATS server 1 of the list is not on a loopback address: it needs TLS (tls://, \
         an authority, or a certificate)"
            .to_owned(),
        "--nats: NATS server 2 of the list is not a nats:// or tls:// URL with a host and without a \
         password"
            .to_owned(),
        "--nats-cert: /nowhere: No such file or directory (os error 2)".to_owned(),
        "--nats-key: --nats-cert needs it: give both".to_owned(),
        "--node-id: a value is missing: write --node-id NAME".to_owned(),
        r#"--trusted-proxy: "10.0.0.0/64" is not a network: write one such as 10.0.0.0/8 or fd00::/8"#.to_owned(),
        r#"--trusted-proxy: "nonsense" is not a network: write one such as 10.0.0.0/8 or fd00::/8"#.to_owned(),
        r#"--allowed-origin: "https://Friend.example/" is not an origin: write scheme://host or scheme://host:port in lower case, and nothing after it, or null for pages from files"#.to_owned(),
        r#"--matching: "chance" is not a way to meet: choose random, invite or both"#.to_owned(),
        "--grace and --token-life: the grace is 300s: it must be more than zero and less than half the \
         token life (600s)"
            .to_owned(),
        format!(r#"--session-rate: "-1" {number}"#),
        format!(r#"--find-rate (CIPHER_CHAT_FIND_RATE): "many" {number}"#),
        "--heartbeat: it must be more than zero".to_owned(),
        "--pong-wait: it is given 2 times: give it once".to_owned(),
        r#"--log-format: "xml" is not a log format: choose text or json"#.to_owned(),
    ];
    assert_eq!(faults::<Gateway>(&wrong, &environment), expected);
}

#[test]
fn the_defaults_are_those_of_the_help() {
    for role in Role::ALL {
        let command = help::of_role(role);
        let needed = rows(role).filter(|row| row.is_required_by(role));
        let mut least = vec!["--node-id".to_owned(), "n1".to_owned()];
        least.extend(needed.flat_map(|row| [row.flag(), row.spec().example.to_owned()]));
        let mut all = least.clone();
        for row in rows(role).filter(|row| matches!(row.default(), Default::Value(_))) {
            let argument = command.get_arguments().find(|argument| argument.get_id() == row.spec().name);
            let help = argument.unwrap().get_help().unwrap().to_string();
            let default = help.split_once("[default: ").unwrap().1.split_once(']').unwrap().0;
            all.extend([row.flag(), default.to_owned()]);
        }
        let read =
            |words: &[String]| configuration(role, &words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(read(&all), read(&least), "{role:?}");
    }
    let Serve { node, nats, clients, gateway, fair_by } = read(&["--node-id", "n1"]).unwrap();
    assert_eq!(fair_by, FairBy::Origin);
    let expected = Config { topology: Topology::Standalone, ..Config::new("n1".parse().unwrap(), BootId(1)) };
    assert_eq!(format!("{gateway:?}"), format!("{expected:?}"));
    assert!(nats.is_none() && clients.iter().chain(&node.ops).all(|listener| listener.tls.is_none()));
    assert_eq!((clients.len(), node.ops.len()), (1, 1));
    let janitor = read::<Janitor>(&ON_NATS).unwrap();
    assert_eq!(janitor.lifetimes, lifetimes::Lifetimes::default());
}

#[test]
fn every_option_changes_the_configuration_of_each_of_its_roles() {
    let directory = Directory::new();
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (certificate.cert.pem(), certificate.signing_key.serialize_pem());
    let operator = |suffix: &str| Ed25519KeyPair::from_seed_unchecked(&[suffix.len() as u8; 32]).unwrap();
    let file = |row: &dyn Row, suffix: &str| {
        let (public, order) = (public_pem(&operator(suffix)), order_file(suffix, &operator("one")));
        let text: &str = match row.spec().name {
            "order-key" => &public,
            "orders" => &order,
            name if name.ends_with("-key") => &key,
            name if name.ends_with("-names") => "proxy.g1",
            "ops-token-file" => "kYl3xv2Q9pXw8nBz5rTc7uHd4mJf6aGe",
            "welcome" => suffix,
            _ => &cert,
        };
        directory.file(&format!("{}.{suffix}", row.spec().name), text)
    };
    for role in Role::ALL {
        // The listener for health checks uses certificates only where other machines can reach it.
        let base: Vec<(&dyn Row, String)> = rows(role)
            .filter_map(|row| match (row.form(), row.spec().name) {
                ("FILE", _) => Some((row, file(row, "one"))),
                (_, "node-id") => Some((row, "n1".to_owned())),
                (_, "ops-listen") => Some((row, "0.0.0.0:1".to_owned())),
                (_, "nats") => Some((row, "nats://nats:1".to_owned())),
                (_, "otlp-endpoint") => Some((row, "https://collector:1".to_owned())),
                (_, "trusted-proxy") => Some((row, "192.168.0.0/16".to_owned())),
                _ => None,
            })
            .collect();
        // Of one name and a list of names only one is given, and certificates of the ops listener
        // alone come before those of all listeners.
        let goes_with = |row: &dyn Row, changed: &dyn Row| {
            let (name, changed) = (row.spec().name, changed.spec().name);
            name != changed
                && (name, changed) != ("tls-client-names", "tls-client-name")
                // Orders are signed with one key.
                && (name, changed) != ("orders", "order-key")
                && !(name.starts_with("ops-tls-") && changed.starts_with("tls-"))
        };
        let configuration_with = |row: &dyn Row, value: Option<String>| {
            let others = base.iter().filter(|(other, _)| goes_with(*other, row));
            let value = value.map(|value| (row.flag(), value));
            let given = others.map(|(row, value)| (row.flag(), value.clone())).chain(value);
            let given: Vec<_> = given.map(|(flag, value)| format!("{flag}={value}")).collect();
            configuration(role, &given.iter().map(String::as_str).collect::<Vec<_>>())
        };
        for row in rows(role) {
            let own = base.iter().find(|(other, _)| other.flag() == row.flag());
            let before = configuration_with(row, own.map(|(_, value)| value.clone()));
            let value = if row.form() == "FILE" { file(row, "other") } else { row.spec().example.to_owned() };
            assert_ne!(configuration_with(row, Some(value)), before, "{} of {}", row.flag(), role.word());
        }
    }
}

fn public_pem(key: &Ed25519KeyPair) -> String {
    let head = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let spki = STANDARD.encode([&head, key.public_key().as_ref()].concat());
    format!("-----BEGIN PUBLIC KEY-----\n{spki}\n-----END PUBLIC KEY-----\n")
}

/// A file with this notice.
fn order_file(text: &str, key: &Ed25519KeyPair) -> String {
    let (now, life) = (UnixMillis(1), Duration::from_secs(1));
    orders::files::lines(&SignedOrder::sign(Order::Notice(text.into()), now, life, key).unwrap(), text)
}

#[test]
fn an_origin_may_name_the_usual_port_of_its_scheme() {
    let origins = "https://app.example:443,http://a.example:80,https://b.example:80,http://[::1]:8080";
    assert_eq!(
        read::<Serve>(&["--allowed-origin", origins]).unwrap().gateway.allowed_origins,
        ["https://app.example", "http://a.example", "https://b.example:80", "http://[::1]:8080"]
    );
}

#[test]
fn a_collector_is_named_by_scheme_host_and_port() {
    let told = |words: &[&str]| {
        read::<Serve>(words).map(|serve| serve.node.traces).map_err(|fault| fault.to_string())
    };
    for wrong in [
        "10.0.0.9:4317",
        "grpc://10.0.0.9:4317",
        "http://10.0.0.9",
        "http://:4317",
        "http://user:secret-word@host:4317",
        "http://host:4317/v1/traces",
        "http://host:0",
        "http://[::1:4317",
    ] {
        let fault = told(&["--otlp-endpoint", wrong]).unwrap_err();
        assert!(
            fault.contains("--otlp-endpoint: write http://HOST:PORT") && !fault.contains("secret-word"),
            "{fault}"
        );
    }
    for wrong in ["-0.1", "1.1", "NaN", "many", "1%"] {
        let fault = told(&["--trace-sample", wrong]).unwrap_err();
        assert!(fault.contains("write a number from 0 to 1"), "{fault}");
    }
    let directory = Directory::new();
    let fault = told(&["--otlp-ca", &directory.file("ca.pem", "any")]).unwrap_err();
    assert!(fault.contains("--otlp-ca: it needs --otlp-endpoint with https://"), "{fault}");
    assert_eq!(told(&[]).unwrap(), None);
}

#[cfg(feature = "traces")]
#[test]
fn traces_are_as_the_options_say() {
    for url in ["http://10.0.0.9:4317", "http://[::1]:4317/", "http://collector_1.internal:4317"] {
        let traces =
            read::<Serve>(&["--otlp-endpoint", url, "--trace-sample", "0.5"]).unwrap().node.traces.unwrap();
        assert_eq!((traces.endpoint.as_str(), traces.sample), (url, 0.5));
    }
    let sample = read::<Serve>(&["--otlp-endpoint", "http://a:1"]).unwrap().node.traces.unwrap().sample;
    assert_eq!(sample, 0.01);
    let directory = Directory::new();
    let ca = directory.file("ca.pem", "nonsense");
    let words = ["--otlp-endpoint", "https://a:1", "--otlp-ca", &ca];
    let fault = read::<Serve>(&words).unwrap_err().to_string();
    assert!(fault.contains("--otlp-ca") && fault.contains("authorities"), "{fault}");
    let missing = ["--otlp-endpoint", "https://a:1", "--otlp-ca", "/nowhere/ca.pem"];
    let fault = read::<Serve>(&missing).unwrap_err().to_string();
    assert!(fault.contains("--otlp-ca"), "{fault}");
}

#[cfg(not(feature = "traces"))]
#[test]
fn a_program_without_traces_says_so() {
    let fault = read::<Serve>(&["--otlp-endpoint", "http://a:1"]).unwrap_err().to_string();
    assert!(fault.contains("--otlp-endpoint: this program was built without traces"), "{fault}");
}

#[test]
fn the_table_is_in_order() {
    let mut names: Vec<_> = TABLE.iter().map(|row| row.spec().name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), TABLE.len(), "no name twice");
    let mut groups: Vec<_> = TABLE.iter().map(|row| row.spec().group).collect();
    groups.dedup();
    assert_eq!(groups, super::spec::Group::ALL, "each group in one piece");
    for row in TABLE {
        let name = row.spec().name;
        assert!(!row.spec().roles.is_empty(), "{name} is of no role");
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
        assert!(row.help().ends_with('.'), "{name}: {}", row.help());
        assert_ne!(row.default().to_string(), row.spec().example, "{name}");
    }
}

#[test]
fn the_help_of_a_rate_speaks_of_its_burst_and_of_zero() {
    let burst = format!("A burst of {BURST} times as much is let through; 0 turns the limit off.");
    let rates: Vec<_> = TABLE.iter().filter(|row| row.spec().name.ends_with("-rate")).collect();
    assert_eq!(rates.len(), 6);
    for rate in rates {
        assert!(rate.help().contains(&burst), "{}", rate.help());
    }
    assert!(table::CONNECTIONS_PER_ADDRESS.help().contains("0 turns the limit off"));
}

#[test]
fn the_bounds_in_the_help_are_those_of_the_code() {
    let bounds = [lifetimes::MIN_TOKEN_LIFE, limits::SESSION_LIFE].map(duration::show);
    assert!(table::TOKEN_LIFE.spec.help.contains(&bounds.join(" to ")), "{bounds:?}");
    assert!(table::NODE_ID.spec.help.contains(&format!("1 to {} of", limits::NODE_ID_CHARS)));
}

#[test]
fn a_role_knows_its_own_options_alone() {
    let pairing = read::<Pairing>(&["--nats", "nats://localhost", "--ops-listen", "127.0.0.1:8080"]).unwrap();
    assert_eq!(pairing.node.ops[0].address.to_string(), "127.0.0.1:8080");
    let foreign =
        faults::<Pairing>(&[&ON_NATS[..], &["--listen", "127.0.0.1:0", "--grace=1s"]].concat(), &[]);
    assert_eq!(
        foreign,
        [
            "--listen is an option of serve and gateway, not of pairing",
            "--grace is an option of serve, gateway and janitor, not of pairing"
        ]
    );
    let shared = [("CIPHER_CHAT_LISTEN", "nowhere"), ("CIPHER_CHAT_GRACE", "soon")];
    assert!(read_with::<Pairing>(&ON_NATS, &shared).is_ok(), "an environment may serve all nodes");
}

#[test]
fn only_serve_does_without_nats() {
    let expected =
        |role: &str| [format!("--nats: {role} needs it: give for example --nats nats://127.0.0.1:4222")];
    assert_eq!(faults::<Gateway>(&[], &[]), expected("gateway"));
    assert_eq!(faults::<Pairing>(&[], &[]), expected("pairing"));
    assert_eq!(faults::<Janitor>(&[], &[]), expected("janitor"));
    assert_eq!(read::<Serve>(&[]).unwrap().gateway.topology, Topology::Standalone);
    let serve = read::<Serve>(&ON_NATS).unwrap();
    assert_eq!(serve.gateway.topology, Topology::Cluster);
    assert!(matches!(serve.nats, Some(NatsOptions { urls, .. }) if urls == ON_NATS[1..]));
    let directory = Directory::new();
    let file = directory.file("ca.pem", "");
    assert_eq!(faults::<Serve>(&["--nats-ca", &file], &[]), ["--nats-ca: it needs --nats"]);
}

#[test]
fn the_command_line_wins_over_the_environment() {
    let environment = [("CIPHER_CHAT_SESSION_RATE", "many"), ("CIPHER_CHAT_FIND_RATE", "7")];
    let serve = read_with::<Serve>(&["--session-rate", "5"], &environment).unwrap();
    assert_eq!((serve.gateway.rates.session, serve.gateway.rates.find), (5, 7));
}

#[test]
fn a_switch_alone_is_on() {
    let proxy = "--trusted-proxy=10.0.0.0/8";
    let spoken = |words: &[&str]| {
        read::<Serve>(&[words, &[proxy]].concat()).unwrap().gateway.proxy_protocol == ProxyProtocol::Spoken
    };
    assert!(spoken(&["--proxy-protocol"]) && spoken(&["--proxy-protocol=true"]));
    assert!(!spoken(&[]) && !spoken(&["--proxy-protocol", "false"]));
    assert_eq!(
        faults::<Serve>(&["--proxy-protocol=yes", proxy], &[]),
        [r#"--proxy-protocol: "yes" is neither true nor false"#]
    );
    assert_eq!(
        faults::<Serve>(&["--proxy-protocol"], &[]),
        [
            "--trusted-proxy and --proxy-protocol: nobody would be believed: name the networks of the proxies that speak it"
        ]
    );
    let variable = [("CIPHER_CHAT_PROXY_PROTOCOL", "")];
    assert_eq!(faults::<Serve>(&[proxy], &variable).len(), 1, "a variable says what it means");
}

#[test]
fn an_empty_value_is_a_fault() {
    let empty = [("CIPHER_CHAT_TLS_CLIENT_CA", ""), ("CIPHER_CHAT_TOPICS", " , ")];
    assert_eq!(
        faults::<Serve>(&["--grace="], &empty),
        [
            "--tls-cert: --tls-client-ca needs it, and --tls-key: give all three",
            "--tls-client-ca (CIPHER_CHAT_TLS_CLIENT_CA): the variable is empty: give it a value, or unset it",
            "--topics (CIPHER_CHAT_TOPICS): the list of topics is empty",
            "--grace: the value is empty: give one, or leave the option out",
        ]
    );
}

#[test]
fn the_parts_of_a_list_are_joined() {
    let words = ["--trusted-proxy", "10.0.0.0/8,::1", "--trusted-proxy=192.0.2.1", "--topics", "tea, Go"];
    let gateway = read::<Serve>(&[&words[..], &["--matching=invite"]].concat()).unwrap().gateway;
    let proxies: Vec<_> = gateway.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["10.0.0.0/8", "::1/128", "192.0.2.1/32"]);
    let topics: Vec<_> = gateway.topics.unwrap().into_iter().map(|topic| topic.shown).collect();
    assert_eq!(topics, ["tea", "Go"]);
    assert_eq!(gateway.matching, Matching { random: false, invite: true });
}

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

#[test]
fn chat_and_bench_look_for_the_server_where_serve_listens() {
    let url = format!("http://{}", table::LISTEN.default());
    let command = help::command();
    for tool in ["chat", "bench"] {
        let mut tool = command.find_subcommand(tool).unwrap().clone();
        assert!(tool.render_long_help().to_string().contains(&url));
    }
}

#[test]
fn the_hints_of_bench_name_options_that_exist() {
    let hints = include_str!("../../crates/bench/src/hint.rs");
    let flags = hints.split(|c: char| !(c.is_ascii_lowercase() || c == '-'));
    let flags: Vec<_> = flags.filter(|word| word.len() > 2 && word.starts_with("--")).collect();
    assert!(!flags.is_empty());
    for flag in flags {
        assert!(TABLE.iter().any(|row| row.flag() == flag), "{flag}");
    }
}

/// Invites and passwords in forms that options and messages know, each with the part of it that no
/// message may show.
const SECRETS: [(&str, &str); 5] = [
    ("https://chat.example/x/#AAECAwQFBgcICQoLDA0ODw", "AAECAwQFBgcICQoLDA0ODw"),
    ("AAECAwQFBgcICQoLDA0OD", "AAECAwQFBgcICQoLDA0OD"),
    ("-AECAwQFBgcICQoLDA0ODw", "AECAwQFBgcICQoLDA0ODw"),
    ("https://me:hunter2@chat.example/?x", "hunter2"),
    ("abandon amount liar amount expire adjust cage candy arch gather drum zoo", "abandon"),
];

#[track_caller]
fn assert_hides(told: &str, core: &str, given_as: &str) {
    assert!(!told.contains(core), "{given_as}:\n{told}");
}

#[test]
fn no_fault_of_a_role_shows_a_secret_wherever_it_was_given() {
    for (secret, core) in SECRETS {
        for row in TABLE.iter().filter(|row| row.is_of(Role::Serve)) {
            let told = |words: &[&str], variables: &[(&str, &str)]| {
                read_with::<Serve>(words, variables).err().unwrap_or_default().to_string()
            };
            let (flag, variable) = (row.flag(), row.variable());
            // Topics are public: they are on the page.
            if row.spec().name == "topics" {
                continue;
            }
            let joined = format!("{flag}={secret}");
            // Only what has a password or a link's secret in it is known to be one.
            if secret.contains(['@', '#']) {
                assert_hides(&told(&[&flag, secret], &[]), core, &flag);
                assert_hides(&told(&[&joined], &[]), core, &flag);
                assert_hides(&told(&[], &[(&variable, secret)]), core, &variable);
            }
        }
        for words in [
            &[secret][..],
            &["--invite", secret],
            &[&format!("--invite={secret}")],
            &[&format!("--{secret}")],
        ] {
            let told = read_with::<Serve>(words, &[]).unwrap_err().to_string();
            assert_hides(&told, core, "serve");
        }
    }
}

#[test]
fn no_fault_of_a_command_shows_a_secret_wherever_it_was_given() {
    let told = |words: &[&str]| {
        let words: Vec<OsString> = ["cipher-chat"].iter().chain(words).map(Into::into).collect();
        match super::request(&words, std::iter::empty()) {
            Err(faults) => faults.to_string(),
            Ok(_) => String::new(),
        }
    };
    let command = help::command();
    for (secret, core) in SECRETS {
        assert_hides(&told(&[secret]), core, "as a command");
        for tool in ["chat", "bench", "decode", "probe"] {
            assert_hides(&told(&[tool, secret, secret]), core, tool);
            assert_hides(&told(&[tool, "--", secret, secret]), core, tool);
            assert_hides(&told(&[tool, &format!("--{secret}")]), core, tool);
            assert_hides(&told(&[tool, &format!("--sercet={secret}")]), core, tool);
            let arguments = command.find_subcommand(tool).unwrap().get_arguments();
            for flag in arguments.filter_map(|argument| argument.get_long()) {
                let flag = format!("--{flag}");
                assert_hides(&told(&[tool, &flag, secret]), core, &flag);
                assert_hides(&told(&[tool, &format!("{flag}={secret}")]), core, &flag);
                assert_hides(&told(&[tool, &flag, secret, &flag, secret]), core, &flag);
            }
        }
    }
}

/// A directory that is removed when this is dropped.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Self {
        let name = format!("cipher-chat-options-{:016x}", rand::random::<u64>());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn file(&self, name: &str, text: &str) -> String {
        let path: &Path = &self.0.join(name);
        fs::write(path, text).unwrap();
        path.display().to_string()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // At worst the directory stays.
        let _ = fs::remove_dir_all(&self.0);
    }
}
