use super::{
    Violation,
    mask::{key_at, unmask},
};

/// How many bytes of a message still growing are sound UTF-8, up to the last whole character.
/// Fails as soon as no continuation could make the rest valid.
pub(super) fn valid_prefix(bytes: &[u8]) -> Result<usize, Violation> {
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.len()),
        Err(cut_off) if cut_off.error_len().is_none() => Ok(cut_off.valid_up_to()),
        Err(_) => Err(Violation::InvalidUtf8),
    }
}

/// Checks a text message of which `message` came in whole fragments and `masked` is the payload so
/// far of the frame being received. `checked` bytes are known to be sound already; returns how many
/// are now. Each byte is looked at once, however small the pieces in which it comes.
pub(super) fn check_unfinished(
    message: &[u8],
    masked: &[u8],
    key: [u8; 4],
    mut checked: usize,
) -> Result<usize, Violation> {
    let mut window = [0; 256];
    loop {
        // At most three bytes of a character that the fragments so far left open, then what is new.
        let open = message.get(checked..).unwrap_or_default();
        let from = checked.saturating_sub(message.len());
        let fresh = masked.get(from..).unwrap_or_default();
        let fresh = &fresh[..fresh.len().min(window.len() - open.len())];
        let filled = open.len() + fresh.len();
        window[..open.len()].copy_from_slice(open);
        window[open.len()..filled].copy_from_slice(fresh);
        unmask(&mut window[open.len()..filled], key_at(key, from));
        checked += valid_prefix(&window[..filled])?;
        if filled < window.len() {
            return Ok(checked);
        }
    }
}
