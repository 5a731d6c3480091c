//! What those who wait are told of what they may expect.

use std::collections::HashMap;

use schemas::{
    SessionId, UnixMillis,
    outlook::{Outlook, QueueStates},
};

use crate::{effect::ToClient, sessions::Sessions, want::OwnWant};

impl Sessions {
    /// Pairing says how it stands in some classes. Whoever waits in one of them, and is not matched
    /// yet, is told if it makes a difference.
    pub(crate) fn handle_queues(&mut self, now: UnixMillis, states: &QueueStates) {
        let states: HashMap<_, _> = states.classes.iter().map(|state| (state.class, state)).collect();
        self.tell_outlooks(|want| states.get(&want.class()).and_then(|state| want.hear(now, state)));
    }

    /// Nothing was heard of pairing for a while: what was told is not known to be true any more.
    pub(crate) fn doubt_outlooks(&mut self, now: UnixMillis) {
        self.tell_outlooks(|want| want.doubt(now));
    }

    fn tell_outlooks(&mut self, mut news: impl FnMut(&mut OwnWant) -> Option<Outlook>) {
        let mut told: Vec<(SessionId, Outlook)> = Vec::new();
        for id in self.wants.sessions() {
            let want = self.sessions.get_mut(&id).and_then(|session| session.want.as_mut());
            told.extend(want.and_then(|want| news(want)).map(|outlook| (id, outlook)));
        }
        for (id, outlook) in told {
            self.send(id, ToClient::Waiting(outlook));
        }
    }
}
