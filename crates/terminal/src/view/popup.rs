//! What lies over the texts when it is asked for: the safety code explained, and the list of commands.

use ratatui::{
    layout::Rect,
    style::Style,
    widgets::{Block, BorderType, Clear, Widget},
};

use super::Canvas;
use crate::{
    layout::{packed, popup_area, popup_columns, popup_scroll_max},
    model::{About, MeetingKind, Model, Popup},
    text::{Break, rows},
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

pub(super) fn draw(model: &Model, popup: Popup, canvas: &mut Canvas<'_>) {
    let area = popup_area(model, popup);
    let title = match popup.about {
        About::Safety(_) => " Safety code ",
        About::Commands => " Commands and keys ",
    };
    let below = popup_scroll_max(model).saturating_sub(popup.scroll);
    let hint = if below > 0 { " PgDn: more · Esc: close " } else { " Esc: close " };
    Clear.render(area, canvas.buffer);
    Block::bordered()
        .border_type(BorderType::Rounded)
        .title(title)
        .title_bottom(hint)
        .render(area, canvas.buffer);
    let inner =
        Rect { x: area.x + 2, y: area.y + 1, width: area.width, height: area.height.saturating_sub(2) };
    let lines = lines(popup.about, &model.meeting, popup_columns(model));
    for (y, line) in (inner.y..inner.bottom()).zip(lines.iter().skip(popup.scroll)) {
        canvas.write(inner.x, y, line, Style::new());
    }
}
