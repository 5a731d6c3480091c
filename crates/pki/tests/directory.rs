//! What lies in the directory after a run, after a second one, and after one that was cut off.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use pki::{MemberSpec, PkiError, PkiOptions, PlanError};
use schemas::UnixMillis;
use tempfile::TempDir;
use x509_parser::{parse_x509_certificate, pem::parse_x509_pem};

/// 26 November 2026.
const NOW: u64 = 1_795_651_200;

const DAY: u64 = 24 * 60 * 60;

fn specs(names: &[&str]) -> Option<Vec<MemberSpec>> {
    Some(names.iter().map(|name| name.parse().unwrap()).collect())
}

/// Two gateways and one of each other kind.
fn small(dir: &Path) -> PkiOptions {
    PkiOptions {
        dir: dir.into(),
        gateways: specs(&["gateway-1", "gateway-2=10.0.0.7+gw2.example"]),
        pairing: specs(&["pairing-1"]),
        janitors: specs(&["janitor-1"]),
        nats: specs(&["nats-1=127.0.0.1+localhost"]),
        proxies: specs(&["nginx"]),
        watchers: specs(&["prometheus"]),
        ..PkiOptions::default()
    }
}

fn again(dir: &Path) -> PkiOptions {
    PkiOptions { dir: dir.into(), ..PkiOptions::default() }
}

fn run_at(options: &PkiOptions, seconds: u64) -> Result<Vec<String>, PkiError> {
    pki::run(options, UnixMillis::from_secs(seconds))
}

fn run(options: &PkiOptions) -> Vec<String> {
    run_at(options, NOW).unwrap()
}

/// The files and what they hold.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

fn names(dir: &Path) -> BTreeSet<String> {
    let name = |path: PathBuf| path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
    contents(dir).into_keys().map(name).collect()
}

fn text(dir: &Path, file: &str) -> String {
    fs::read_to_string(dir.join(file)).unwrap()
}

/// Distinguished name, extended key usages and subject alternative names of a certificate.
fn certificate(dir: &Path, file: &str) -> (String, Vec<&'static str>, BTreeSet<String>) {
    let (_, pem) = parse_x509_pem(text(dir, file).as_bytes()).unwrap();
    let (_, certificate) = parse_x509_certificate(&pem.contents).unwrap();
    let usage = certificate.extended_key_usage().unwrap().unwrap().value.clone();
    assert!(!usage.any && !usage.code_signing && !usage.email_protection && usage.other.is_empty());
    let usages = [usage.server_auth.then_some("server"), usage.client_auth.then_some("client")];
    let names = certificate.subject_alternative_name().unwrap().unwrap().value;
    let names = names.general_names.iter().map(ToString::to_string).collect();
    assert!(!certificate.is_ca());
    (certificate.subject().to_string(), usages.into_iter().flatten().collect(), names)
}

