//! The texts of the pop-ups: the safety code explained, and the list of commands.

use crate::{
    state::{About, MeetingKind},
    text::{Break, packed, rows},
};

/// In rows of at most 36 columns, so that they fit into the smallest terminal.
const COMMANDS: &str = "\
/next     meet somebody else
/any      anybody, on any topic
/invite   make a new invite link
/leave    end chat or stop waiting
/report   end this chat and report
          it: as in /report spam, or
          abuse, minor, other
/safety   the safety code, explained
/reply yes   answers their last text
/react 👍    reacts to it; without an
             emoji takes that back
/edit text   changes your last text
/delete      deletes it
/timer 5m    texts vanish: 30s, 5m,
             1h or off
/reply 2 no  counts back: the text
             before the last
An edit, a deletion and a timer are
requests to the other's program.

/quit     quit (also Ctrl-C)
//text    sends the text /text

Tab       complete a command
PgUp PgDn older and newer texts
Esc       to the newest text
Ctrl-P -N your texts before, after
Ctrl-W    delete a word
Ctrl-U    delete to the start
Ctrl-K    delete to the end
Ctrl-L    redraw the screen

·  waits   ✓  sent   ✓✓  delivered

Nothing is written to disk, and
nothing stays on this screen.";

/// The rows of a pop-up's text.
pub(crate) fn lines(about: About, meeting: &MeetingKind, columns: usize) -> Vec<String> {
    let text = match about {
        About::Commands => COMMANDS.into(),
        About::Report(category) => format!(
            "Report this chat ({})?\n\nIt ends, if it has not ended yet, and you will not meet this person \
             again in this session. The server learns the reason, and no text: it has none.\n\nEnter: \
             report · Esc: go back",
            category.word()
        ),
        About::Safety(code) => {
            let signs = code.emoji().map(|emoji| format!("{} {}", emoji.sign, emoji.name));
            let signs = packed(signs.into_iter(), columns).join("\n");
            let meaning = match meeting {
                MeetingKind::CreatesInvite | MeetingKind::AcceptsInvite => {
                    "You met through an invite link, and the link is part of the key: nobody \
                     without the link can read along. Somebody who got hold of it could have \
                     taken the other person's place; comparing the code would show that too."
                }
                MeetingKind::Anybody | MeetingKind::Topic(_) => {
                    "With a stranger whom you cannot reach in another way, it proves little: \
                     the chat is encrypted, but you do not know with whom."
                }
            };
            format!(
                "You and the other person should see the same seven signs, in the same order:\n\n\
                 {signs}\n\nor the same numbers: {code}\n\nCompare them on a call, or face to \
                 face. If they are the same, nobody sits between you and reads along. If they \
                 differ, leave the chat.\n\nCompared in this chat they prove nothing: somebody \
                 between you could change what you write about them.\n\n{meaning}"
            )
        }
    };
    rows(&text, columns, Break::Words).into_iter().map(|row| text[row].to_owned()).collect()
}
