//! The page as one HTML file that loads nothing: its modules, its style and its icons stand in it, and
//! its policy allows this one script and this one style by their digests.

use std::fmt::Write as _;

use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use client::ServerUrl;
use gateway::page::{self, INDEX_SOURCE, PageFile};
use schemas::codec::sha256;

use super::{helper_key::HelperKeys, module};

/// What `index.html` has of other files.
const STYLE: &str = r#"<link rel="stylesheet" href="style.css">"#;
const MAIN: &str = r#"<script type="module" src="main.js"></script>"#;
const ICONS: &str =
    r#"<link rel="icon" href="icon.svg" type="image/svg+xml" data-usual="icon.svg" data-new="icon-new.svg">"#;
const MODULES: &str = "<!-- The server writes into the next line the digest of each module, and that all are loaded at once. -->\n    \
    <!-- modules -->\n    ";
/// What a telephone installs, which a file is not.
const INSTALLED: &str = "<link rel=\"manifest\" href=\"manifest.webmanifest\">\n    \
    <link rel=\"apple-touch-icon\" href=\"icons/icon-apple-180.png\">\n    ";
const CHARSET: &str = r#"<meta charset="utf-8">"#;
/// The start page, which in a file is the file.
const HOME: &str = r#"href="./""#;

/// Where a file may connect that no server was named in, before the person has named one: then the page
/// narrows it to that one.
const ANY_SERVER: &str = "https: wss: http://localhost:* ws://localhost:* http://127.0.0.1:* ws://127.0.0.1:* \
    http://*.onion:* ws://*.onion:*";

