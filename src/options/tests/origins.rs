//! Which web origins may be named: whose pages may use the server, and whose may frame it.

use super::{faults, read};
use crate::options::configuration::Serve;

fn frame_ancestors(words: &[&str]) -> Vec<String> {
    read::<Serve>(words).unwrap().gateway.frame_ancestors
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
fn nobody_may_frame_the_page_unless_somebody_is_named() {
    assert!(frame_ancestors(&[]).is_empty());
}

#[test]
fn who_may_frame_the_page_is_named_as_browsers_say_it() {
    let origins = "https://a.example:443,http://b.example:80,https://c.example:80,https://[::1]:8443";
    assert_eq!(
        frame_ancestors(&["--frame-ancestors", origins]),
        ["https://a.example", "http://b.example", "https://c.example:80", "https://[::1]:8443"]
    );
}

#[test]
fn an_origin_that_is_named_twice_counts_once() {
    let twice = ["https://a.example,https://b.example,https://a.example:443", "https://b.example"];
    for option in ["--frame-ancestors", "--allowed-origin"] {
        let gateway = read::<Serve>(&[option, twice[0], option, twice[1]]).unwrap().gateway;
        let named =
            if option == "--allowed-origin" { gateway.allowed_origins } else { gateway.frame_ancestors };
        assert_eq!(named, ["https://a.example", "https://b.example"], "{option}");
    }
}

/// What it says becomes a part of a header, so nothing but an origin may be in it.
#[test]
fn whoever_may_frame_the_page_is_an_exact_origin() {
    let wrong = [
        "www.example.org",
        "https://a.example/",
        "https://a.example/chat",
        "https://a.example:443/chat",
        "https://*.example",
        "*",
        "https://a.example:*",
        "https://A.example",
        "https://a.example:port",
        "https://a.example; script-src *",
        "data:",
        "null",
        "'self'",
        "'none'",
    ];
    for origin in wrong {
        let expected = format!(
            "--frame-ancestors: {origin:?} is not an origin: write scheme://host or scheme://host:port in lower \
             case, and nothing after it"
        );
        assert_eq!(faults::<Serve>(&["--frame-ancestors", origin], &[]), [expected]);
    }
    let with_a_name = faults::<Serve>(&["--frame-ancestors", "https://me@a.example"], &[]);
    assert!(with_a_name[0].starts_with("--frame-ancestors: (not shown) is not an origin"), "{with_a_name:?}");
}

#[test]
fn every_wrong_origin_of_a_list_is_named() {
    let found =
        faults::<Serve>(&["--frame-ancestors", "https://a.example,b.example,https://c.example/"], &[]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("\"b.example\"") && found[1].contains("\"https://c.example/\""), "{found:?}");
}
