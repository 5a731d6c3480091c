//! That no fault shows a secret.

use std::ffi::OsString;

use super::read_with;
use crate::options::{configuration::Serve, help, request, role::Role, table::TABLE};

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
        match request(&words, std::iter::empty()) {
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
