//! What people paste around a link or a secret.

/// Whether a character belongs to the text around a link or secret, not to it.
pub(super) fn is_around(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
        || matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '"' | '`' | '*' | '|' | '\\')
        || matches!(c, '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>')
        || matches!(c, '“' | '”' | '„' | '‘' | '’' | '‚' | '«' | '»' | '‹' | '›' | '…')
        || matches!(c, '、' | '。' | '，' | '．' | '）' | '（' | '」' | '「' | '』' | '『' | '】' | '【')
}
