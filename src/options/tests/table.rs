//! Whether the table of options, its help, the documents and what is read of it are one.

use std::{fmt::Debug, time::Duration};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::STANDARD};
use gateway::{config::Config, rates::BURST};
use pairing::FairBy;
use schemas::{
    BootId, UnixMillis, lifetimes, limits,
    order::{Order, SignedOrder},
};
use session::Topology;

use super::{Directory, ON_NATS, read};
use crate::{
    duration,
    options::{
        configuration::{Configuration, Console, Gateway, Janitor, Pairing, Serve},
        help,
        role::Role,
        spec::{Default, Group, Row},
        table::{self, TABLE},
    },
};

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
        // It differs from others by what it holds.
        let mut revoked = passes::Revocations::default();
        revoked.add(passes::PassId([suffix.len() as u8; 16]), None, bus::Clock::start().now());
        let list = revoked.sign(bus::Clock::start().now(), &operator("one")).unwrap();
        let text: &str = match row.spec().name {
            "order-key" | "pass-key" => &public,
            "orders" => &order,
            "revoked-passes" => &list,
            name if name.ends_with("-key") => &key,
            name if name.ends_with("-names") => "proxy.g1",
            "ops-token-file" => "kYl3xv2Q9pXw8nBz5rTc7uHd4mJf6aGe",
            "welcome" | "answers" => suffix,
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
                && (name, changed) != ("revoked-passes", "pass-key")
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
fn the_table_is_in_order() {
    let mut names: Vec<_> = TABLE.iter().map(|row| row.spec().name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), TABLE.len(), "no name twice");
    let mut groups: Vec<_> = TABLE.iter().map(|row| row.spec().group).collect();
    groups.dedup();
    assert_eq!(groups, Group::ALL, "each group in one piece");
    for row in TABLE.iter() {
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
    let hints = include_str!("../../../crates/bench/src/hint.rs");
    let flags = hints.split(|c: char| !(c.is_ascii_lowercase() || c == '-'));
    let flags: Vec<_> = flags.filter(|word| word.len() > 2 && word.starts_with("--")).collect();
    assert!(!flags.is_empty());
    for flag in flags {
        assert!(TABLE.iter().any(|row| row.flag() == flag), "{flag}");
    }
}
