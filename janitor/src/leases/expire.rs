//! What is concluded from time and silence: only that something may be forgotten.

use schemas::{
    Service, UnixMillis,
    event::{KeyEvent, RoomEvent, SessionEvent},
    limits,
    message::Message,
};

use super::{
    policy::{EXPIRIES_PER_TICK, SILENCE},
    records::{ExpiryNotice, Key},
    state::{Effect, Leases},
};

impl Leases {
    pub(super) fn tick(&mut self, now: UnixMillis) {
        self.named_held_twice = 0;
        self.janitors.expire(now);
        let moment = self.moment(now);
        self.ended.retain(|_, it| it.until >= moment);
        self.revoked.retain(|_, it| it.until >= moment);
        self.gateways.retain(|_, it| moment.since(it.heard) < SILENCE);
        if !self.is_quiet(now) {
            self.ask_sync_at = None;
            self.expire(now);
        } else if self.ask_sync_at.is_some_and(|due| due <= now) {
            self.ask_sync_at = Some(now + limits::RENEWAL);
            self.effects.push_back(Effect::AskSync);
        }
    }

    /// Forgets what has expired, and publishes that if this janitor is the leader.
    fn expire(&mut self, now: UnixMillis) {
        let mut expired = Vec::new();
        self.expire_keys(now, &mut expired);
        self.expire_sessions(now, &mut expired);
        self.expire_rooms(now, &mut expired);
        if self.leads() {
            self.effects.extend(expired.into_iter().map(Effect::Publish));
        }
    }

    fn expire_keys(&mut self, now: UnixMillis, expired: &mut Vec<Message>) {
        let moment = self.moment(now);
        let longest = self.policy.lifetimes.key_rotation + self.policy.lifetimes.token_life;
        for (&key, known) in self.keys.iter_mut() {
            let over = now > known.announced.not_after || moment.since(known.heard) > longest;
            if over && known.notice == ExpiryNotice::NotSent && expired.len() < EXPIRIES_PER_TICK {
                known.notice = ExpiryNotice::Sent;
                let (speaker, from) = (Service::Janitor, self.me.clone());
                expired.push(Message::Key { key, speaker, from, event: KeyEvent::Expired });
            }
        }
        // A key whose expiry was published is kept for its longest life. A gateway that goes on
        // announcing it has another clock. It need not be told each time, and others that ask for
        // the key should still get it.
        let done = |key: &Key| key.notice == ExpiryNotice::Sent && moment.since(key.heard) > longest;
        self.keys.retain(|_, key| !done(key));
    }

    fn expire_sessions(&mut self, now: UnixMillis, expired: &mut Vec<Message>) {
        let moment = self.moment(now);
        let expired_event = |session| {
            let speaker = Service::Janitor;
            Message::Session { session, speaker, event: SessionEvent::Expired }
        };
        let mut budget = EXPIRIES_PER_TICK.saturating_sub(expired.len());
        self.sessions.retain(|session, held| {
            if budget == 0 {
                return true;
            }
            let silent = moment.since(held.heard) >= SILENCE;
            if held.notice == ExpiryNotice::NotSent && (silent || held.is_past_its_life(now)) {
                held.notice = ExpiryNotice::Sent;
                budget -= 1;
                expired.push(expired_event(*session));
            }
            !silent
        });
    }

    fn expire_rooms(&mut self, now: UnixMillis, expired: &mut Vec<Message>) {
        let moment = self.moment(now);
        let patience = self.policy.lifetimes.grace + SILENCE;
        self.rooms.retain(|&room, room_lease| {
            let goes = moment.since(room_lease.heard) >= patience && expired.len() < EXPIRIES_PER_TICK;
            if goes {
                expired.push(Message::Room { room, speaker: Service::Janitor, event: RoomEvent::Expired });
            }
            !goes
        });
    }
}
