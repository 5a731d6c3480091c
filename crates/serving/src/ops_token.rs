//! The token that whoever watches a node over the network shows, besides a certificate or instead
//! of one.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, header::AUTHORIZATION};

use crate::{listener::Peer, problem::CommonProblem, watchers::WatcherGuard};

/// How long it may be. 32 characters of `openssl rand -base64 24` cannot be guessed.
const LENGTHS: std::ops::RangeInclusive<usize> = 32..=512;

/// Why a token cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpsTokenError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be a header, or it can be guessed.
    #[error(
        "{} does not hold a token: one line of {} to {} visible ASCII characters, such as `openssl rand -base64 24` \
         prints", path.display(), LENGTHS.start(), LENGTHS.end()
    )]
    Text {
        /// Of which file.
        path: PathBuf,
    },
}

/// A token. Only its hash is kept.
#[derive(Clone)]
pub struct OpsToken {
    path: PathBuf,
    hash: digest::Digest,
}

impl fmt::Debug for OpsToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpsToken").field(&self.path).finish()
    }
}

impl OpsToken {
    /// The one line of a file.
    ///
    /// # Errors
    /// If it cannot be read, or is no token.
    pub fn read(path: &Path) -> Result<Self, OpsTokenError> {
        let text = fs::read_to_string(path)
            .map_err(|source| OpsTokenError::File { path: path.to_owned(), source })?;
        let token = text.trim_end_matches(['\r', '\n']);
        if !LENGTHS.contains(&token.len()) || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(OpsTokenError::Text { path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned(), hash: hash(token) })
    }

    /// Whether a request shows it (RFC 6750). How long that takes says nothing about the token:
    /// hashes are compared, each byte of them.
    fn is_shown(&self, headers: &HeaderMap) -> bool {
        let mut shown = headers.get_all(AUTHORIZATION).iter();
        let (Some(only), None) = (shown.next(), shown.next()) else { return false };
        let Some((scheme, token)) = only.to_str().ok().and_then(|value| value.split_once(' ')) else {
            return false;
        };
        let is_equal = verify_slices_are_equal(hash(token).as_ref(), self.hash.as_ref()).is_ok();
        scheme.eq_ignore_ascii_case("bearer") && is_equal
    }
}

fn hash(token: &str) -> digest::Digest {
    digest::digest(&digest::SHA256, token.as_bytes())
}

/// Whoever asks over TLS, which is whoever asks from elsewhere, has to show the token if there is
/// one. On the machine itself nobody has to.
pub(crate) async fn is_shown(
    State(token): State<Option<OpsToken>>,
    request: Request,
    next: Next,
) -> Result<Response, CommonProblem> {
    let is_encrypted = request.extensions().get::<Peer<WatcherGuard>>().is_some_and(Peer::is_encrypted);
    match token {
        Some(token) if is_encrypted && !token.is_shown(request.headers()) => Err(CommonProblem::Unauthorized),
        _ => Ok(next.run(request).await),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const TOKEN: &str = "kYl3xv2Q9pXw8nBz5rTc7uHd4mJf6aGe";

    fn read(text: &str) -> Result<OpsToken, OpsTokenError> {
        let path = std::env::temp_dir().join(format!("token-{:016x}", rand::random::<u64>()));
        fs::write(&path, text).unwrap();
        let token = OpsToken::read(&path);
        fs::remove_file(path).unwrap();
        token
    }

    #[test]
    fn a_token_is_one_line_that_nobody_guesses() {
        for good in [TOKEN.to_owned(), format!("{TOKEN}\n"), format!("{TOKEN}\r\n"), "x".repeat(512)] {
            assert!(read(&good).is_ok(), "{good:?}");
        }
        let long = "x".repeat(513);
        for bad in [
            "",
            "\n",
            &TOKEN[1..],
            &format!("{TOKEN} "),
            &format!("{TOKEN}\n{TOKEN}"),
            "é".repeat(20).as_str(),
            &long,
        ] {
            assert!(matches!(read(bad), Err(OpsTokenError::Text { .. })), "{bad:?}");
        }
        assert!(matches!(OpsToken::read(Path::new("/nowhere/token")), Err(OpsTokenError::File { .. })));
    }

    #[test]
    fn nothing_but_the_token_is_the_token() {
        let token = read(TOKEN).unwrap();
        let shown = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            token.is_shown(&headers)
        };
        let (bearer, lower) = (format!("Bearer {TOKEN}"), format!("bearer {TOKEN}"));
        assert!(shown(&[&bearer]) && shown(&[&lower]));
        for other in [
            format!("Basic {TOKEN}"),
            TOKEN.to_owned(),
            format!("Bearer {TOKEN}x"),
            format!("Bearer  {TOKEN}"),
        ] {
            assert!(!shown(&[&other]), "{other}");
        }
        assert!(!shown(&["Bearer "]) && !shown(&[]) && !shown(&[&bearer, &bearer]));
        assert!(!format!("{token:?}").contains(TOKEN));
    }
}
