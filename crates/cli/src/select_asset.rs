//! Which experiment or model is meant: its id, a unique beginning of it, or `last`.

use trainyard_client::AssetId;
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;

use crate::exit::Exit;
use crate::failure::Failure;

/// How many characters a whole id has: it is a UUID.
const WHOLE: usize = 36;
/// How many ids a complaint names.
const NAMED: usize = 4;

/// Must the list be asked for to know which one is meant?
pub(crate) fn is_whole(selector: &str) -> Option<AssetId> {
    (selector.len() == WHOLE).then(|| selector.parse().ok())?
}

/// The one of `ids` (newest first) that `selector` means; `what` is what they are ids of,
/// and `list` the command that lists them.
pub(crate) fn pick(
    what: &str,
    list: &str,
    selector: &str,
    ids: &[String],
) -> Result<AssetId, Failure> {
    let unknown = || {
        let unknown =
            Diagnostic::error(Code::BadRequest, format!("no {what} is called '{selector}'")).help(
                format!(
                    "`{list}` lists them; one is meant by its id, the beginning of it, or `last`"
                ),
            );
        Failure::other(unknown, Exit::NOT_FOUND)
    };
    let found: Vec<&String> = match selector {
        "" => Vec::new(),
        "last" => ids.first().into_iter().collect(),
        beginning => ids.iter().filter(|id| id.starts_with(beginning)).collect(),
    };
    match found.as_slice() {
        [] => Err(unknown()),
        [one] => one.parse().map_err(|_| unknown()),
        several => Err(Failure::Ambiguous {
            selector: selector.to_owned(),
            candidates: several.iter().take(NAMED).map(|id| (*id).clone()).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unique_beginning_is_enough() {
        let ids = ["bf33fe31-7e1d-4e1b-8aea-b0d3de4c0485", "bf000000", "3edb23b3"];
        let ids = ids.map(str::to_owned);
        let picked = |selector| pick("model", "trainyard models", selector, &ids);
        assert_eq!(picked("3").expect("one").to_string(), "3edb23b3");
        assert_eq!(picked("last").expect("the first").to_string(), ids[0]);
        assert!(matches!(picked("bf"), Err(Failure::Ambiguous { .. })));
        for unknown in ["x", ""] {
            let failure = picked(unknown).expect_err("unknown");
            assert_eq!(failure.exit(), Exit::NOT_FOUND);
            assert!(failure.draw(80).contains("trainyard models"), "{failure}");
        }
        assert!(is_whole(&ids[0]).is_some() && is_whole("bf").is_none());
    }
}