#[test]
fn each_member_has_exactly_its_own_files_and_the_authorities_keys_are_apart() {
    let dir = TempDir::new().unwrap();
    let written = run(&small(dir.path()));
    let expected = |member: &str, files: &[String]| -> Vec<String> {
        files.iter().map(|file| format!("{member}/{file}")).collect()
    };
    let certified = |uses: &[&str], more: &[&str]| -> Vec<String> {
        let of_use = |name: &&str| [format!("{name}.pem"), format!("{name}.key"), format!("{name}-ca.pem")];
        uses.iter().flat_map(of_use).chain(more.iter().map(|name| (*name).to_owned())).collect()
    };
    let of_node = certified(&["bus", "operations"], &["operations-names.txt", "orders.pub"]);
    let of_gateway = certified(
        &["bus", "edge", "operations"],
        &["edge-names.txt", "operations-names.txt", "public.pem", "public.key", "orders.pub", "passes.pub"],
    );
    let of_nats = certified(&["bus", "route"], &["permissions.conf"]);
    let of_proxy = certified(&["edge"], &["edge.crl", "public.pem", "public.key"]);
    let of_ops = certified(&["bus", "operations"], &["nats/context/ops.json", "orders.key", "passes.key"]);
    let of_console = certified(&["bus", "operations"], &["operations-names.txt"]);
    let authorities = ["bus", "route", "edge", "operations", "public"];
    let mut all: Vec<String> = vec![".lock".into(), "nats/permissions.conf".into()];
    all.extend(expected("gateway-1", &of_gateway));
    all.extend(expected("gateway-2", &of_gateway));
    all.extend(expected("pairing-1", &of_node));
    all.extend(expected("janitor-1", &of_node));
    all.extend(expected("nats-1", &of_nats));
    all.extend(expected("nginx", &of_proxy));
    all.extend(expected("prometheus", &certified(&["operations"], &[])));
    all.extend(expected("console", &of_console));
    all.extend(expected("ops", &of_ops));
    all.extend(expected("sys", &certified(&["bus"], &["nats/context/sys.json"])));
    all.extend(authorities.map(|name| format!("authorities/{name}.pem")));
    all.extend(authorities.map(|name| format!("authorities/{name}.key")));
    all.extend(expected("authorities", &certified(&[], &["edge.crl", "cluster.json"])));
    assert_eq!(names(dir.path()), all.into_iter().collect());
    assert!(written.contains(&"gateway-1/bus.pem".to_owned()), "{written:?}");
}

