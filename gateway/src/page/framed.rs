//! The one copy of the page that others may frame: those whom the operator names, and nobody else.

use axum::response::Response;
use http::{HeaderValue, header};

use super::CONTENT_SECURITY_POLICY;

/// Where the page is that may be framed.
pub(super) const EMBEDDED: &str = "/embed";

/// Who may frame the page, in [`CONTENT_SECURITY_POLICY`].
const NOBODY_FRAMES: &str = "frame-ancestors 'none'";

/// What the document says to those who may frame it.
#[derive(Clone)]
pub(super) struct Framed(HeaderValue);

impl Framed {
    /// `None` if nobody may. The configuration has checked that each is an origin and nothing more.
    pub(super) fn by(origins: &[String]) -> Option<Self> {
        let named = format!("frame-ancestors {}", origins.join(" "));
        let policy = CONTENT_SECURITY_POLICY.replace(NOBODY_FRAMES, &named);
        (!origins.is_empty()).then(|| HeaderValue::try_from(policy).ok().map(Self)).flatten()
    }

    pub(super) fn let_in(self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, self.0);
        // It cannot name an origin.
        headers.remove(header::X_FRAME_OPTIONS);
        // A page that is isolated itself frames only what says so.
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
        response
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower::ServiceExt;

    use super::{super::router, *};
    use crate::rates::ClientPeer;

    #[tokio::test]
    async fn those_who_are_named_may_frame_one_path_and_nobody_anything_else() {
        let named = ["https://a.example".to_owned(), "https://b.example:8443".to_owned()];
        let get = async |ancestors: &[String], path: &str| {
            let request = http::Request::get(path)
                .extension(ClientPeer::plain([127, 0, 0, 1].into()))
                .body(Body::empty())
                .unwrap();
            router::<()>(ancestors).oneshot(request).await.unwrap()
        };
        let embedded = get(&named, "/embed").await;
        let policy =
            |response: &Response| response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let framed = policy(&embedded);
        assert!(framed.contains("; frame-ancestors https://a.example https://b.example:8443; "), "{framed}");
        assert_eq!(
            framed.replace("https://a.example https://b.example:8443", "'none'"),
            CONTENT_SECURITY_POLICY
        );
        assert_eq!(embedded.headers().get("x-frame-options"), None);
        assert_eq!(embedded.headers()["cross-origin-resource-policy"], "cross-origin");
        for path in ["/", "/verify", "/index.html", "/main.js"] {
            let response = get(&named, path).await;
            assert_eq!(policy(&response), CONTENT_SECURITY_POLICY, "{path}");
            assert_eq!(response.headers()["x-frame-options"], "DENY", "{path}");
        }
        assert_eq!(get(&[], "/embed").await.status(), 404);
    }
}
