//! What the operator sets for the helper's screen, as option values.

use std::{fs, path::Path};

use gateway::desk::{ANSWER_CHARS, Answers, Desk, DeskChats, MOST_ANSWERS, MOST_CHATS};

use super::{
    reader::Reader,
    table::{ANSWERS, DESK_CHATS},
    value::{Show, Value, Wrong},
};

/// A file longer than this is not read to its end: no character takes more than four bytes.
const ANSWERS_BYTES: u64 = 4 * (ANSWER_CHARS * MOST_ANSWERS) as u64;

impl Value for DeskChats {
    const FORM: &'static str = "COUNT";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let chats = text.parse().ok().and_then(Self::new);
        Ok(chats.ok_or_else(|| format!("{text:?} is not a whole number from 1 to {MOST_CHATS}"))?)
    }
}

impl Show for DeskChats {
    fn show(&self) -> String {
        self.get().to_string()
    }
}

pub(super) fn desk(reader: &mut Reader) -> Desk {
    let path = reader.find(&ANSWERS);
    let answers = path.and_then(|path| read(&path).map_err(|fault| reader.wrong(&ANSWERS, &fault)).ok());
    Desk { chats: reader.get(&DESK_CHATS), answers: answers.unwrap_or_default() }
}

fn read(path: &Path) -> Result<Answers, String> {
    let named = |fault: String| format!("{}: {fault}", path.display());
    let length = fs::metadata(path).map_err(|fault| named(fault.to_string()))?.len();
    if length > ANSWERS_BYTES {
        return Err(named(format!("it is longer than {ANSWERS_BYTES} bytes")));
    }
    let text = fs::read_to_string(path).map_err(|fault| named(fault.to_string()))?;
    Answers::parse(&text).map_err(|fault| named(fault.to_string()))
}
