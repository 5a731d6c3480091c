//! Origins of web pages, as an operator writes them and browsers send them.

/// Whether this is an origin as browsers serialise it (RFC 6454, section 6.2), other than the
/// opaque `null`.
pub(crate) fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let host_only = !authority.contains(['/', '?', '#', '@', '*', ' ', ';', ',', '\''])
        && !text.contains(char::is_uppercase);
    let default_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let Ok(authority) = authority.parse::<http::uri::Authority>() else { return false };
    let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
    host_only && !authority.host().is_empty() && (port.is_empty() || is_unusual_port(port, default_port))
}

/// Whether this is a colon and a port, written as browsers do, that an origin of the scheme names.
fn is_unusual_port(text: &str, usual: u16) -> bool {
    let Some(digits) = text.strip_prefix(':') else { return false };
    digits.parse().is_ok_and(|port: u16| port != usual && port.to_string() == digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for right in ["https://chat.example", "http://localhost:3000", "https://[::1]:8443"] {
            assert!(is_origin(right), "{right}");
        }
        for wrong in [
            "*",
            "null",
            "",
            "chat.example",
            "https://",
            "https://chat.example/",
            "https://Chat.example",
            "https://chat.example:443",
            "http://chat.example:80",
            "https://chat.example:",
            "https://chat.example:port",
            "https://chat.example:08443",
            "https://chat.example:65536",
            "https://chat.example:443:443",
            "https://[::1]:port",
            "https://m\u{fc}nchen.example",
            "https://*.example",
            "https://me@chat.example",
            "ftp://chat.example",
            "https://chat.example?x",
            "https://chat.example;x",
            "https://chat.example,x",
            "https://chat'example",
        ] {
            assert!(!is_origin(wrong), "{wrong}");
        }
    }
}
