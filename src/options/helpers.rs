//! Who may help, and by whose passes, as option values.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use bus::Clock;
use gateway::helpers::{Helpers, PassRules, RevokedFile};
use passes::{HOST_BYTES, LIST_BYTES, PassKeys, Revocations};

use super::{
    reader::Reader,
    spec::Row,
    table::{PASS_KEY, PUBLIC_HOST, REVOKED_PASSES},
    value::{Repeat, Show, Value, Wrong, each},
};

/// Hosts, as browsers show them in an address.
#[derive(Clone, Debug, Default)]
pub struct Hosts(pub Vec<String>);

impl Value for Helpers {
    const FORM: &'static str = "anyone|pass";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "anyone" => Ok(Self::Anyone),
            "pass" => Ok(Self::Pass),
            _ => Err(format!("{text:?} is neither anyone nor pass").into()),
        }
    }
}

impl Show for Helpers {
    fn show(&self) -> String {
        self.word().to_owned()
    }
}

impl Value for Hosts {
    const FORM: &'static str = "HOST[:PORT][,HOST[:PORT]…]";
    const REPEAT: Repeat = Repeat::List;

    fn parse(text: &str) -> Result<Self, Wrong> {
        let hosts = each(text, |host| match host.parse::<http::uri::Authority>() {
            Ok(read) if host.len() <= HOST_BYTES && !read.host().is_empty() && !host.contains('@') => {
                Ok(host.to_ascii_lowercase())
            }
            _ => Err(format!("{host:?} is not a host: write HOST or HOST:PORT, such as chat.example")),
        })?;
        if hosts.is_empty() { Err("the list of hosts is empty".to_owned().into()) } else { Ok(Self(hosts)) }
    }
}

/// How passes are judged; `None` without a key. Clients may also come to `public_url`.
pub(super) fn pass_rules(reader: &mut Reader, public_url: Option<&str>) -> Option<PassRules> {
    let (key, hosts) = (reader.find(&PASS_KEY), reader.find(&PUBLIC_HOST));
    let list = reader.find(&REVOKED_PASSES);
    let belong: [&dyn Row; 2] = [&PUBLIC_HOST, &REVOKED_PASSES];
    for row in belong {
        if reader.is_given(row) && !reader.is_given(&PASS_KEY) {
            reader.wrong(row, "it needs --pass-key, by which passes are judged");
        }
    }
    let path = key?;
    let keys = PassKeys::from_file(&path)
        .map_err(|fault| reader.wrong(&PASS_KEY, &format!("{}: {fault}", path.display())))
        .ok()?;
    let revoked = list.and_then(|path| {
        let judged = judged_list(&path, &keys);
        match judged {
            Ok(list) => Some(RevokedFile { file: path, list }),
            Err(fault) => {
                reader.wrong(&REVOKED_PASSES, &format!("{}: {fault}", path.display()));
                None
            }
        }
    });
    let hosts = hosts.unwrap_or_default().0.into_iter().chain(public_url.and_then(host_of)).collect();
    Some(PassRules { keys, hosts, revoked })
}

fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    rest.split('/').next().filter(|host| !host.is_empty()).map(str::to_owned)
}

fn judged_list(path: &Path, keys: &PassKeys) -> Result<String, String> {
    let list = read_list(path).map_err(|fault| fault.to_string())?;
    Revocations::verify(&list, keys, Clock::start().now()).map_err(|fault| fault.to_string())?;
    Ok(list)
}

/// The list of a file, signed or not.
///
/// # Errors
/// If it cannot be read.
pub fn read_list(path: &Path) -> io::Result<String> {
    let mut list = String::new();
    // What is longer is no list, and is found to be none.
    let most = u64::try_from(LIST_BYTES).unwrap_or(u64::MAX).saturating_add(2);
    File::open(path)?.take(most).read_to_string(&mut list)?;
    Ok(list.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_browsers_show_them() {
        let hosts = Hosts::parse("Chat.Example, chat.example:8443,[::1]:8080").unwrap().0;
        assert_eq!(hosts, ["chat.example", "chat.example:8443", "[::1]:8080"]);
        for wrong in ["", "https://chat.example", "chat.example/desk", "anna@chat.example", "a b"] {
            assert!(Hosts::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_host_of_an_address_is_what_browsers_show() {
        assert_eq!(host_of("https://chat-1.example"), Some("chat-1.example".into()));
        assert_eq!(host_of("http://localhost:8080/"), Some("localhost:8080".into()));
        assert_eq!(host_of("chat.example"), None);
    }
}
