//! The texts of the pop-ups: the safety code explained, and the list of commands.

use crate::{
    state::{About, MeetingKind},
    text::{Break, packed, rows},
};

/// In rows of at most 36 columns: they fit into the smallest terminal as they are.
const COMMANDS: &str = "\
/next     meet somebody else
/leave    end this chat, or search
/report   end this chat and report
          it: as in /report spam, or
          abuse, minor, other
/safety   the safety code, explained
/quit     end all (also Ctrl-C)
//text    is a text: /text

PgUp PgDn older and newer texts
Ctrl-W    delete a word
Ctrl-U    delete to the start
Ctrl-K    delete to the end
Ctrl-L    redraw the screen

·  waits   ✓  sent   ✓✓  arrived

Nothing is written to disk, and
nothing stays on this screen.";

/// The rows of a pop-up's text.
pub(crate) fn lines(about: About, meeting: &MeetingKind, columns: usize) -> Vec<String> {
    let text = match about {
        About::Commands => COMMANDS.into(),
        About::Safety(code) => {
            let signs = code.emoji().map(|emoji| format!("{} {}", emoji.sign, emoji.name));
            let signs = packed(signs.into_iter(), columns).join("\n");
            let meaning = match meeting {
                MeetingKind::CreatesInvite | MeetingKind::AcceptsInvite => {
                    "You met by an invite link, which is part of the key: nobody who does not have the link can read along. Whoever \
                     got hold of it could have taken the other's place; the code shows that too."
                }
                MeetingKind::Anybody | MeetingKind::Topic(_) => {
                    "With a stranger you have no other way to reach, it proves little: that the chat is encrypted is certain, but \
                     not with whom."
                }
            };
            format!(
                "You and the other should see the same seven signs, in the same order:\n\n{signs}\n\nor the same numbers: {code}\n\n\
                 Compare them on a call, or face to face. If they are the same, nobody sits between you and reads along. If they \
                 differ, leave the chat.\n\nCompared in this chat they prove nothing: whoever sat between you could change what you \
                 write about them.\n\n{meaning}"
            )
        }
    };
    rows(&text, columns, Break::Words).into_iter().map(|row| text[row].to_owned()).collect()
}
