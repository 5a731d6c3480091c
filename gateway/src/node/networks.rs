//! From where clients come, and what follows from it.

use std::net::IpAddr;

use http::HeaderMap;
use schemas::{NodeId, event::Report};

use super::Node;
use crate::{
    address::{self, Address},
    config,
    origin_keys::ClientNetwork,
};

impl Node {
    /// Somebody was reported.
    pub(crate) fn hear_report(&self, from: &NodeId, report: &Report) {
        let (now, mut reported) = (self.clock.now(), self.reported.lock());
        reported.expire(now);
        reported.hear(now, from, report);
    }

    /// How many hashes a new session costs whoever opens it from this network, on average. It costs
    /// some, and twice as many as usual, where many others have reported people of it.
    pub(crate) fn work_for(&self, network: ClientNetwork) -> Option<u32> {
        let now = self.clock.now();
        let origins = self.origins.lock().origins(now, network);
        let usual = match self.config.orders.now().admission {
            Some(ordered) => (ordered > 0).then_some(ordered),
            None => self.config.admission,
        };
        if !self.reported.lock().are_noticed(now, &origins) {
            return usual;
        }
        Some(usual.unwrap_or(config::NOTICED_ADMISSION).saturating_mul(2))
    }

    /// What is kept of the client whose request this is. Says once that a proxy is not named, for
    /// then all its clients are taken for one.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Address {
        let trusted = &self.config.trusted_proxies;
        if address::is_unnamed_proxy(peer, headers, trusted) {
            self.proxy_hint.call_once(|| {
                tracing::warn!(
                    event = "clients.proxy-not-named",
                    "a proxy on this machine or in a private network forwards requests, and --trusted-proxy does not \
                     name it: all its clients share the limits of one address"
                );
            });
        }
        self.rates.address(address::client_address(peer, headers, trusted))
    }

    /// From which network a request comes.
    pub(crate) fn network(&self, peer: IpAddr, headers: &HeaderMap) -> ClientNetwork {
        ClientNetwork::of(address::client_address(peer, headers, &self.config.trusted_proxies))
    }
}
