//! Bytes as lower-case hexadecimal digits: digests and tokens.

use std::fmt::Write as _;

/// `bytes` as lower-case hexadecimal digits, two for each.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn digits_are_lower_case_and_in_order() {
        assert_eq!(super::hex(&[0x00, 0x0f, 0xa5]), "000fa5");
    }
}
