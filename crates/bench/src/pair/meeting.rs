//! How the two of a pair meet, and meet others.

use std::{pin::pin, sync::Arc};

use client::invite::Invite;
use schemas::criteria::Role;
use tokio::time::{Instant, timeout};

use super::{
    super::{
        meet::{MEETING_TIMEOUT, MeetError},
        participant::{GOODBYE_TIMEOUT, Participant, ParticipantEvent},
    },
    ChatState, Job, Pair, Person,
};

impl Pair {
    /// Connects two people and has them meet.
    ///
    /// # Errors
    /// If they do not meet in time.
    pub(crate) async fn meet(job: &Arc<Job>, number: u64) -> Result<Self, MeetError> {
        let connecting = job.connecting.acquire().await;
        let first = usize::try_from(number).unwrap_or(0);
        let server = |side: usize| &job.servers[(first + side) % job.servers.len()];
        let began = Instant::now();
        let content = job.plan.content;
        let (a, b) = tokio::try_join!(
            Participant::arrive(server(0), content),
            Participant::arrive(server(1), content)
        )?;
        let mut pair =
            Self { job: job.clone(), number, people: [a, b].map(Person::new), chat: ChatState::Open };
        pair.wait_for([true; 2], "connecting", &ParticipantEvent::Connected).await?;
        {
            let mut sheet = job.tally.sheet(number);
            sheet.connecting.record(began.elapsed());
            sheet.counts.connected += 2;
        }
        pair.find_each_other().await?;
        drop(connecting);
        Ok(pair)
    }

    /// The second leaves, and the first meets somebody new: the server would not match the same two
    /// again so soon.
    ///
    /// # Errors
    /// If they do not meet.
    pub(crate) async fn next_guest(&mut self) -> Result<(), MeetError> {
        self.settle();
        let server = &self.job.servers[rand::random_range(0..self.job.servers.len())];
        let began = Instant::now();
        let guest = Person::new(Participant::arrive(server, self.job.plan.content).await?);
        let before = std::mem::replace(&mut self.people[1], guest);
        self.see_off(before.participant).await;
        self.wait_for([false, true], "connecting", &ParticipantEvent::Connected).await?;
        {
            let mut sheet = self.job.tally.sheet(self.number);
            sheet.connecting.record(began.elapsed());
            sheet.counts.connected += 1;
        }
        self.chat = ChatState::Open;
        self.find_each_other().await
    }

    /// Receives events of the first person while the second one leaves.
    async fn see_off(&mut self, former: Participant) {
        let mut leaving = pin!(former.part());
        let mut gone = false;
        let over = async {
            while !gone || self.goes_on() {
                tokio::select! {
                    () = &mut leaving, if !gone => gone = true,
                    event = self.people[0].participant.next_event() => {
                        self.take(0, &event);
                        if matches!(event, ParticipantEvent::Closed(_)) {
                            return;
                        }
                    }
                }
            }
        };
        // The first goes on even if it is not told of the end in time.
        _ = timeout(2 * GOODBYE_TIMEOUT, over).await;
    }

    /// Ends the chat, if there is one, and has both meet by a new invite.
    ///
    /// # Errors
    /// If they do not meet in time.
    async fn find_each_other(&mut self) -> Result<(), MeetError> {
        let began = Instant::now();
        let invite = Invite::generate(&mut rand::rng());
        self.settle();
        for (person, role) in self.people.iter_mut().zip([Role::Offer, Role::Seek]) {
            person.participant.find(&invite, role).await;
        }
        self.wait_for([true; 2], "meeting", &ParticipantEvent::Met).await?;
        self.chat = ChatState::Open;
        let mut sheet = self.job.tally.sheet(self.number);
        sheet.meeting.record(began.elapsed());
        sheet.counts.met += 1;
        Ok(())
    }

    /// Waits until these sides have received this event.
    async fn wait_for(
        &mut self,
        mut waited_for: [bool; 2],
        what: &'static str,
        expected: &ParticipantEvent,
    ) -> Result<(), MeetError> {
        let mut lost = 0;
        let all = async {
            while waited_for.contains(&true) {
                let (side, event) = self.next_event().await;
                waited_for[side] &= event != *expected;
                match event {
                    ParticipantEvent::Closed(why) | ParticipantEvent::Refused(why) => {
                        return Err(MeetError::Over(why));
                    }
                    ParticipantEvent::Lost => lost += 1,
                    _ => {}
                }
            }
            Ok(())
        };
        let event = timeout(MEETING_TIMEOUT, all).await;
        event.unwrap_or(Err(MeetError::TimedOut { what, lost }))
    }
}
