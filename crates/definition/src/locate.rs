//! Where something stands in a definition, asked after it was read: complaints that only
//! a store can make come when the tree is long gone.

use trainyard_model::diagnostic::Span;

use crate::text::{self, Kind, Node, Syntax};

/// The place of `path` (`training_data[0].connection.auth_url`) in a text: of the value
/// where that is a single one, of the key where it is a list or an object. `None` when the text has
/// no such path.
pub fn locate(text: &str, syntax: Syntax, path: &str) -> Option<Span> {
    let root = text::parse(text, syntax).root?;
    let mut at = &root;
    let mut anchor = root.span.clone();
    for step in path.split('.') {
        let (key, index) = match step.split_once('[') {
            Some((key, index)) => (key, Some(index.strip_suffix(']')?.parse::<usize>().ok()?)),
            None => (step, None),
        };
        let Kind::Object(pairs) = &at.kind else { return None };
        let pair = pairs.iter().find(|pair| pair.key == key)?;
        (at, anchor) = (&pair.value, pair.key_span.clone());
        if let Some(index) = index {
            let Kind::List(items) = &at.kind else { return None };
            at = items.get(index)?;
        }
    }
    if is_single(at) {
        anchor = at.span.clone();
    }
    Some(Span::of(text, anchor.start, anchor.end))
}

fn is_single(node: &Node) -> bool {
    matches!(node.kind, Kind::Null | Kind::Scalar(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_keys_are_found_in_both_syntaxes() {
        let json = r#"{"training_data": [{"connection": {"auth_url": "http://x"}}]}"#;
        let yaml = "training_data:\n  - connection:\n      auth_url: http://x\n";
        for (text, syntax) in [(json, Syntax::Json), (yaml, Syntax::Yaml)] {
            let found =
                |path: &str| locate(text, syntax, path).map(|span| &text[span.start..span.end]);
            let url = found("training_data[0].connection.auth_url").expect("it is there");
            assert_eq!(url.trim_matches('"'), "http://x");
            let key = found("training_data[0].connection").expect("it is there");
            assert_eq!(key.trim_matches('"'), "connection");
            for absent in
                ["training_data[1].connection", "training_data.connection", "x", "", "a[b"]
            {
                assert_eq!(found(absent), None, "{absent}");
            }
        }
    }
}