#[test]
fn keys_are_for_their_owner_alone() {
    let dir = TempDir::new().unwrap();
    run(&small(dir.path()));
    for path in contents(dir.path()).into_keys() {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let is_secret = path.extension().is_some_and(|extension| extension == "key")
            || path.ends_with(".lock")
            || path.ends_with("cluster.json");
        assert_eq!(mode, if is_secret { 0o600 } else { 0o644 }, "{}", path.display());
    }
    let mode = fs::metadata(dir.path().join("authorities")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
}

#[test]
fn a_certificate_is_for_one_use_and_for_its_own_names() {
    let dir = TempDir::new().unwrap();
    run(&small(dir.path()));
    let dns = |names: &[&str]| -> BTreeSet<String> {
        names.iter().map(|name| format!("DNSName({name})")).collect()
    };
    for (file, subject, usages, names) in [
        (
            "gateway-1/bus.pem",
            "OU=gateway, OU=1, CN=gateway-1",
            vec!["client"],
            dns(&["gateway-1", "gateway", "gateway-1.g1"]),
        ),
        (
            "gateway-1/edge.pem",
            "OU=gateway, OU=1, CN=gateway-1",
            vec!["server"],
            dns(&["gateway-1", "gateway"]),
        ),
        ("gateway-1/operations.pem", "OU=gateway, OU=1, CN=gateway-1", vec!["server"], dns(&["gateway-1"])),
        ("gateway-1/public.pem", "OU=gateway, OU=1, CN=gateway-1", vec!["server"], dns(&["localhost"])),
        ("nginx/edge.pem", "OU=proxy, OU=1, CN=nginx", vec!["client"], dns(&["nginx", "proxy", "nginx.g1"])),
        (
            "prometheus/operations.pem",
            "OU=watcher, OU=1, CN=prometheus",
            vec!["client"],
            dns(&["prometheus", "watcher", "prometheus.g1"]),
        ),
        (
            "console/bus.pem",
            "OU=page, OU=1, CN=console",
            vec!["client"],
            dns(&["console", "page", "console.g1", "ops"]),
        ),
        (
            "console/operations.pem",
            "OU=page, OU=1, CN=console",
            vec!["server"],
            dns(&["console", "localhost"]),
        ),
        ("ops/bus.pem", "OU=operator, OU=1, CN=ops", vec!["client"], dns(&["ops", "operator", "ops.g1"])),
    ] {
        assert_eq!(certificate(dir.path(), file), (subject.into(), usages, names), "{file}");
    }
    let (_, usages, names) = certificate(dir.path(), "nats-1/route.pem");
    assert_eq!((usages, names.len()), (vec!["server", "client"], 3));
    let (_, usages, _) = certificate(dir.path(), "nats-1/bus.pem");
    assert_eq!(usages, ["server"], "a server's certificate is no client's");
    let (_, _, names) = certificate(dir.path(), "gateway-2/edge.pem");
    assert!(names.iter().any(|name| name.contains("gw2.example")) && names.len() == 4, "{names:?}");
}

/// The plan of a cluster that was made when the console was a watcher.
#[test]
fn a_console_that_was_a_watcher_gets_what_it_needs_and_opens_no_node_any_more() {
    let dir = TempDir::new().unwrap();
    run(&small(dir.path()));
    let plan = "authorities/cluster.json";
    let of_today = r#""kind": "console""#;
    assert_eq!(text(dir.path(), plan).matches(of_today).count(), 1);
    let before = text(dir.path(), plan).replace(of_today, r#""kind": "watcher""#);
    fs::write(dir.path().join(plan), before).unwrap();
    run(&again(dir.path()));
    let (subject, usages, _) = certificate(dir.path(), "console/operations.pem");
    assert_eq!((subject.as_str(), usages), ("OU=page, OU=2, CN=console", vec!["server"]));
    assert_eq!(text(dir.path(), "gateway-1/operations-names.txt"), "prometheus.g1\n");
    assert_eq!(text(dir.path(), "console/operations-names.txt"), "ops.g1\n");
    assert!(text(dir.path(), "nats-1/permissions.conf").contains("CN=console,OU=2,OU=page"));
    assert_eq!(run(&again(dir.path())), Vec::<String>::new());
}

#[test]
fn running_it_twice_changes_nothing_and_a_lost_file_is_made_again() {
    let dir = TempDir::new().unwrap();
    run(&small(dir.path()));
    let before = contents(dir.path());
    for options in [again(dir.path()), small(dir.path())] {
        assert_eq!(run_at(&options, NOW + DAY).unwrap(), Vec::<String>::new());
        assert!(contents(dir.path()) == before);
    }
    for lost in ["nginx/edge.pem", "gateway-1/bus-ca.pem", "nats-1/permissions.conf", "ops/orders.key"] {
        fs::remove_file(dir.path().join(lost)).unwrap();
        let written = run(&again(dir.path()));
        assert!(written.contains(&lost.to_owned()), "{lost}: {written:?}");
        let after = contents(dir.path());
        // An existing key is never replaced.
        for (path, content) in before.iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "key"))
        {
            assert!(after[path] == *content || path.ends_with(lost), "{}", path.display());
        }
    }
    assert_eq!(run(&again(dir.path())), Vec::<String>::new());
}

/// A run that is cut off leaves whole files, some of them new.
#[test]
fn a_run_that_was_cut_off_is_completed_by_the_next() {
    let dir = TempDir::new().unwrap();
    run(&small(dir.path()));
    // The new key was moved to its place, its certificate was not.
    let other = fs::read(dir.path().join("gateway-2/bus.key")).unwrap();
    fs::write(dir.path().join("gateway-1/bus.key"), &other).unwrap();
    // What was being written.
    fs::write(dir.path().join("gateway-1/edge.pem.new"), "half").unwrap();
    let written = run(&again(dir.path()));
    assert_eq!(written, ["gateway-1/bus.pem"]);
    assert_eq!(fs::read(dir.path().join("gateway-1/bus.key")).unwrap(), other);
    // The plan of a revocation was written, and nothing else.
    let plan = text(dir.path(), "authorities/cluster.json");
    let member = plan.split_once("\"name\": \"nginx\"").unwrap();
    let revoked = format!(
        "{}\"name\": \"nginx\"{}",
        member.0,
        member.1.replacen("\"generation\": 1", "\"generation\": 2", 1)
    );
    fs::write(dir.path().join("authorities/cluster.json"), revoked).unwrap();
    let key = text(dir.path(), "nginx/edge.key");
    run(&again(dir.path()));
    assert_ne!(text(dir.path(), "nginx/edge.key"), key, "a revoked key does not live on");
    assert_eq!(certificate(dir.path(), "nginx/edge.pem").0, "OU=proxy, OU=2, CN=nginx");
    assert_eq!(text(dir.path(), "gateway-1/edge-names.txt"), "nginx.g2\n");
}

