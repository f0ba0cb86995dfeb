//! Which run is meant: an id, a unique beginning of what follows `training-`
//! in it, or `last`.

use std::pin::pin;

use futures_util::TryStreamExt;
use trainyard_client::Client;
use trainyard_model::ids::RunId;

use crate::failure::Failure;

/// What every id begins with.
const PREFIX: &str = "training-";
/// How many ids a complaint names.
const NAMED: usize = 4;
/// Runs asked for at once while an id is looked for.
const PAGE: u32 = 500;

/// The run that `selector` means.
pub(crate) async fn run(client: &Client, selector: &str) -> Result<RunId, Failure> {
    if let Ok(id) = selector.parse() {
        return Ok(id);
    }
    if selector == "last" {
        let page = client.runs_page(Some(1)).await?;
        let newest = page.resources.first().and_then(|run| run.metadata.guid.parse().ok());
        return newest.ok_or_else(|| Failure::UnknownRun { selector: selector.to_owned() });
    }
    let mut ids = Vec::new();
    // What cannot begin an id is not worth asking for.
    if is_beginning(selector) {
        let mut runs = pin!(client.runs(PAGE));
        while let Some(run) = runs.try_next().await? {
            ids.push(run.metadata.guid);
        }
    }
    pick(selector, &ids)
}

fn is_beginning(selector: &str) -> bool {
    let rest = rest(selector);
    !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn rest(selector: &str) -> &str {
    selector.strip_prefix(PREFIX).unwrap_or(selector)
}

fn pick(selector: &str, ids: &[String]) -> Result<RunId, Failure> {
    let meant = |id: &&String| {
        is_beginning(selector)
            && id.strip_prefix(PREFIX).is_some_and(|id| id.starts_with(rest(selector)))
    };
    let mut found = ids.iter().filter(meant);
    match (found.next(), found.next()) {
        (None, _) => Err(Failure::UnknownRun { selector: selector.to_owned() }),
        (Some(id), None) => {
            id.parse().map_err(|_| Failure::UnknownRun { selector: selector.to_owned() })
        }
        (Some(_), Some(_)) => Err(Failure::Ambiguous {
            selector: selector.to_owned(),
            candidates: ids.iter().filter(meant).take(NAMED).cloned().collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unique_beginning_is_enough() {
        let ids = ["training-DOl4q2LkR", "training-DOx000000", "training-a00000000"];
        let ids = ids.map(str::to_owned);
        let picked = |selector| pick(selector, &ids);
        assert_eq!(picked("DOl").expect("one").as_str(), "training-DOl4q2LkR");
        assert_eq!(picked("training-a").expect("one").as_str(), "training-a00000000");
        assert!(
            matches!(picked("DO"), Err(Failure::Ambiguous { candidates, .. }) if candidates.len() == 2)
        );
        for unknown in ["b", "training-", "", "../x"] {
            assert!(matches!(picked(unknown), Err(Failure::UnknownRun { .. })), "{unknown}");
        }
    }
}
