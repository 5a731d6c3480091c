//! What waits for clients that do not read, all of them together.

use schemas::CloseCode;

use super::Node;

/// What may wait for all clients together, in bytes: an eighth of the memory that `compose.yaml`
/// gives a gateway. Whoever does not read what is sent to them can keep
/// [`OUTBOX_BYTES`](crate::ws::outbox::OUTBOX_BYTES) waiting on each connection, for as long as they
/// read a little from time to time; one network may have a thousand connections.
pub(crate) const ALL_OUTBOX_BYTES: usize = 128 * 1024 * 1024;

impl Node {
    /// How many bytes wait for its clients' sockets, and for how many clients some do.
    pub fn outbox_levels(&self) -> (usize, usize) {
        // The connections are asked outside the lock.
        let lengths = self.connections().into_iter().map(|connection| connection.waiting_bytes());
        lengths.filter(|bytes| *bytes > 0).fold((0, 0), |(bytes, clients), more| (bytes + more, clients + 1))
    }

    /// Closes the connections for which most waits, as too slow, until no more than this many bytes
    /// wait for all others.
    pub(crate) fn relieve_outboxes(&self, bound: usize) {
        let open = self.connections().into_iter().filter(|connection| connection.closing().is_none());
        let lengths = open.map(|connection| (connection.waiting_bytes(), connection));
        for connection in longest_beyond(lengths.filter(|(bytes, _)| *bytes > 0).collect(), bound) {
            connection.close(CloseCode::SlowConsumer);
        }
    }
}

/// The ones with most, without which the others have no more than this in all.
fn longest_beyond<T>(mut all: Vec<(usize, T)>, bound: usize) -> Vec<T> {
    let mut sum: usize = all.iter().map(|(bytes, _)| bytes).sum();
    if sum <= bound {
        return Vec::new();
    }
    all.sort_unstable_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    let too_much = |(bytes, _): &(usize, T)| {
        let is_beyond = sum > bound;
        sum -= bytes;
        is_beyond
    };
    all.into_iter().take_while(too_much).map(|(_, it)| it).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_with_most_go_and_no_more_than_have_to() {
        let all = vec![(10, 'a'), (40, 'b'), (5, 'c'), (30, 'd')];
        assert_eq!(longest_beyond(all.clone(), 85), Vec::<char>::new());
        assert_eq!(longest_beyond(all.clone(), 84), ['b']);
        assert_eq!(longest_beyond(all.clone(), 45), ['b']);
        assert_eq!(longest_beyond(all.clone(), 44), ['b', 'd']);
        assert_eq!(longest_beyond(all, 0), ['b', 'd', 'a', 'c']);
    }
}
