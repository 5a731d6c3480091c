//! What somebody who waits may expect, in words.

use schemas::outlook::{Outlook, Partners};

/// One sentence for each thing that is known and worth saying. Empty if there is none.
pub(crate) fn outlook(outlook: &Outlook) -> String {
    let Outlook { ahead, partners, about_s } = *outlook;
    if partners == Some(Partners::None) {
        return "Nobody is here at the moment who could answer you.".into();
    }
    let ahead = ahead.map(|ahead| match ahead {
        0 => "You are next.".to_owned(),
        1 => "One person is before you.".to_owned(),
        2 => "Two to four people are before you.".to_owned(),
        5 => "Five to nine people are before you.".to_owned(),
        more => format!("{more} people or more are before you."),
    });
    let about = about_s.map(|secs| match secs {
        ..=59 => "Most wait less than half a minute.".to_owned(),
        60..=119 => "Most wait less than a minute.".to_owned(),
        _ => format!("Most wait less than {} minutes.", secs / 60),
    });
    [ahead, about].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use schemas::outlook::AHEAD;

    use super::*;

    #[test]
    fn what_is_known_is_said() {
        let known = Outlook { ahead: Some(2), partners: Some(Partners::Few), about_s: Some(300) };
        assert_eq!(outlook(&known), "Two to four people are before you. Most wait less than 5 minutes.");
        assert_eq!(
            outlook(&Outlook { ahead: None, about_s: Some(30), ..known }),
            "Most wait less than half a minute."
        );
        assert_eq!(
            outlook(&Outlook { about_s: None, ahead: Some(10), ..known }),
            "10 people or more are before you."
        );
        assert_eq!(outlook(&Outlook::default()), "");
    }

    #[test]
    fn nobody_waits_for_a_time_where_nobody_is() {
        let nobody = Outlook { ahead: Some(0), partners: Some(Partners::None), about_s: Some(30) };
        assert_eq!(outlook(&nobody), "Nobody is here at the moment who could answer you.");
    }

    #[test]
    fn every_step_has_its_words() {
        let said = |ahead| outlook(&Outlook { ahead: Some(ahead), ..Outlook::default() });
        let all: std::collections::BTreeSet<_> = AHEAD.map(said).into();
        assert_eq!(all.len(), AHEAD.len());
    }
}
