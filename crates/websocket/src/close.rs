use super::Violation;

/// Reads the payload of a client's close frame (RFC 6455, 5.5.1).
pub(super) fn parse(payload: &[u8]) -> Result<(Option<u16>, &str), Violation> {
    match payload {
        [] => Ok((None, "")),
        [_] => Err(Violation::HalfCloseCode),
        &[high, low, ref reason @ ..] => {
            let code = u16::from_be_bytes([high, low]);
            if !is_allowed(code) {
                return Err(Violation::BadCloseCode);
            }
            let reason = str::from_utf8(reason).map_err(|_| Violation::InvalidUtf8)?;
            Ok((Some(code), reason))
        }
    }
}

/// Whether a close code may stand in a frame: those of RFC 6455 (7.4.1) that are not reserved for
/// reports to the application, those registered since (1012 to 1014), and the ranges for libraries
/// and applications (7.4.2).
pub(super) const fn is_allowed(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
