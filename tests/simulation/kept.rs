//! Stories that ended badly once, in `kept`: one file for each, as short as it got.

use std::{fmt::Write as _, fs, io, path::Path};

use serde::{Deserialize, Serialize};

use super::script::Script;

/// A story, and how it ended when it was found.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) found: String,
    #[serde(flatten)]
    pub(super) script: Script,
}

impl Kept {
    /// As its file has it: one line for each thing that happens.
    pub(super) fn text(&self) -> String {
        let Script { seed, profile, deeds, mischances } = &self.script;
        let one = |value: serde_json::Result<String>| value.expect("plain data");
        let mut text = format!(
            "{{\n  \"found\": {},\n  \"seed\": {seed},\n  \"profile\": {}",
            one(serde_json::to_string(&self.found)),
            one(serde_json::to_string(profile))
        );
        let deeds: Vec<_> = deeds.iter().map(|deed| one(serde_json::to_string(deed))).collect();
        let mischances: Vec<_> = mischances.iter().map(|it| one(serde_json::to_string(it))).collect();
        for (name, lines) in [("deeds", deeds), ("mischances", mischances)] {
            let lines: Vec<_> = lines.iter().map(|line| format!("\n    {line}")).collect();
            write!(text, ",\n  \"{name}\": [{}\n  ]", lines.join(",")).expect("a string takes all");
        }
        text + "\n}\n"
    }

    /// Writes it to where builds leave what they make, and tells where that is.
    pub(super) fn write(&self) -> io::Result<String> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stories");
        fs::create_dir_all(&folder)?;
        let file = folder.join(format!("{}.json", self.script.seed));
        fs::write(&file, self.text())?;
        Ok(file.display().to_string())
    }
}

/// All of them, with the names of their files.
pub(super) fn all() -> Vec<(String, Kept)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("kept");
    let files = fs::read_dir(folder).expect("the folder of stories").map(|file| file.expect("a file").path());
    files
        .map(|file| {
            let text = fs::read_to_string(&file).expect("a file that can be read");
            let kept = serde_json::from_str(&text).expect("a story");
            (file.display().to_string(), kept)
        })
        .collect()
}
