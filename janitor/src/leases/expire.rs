//! What is concluded from time and silence: that something may be forgotten, and never more.

use schemas::{
    Service, UnixMillis,
    event::{KeyEvent, RoomEvent, SessionEvent},
    limits,
    message::Message,
};

use super::{
    Effect, Leases,
    records::{Expiry, Key, Life},
    terms::{EXPIRIES_PER_TICK, SILENCE},
};

impl Leases {
    pub(super) fn tick(&mut self, now: UnixMillis) {
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

    /// Forgets what is past its time, and says so if this janitor speaks.
    fn expire(&mut self, now: UnixMillis) {
        let mut expired = Vec::new();
        self.expire_keys(now, &mut expired);
        self.expire_sessions(now, &mut expired);
        self.expire_rooms(now, &mut expired);
        if self.speaks() {
            self.effects.extend(expired.into_iter().map(Effect::Say));
        }
    }

    fn expire_keys(&mut self, now: UnixMillis, expired: &mut Vec<Message>) {
        let moment = self.moment(now);
        let longest = self.terms.key_rotation + self.terms.token_life;
        for (&key, known) in self.keys.iter_mut() {
            let over = now > known.public.not_after || moment.since(known.heard) > longest;
            if over && known.expiry == Expiry::Ahead && expired.len() < EXPIRIES_PER_TICK {
                known.expiry = Expiry::Said;
                expired.push(Message::Key { key, speaker: Service::Janitor, event: KeyEvent::Expired });
            }
        }
        // A key whose expiry was said is kept for its longest life: whoever goes on announcing it has another clock, and neither
        // needs to hear of it again each time, nor would it be right to keep the key from those who ask.
        let done = |key: &Key| key.expiry == Expiry::Said && moment.since(key.heard) > longest;
        self.keys.retain(|_, key| !done(key));
    }

    fn expire_sessions(&mut self, now: UnixMillis, expired: &mut Vec<Message>) {
        let moment = self.moment(now);
        let say = |session| {
            let speaker = Service::Janitor;
            Message::Session { session, speaker, event: SessionEvent::Expired }
        };
        let mut budget = EXPIRIES_PER_TICK.saturating_sub(expired.len());
        self.sessions.retain(|session, held| {
            if budget == 0 {
                return true;
            }
            let silent = moment.since(held.heard) >= SILENCE;
            if held.life == Life::Running && (silent || held.is_past_its_life(now)) {
                held.life = Life::Over;
                budget -= 1;
                expired.push(say(*session));
            }
            !silent
        });
    }

    fn expire_rooms(&mut self, now: UnixMillis, expired: &mut Vec<Message>) {
        let moment = self.moment(now);
        let patience = self.terms.grace + SILENCE;
        self.rooms.retain(|&room, named| {
            let goes = moment.since(named.0) >= patience && expired.len() < EXPIRIES_PER_TICK;
            if goes {
                expired.push(Message::Room { room, speaker: Service::Janitor, event: RoomEvent::Expired });
            }
            !goes
        });
    }
}