/// The page that talks to this server, or to one that the person names, and that knows the helpers by these
/// keys.
///
/// # Errors
/// If the server's address cannot stand in a policy. (That each module can be written so, a test knows.)
pub(super) fn page(server: Option<&ServerUrl>, helpers: Option<&HelperKeys>) -> anyhow::Result<String> {
    let script = script()?;
    let style = text("style.css")?;
    let (named, connect) = match server {
        Some(server) => (server.to_string(), only(server)?),
        None => (String::new(), ANY_SERVER.to_owned()),
    };
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src {connect}; img-src data:; \
         base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        digest(&script),
        digest(style)
    );
    let head = format!(
        "{CHARSET}\n    <meta http-equiv=\"content-security-policy\" content=\"{policy}\">\n    \
         <meta name=\"cipher-chat-server\" content=\"{named}\">{}",
        helpers.map(pinned).unwrap_or_default()
    );
    let icon =
        |name| Ok::<_, anyhow::Error>(format!("data:image/svg+xml;base64,{}", STANDARD.encode(text(name)?)));
    let (usual, new) = (icon("icon.svg")?, icon("icon-new.svg")?);
    let icons = format!(
        r#"<link rel="icon" href="{usual}" type="image/svg+xml" data-usual="{usual}" data-new="{new}">"#
    );
    let mut html = INDEX_SOURCE.to_owned();
    for (place, by) in [
        (CHARSET, head),
        (ICONS, icons),
        (INSTALLED, String::new()),
        (MODULES, String::new()),
        (STYLE, format!("<style>{style}</style>")),
        (MAIN, format!("<script type=\"module\">{script}</script>")),
    ] {
        if html.matches(place).count() != 1 {
            bail!("web/index.html has to contain {place} once");
        }
        html = html.replace(place, &by);
    }
    // Outside of the script, which has its digest.
    let (before, after) = html.split_once("</head>").context("web/index.html has no head")?;
    Ok(format!("{before}</head>{}", after.replace(HOME, r#"href="""#)))
}

/// The modules of the page. The helper's screen is a document of its own, which only a server has.
fn modules() -> impl Iterator<Item = PageFile> {
    page::files().filter(|file| file.path.ends_with(".js") && !file.path.starts_with("desk/"))
}

/// Where the page finds the keys.
fn pinned(keys: &HelperKeys) -> String {
    format!("\n    <meta name=\"cipher-chat-helper-keys\" content=\"{}\">", keys.text())
}

/// All modules, and the call that begins.
fn script() -> anyhow::Result<String> {
    let mut script = format!("\n{}", include_str!("single.js"));
    for file in modules() {
        let module = module::as_function(file.path, str::from_utf8(file.bytes)?)?;
        write!(script, "\n// ---- {} ----\n\n{module}", file.path)?;
    }
    script.push_str("\nuse('main.js');\n");
    Ok(script)
}

/// The calls of one server, for a policy.
fn only(server: &ServerUrl) -> anyhow::Result<String> {
    let http = format!("{server}/v1/");
    // Anything else would end the directive or the attribute that it stands in, or is no source there, such
    // as an address of IPv6.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/%".contains(c);
    if !http.chars().all(is_plain) {
        bail!("{server} cannot be named in a policy: it may have letters, digits and - . _ ~ : / % alone");
    }
    let ws = http.replacen("http", "ws", 1);
    Ok(format!("{http} {ws}"))
}

fn text(path: &str) -> anyhow::Result<&'static str> {
    let file =
        page::files().find(|file| file.path == path).with_context(|| format!("web/{path} is missing"))?;
    Ok(str::from_utf8(file.bytes)?)
}

fn digest(text: &str) -> String {
    STANDARD.encode(sha256(&[text.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
        text.split_once(before).unwrap().1.split_once(after).unwrap().0
    }

    #[test]
    fn the_file_has_every_module_and_loads_nothing() {
        let html = page(Some(&"https://chat.example".parse().unwrap()), None).unwrap();
        for file in modules() {
            assert_eq!(
                html.matches(&format!("define('{}', () => {{", file.path)).count(),
                1,
                "{}",
                file.path
            );
        }
        let head_and_body =
            format!("{}{}", html.split_once("<style>").unwrap().0, html.split_once("</script>").unwrap().1);
        for loads in
            ["src=", "href=\"./", "href=\"icon", "manifest", "href=\"style", "<!-- modules", "@import"]
        {
            assert!(!head_and_body.contains(loads), "{loads}");
        }
        assert!(!html.contains("\nimport ") && !html.contains("\nexport "));
        assert_eq!(html.matches("</script>").count(), 1);
    }

    #[test]
    fn the_policy_allows_this_script_this_style_and_this_server() {
        let html = page(Some(&"https://chat.example/below/".parse().unwrap()), None).unwrap();
        let policy = between(&html, "content-security-policy\" content=\"", "\"");
        let script = between(&html, "<script type=\"module\">", "</script>");
        let style = between(&html, "<style>", "</style>");
        assert!(policy.contains(&format!("script-src 'sha256-{}';", digest(script))));
        assert!(policy.contains(&format!("style-src 'sha256-{}';", digest(style))));
        assert!(policy.contains("connect-src https://chat.example/below/v1/ wss://chat.example/below/v1/;"));
        assert!(
            policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe") && !policy.contains('*')
        );
        assert!(html.contains(r#"<meta name="cipher-chat-server" content="https://chat.example/below">"#));
        let (policy_at, script_at) = (html.find("content-security-policy"), html.find("<script"));
        assert!(
            policy_at < html.find("<style>") && policy_at < script_at,
            "it holds for what follows it alone"
        );
    }

    #[test]
    fn without_a_server_the_file_has_to_be_told_one() {
        let html = page(None, None).unwrap();
        assert!(html.contains(r#"<meta name="cipher-chat-server" content="">"#));
        assert!(html.contains("connect-src https: wss: http://localhost:* "));
    }

    #[test]
    fn no_address_of_a_server_says_more_than_where_it_is() {
        for hostile in [
            "https://chat.example/;script-src",
            "https://chat.example/'x",
            "https://chat.example/a,b",
            "https://[::1]",
        ] {
            let server: ServerUrl = hostile.parse().unwrap();
            assert!(page(Some(&server), None).is_err(), "{hostile}");
        }
        let here: ServerUrl = "http://127.0.0.1:8080".parse().unwrap();
        assert_eq!(only(&here).unwrap(), "http://127.0.0.1:8080/v1/ ws://127.0.0.1:8080/v1/");
    }

    #[test]
    fn the_keys_of_helpers_stand_in_the_file_alone_that_was_given_some() {
        let key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
        let with = page(None, Some(&key.parse().unwrap())).unwrap();
        assert!(with.contains(&format!(r#"<meta name="cipher-chat-helper-keys" content="{key}">"#)));
        assert!(!page(None, None).unwrap().contains(r#"<meta name="cipher-chat-helper-keys""#));
    }
}
