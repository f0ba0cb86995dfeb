//! What a misspelt word was meant to be.

/// No key, size or framework is longer; the comparison is quadratic in it.
const LONGEST: usize = 64;

/// The candidate that `word` most likely stands for: the same but for case,
/// `_` and `-`, or at most a third of its letters away. Of two equally near
/// ones the first is taken; `None` when nothing is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = plain(word);
    let length = plain.chars().count();
    if length == 0 || length > LONGEST {
        return None;
    }
    // One letter says nothing; two may differ in none.
    let allowed = if length < 3 { 0 } else { (length / 3).max(1) };
    let mut best: Option<(usize, &'a str)> = None;
    for candidate in candidates {
        let distance = strsim::osa_distance(&plain, &self::plain(candidate));
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn plain(word: &str) -> String {
    word.trim().chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn misspelt_words_find_what_they_meant() {
        let keys = ["framework", "name", "resourceType", "userId", "command"];
        for (word, meant) in [
            ("framwork", Some("framework")),
            ("resource_type", Some("resourceType")),
            ("userid", Some("userId")),
            ("comandd", Some("command")),
            ("nmae", Some("name")),
            ("banana", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, keys), meant, "{word}");
        }
    }

    #[test]
    fn versions_that_are_far_apart_are_not_offered() {
        assert_eq!(nearest("9.9", ["1.2-py3", "2.18"]), None);
        assert_eq!(nearest("1.2-py", ["1.3-py3", "1.2-py3"]), Some("1.2-py3"));
    }
}
