/// Masks or unmasks `payload` with the frame's key (RFC 6455, 5.3); doing it twice changes nothing.
#[inline]
pub fn unmask(payload: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    // Whole words in a loop without branches: the compiler makes vector instructions of it.
    let (words, tail) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip([a, b, c, d, a, b, c]) {
        *byte ^= key;
    }
}

/// The key as it stands `offset` bytes into the payload.
pub(super) fn key_at(key: [u8; 4], offset: usize) -> [u8; 4] {
    let mut turned = key;
    turned.rotate_left(offset % 4);
    turned
}
