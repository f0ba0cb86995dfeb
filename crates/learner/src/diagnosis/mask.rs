//! What is never quoted out of a log: keys of stores, passwords in addresses, and values
//! that are called secret.

use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::secret::ExposedSecrets;

const HIDDEN: &str = "[hidden]";
/// Shorter texts are no secrets, and would hide half of every line.
const SHORTEST: usize = 6;

/// Names whose value is hidden, in lower case.
const NAMES: [&str; 8] =
    ["password", "passwd", "secret", "token", "api_key", "apikey", "access_key", "authorization"];

/// Hides what must not be quoted.
pub(crate) struct Mask(Vec<String>);

impl Mask {
    /// Knows the run's own keys.
    pub(crate) fn new(secrets: &ExposedSecrets) -> Self {
        let keys = [&secrets.data, &secrets.results].into_iter().flatten();
        let mut known: Vec<String> = keys
            .flat_map(|keys| [Some(&keys.secret), keys.session.as_ref(), Some(&keys.user)])
            .flatten()
            .filter(|text| text.len() >= SHORTEST)
            .cloned()
            .collect();
        // A key may be part of another.
        known.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Self(known)
    }

    /// The cause without them.
    pub(crate) fn cause(&self, cause: Cause) -> Cause {
        let Cause { kind, message, evidence, hint, status } = cause;
        let kind = match kind {
            CauseKind::Exception { exception, code } => {
                CauseKind::Exception { exception: self.text(&exception), code }
            }
            CauseKind::ImportError { module } => {
                CauseKind::ImportError { module: self.text(&module) }
            }
            CauseKind::DataMissing { path } => CauseKind::DataMissing { path: self.text(&path) },
            other => other,
        };
        Cause {
            kind,
            message: self.text(&message),
            evidence: evidence.iter().map(|line| self.text(line)).collect(),
            hint: hint.map(|hint| self.text(&hint)),
            status,
        }
    }

    fn text(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in &self.0 {
            if clean.contains(secret.as_str()) {
                clean = clean.replace(secret.as_str(), HIDDEN);
            }
        }
        without_named(&without_userinfo(&clean))
    }
}

/// `https://user:pass@host` → `https://[hidden]@host`.
fn without_userinfo(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '/' | '\'' | '"' | '>'));
        let authority = &after[..end.unwrap_or(after.len())];
        rest = after;
        if let Some(at) = authority.rfind('@') {
            clean.push_str(HIDDEN);
            rest = &after[at..];
        }
    }
    clean + rest
}

/// `password=abc`, `"token": "abc"` → with the value hidden.
fn without_named(text: &str) -> String {
    // Only ASCII changes its case, so places stay what they are.
    let lower = text.to_ascii_lowercase();
    let mut clean = String::with_capacity(text.len());
    let mut at = 0;
    while let Some((start, end)) = next_value(&lower, at) {
        clean.push_str(&text[at..start]);
        clean.push_str(HIDDEN);
        at = end;
    }
    clean + &text[at..]
}

/// Where the next value of a secret name stands, at `from` or behind it.
fn next_value(lower: &str, from: usize) -> Option<(usize, usize)> {
    let mut from = from;
    loop {
        let found = NAMES.iter().filter_map(|name| {
            let at = from + lower[from..].find(name)?;
            Some((at, at + name.len()))
        });
        let (_, after) = found.min()?;
        // `secret_key`, `tokens`: what follows may belong to the name.
        let tail = lower[after..].trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
        let tail = tail.trim_start_matches(['"', '\'', ' ']);
        let Some(value) = tail.strip_prefix(['=', ':']) else {
            from = after;
            continue;
        };
        let value = value.trim_start_matches(' ');
        let (value, is_end): (&str, fn(char) -> bool) = match value.chars().next() {
            Some('"') => (&value[1..], |c| c == '"'),
            Some('\'') => (&value[1..], |c| c == '\''),
            _ => (value.trim_start_matches("bearer "), |c| c.is_whitespace() || ",;&".contains(c)),
        };
        let length = value.find(is_end).unwrap_or(value.len());
        let start = lower.len() - value.len();
        // `KeyError: 'token'` and `token: ` tell no value; a short one is no secret.
        if length < SHORTEST || value[..length].starts_with("[hidden") {
            from = after;
            continue;
        }
        return Some((start, start + length));
    }
}

#[cfg(test)]
mod tests {
    use trainyard_model::secret::ExposedCredentials;

    use super::*;

    #[test]
    fn keys_and_passwords_are_hidden_and_words_about_them_are_not() {
        let keys = ExposedCredentials {
            user: "AKIA-user".to_owned(),
            secret: "s3cr3t-of-the-store".to_owned(),
            session: None,
        };
        let mask = Mask::new(&ExposedSecrets { data: Some(keys), results: None });
        for (raw, wanted) in [
            ("opened with s3cr3t-of-the-store!", "opened with [hidden]!"),
            ("AKIA-user", "[hidden]"),
            ("GET https://ann:pw@host/x?a=1 failed", "GET https://[hidden]@host/x?a=1 failed"),
            ("db://u:p@w@host", "db://[hidden]@host"),
            ("password=hunter2hunter2, user=x", "password=[hidden], user=x"),
            ("{\"api_key\": \"abcdefgh\", \"n\": 3}", "{\"api_key\": \"[hidden]\", \"n\": 3}"),
            ("Authorization: Bearer abcdefghi", "Authorization: Bearer [hidden]"),
            ("aws_secret_access_key = 'abcdefgh'", "aws_secret_access_key = '[hidden]'"),
            ("KeyError: 'token'", "KeyError: 'token'"),
            ("unexpected token at line 3", "unexpected token at line 3"),
            ("no tokens: 12", "no tokens: 12"),
            ("ünïcödé password=äöüäöü", "ünïcödé password=[hidden]"),
            ("http://host:8080/a@b", "http://host:8080/a@b"),
        ] {
            assert_eq!(mask.text(raw), wanted);
        }
    }
}
