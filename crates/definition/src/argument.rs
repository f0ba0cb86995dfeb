//! Another value for an argument of a command line, as `rerun --set` wants it.

use std::ops::Range;

/// Why an argument cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSet {
    /// The command has no argument of that name.
    #[error("the command has no argument '{argument}'; {}", has(.known))]
    Unknown {
        /// The argument.
        argument: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// The name cannot be that of an argument.
    #[error("'{0}' is no name of an argument: write it as in '--set lr=0.1'")]
    NoName(String),
}

fn has(known: &[String]) -> String {
    if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) }
}

/// The command with `--name` given as `value`, wherever it stands (`--name VALUE` or
/// `--name=VALUE`). The value is quoted for the shell where it has to be; everything else
/// stays as it was written.
///
/// # Errors
/// When the command has no such argument: where to put one only its writer knows.
pub fn set_argument(command: &str, name: &str, value: &str) -> Result<String, NotSet> {
    let name = name.trim_start_matches('-');
    let is_name = |char: char| char.is_alphanumeric() || matches!(char, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(NotSet::NoName(name.to_owned()));
    }
    let argument = format!("--{name}");
    let words = words(command);
    let mut changed = String::with_capacity(command.len());
    let (mut copied, mut found) = (0, false);
    for (index, word) in words.iter().enumerate() {
        let text = &command[word.clone()];
        let place = if text == argument {
            let next = words.get(index + 1).filter(|next| is_value(&command[(*next).clone()]));
            next.map_or(word.end..word.end, |next| word.end..next.end)
        } else if text.strip_prefix(argument.as_str()).is_some_and(|rest| rest.starts_with('=')) {
            word.start + argument.len()..word.end
        } else {
            continue;
        };
        found = true;
        let sign = if command[place.clone()].starts_with('=') { "=" } else { " " };
        changed.push_str(&command[copied..place.start]);
        changed.push_str(sign);
        changed.push_str(&quoted(value));
        copied = place.end;
    }
    if !found {
        let known = words.iter().map(|word| &command[word.clone()]);
        let known = known.filter(|word| word.starts_with("--") && word.len() > 2);
        let known = known.map(|word| word.split('=').next().unwrap_or(word).to_owned()).collect();
        return Err(NotSet::Unknown { argument, known });
    }
    changed.push_str(&command[copied..]);
    Ok(changed)
}

/// May the word after an argument be its value? Negative numbers may.
fn is_value(word: &str) -> bool {
    let is_argument =
        word.starts_with("--") || (word.starts_with('-') && word[1..].parse::<f64>().is_err());
    !is_argument && !matches!(word, ";" | "|" | "||" | "&" | "&&" | ">" | ">>" | "<" | ")")
}

/// The words of a command line, as the shell parts them at blanks; quotes keep together.
fn words(command: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let (mut start, mut quote, mut escaped) = (None, None, false);
    for (at, char) in command.char_indices() {
        let inside = quote.is_some() || escaped;
        if char.is_whitespace() && !inside {
            if let Some(start) = start.take() {
                words.push(start..at);
            }
            continue;
        }
        start.get_or_insert(at);
        match (quote, char) {
            _ if escaped => escaped = false,
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => escaped = true,
            (None, '\'' | '"') => quote = Some(char),
            _ => {}
        }
    }
    words.extend(start.map(|start| start..command.len()));
    words
}

/// The value as one word of the shell.
fn quoted(value: &str) -> String {
    let is_plain = |char: char| char.is_alphanumeric() || "._-+/:,@%=".contains(char);
    if !value.is_empty() && value.chars().all(is_plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_gets_another_value_and_the_rest_stays() {
        let command =
            "python3  train.py --lr 0.1 --name='a b' --decay -0.5 | tee \"$RESULT_DIR/x y\"";
        for (name, value, expected) in [
            ("lr", "0.01", "--lr 0.01 --name='a b' --decay -0.5 |"),
            ("--lr", "a;b", "--lr 'a;b' --name"),
            ("name", "it's", r"--name='it'\''s' --decay"),
            ("decay", "-1", "--decay -1 | tee \"$RESULT_DIR/x y\""),
        ] {
            let changed = set_argument(command, name, value).expect("it is there");
            assert!(changed.contains(expected), "{changed}");
            assert!(changed.starts_with("python3  train.py --lr "), "{changed}");
        }
        assert_eq!(set_argument("t --fast", "fast", "1").as_deref(), Ok("t --fast 1"));
        assert_eq!(set_argument("t --fast --b 2", "fast", "1").as_deref(), Ok("t --fast 1 --b 2"));
    }

    #[test]
    fn an_argument_that_is_not_there_is_told_with_those_that_are() {
        let told = set_argument("t --lr=1 --epochs 3", "rate", "2").expect_err("unknown");
        assert!(told.to_string().ends_with("it has --lr, --epochs"), "{told}");
        assert!(set_argument("t --lr=1", "l r", "2").is_err());
        // A longer name is another.
        assert!(set_argument("t --lr-decay 1", "lr", "2").is_err());
    }
}
