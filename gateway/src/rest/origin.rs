//! The Origin rule: pages of other hosts open neither sessions nor sockets (cross-site WebSocket
//! hijacking, RFC 6455, section 10.2).

use http::{
    HeaderMap, HeaderValue,
    header::{HOST, ORIGIN},
    uri::Authority,
};

use crate::{config::OPAQUE, problem::Problem};

/// Lets a request pass that has no `Origin` (a native client), that of its own host, or one of
/// those allowed.
pub(super) fn check(headers: &HeaderMap, allowed: &[String]) -> Result<(), Problem> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let single = headers.get_all(ORIGIN).iter().count() == 1;
    if single && (is_allowed(origin, allowed) || is_own(origin, headers)) {
        Ok(())
    } else {
        Err(Problem::Origin)
    }
}

/// Whether the operator has named this origin.
pub(super) fn is_allowed(origin: &HeaderValue, allowed: &[String]) -> bool {
    allowed.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
}

/// Whether the page that asks has no origin of its own: one from a file, or in a sandboxed frame.
pub(super) fn is_opaque(headers: &HeaderMap) -> bool {
    headers.get(ORIGIN).is_some_and(|origin| origin == OPAQUE)
}

/// Whether the origin is the host that was asked. The scheme cannot be compared, for a proxy may
/// have ended the TLS; the ports can, each being its scheme's default where none is written.
fn is_own(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let parse =
        |text: &str| text.parse::<Authority>().ok().filter(|authority| !authority.as_str().contains('@'));
    let Some(host) = host.to_str().ok().and_then(parse) else { return false };
    let Some((scheme, origin)) = origin.to_str().ok().and_then(|text| text.split_once("://")) else {
        return false;
    };
    let default_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let Some(origin) = parse(origin) else { return false };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default_port);
    // A port that is written and is no number would otherwise count as the default.
    let sound = |authority: &Authority| authority.port().is_some() == has_port(authority);
    sound(&origin)
        && sound(&host)
        && !host.host().is_empty()
        && origin.host().eq_ignore_ascii_case(host.host())
        && port(&origin) == port(&host)
}

fn has_port(authority: &Authority) -> bool {
    authority.as_str().len() > authority.host().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(origin: &str, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        check(&headers, &["https://friend.example".into()]).is_ok()
    }

    #[test]
    fn a_native_client_has_no_origin() {
        assert_eq!(check(&HeaderMap::new(), &[]), Ok(()));
    }

    #[test]
    fn the_own_host_and_the_allowed_origins_pass() {
        for (origin, host) in [
            ("https://chat.example", "chat.example"),
            ("https://chat.example", "chat.example:443"),
            ("http://chat.example", "chat.example"),
            ("https://chat.example:8443", "chat.example:8443"),
            ("http://localhost:8080", "localhost:8080"),
            ("http://[::1]:8080", "[::1]:8080"),
            ("https://chat.example", "CHAT.example"),
            ("https://friend.example", "chat.example"),
        ] {
            assert!(passes(origin, host), "{origin} at {host}");
        }
    }

    #[test]
    fn every_other_origin_is_refused() {
        for (origin, host) in [
            ("null", "chat.example"),
            ("", "chat.example"),
            ("https://evil.example", "chat.example"),
            ("https://chat.example.evil.example", "chat.example"),
            ("https://evilchat.example", "chat.example"),
            ("https://example", "chat.example"),
            ("https://sub.chat.example", "chat.example"),
            ("https://chat.example:8443", "chat.example"),
            ("https://chat.example", "chat.example:8443"),
            ("http://chat.example", "chat.example:443"),
            ("https://chat.example@evil.example", "chat.example"),
            ("https://evil.example@chat.example", "chat.example"),
            ("https://chat.example:99999", "chat.example"),
            ("https://chat.example:", "chat.example:80"),
            ("https://chat.example/", "chat.example"),
            ("ftp://chat.example", "chat.example"),
            ("chat.example", "chat.example"),
            ("https://friend.example:8443", "chat.example"),
            ("https://friend.example.evil.example", "chat.example"),
            ("http://friend.example", "chat.example"),
            ("https://", ""),
        ] {
            assert!(!passes(origin, host), "{origin} at {host}");
        }
    }

    #[test]
    fn a_page_from_a_file_passes_only_where_it_was_named() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("chat.example"));
        headers.insert(ORIGIN, HeaderValue::from_static("null"));
        assert!(is_opaque(&headers));
        assert_eq!(check(&headers, &["https://friend.example".into()]), Err(Problem::Origin));
        assert_eq!(check(&headers, &[OPAQUE.into()]), Ok(()));
        headers.insert(ORIGIN, HeaderValue::from_static("https://evil.example"));
        assert!(!is_opaque(&headers));
        assert_eq!(check(&headers, &[OPAQUE.into()]), Err(Problem::Origin), "it names nobody else");
    }

    #[test]
    fn two_origins_or_two_hosts_are_one_too_many() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("chat.example"));
        headers.insert(ORIGIN, HeaderValue::from_static("https://chat.example"));
        assert_eq!(check(&headers, &[]), Ok(()));
        headers.append(HOST, HeaderValue::from_static("evil.example"));
        assert_eq!(check(&headers, &[]), Err(Problem::Origin));
        headers.remove(HOST);
        assert_eq!(check(&headers, &[]), Err(Problem::Origin), "no host to be the own one");
        headers.insert(HOST, HeaderValue::from_static("chat.example"));
        headers.append(ORIGIN, HeaderValue::from_static("https://evil.example"));
        assert_eq!(check(&headers, &[]), Err(Problem::Origin));
    }
}
