//! Reading a lock: is every package in it pinned, and every pin hashed?
//!
//! The format is pip's requirements file as `uv pip compile --generate-hashes`
//! writes it. What is accepted is narrower than what pip accepts on purpose: a
//! lock that could install something else tomorrow is not a lock.

/// What is wrong with a lock, and in which line (from 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LockFault {
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// Checks a lock's text; returns how many packages it names.
pub(crate) fn check(text: &str) -> Result<usize, LockFault> {
    let mut packages = 0;
    for (line, logical) in logical_lines(text) {
        check_requirement(&logical).map_err(|what| LockFault { line, what })?;
        packages += 1;
    }
    if packages == 0 {
        return Err(LockFault { line: 1, what: "it names no package".to_owned() });
    }
    Ok(packages)
}

/// Does the lock pin this requirement (`name==version`) as it stands?
pub(crate) fn pins(text: &str, requirement: &str) -> bool {
    logical_lines(text).any(|(_, logical)| logical.split_whitespace().next() == Some(requirement))
}

/// Lines without comments and blank ones, continued lines joined, with the number of their first line.
fn logical_lines(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut lines = text.lines().enumerate();
    std::iter::from_fn(move || {
        loop {
            let (at, first) = lines.next()?;
            let first = first.trim();
            if first.is_empty() || first.starts_with('#') {
                continue;
            }
            let mut logical = String::new();
            let mut part = first;
            while let Some(open) = part.strip_suffix('\\') {
                logical.push_str(open);
                part = lines.next().map_or("", |(_, next)| next.trim());
            }
            logical.push_str(part);
            return Some((at + 1, logical));
        }
    })
}

fn check_requirement(logical: &str) -> Result<(), String> {
    if logical.starts_with('-') {
        return Err(format!("options are not allowed in a lock: {logical}"));
    }
    let (requirement, hashes) = logical.split_once("--hash=").unwrap_or((logical, ""));
    let (pin, _marker) = requirement.split_once(';').unwrap_or((requirement, ""));
    let pin = pin.trim();
    let Some((name, version)) = pin.split_once("==") else {
        return Err(format!("'{pin}' is not pinned with '=='"));
    };
    let plain = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+'))
    };
    if !plain(name) || !plain(version) {
        return Err(format!("'{pin}' is not of the form name==version"));
    }
    let mut hashes = hashes.split("--hash=").map(str::trim).peekable();
    if hashes.peek().is_none_or(|first| first.is_empty()) {
        return Err(format!("'{pin}' has no hash"));
    }
    for hash in hashes {
        let digits = hash.strip_prefix("sha256:").unwrap_or_default();
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(format!(
                "'{pin}' has a hash that is not 'sha256:' and 64 hex digits: {hash}"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash() -> String {
        format!("--hash=sha256:{}", "0f".repeat(32))
    }

    #[test]
    fn a_lock_of_pins_with_hashes_and_markers_is_taken() {
        let text = format!(
            "# a comment\nsix==1.17.0 \\\n    {h} \\\n    {h}\n\nnumpy==2.4.6 ; python_full_version < '3.12' \\\n    {h}\n",
            h = hash()
        );
        assert_eq!(check(&text), Ok(2));
        assert!(pins(&text, "six==1.17.0"));
        assert!(!pins(&text, "six==1.17"));
    }

    #[test]
    fn what_could_install_something_else_tomorrow_is_refused_with_its_line() {
        let h = hash();
        for (text, line, word) in [
            (format!("\nsix>=1.0 {h}"), 2, "not pinned"),
            ("six==1.17.0".to_owned(), 1, "no hash"),
            (format!("six==1.17.0 \\\n {h}\nab==1 --hash=md5:00"), 3, "64 hex digits"),
            (format!("six==1.* {h}"), 1, "name==version"),
            ("--index-url http://somewhere.invalid/".to_owned(), 1, "options"),
            (format!("six @ http://somewhere.invalid/six.whl {h}"), 1, "not pinned"),
            ("# nothing\n".to_owned(), 1, "names no package"),
        ] {
            let fault = check(&text).expect_err(&text);
            assert_eq!(fault.line, line, "{text}");
            assert!(fault.what.contains(word), "{}", fault.what);
        }
    }
}