#[test]
fn a_renewal_replaces_all_leaves_and_no_authority() {
    let dir = TempDir::new().unwrap();
    run(&small(dir.path()));
    let before = contents(dir.path());
    run(&PkiOptions { renew: true, ..again(dir.path()) });
    let after = contents(dir.path());
    for (path, content) in &before {
        let name = path.strip_prefix(dir.path()).unwrap().to_str().unwrap();
        let is_leaf = !name.starts_with("authorities/")
            && (name.ends_with(".pem") && !name.ends_with("-ca.pem")
                || name.ends_with(".key") && !name.contains("orders") && !name.contains("passes"));
        assert_eq!(after[path] != *content, is_leaf, "{name}");
    }
}

#[test]
fn a_revocation_is_a_new_generation_of_one_member_everywhere() {
    let dir = TempDir::new().unwrap();
    run(&small(dir.path()));
    let before = contents(dir.path());
    assert!(text(dir.path(), "nats-1/permissions.conf").contains("\"CN=gateway-2,OU=1,OU=gateway\""));
    run(&PkiOptions { revoke: Some("gateway-2".into()), ..again(dir.path()) });
    let permissions = text(dir.path(), "nats-1/permissions.conf");
    assert!(
        permissions.contains("\"CN=gateway-2,OU=2,OU=gateway\"")
            && !permissions.contains("\"CN=gateway-2,OU=1,OU=gateway\"")
    );
    assert_eq!(permissions, text(dir.path(), "nats/permissions.conf"));
    let after = contents(dir.path());
    for (path, content) in &before {
        let name = path.strip_prefix(dir.path()).unwrap().to_str().unwrap();
        let own = name.starts_with("gateway-2/")
            && !name.ends_with("-ca.pem")
            && !name.ends_with(".txt")
            && !name.ends_with(".pub");
        let told = name.ends_with("permissions.conf")
            || name.ends_with("edge.crl")
            || name.ends_with("cluster.json");
        assert_eq!(after[path] != *content, own || told, "{name}");
    }
    // The list names the one certificate that Nginx believed.
    let (_, pem) = parse_x509_pem(text(dir.path(), "nginx/edge.crl").as_bytes()).unwrap();
    let (_, list) = x509_parser::parse_x509_crl(&pem.contents).unwrap();
    let (_, old) = parse_x509_pem(&before[&dir.path().join("gateway-2/edge.pem")]).unwrap();
    let (_, old) = parse_x509_certificate(&old.contents).unwrap();
    let listed: Vec<_> = list.iter_revoked_certificates().map(|entry| entry.raw_serial().to_vec()).collect();
    assert_eq!(listed, [old.raw_serial().to_vec()]);
    assert_eq!(run(&again(dir.path())), Vec::<String>::new());
}

#[test]
fn a_revoked_nats_server_costs_the_routes_a_new_authority() {
    let dir = TempDir::new().unwrap();
    run(&PkiOptions { nats: specs(&["nats-1", "nats-2"]), ..small(dir.path()) });
    let before = contents(dir.path());
    run(&PkiOptions { revoke: Some("nats-2".into()), ..again(dir.path()) });
    let after = contents(dir.path());
    let changed = |file: &str| before[&dir.path().join(file)] != after[&dir.path().join(file)];
    for file in [
        "nats-1/route.pem",
        "nats-1/route-ca.pem",
        "nats-2/route.pem",
        "nats-2/route-ca.pem",
        "nats-2/bus.pem",
    ] {
        assert!(changed(file), "{file}");
    }
    assert!(!changed("nats-1/bus.pem") && !changed("nats-1/bus-ca.pem"));
    assert_eq!(run(&again(dir.path())), Vec::<String>::new());
}

