//! The documentation's placeholders (`<url>`, `<INSERT YOUR KEY>`), left in.

/// Is the whole value a placeholder? A name in angle brackets, nothing else: a
/// real secret of that form would be a strange one.
pub(crate) fn is_placeholder(value: &str) -> bool {
    let Some(inner) = value.trim().strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) else {
        return false;
    };
    inner.starts_with(|c: char| c.is_alphabetic())
        && inner.chars().all(|c| c.is_alphanumeric() || " _-.:,'/".contains(c))
}

#[cfg(test)]
mod tests {
    use super::is_placeholder;

    #[test]
    fn names_in_angle_brackets_are_placeholders() {
        for text in ["<url>", " <auth-url> ", "<INSERT YOUR KEY>", "<wml_user's bucket>"] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["", "<>", "<", "url", "a<url>", "<a><b>", "<9!x>", "WML <wml@ibm.com>"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
