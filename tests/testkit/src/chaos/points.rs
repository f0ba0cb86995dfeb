//! The names of the crash points, as they stand in the product's sources.

/// Those that a server passes.
pub const SERVER: &[&str] = &[
    "effect.files_forgotten",
    "effect.folder_cleared",
    "effect.killed",
    "effect.replaced",
    "effect.rows_forgotten",
    "effect.token_withdrawn",
    "engine.killing",
    "engine.spawned",
    "engine.ticket_written",
    "launch.handle_written",
    "launch.started",
    "launch.token_put",
    "ledger.before_commit",
    "ledger.committed",
    "log.appended",
    "log.before_append",
    "report.applied",
    "report.log_synced",
    "report.taken",
    "start.before_answers",
    "start.effects_carried_out",
    "start.ledger_open",
    "start.locked",
    "stop.no_more_requests",
    "submit.before_answer",
    "submit.recorded",
    "submit.zip_stored",
    "tell.after_effects",
    "tell.before_effects",
    "tell.committed",
    "watch.learner_gone",
    "zip.before_rename",
];

/// Those that a learner passes.
pub const LEARNER: &[&str] = &[
    "learner.all_told",
    "learner.before_last_word",
    "learner.collects",
    "learner.last_word_written",
    "learner.lock_held",
    "learner.metrics_collected",
    "learner.places",
    "learner.prepares",
    "learner.program_ended",
    "learner.program_started",
    "learner.runs",
    "learner.staged",
    "learner.stores",
    "metrics.before_frame",
    "metrics.frame_written",
    "milestone.before_rename",
    "milestone.before_sync",
    "milestone.renamed",
    "milestone.started",
    "receipt.before_confirmed",
    "receipt.begun",
    "receipt.confirmed",
    "spool.before_report",
    "spool.log_written",
    "spool.report_written",
    "store.before_index",
    "store.folders_stored",
    "store.index_stored",
    "store.object_named",
];

/// Those that a server passes while it works on an experiment.
pub const EXPERIMENT: &[&str] = &[
    "experiment.before_end",
    "experiment.story_stored",
    "experiment.training_ended",
    "experiment.training_submitted",
    "experiment.trial_recorded",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::binary::repository;

    fn names_in(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder of sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                names_in(&path, found);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                for part in text.split("crash_point!(\"").skip(1) {
                    let name = part.split('"').next().unwrap_or_default();
                    assert!(found.insert(name.to_owned()), "two points are called {name}");
                }
            }
        }
    }

    #[test]
    fn the_list_names_every_point_of_the_sources_and_no_other() {
        let mut found = BTreeSet::new();
        names_in(&repository().join("crates"), &mut found);
        let listed: BTreeSet<String> =
            SERVER.iter().chain(LEARNER).chain(EXPERIMENT).map(|name| (*name).to_owned()).collect();
        assert_eq!(listed, found);
    }
}
