//! What the operator tells whoever comes: who runs this, a welcome, what must be agreed to, and
//! where somebody is sent who leaves quickly.

use http::{Uri, uri::Scheme};
use schemas::limits;
use thiserror::Error;

/// The longest [`About::name`], in characters: a line of a start screen.
pub const NAME_CHARS: usize = 80;
/// The longest [`About::contact`], in characters: an address or two.
pub const CONTACT_CHARS: usize = 200;
/// The longest [`About::consent`], in characters: two or three sentences beside a box to tick.
pub const CONSENT_CHARS: usize = 400;
/// The longest [`About::welcome`], in characters: half a page. Each start screen loads it.
pub const WELCOME_CHARS: usize = 2000;

/// What is shown before anybody is looked for.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Who runs this server.
    pub name: Option<Shown<NAME_CHARS>>,
    /// How the operator is reached.
    pub contact: Option<Shown<CONTACT_CHARS>>,
    /// A text of the operator.
    pub welcome: Option<Shown<WELCOME_CHARS>>,
    /// What must be agreed to before a stranger is looked for.
    pub consent: Option<Shown<CONSENT_CHARS>>,
    /// Where a page goes whose person leaves quickly.
    pub exit_url: Option<ExitUrl>,
    /// Whether anybody is told who is there.
    pub presence: Presence,
}

/// Whether `GET /v1/status` tells for each topic whether somebody is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// It does, coarsely.
    Shown,
    /// It does not.
    #[default]
    Hidden,
}

/// A text of the operator: plain, 1 to `MOST` characters, with line breaks and no other control
/// characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown<const MOST: usize>(String);

impl<const MOST: usize> Shown<MOST> {
    /// Takes a text without the blanks around it.
    ///
    /// # Errors
    /// When it is empty, too long, or has control characters.
    pub fn parse(text: &str) -> Result<Self, ShownError> {
        let text = text.trim().replace("\r\n", "\n");
        if text.is_empty() {
            return Err(ShownError::Empty);
        }
        let length = text.chars().count();
        if length > MOST {
            return Err(ShownError::Long { length, most: MOST });
        }
        if text.chars().any(|char| char.is_control() && char != '\n') {
            return Err(ShownError::Control);
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is wrong with a text of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ShownError {
    /// Nothing would be shown.
    #[error("it is empty")]
    Empty,
    /// More than fits.
    #[error("it has {length} characters, {most} at most are shown")]
    Long {
        /// How many it has.
        length: usize,
        /// How many it may have.
        most: usize,
    },
    /// What no screen shows.
    #[error("it has control characters other than line breaks")]
    Control,
}

/// A page of another site, or the empty one, that takes the place of the chat page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitUrl(String);

/// The empty page, which is where whoever leaves quickly goes if nothing is said.
const BLANK: &str = "about:blank";

impl ExitUrl {
    /// Takes `about:blank` or an address of HTTP or HTTPS.
    ///
    /// # Errors
    /// When it is neither, or longer than [`limits::URL_BYTES`].
    pub fn parse(text: &str) -> Result<Self, ExitUrlError> {
        let url = text.parse::<Uri>().map_err(|_| ExitUrlError)?;
        let is_web = [Scheme::HTTP, Scheme::HTTPS].iter().any(|scheme| url.scheme() == Some(scheme));
        // A name before the host would be shown by the browser as if it were the host.
        let is_plain = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        let is_short = text.len() <= limits::URL_BYTES;
        if text == BLANK || is_web && is_plain && is_short {
            Ok(Self(text.to_owned()))
        } else {
            Err(ExitUrlError)
        }
    }

    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Not where a page can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "write about:blank, or an address such as https://www.example.org/weather, of {} bytes at most",
    limits::URL_BYTES
)]
pub struct ExitUrlError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_shown_without_the_blanks_around_it() {
        assert_eq!(Shown::<8>::parse("  상담\r\n소 \n").unwrap().as_str(), "상담\n소");
        assert_eq!(Shown::<8>::parse("12345678").unwrap().as_str(), "12345678");
        assert_eq!(Shown::<8>::parse(" \n"), Err(ShownError::Empty));
        assert_eq!(Shown::<8>::parse("123456789"), Err(ShownError::Long { length: 9, most: 8 }));
        assert_eq!(Shown::<8>::parse("a\u{1b}[2J"), Err(ShownError::Control));
        assert_eq!(Shown::<8>::parse("a\tb"), Err(ShownError::Control));
    }

    #[test]
    fn whoever_leaves_quickly_goes_to_a_page() {
        for url in
            ["about:blank", "https://weather.example/", "http://news.example/a?b=c", "https://example.org"]
        {
            assert_eq!(ExitUrl::parse(url).unwrap().as_str(), url);
        }
        let long = format!("https://example.org/{}", "x".repeat(limits::URL_BYTES));
        let wrong = [
            "",
            "javascript:alert(1)",
            "data:text/html,x",
            "weather.example",
            "/here",
            "ftp://example.org/",
            "https://weather.example@evil.example/",
            "about:config",
            "https://a b/",
            &long,
        ];
        for url in wrong {
            assert_eq!(ExitUrl::parse(url), Err(ExitUrlError), "{url}");
        }
    }
}
