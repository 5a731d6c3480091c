use std::{fs, path::PathBuf};

use clap::Parser;

use super::*;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: PassOptions,
}

/// A directory of the test's own, with a key in it.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let place = std::env::temp_dir().join(format!("cipher-chat-pass-{:016x}", rand::random::<u64>()));
        fs::create_dir(&place).unwrap();
        make_key(&place.join("passes.key")).unwrap();
        Self(place)
    }

    fn run(&self, line: &str, now: UnixMillis) -> anyhow::Result<String> {
        let line = line.replace('@', &format!("{}/", self.0.display()));
        let words = std::iter::once("pass").chain(line.split(' '));
        match Line::try_parse_from(words)?.options.command {
            PassCommand::Key { out } => make_key(&out),
            PassCommand::New(options) => new(&options, now),
            PassCommand::Show { what } => show::show(&what, now),
            PassCommand::Check(options) => show::check(&options, &options.pass, now),
            PassCommand::Revoke(options) => revoke::revoke(&options, now),
        }
    }

    /// The links of that many new passes.
    fn links(&self, more: &str) -> Vec<String> {
        let made = self.run(&format!("new --key @passes.key --url https://chat.example{more}"), NOW).unwrap();
        made.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn failure(done: anyhow::Result<String>) -> String {
    done.unwrap_err().to_string()
}

#[test]
fn a_new_pass_is_valid_for_its_days_and_its_topics() {
    let place = Place::new();
    let link = place.links(" --topics grief,debt --days 2").pop().unwrap();
    assert!(link.starts_with("https://chat.example/desk#"), "{link}");
    for key in ["--key @passes.key", "--pass-key @passes.pub"] {
        let told = place.run(&format!("check {key} {link}"), NOW + DAY).unwrap();
        assert!(told.contains("grief, debt") && told.contains("It is valid."), "{told}");
        let late = failure(place.run(&format!("check {key} {link}"), NOW + DAY * 2));
        assert_eq!(late, "the pass has expired");
    }
}

#[test]
fn a_label_is_the_operators_and_a_secret_is_shown_in_links_alone() {
    let place = Place::new();
    let made = place.run("new --key @passes.key --label night --count 3", NOW).unwrap();
    assert!(["# night 1\n", "# night 2\n", "# night 3\n"].iter().all(|label| made.contains(label)));
    for link in made.lines().filter(|line| !line.starts_with('#')) {
        let told = place.run(&format!("show {link}"), NOW).unwrap();
        let secret = Link::parse(link).unwrap().secret.text();
        assert!(!told.contains(secret.as_str()) && !told.contains("night"), "{told}");
    }
    let links = place.links(" --count 2");
    assert_eq!(links.len(), 2);
    assert_ne!(links[0], links[1]);
}

#[test]
fn another_operators_pass_is_not_valid() {
    let (ours, other) = (Place::new(), Place::new());
    let link = other.links("").pop().unwrap();
    let refused = failure(ours.run(&format!("check --key @passes.key {link}"), NOW));
    assert_eq!(refused, "the operator has not signed the pass");
    assert_eq!(failure(ours.run("show nothing", NOW)), "neither a pass nor the link of a helper");
}

#[test]
fn a_pass_is_revoked_by_its_id_or_by_itself_and_stays_so() {
    let place = Place::new();
    let links = place.links(" --count 3");
    let pass = Link::parse(&links[1]).unwrap().pass.unwrap();
    let id = Pass::read(&Link::parse(&links[0]).unwrap().pass.unwrap()).unwrap().id;
    let list = "--key @passes.key --list @revoked";
    assert!(place.run(&format!("revoke {list} {id}"), NOW).unwrap().ends_with("revoked: 1 revoked\n"));
    assert!(place.run(&format!("revoke {list} {pass}"), NOW).unwrap().ends_with("revoked: 2 revoked\n"));
    assert!(place.run(&format!("revoke {list}"), NOW).unwrap().ends_with("revoked: 2 revoked\n"));
    for (link, is_revoked) in links.iter().zip([true, true, false]) {
        let checked = place.run(&format!("check {list} {link}"), NOW);
        assert_eq!(checked.is_err_and(|error| error.to_string() == "the pass is revoked"), is_revoked);
    }
    fs::write(place.0.join("revoked"), "something else").unwrap();
    assert!(
        place.run(&format!("revoke {list} {id}"), NOW).is_err(),
        "what is not understood is not replaced"
    );
}

#[test]
fn a_key_is_never_written_over_another() {
    let place = Place::new();
    let before = fs::read(place.0.join("passes.key")).unwrap();
    assert!(place.run("key --out @passes.key", NOW).is_err());
    assert!(place.run("key --out @passes.pub", NOW).is_err());
    assert_eq!(fs::read(place.0.join("passes.key")).unwrap(), before);
}