#[test]
fn who_leaves_is_nobody_and_who_comes_back_has_a_new_generation() {
    let dir = TempDir::new().unwrap();
    run(&small(dir.path()));
    run(&PkiOptions { gateways: specs(&["gateway-1"]), ..again(dir.path()) });
    assert!(!text(dir.path(), "nats/permissions.conf").contains("gateway-2"));
    run(&PkiOptions { gateways: specs(&["gateway-1", "gateway-2"]), ..again(dir.path()) });
    let permissions = text(dir.path(), "nats/permissions.conf");
    assert!(
        permissions.contains("\"CN=gateway-2,OU=2,OU=gateway\"")
            && !permissions.contains("\"CN=gateway-2,OU=1,OU=gateway\"")
    );
    assert_eq!(certificate(dir.path(), "gateway-2/bus.pem").0, "OU=gateway, OU=2, CN=gateway-2");
}

#[test]
fn an_expired_certificate_is_made_again_with_its_key() {
    let dir = TempDir::new().unwrap();
    run(&PkiOptions { days: Some(30), ..small(dir.path()) });
    let key = text(dir.path(), "gateway-1/bus.key");
    let written = run_at(&again(dir.path()), NOW + 31 * DAY).unwrap();
    assert!(written.contains(&"gateway-1/bus.pem".to_owned()));
    assert_eq!(text(dir.path(), "gateway-1/bus.key"), key);
    let expired = run_at(&again(dir.path()), NOW + 4000 * DAY).unwrap_err().to_string();
    assert!(expired.contains("authorities/bus.pem has expired"), "{expired}");
}

#[test]
fn what_cannot_be_is_refused_before_anything_changes() {
    let dir = TempDir::new().unwrap();
    for wrong in
        ["", "a b", "gateway", "NATS", "ops", "authorities", "-x", "x-", "x=a b", "x=", "../x", "a,b"]
    {
        assert!(wrong.parse::<MemberSpec>().is_err(), "{wrong}");
    }
    let twice = PkiOptions { pairing: specs(&["gateway-1"]), ..small(dir.path()) };
    assert!(
        matches!(run_at(&twice, NOW), Err(PkiError::Plan(PlanError::Twice(name))) if name == "gateway-1")
    );
    run(&small(dir.path()));
    let before = contents(dir.path());
    let unknown = PkiOptions { revoke: Some("gateway-9".into()), ..again(dir.path()) };
    assert!(run_at(&unknown, NOW).unwrap_err().to_string().contains("gateway-1"));
    assert!(contents(dir.path()) == before);
    // Half an authority is not replaced in silence.
    fs::remove_file(dir.path().join("authorities/bus.key")).unwrap();
    assert!(run_at(&again(dir.path()), NOW).unwrap_err().to_string().contains("authorities/bus.key is not"));
}

#[test]
fn a_context_says_where_the_servers_are_and_whose_inbox_is_used() {
    let dir = TempDir::new().unwrap();
    run(&small(dir.path()));
    let context: serde_json::Value =
        serde_json::from_str(&text(dir.path(), "ops/nats/context/ops.json")).unwrap();
    assert_eq!(context["url"], "tls://127.0.0.1:4222");
    assert_eq!(context["inbox_prefix"], "_INBOX_ops");
    for file in ["ca", "cert", "key"] {
        assert!(Path::new(context[file].as_str().unwrap()).is_file(), "{file}");
    }
}
