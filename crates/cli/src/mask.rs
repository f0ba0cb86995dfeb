//! Hides the values of credentials in a definition before it is drawn.
//!
//! A complaint about one key shows its whole line, and in JSON on one line that
//! is everything, the password included; terminals are copied into tickets and
//! the output of a CI job is read by many. Every byte stays where it was, so
//! that spans still point at what they mean.
//!
//! The text may be broken (that is why it is drawn), so this is no parser: it
//! looks for a word that smells of a credential, a colon, and a value.

/// Keys that hold credentials in any of the dialects, without `_` and `-`.
const SECRET_KEYS: [&str; 8] = [
    "password",
    "secret",
    "secretaccesskey",
    "awssecretaccesskey",
    "accesskeyid",
    "awsaccesskeyid",
    "token",
    "apikey",
];

/// The text with the values of credentials replaced by `*`, byte for byte.
pub fn mask(text: &str) -> String {
    let mut masked = text.as_bytes().to_vec();
    for (at, _) in text.match_indices(':') {
        let Some(key) = key_before(text, at) else { continue };
        if is_secret(key) {
            let (start, end) = value_after(text, at + 1);
            if !is_placeholder(&text[start..end]) {
                masked[start..end].fill(b'*');
            }
        }
    }
    String::from_utf8(masked).expect("only whole values were replaced, by ASCII")
}

/// The word in front of a colon, without its quotes.
fn key_before(text: &str, colon: usize) -> Option<&str> {
    let before = text[..colon].trim_end_matches([' ', '\t', '"', '\'']);
    let start = before
        .rfind(|character: char| !(character.is_alphanumeric() || "_-.".contains(character)))
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let key = &before[start..];
    (!key.is_empty()).then_some(key)
}

fn is_secret(key: &str) -> bool {
    let key: String =
        key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    ["pass", "pwd", "secret", "token", "apikey", "accesskey"].iter().any(|part| key.contains(part))
        || (key.len() > 4 && trainyard_definition::nearest(&key, SECRET_KEYS).is_some())
}

/// The bytes of the value after a colon, without its quotes.
fn value_after(text: &str, from: usize) -> (usize, usize) {
    let rest = &text[from..];
    let start = from + (rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len());
    let value = &text[start..];
    let quote = value.chars().next().filter(|character| matches!(character, '"' | '\''));
    let Some(quote) = quote else {
        let end = value.find(['\n', '\r', ',', '}']).unwrap_or(value.len());
        return (start, start + value[..end].trim_end().len());
    };
    let mut escaped = false;
    for (at, character) in value.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            '\n' => return (start + 1, start + at),
            end if end == quote => return (start + 1, start + at),
            _ => {}
        }
    }
    (start + 1, text.len())
}

/// `<password>` is what the documentation wrote, and often what is complained about.
fn is_placeholder(value: &str) -> bool {
    value.starts_with('<') && value.ends_with('>')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_credentials_are_hidden_in_place() {
        let cases = [
            (r#"{"password": "hunter2", "container": "c"}"#, "hunter2"),
            (r#"{"pasword":"hun\"ter2"}"#, "ter2"),
            ("connection: {secret_access_key: hunter2, region: x}", "hunter2"),
            ("  aws_access_key_id: hunter2\n  endpoint_url: http://x", "hunter2"),
            ("'secret_acess_key':\n  'hunter2'", "hunter2"),
            (r#"{"password": "hunter2"#, "hunter2"),
            (r#"{"password": 1234567}"#, "1234567"),
        ];
        for (text, secret) in cases {
            let masked = mask(text);
            assert_eq!(masked.len(), text.len());
            assert!(!masked.contains(secret), "{masked}");
        }
    }

    #[test]
    fn everything_else_stays() {
        for text in [
            r#"{"password": "<password>"}"#,
            "framework: {name: tensorflow, version: 1.2-py3}",
            "auth_url: https://s3.example/a",
            "command: python3 x.py --learningRate 0.001",
        ] {
            assert_eq!(mask(text), text);
        }
        assert!(mask("password: ä, container: tf").ends_with(", container: tf"));
    }
}
