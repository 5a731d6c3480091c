//! Live sockets: of all clients together, and of each network.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use dashmap::DashMap;
use serving::refusal::Refusal;

use super::networks::width;
use crate::address::{Address, AddressKey};

/// Counts sockets. Never more entries than sockets.
pub(super) struct Connections {
    /// In all.
    most: u32,
    /// Of one address; 0 is no bound. Of a wider network as many more as [`width`] says.
    of_address: u32,
    open: AtomicU32,
    live: DashMap<AddressKey, Live>,
}

/// The sockets of a network.
#[derive(Default)]
struct Live {
    count: u32,
    /// The wider networks that it is in. A guard has no room for them.
    within: [Option<AddressKey>; 2],
}

/// As many sockets of one network as may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many connections from this address")]
pub struct TooManyConnections;

impl Connections {
    pub(super) fn new(most: u32, of_address: u32) -> Self {
        Self { most, of_address, open: AtomicU32::new(0), live: DashMap::new() }
    }

    /// One more socket, counted until the guard is dropped. Behind a proxy its address says
    /// nothing: then [`ConnectionGuard::count_for`] is told the client's own.
    pub(super) fn enter(self: &Arc<Self>, address: Option<&Address>) -> Result<ConnectionGuard, Refusal> {
        if self.open.fetch_add(1, Relaxed) >= self.most {
            self.open.fetch_sub(1, Relaxed);
            return Err(Refusal::Full);
        }
        let mut guard = ConnectionGuard { connections: Arc::clone(self), address: None };
        address.map_or(Ok(()), |address| guard.count_for(address)).map_err(|_| Refusal::Address)?;
        Ok(guard)
    }

    fn add(&self, address: &Address) -> Result<AddressKey, TooManyConnections> {
        let client = address.client();
        for (place, (network, key)) in address.networks().enumerate() {
            let most = self.of_address.saturating_mul(width(network));
            let mut live = self.live.entry(key).or_default();
            if live.count < most {
                live.count += 1;
                continue;
            }
            drop(live);
            address.networks().take(place).for_each(|(_, key)| self.remove_one(key));
            return Err(TooManyConnections);
        }
        if let Some(mut live) = self.live.get_mut(&client) {
            let mut wider = address.networks().skip(1).map(|(_, key)| key);
            live.within = [wider.next(), wider.next()];
        }
        Ok(client)
    }

    fn remove(&self, client: AddressKey) {
        let within = self.live.get(&client).map(|live| live.within).unwrap_or_default();
        self.remove_one(client);
        within.into_iter().flatten().for_each(|key| self.remove_one(key));
    }

    fn remove_one(&self, key: AddressKey) {
        self.live.remove_if_mut(&key, |_, live| {
            live.count -= 1;
            live.count == 0
        });
    }

    /// How many there are.
    pub(super) fn open(&self) -> u32 {
        self.open.load(Relaxed)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.live.is_empty() && self.open() == 0
    }
}

/// One live socket, counted until this is dropped. Of 16 bytes: each connection has one.
pub struct ConnectionGuard {
    connections: Arc<Connections>,
    address: Option<AddressKey>,
}

const _: () = assert!(size_of::<ConnectionGuard>() == 16);

impl ConnectionGuard {
    /// Counts it among the sockets of this address, and no longer of another.
    ///
    /// # Errors
    /// If the address, or a network that it is in, has as many as may be.
    pub fn count_for(&mut self, address: &Address) -> Result<(), TooManyConnections> {
        if self.connections.of_address == 0 || self.address == Some(address.client()) {
            return Ok(());
        }
        let counted = self.connections.add(address)?;
        if let Some(before) = self.address.replace(counted) {
            self.connections.remove(before);
        }
        Ok(())
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.connections.open.fetch_sub(1, Relaxed);
        if let Some(address) = self.address {
            self.connections.remove(address);
        }
    }
}

impl std::fmt::Debug for ConnectionGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConnectionGuard")
    }
}
