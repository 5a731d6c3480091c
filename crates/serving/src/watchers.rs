//! Who may ask what operators ask of a node: so many at once, and by its address.

use std::{net::IpAddr, sync::Arc};

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderMap, header::HOST, uri::Authority};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    listener::{Admit, Peer},
    problem::CommonProblem,
    refusal::Refusal,
};

/// Connections of an ops listener at once: enough for all who watch a node, and few enough for the
/// descriptors that are kept for them.
pub const WATCHERS: usize = 32;

/// One of the connections of an ops listener.
pub type WatcherGuard = OwnedSemaphorePermit;

/// Admits [`WATCHERS`] connections at once.
pub fn admit() -> Admit<WatcherGuard> {
    let room = Arc::new(Semaphore::new(WATCHERS));
    Arc::new(move |_| Arc::clone(&room).try_acquire_owned().map_err(|_| Refusal::Full))
}

/// A stranger may give a name of theirs our address, and have an operator's browser ask here for
/// the stranger's page (DNS rebinding). So whoever asks over plain TCP has to ask for an address,
/// or for `localhost`, which no stranger can name. Under TLS it is the client's certificate that
/// counts.
pub(crate) async fn by_address(request: Request, next: Next) -> Result<Response, CommonProblem> {
    let is_encrypted = request.extensions().get::<Peer<WatcherGuard>>().is_some_and(Peer::is_encrypted);
    if is_encrypted || asks_by_address(request.headers()) {
        Ok(next.run(request).await)
    } else {
        Err(CommonProblem::Misdirected)
    }
}

/// Browsers always send a `Host`.
fn asks_by_address(headers: &HeaderMap) -> bool {
    headers.get_all(HOST).iter().all(|host| {
        let host = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
        host.is_some_and(|host| {
            let host = host.host().trim_start_matches('[').trim_end_matches(']');
            host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok()
        })
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_name_that_a_stranger_may_have_given_us_is_not_ours() {
        let asks = |host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static(host));
            asks_by_address(&headers)
        };
        for own in ["localhost", "localhost:9090", "LOCALHOST", "127.0.0.1:9090", "[::1]:9090", "10.0.0.1"] {
            assert!(asks(own), "{own}");
        }
        for foreign in
            ["evil.example", "evil.example:9090", "localhost.evil.example", "127.0.0.1.evil.example", ""]
        {
            assert!(!asks(foreign), "{foreign}");
        }
        assert!(asks_by_address(&HeaderMap::new()), "HTTP/1.0, which no browser speaks");
    }

    #[tokio::test]
    async fn so_many_watch_at_once_and_no_more() {
        let admit = admit();
        let ask = || admit([127, 0, 0, 1].into());
        let mut guards: Vec<_> = (0..WATCHERS).map(|_| ask().unwrap()).collect();
        assert_eq!(ask().unwrap_err(), Refusal::Full);
        guards.pop();
        assert!(ask().is_ok());
    }
}
