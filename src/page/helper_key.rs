//! The operator's keys of passes, as they are given for a page.

use std::{path::Path, str::FromStr};

use anyhow::Context;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use passes::PassKeys;

/// The public keys that a page brings with it.
#[derive(Clone, Debug)]
pub(super) struct HelperKeys(PassKeys);

impl FromStr for HelperKeys {
    type Err = anyhow::Error;

    /// A key in base64url, or else the file that has one or more.
    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let key = URL_SAFE_NO_PAD.decode(given).ok().and_then(|key| <[u8; 32]>::try_from(key).ok());
        if let Some(keys) = key.and_then(|key| PassKeys::new([key])) {
            return Ok(Self(keys));
        }
        PassKeys::from_file(Path::new(given)).map(Self).with_context(|| given.to_owned())
    }
}

impl HelperKeys {
    /// As they stand in the page: base64url, with spaces between them.
    pub(super) fn text(&self) -> String {
        let keys: Vec<_> = self.0.all().map(|key| URL_SAFE_NO_PAD.encode(key)).collect();
        keys.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, process};

    use passes::keys;

    use super::*;

    #[test]
    fn a_key_is_given_as_text_or_as_a_file() {
        let text = URL_SAFE_NO_PAD.encode([7; 32]);
        assert_eq!(text.parse::<HelperKeys>().unwrap().text(), text);
        let (_, public) = keys::generate().unwrap();
        let (_, other) = keys::generate().unwrap();
        let file = env::temp_dir().join(format!("helper-keys-{}.pub", process::id()));
        fs::write(&file, format!("{public}{other}")).unwrap();
        let read = file.display().to_string().parse::<HelperKeys>();
        fs::remove_file(&file).unwrap();
        let keys = read.unwrap().text();
        assert_eq!(keys.split(' ').map(str::len).collect::<Vec<_>>(), [43, 43]);
        assert!("/nowhere/passes.pub".parse::<HelperKeys>().is_err());
    }
}
