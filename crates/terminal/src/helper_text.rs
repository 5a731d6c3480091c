//! What is told of helpers, in words for people.

use client::{Pass, chat::Standing};

use crate::text::harmless;

pub(super) const HOW_TO_HAND_OVER: &str =
    "/handover alone agrees to what a helper offers; /handover with a colleague's key or pass offers it";
pub(super) const NO_HANDOVER: &str = "no helper has offered that a colleague goes on";
pub(super) const HANDOVER: &str = "the helper offers that a colleague goes on with you: /handover agrees, ends this chat and waits for \
     exactly that colleague; without it, nothing changes";

/// What a helper's pass is worth.
pub(super) fn standing(standing: Standing, pass: &Pass) -> String {
    let about = match &pass.topics {
        Some(topics) => {
            let topics: Vec<_> = topics.iter().map(|topic| harmless(topic.folded())).collect();
            format!(" (for {})", topics.join(", "))
        }
        None => String::new(),
    };
    match standing {
        Standing::Verified => {
            format!("verified helper{about}: the operator whose key you gave has made the pass")
        }
        Standing::Unlisted => format!(
            "a helper's pass{about} of the operator whose key you gave, but the server has no new list of \
             revoked ones: it may have been taken back"
        ),
        Standing::ServerSays => {
            format!("this server says that the other person is a helper{about}; nothing else vouches for it")
        }
        Standing::Unknown => {
            format!("the other person shows a helper's pass{about}, and nobody is known to vouch for it")
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use client::PassKeys;

    use super::*;

    /// A pass for these topics.
    pub(crate) fn pass(topics: Option<&[&str]>) -> Pass {
        let key = PassKeys::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap();
        Pass {
            key: *key.all().next().unwrap(),
            role: schemas::criteria::Role::Offer,
            topics: topics.map(|topics| topics.iter().map(|topic| topic.parse().unwrap()).collect()),
            expires: 1_800_000_000,
            id: "CQkJCQkJCQkJCQkJCQkJCQ".to_owned().try_into().unwrap(),
        }
    }

    #[test]
    fn only_what_is_known_for_certain_is_called_verified() {
        let words = |standing_| standing(standing_, &pass(Some(&["grief", "debt"])));
        assert!(words(Standing::Verified).starts_with("verified helper (for grief, debt)"));
        for other in [Standing::Unlisted, Standing::ServerSays, Standing::Unknown] {
            assert!(!words(other).contains("verified"), "{other:?}");
        }
        assert!(words(Standing::ServerSays).starts_with("this server says"));
        assert!(!standing(Standing::Verified, &pass(None)).contains('('));
    }
}
