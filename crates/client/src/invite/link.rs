//! The link that carries an invite.

use std::fmt;

use super::{
    around::is_around,
    secret::{Invite, LinkError, SECRET_CHARACTERS},
};

/// A host name has at most 253 characters, and a link little more: what is longer is not one, nor
/// are twelve words.
pub const LINK_MAX: usize = 512;

/// An invite, and where it is to be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteLink {
    /// Scheme, host and perhaps port of the server, without a slash at the end:
    /// `https://chat.example`.
    pub origin: String,
    /// What comes after the `#`.
    pub invite: Invite,
}

impl InviteLink {
    /// Reads `https://host/#secret` as people paste it: with quotes, brackets, stops, blanks and
    /// invisible characters around it, some of which a browser or a program has written as `%20`.
    ///
    /// # Errors
    /// [`LinkError`] for anything else: a path, a query, a user name or another scheme are refused,
    /// since this link decides which server is trusted with the meeting.
    pub fn parse(link: &str) -> Result<Self, LinkError> {
        let link = link.trim_matches(is_around);
        if link.len() > LINK_MAX {
            return Err(LinkError::Form);
        }
        let (page, fragment) = link.split_once('#').ok_or(LinkError::Form)?;
        let (scheme, rest) = page.split_once("://").ok_or(LinkError::Form)?;
        let host = rest.strip_suffix('/').unwrap_or(rest);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(&*scheme, "https" | "http") || host.is_empty() || !host.chars().all(plain) {
            return Err(LinkError::Form);
        }
        let invite = Invite::from_characters(without_rest(fragment))?;
        Ok(Self { origin: format!("{scheme}://{}", host.to_ascii_lowercase()), invite })
    }
}

/// The fragment without what was pasted behind the secret.
fn without_rest(fragment: &str) -> &str {
    match fragment.split_at_checked(SECRET_CHARACTERS) {
        Some((secret, rest)) if percent_decoded(rest).is_some_and(|rest| rest.chars().all(is_around)) => {
            secret
        }
        _ => fragment,
    }
}

/// Decodes `%20` and the like; `None` if what comes out is not a text.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The link to hand over, secret included.
impl fmt::Display for InviteLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/#{}", self.origin, &*self.invite.characters())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://chat.example/#AAECAwQFBgcICQoLDA0ODw";

    #[test]
    fn a_link_comes_back_as_it_was() {
        let link = InviteLink::parse(&format!("  {LINK}\n")).unwrap();
        assert_eq!(link.origin, "https://chat.example");
        assert_eq!(link.invite, Invite::from_secret(std::array::from_fn(|i| i as u8)));
        assert_eq!(link.to_string(), LINK);
        assert_eq!(format!("{link:?}"), "InviteLink { origin: \"https://chat.example\", invite: Invite(…) }");
    }

    #[test]
    fn a_port_and_an_address_are_hosts_too() {
        for origin in ["http://127.0.0.1:8080", "https://[::1]:8443", "https://chat.example"] {
            let link = InviteLink::parse(&format!("{origin}#AAECAwQFBgcICQoLDA0ODw")).unwrap();
            assert_eq!(link.origin, origin);
        }
    }

    #[test]
    fn anything_else_is_not_a_link() {
        let secret = "AAECAwQFBgcICQoLDA0ODw";
        for page in
            ["ftp://host/", "https://", "https:///", "https://user@host/", "https://host/path", "host/"]
        {
            assert_eq!(InviteLink::parse(&format!("{page}#{secret}")), Err(LinkError::Form), "{page}");
        }
        assert_eq!(InviteLink::parse("https://host/"), Err(LinkError::Form));
        assert_eq!(
            InviteLink::parse(&format!("https://{}/#{secret}", "h".repeat(600))),
            Err(LinkError::Form)
        );
        for secret in [
            "",
            "AAECAwQFBgcICQoLDA0OD",
            "AAECAwQFBgcICQoLDA0ODx",
            "AAECAwQFBgcICQoLDA0ODw=",
            "AAECAwQFBgcICQoLDA0O+w",
        ] {
            assert_eq!(
                InviteLink::parse(&format!("https://host/#{secret}")),
                Err(LinkError::Secret),
                "{secret}"
            );
        }
    }

    #[test]
    fn what_is_pasted_around_a_link_does_not_matter() {
        for pasted in [
            format!("<{LINK}>"),
            format!("({LINK})."),
            format!("“{LINK}”"),
            format!("{LINK}\u{200b}"),
            format!("\u{feff}{LINK}%20"),
            format!("{LINK}%E2%80%8B)"),
            LINK.replace("https://chat.example", "HTTPS://Chat.Example"),
        ] {
            assert_eq!(InviteLink::parse(&pasted).map(|link| link.to_string()), Ok(LINK.into()), "{pasted}");
        }
        for (other, fault) in [
            (format!("{LINK}x"), LinkError::Secret),
            (format!("{LINK}-"), LinkError::Secret),
            (format!("{LINK}%"), LinkError::Secret),
            (format!("{LINK}%ff"), LinkError::Secret),
            (format!("{LINK}.x"), LinkError::Secret),
            (LINK.replace("/#", "/%20#"), LinkError::Form),
        ] {
            assert_eq!(InviteLink::parse(&other), Err(fault), "{other}");
        }
    }
}
