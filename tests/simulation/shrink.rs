//! Makes a story that ends badly shorter, for as long as it ends badly in the same way.

use super::{deed::Deed, profile::Weather, script::Script};

/// How many shorter stories are tried. Some thousands are told in half a minute, and most stories
/// are as short as they get after one.
pub(super) const TRIES: usize = 4_000;

/// The shortest story found that ends as this one does. `ends` tells how a story ends, if badly.
pub(super) fn shrunk(story: Script, tries: usize, ends: impl Fn(&Script) -> Option<String>) -> Script {
    let Some(end) = ends(&story) else { return story };
    let same = |candidate: &Script| ends(candidate).is_some_and(|it| gist(&it) == gist(&end));
    let mut shrinking = Shrinking { best: story, left: tries, same };
    while shrinking.left > 0 {
        let before = shrinking.best.clone();
        shrinking.leave_out(|story| &mut story.deeds);
        shrinking.leave_out(|story| &mut story.mischances);
        shrinking.simplify();
        shrinking.send_away();
        if shrinking.best == before {
            break;
        }
    }
    shrinking.best
}

/// What went wrong, without numbers, names and what stands in brackets.
fn gist(end: &str) -> String {
    let mut depth = 0_usize;
    let mut plain = String::new();
    for letter in end.chars() {
        match letter {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(letter),
            _ => {}
        }
    }
    let words = plain.split_whitespace().filter(|word| !word.chars().any(|letter| letter.is_ascii_digit()));
    words.collect::<Vec<_>>().join(" ")
}

struct Shrinking<F> {
    best: Script,
    left: usize,
    same: F,
}

impl<F: Fn(&Script) -> bool> Shrinking<F> {
    /// Takes a story for the best one if it ends in the same way.
    fn try_it(&mut self, candidate: Script) -> bool {
        if self.left == 0 || candidate == self.best {
            return false;
        }
        self.left -= 1;
        let is_taken = (self.same)(&candidate);
        if is_taken {
            self.best = candidate;
        }
        is_taken
    }

    /// Leaves out all of a list, then halves of it, and so on down to single ones.
    fn leave_out<T: Clone>(&mut self, list: impl Fn(&mut Script) -> &mut Vec<T>) {
        let mut size = list(&mut self.best).len();
        while size > 0 {
            let mut begin = 0;
            while begin < list(&mut self.best).len() {
                let mut candidate = self.best.clone();
                let all = list(&mut candidate);
                all.drain(begin..(begin + size).min(all.len()));
                if !self.try_it(candidate) {
                    begin += size;
                }
            }
            size /= 2;
        }
    }

    /// Tries a friendlier cluster, and a shorter story.
    fn simplify(&mut self) {
        let last = self.best.deeds.iter().map(|it| it.at).max().unwrap_or_default();
        let faults = self.best.deeds.iter().any(|it| it.deed.is_a_fault());
        let simpler: [&dyn Fn(&mut Script); 7] = [
            &|story| story.profile.length = last + 1,
            &|story| story.profile.bus = Weather::FAIR,
            &|story| story.profile.bus.delay = Weather::FAIR.delay,
            &|story| story.profile.bus.ordered = true,
            &|story| story.profile.skew = 0,
            &|story| story.profile.stale = false,
            &|story| story.profile.named = 1.0,
        ];
        for change in simpler {
            let mut candidate = self.best.clone();
            change(&mut candidate);
            self.try_it(candidate);
        }
        if !faults {
            let mut candidate = self.best.clone();
            candidate.profile.faults = None;
            self.try_it(candidate);
        }
    }

    /// Does without people and nodes, with all that they do.
    fn send_away(&mut self) {
        for person in (0..self.best.profile.clients).rev() {
            let candidate = without_person(&self.best, person);
            self.try_it(candidate);
        }
        for node in (0..nodes(&self.best)).rev() {
            if let Some(candidate) = without_node(&self.best, node) {
                self.try_it(candidate);
            }
        }
    }
}

fn nodes(story: &Script) -> usize {
    story.profile.gateways + story.profile.replicas + story.profile.janitors
}

/// The number after one number is taken away, which others may not be.
fn closer(number: usize, gone: usize) -> Option<usize> {
    (number != gone).then(|| if number > gone { number - 1 } else { number })
}

/// Changes a number in place; false if it is the one that is gone.
fn close_up(number: Option<&mut usize>, gone: usize) -> bool {
    number.is_none_or(|number| closer(*number, gone).map(|it| *number = it).is_some())
}

fn without_person(story: &Script, gone: usize) -> Script {
    let mut story = story.clone();
    story.profile.clients -= 1;
    story.deeds.retain_mut(|it| close_up(it.deed.person_mut(), gone));
    story.mischances.retain_mut(|it| close_up(it.errand.of.as_mut(), gone));
    story
}

/// Without a node; `None` if it is the only gateway, or the only one that matches.
fn without_node(story: &Script, gone: usize) -> Option<Script> {
    let mut story = story.clone();
    let it = &mut story.profile;
    let (count, least) = if gone < it.gateways {
        (&mut it.gateways, 1)
    } else if gone < it.gateways + it.replicas {
        (&mut it.replicas, 1)
    } else {
        (&mut it.janitors, 0)
    };
    *count = count.checked_sub(1).filter(|rest| *rest >= least)?;
    story.deeds.retain_mut(|it| it.deed.nodes_mut().into_iter().all(|node| close_up(node, gone)));
    story.mischances.retain_mut(|it| {
        [&mut it.errand.from, &mut it.errand.to].into_iter().all(|node| close_up(Some(node), gone))
    });
    Some(story)
}

impl Deed {
    fn person_mut(&mut self) -> Option<&mut usize> {
        match self {
            Self::BreakOff { person, .. }
            | Self::Connect { person }
            | Self::Delete { person, .. }
            | Self::Vanish { person }
            | Self::OldTicket { person, .. }
            | Self::Find { person, .. }
            | Self::Next { person, .. }
            | Self::Cancel { person }
            | Self::Leave { person }
            | Self::Report { person }
            | Self::LeaveRemotely { person, .. }
            | Self::Chat { person } => Some(person),
            Self::Crash { .. } | Self::Cut { .. } | Self::CutOff { .. } | Self::Drain { .. } => None,
        }
    }

    fn nodes_mut(&mut self) -> [Option<&mut usize>; 2] {
        match self {
            Self::Delete { gateway: node, .. }
            | Self::LeaveRemotely { gateway: node, .. }
            | Self::Crash { node, .. }
            | Self::CutOff { node, .. }
            | Self::Drain { node } => [Some(node), None],
            Self::Cut { one, other, .. } => [Some(one), Some(other)],
            _ => [None, None],
        }
    }

    fn is_a_fault(&self) -> bool {
        matches!(self, Self::Crash { .. } | Self::Cut { .. } | Self::CutOff { .. } | Self::Drain { .. })
    }
}
