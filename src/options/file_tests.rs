//! Options in a file, what `check` says of them, and the file that `config` writes.

use super::{
    Pairing, Role, Serve, account, check,
    spec::Default,
    table::TABLE,
    tests::{Directory, environment_of, faults, read, read_with},
};

#[test]
fn a_file_gives_options_and_the_environment_and_the_command_line_win() {
    let directory = Directory::new();
    let file = directory.file(
        "options.toml",
        "session-rate = 1\nfind-rate = 2\nframe-rate = \"3\"\nproxy-protocol = true\n\
         trusted-proxy = [\"10.0.0.0/8\", \"fd00::/8\"]\nhsts = \"off\" # a comment\n",
    );
    let environment = [("CIPHER_CHAT_CONFIG", file.as_str()), ("CIPHER_CHAT_FIND_RATE", "20")];
    let serve = read_with::<Serve>(&["--frame-rate=30"], &environment).unwrap();
    let rates = serve.gateway.rates;
    assert_eq!((rates.session, rates.find, rates.frame), (1, 20, 30));
    assert_eq!(serve.gateway.trusted_proxies.len(), 2);
    let pairing = ["--config", &file, "--nats", "nats://127.0.0.1:4222"];
    assert!(read::<Pairing>(&pairing).is_ok(), "options of another role are left to it");
    let told = check(Role::Serve, &["--frame-rate=30".into()], environment_of(&environment)).unwrap();
    for line in [
        format!("--session-rate             1                        ({file})"),
        "--find-rate                20                       (CIPHER_CHAT_FIND_RATE)".to_owned(),
        "--frame-rate               30                       (command line)".to_owned(),
        "--byte-rate                ".to_owned(),
        "--nats                     -                        (a bus inside this process)".to_owned(),
    ] {
        assert!(told.contains(&line), "{line} in {told}");
    }
}

#[test]
fn everything_wrong_in_a_file_is_told_with_the_rest() {
    let directory = Directory::new();
    let wrong = directory.file(
        "wrong.toml",
        "sesion-rate = 1\nfind-rate = \"many\"\nframe-rate = 1.5\ngrace = [\"1m\", \"2m\"]\n\
         config = \"other\"\ntopics = []\nhsts = \"\"\n[listen]\na = 1\n",
    );
    let type_ = "write a string, a whole number, true or false, or a list of them";
    assert_eq!(
        faults::<Serve>(&["--config", &wrong, "--byte-rate=few"], &[]),
        [
            format!("{wrong}: sesion-rate is not an option: did you mean session-rate?"),
            format!("--config: {wrong}: a file cannot name another file"),
            format!("--listen ({wrong}): {type_}"),
            format!("--hsts ({wrong}): the value is empty: give one, or leave the option out"),
            format!("--topics ({wrong}): the list is empty: name something, or leave the option out"),
            format!("--grace ({wrong}): it is given 2 times: give it once"),
            format!(r#"--find-rate ({wrong}): "many" is not a whole number from 0 to 4294967295"#),
            format!("--frame-rate ({wrong}): {type_}"),
            r#"--byte-rate: "few" is not a whole number from 0 to 4294967295"#.to_owned(),
        ]
    );
    let broken = directory.file("broken.toml", "session-rate = 1\nfind-rate = \"https://me:hunter2@a\n");
    let told = faults::<Serve>(&["--config", &broken], &[]);
    assert!(told[0].starts_with(&format!("--config: {broken}: line 2 is not TOML: ")), "{told:?}");
    assert!(!told[0].contains("hunter2"), "{told:?}");
    assert_eq!(
        faults::<Serve>(&["--config=/nowhere"], &[]),
        ["--config: /nowhere: No such file or directory (os error 2)"]
    );
}

#[test]
fn the_file_that_is_written_is_the_defaults() {
    let text = account::file();
    let lines = text.lines().filter(|line| line.starts_with('#') && !line.starts_with("# ") && *line != "#");
    let set: Vec<_> = lines.filter(|line| !line.starts_with("##")).map(|line| &line[1..]).collect();
    let all: toml::Table = set.join("\n").parse().unwrap();
    let names: Vec<_> = TABLE.iter().map(|row| row.spec().name).filter(|name| *name != "config").collect();
    assert_eq!(set.len(), names.len());
    assert!(names.iter().all(|name| all.contains_key(*name)));
    let has_default = |line: &&&str| {
        let row = TABLE.iter().find(|row| line.starts_with(&format!("{} = ", row.spec().name))).unwrap();
        matches!(row.default(), Default::Value(_))
    };
    let defaults: Vec<_> = set.iter().filter(has_default).copied().collect();
    assert!(defaults.len() > 15);
    let directory = Directory::new();
    let written = directory.file("defaults.toml", &(defaults.join("\n") + "\nnode-id = \"n1\"\n"));
    let with = read::<Serve>(&["--config", &written]).unwrap();
    let without = read::<Serve>(&["--node-id", "n1"]).unwrap();
    assert_eq!(format!("{with:?}"), format!("{without:?}"));
    let unchanged = directory.file("unchanged.toml", &text);
    assert!(read::<Serve>(&["--config", &unchanged]).is_ok());
}
