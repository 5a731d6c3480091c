//! Headers that every answer of every listener has, whatever it answers.

use axum::response::Response;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};

/// Answers may hold tokens and are nothing to show: not to be kept, not to be guessed at, not to be
/// framed, and able to do nothing.
const ALWAYS: [(HeaderName, &str); 5] = [
    (CACHE_CONTROL, "no-store"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (REFERRER_POLICY, "no-referrer"),
];

/// As [`complete`], for a router.
pub async fn completed(mut response: Response) -> Response {
    complete(response.status(), response.headers_mut());
    response
}

/// Adds what an answer does not say itself.
pub fn complete(status: StatusCode, headers: &mut HeaderMap) {
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return;
    }
    let is_framed = headers.get(CONTENT_SECURITY_POLICY).is_some_and(names_who_frames);
    for (name, value) in ALWAYS {
        if name != X_FRAME_OPTIONS || !is_framed {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        }
    }
}

/// Whether a policy names origins that may frame the answer, which `X-Frame-Options` cannot.
fn names_who_frames(policy: &HeaderValue) -> bool {
    policy.to_str().is_ok_and(|policy| policy.contains("frame-ancestors http"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_says_itself_stays() {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        complete(StatusCode::OK, &mut headers);
        assert_eq!(headers[CACHE_CONTROL], "no-cache");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers.len(), ALWAYS.len());
    }

    #[test]
    fn who_may_frame_an_answer_is_said_once() {
        for (policy, denied) in [
            ("default-src 'none'; frame-ancestors https://a.example", false),
            ("default-src 'none'; frame-ancestors 'none'", true),
            ("default-src https://a.example", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
            complete(StatusCode::OK, &mut headers);
            assert_eq!(headers.contains_key(X_FRAME_OPTIONS), denied, "{policy}");
        }
    }

    #[test]
    fn an_upgrade_is_no_answer_to_show() {
        let mut headers = HeaderMap::new();
        complete(StatusCode::SWITCHING_PROTOCOLS, &mut headers);
        assert!(headers.is_empty());
    }
}
