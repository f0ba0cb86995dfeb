//! The words after `bx`. There were no options, only positions.

use super::transcript::monitor::Show;
use super::transcript::runs::Naming;
use super::{scope, usage};
use crate::failure::Failure;

/// What is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verb<'a> {
    /// `help [command]`
    Help(Option<&'a str>),
    /// `version`
    Version,
    /// `generate-manifest KIND`
    Generate(&'a str),
    /// About training runs.
    Runs(Runs<'a>),
    /// About stored training definitions.
    Definitions(Definitions<'a>),
    /// About experiments and their runs.
    Experiments(Experiments<'a>),
    /// About stored models.
    Models(Models<'a>),
    /// `list frameworks`
    ListFrameworks,
    /// `list deployments`, `libraries`, `runtimes`
    ListNone(&'static str),
}

/// About training runs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Runs<'a> {
    /// `train ZIP MANIFEST`
    Train { code: &'a str, manifest: &'a str },
    /// `train training-definitions ID VERSION-ID MANIFEST`
    TrainStored { definition: &'a str, version: &'a str, manifest: &'a str },
    /// `list`
    List(Naming),
    /// `show ID`
    Show(Naming, &'a str),
    /// `delete ID`
    Delete(Naming, &'a str),
    /// `cancel ID`
    Cancel(&'a str),
    /// `monitor ID …`
    Monitor(Naming, &'a str, Show),
    /// `store ID [MANIFEST]`
    Store(&'a str, Option<&'a str>),
}

/// About stored training definitions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Definitions<'a> {
    /// `store ZIP MANIFEST`
    Store { code: &'a str, manifest: &'a str },
    /// `list`
    List,
    /// `show ID`
    Show(&'a str),
    /// `delete ID`
    Delete(&'a str),
}

/// About experiments and their runs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Experiments<'a> {
    /// `store MANIFEST`
    Store(&'a str),
    /// `list`
    List,
    /// `show ID`
    Show(&'a str),
    /// `delete ID`
    Delete(&'a str),
    /// `experiments run ID`
    Run(&'a str),
    /// `experiments update ID MANIFEST`
    Update(&'a str, &'a str),
    /// `list experiment-runs ID`
    ListRuns(&'a str),
    /// `list training-runs ID RUN-ID`
    ListTrainings(&'a str, &'a str),
    /// `show experiment-runs ID RUN-ID`
    ShowRun(&'a str, &'a str),
    /// `delete experiment-runs ID RUN-ID`
    DeleteRun(&'a str, &'a str),
    /// `monitor ID RUN-ID …`
    Monitor(&'a str, &'a str, Show),
}

/// About stored models.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Models<'a> {
    /// `store ARCHIVE MANIFEST`
    Store { archive: &'a str, manifest: &'a str },
    /// `list`
    List,
    /// `show ID`
    Show(&'a str),
    /// `delete ID`
    Delete(&'a str),
    /// `models download ID`
    Download(&'a str),
}

const RUNS: &str = "training-runs";
const DEFINITIONS: &str = "training-definitions";
const EXPERIMENTS: &str = "experiments";
const EXPERIMENT_RUNS: &str = "experiment-runs";
const MODELS: &str = "models";

/// Reads the words; `ml` comes first, as the plug-in's name.
pub(crate) fn parse<'a>(words: &[&'a str]) -> Result<Verb<'a>, Failure> {
    let words = match words {
        ["ml" | "machine-learning", rest @ ..] => rest,
        [] | ["help" | "-h" | "--help"] => return Ok(Verb::Help(None)),
        [other, ..] => {
            return Err(Failure::usage(
                format!("`{other}` is not known here: only `bx ml` is"),
                "bx ml help",
            ));
        }
    };
    match words {
        [] | ["help" | "-h" | "--help"] => return Ok(Verb::Help(None)),
        ["help", command] | [command, .., "-h" | "--help"] => return Ok(Verb::Help(Some(command))),
        ["version" | "-v" | "--version"] => return Ok(Verb::Version),
        _ => {}
    }
    if let Some(option) = words.iter().find(|word| word.starts_with('-') && word.len() > 1) {
        return Err(Failure::usage(
            format!("`{option}` is not known: these commands have no options"),
            "bx ml help [command]",
        ));
    }
    match words {
        ["deploy" | "score" | "libraries" | "runtimes", ..] => Err(usage::complaint(words)),
        ["list", what] | ["list", what @ "deployments", _] if scope::is_empty(what).is_some() => {
            scope::is_empty(what).map(Verb::ListNone).ok_or_else(|| usage::complaint(words))
        }
        [verb, noun, ..] if scope::noun(verb, noun).is_some() => {
            Err(scope::noun(verb, noun).unwrap_or_else(|| usage::complaint(words)))
        }
        ["list", "frameworks"] => Ok(Verb::ListFrameworks),
        ["generate-manifest", kind] if super::samples::sample(kind).is_some() => {
            Ok(Verb::Generate(kind))
        }
        _ => runs(words)
            .map(Verb::Runs)
            .or_else(|| definitions(words).map(Verb::Definitions))
            .or_else(|| experiments(words).map(Verb::Experiments))
            .or_else(|| models(words).map(Verb::Models))
            .ok_or_else(|| usage::complaint(words)),
    }
}

fn runs<'a>(words: &[&'a str]) -> Option<Runs<'a>> {
    let naming = match words.get(1) {
        Some(&RUNS) => Some(Naming::TrainingRuns),
        Some(&"trained-models") => Some(Naming::TrainedModels),
        _ => None,
    };
    Some(match (words, naming) {
        (["train", DEFINITIONS, definition, version, manifest], _) => {
            Runs::TrainStored { definition, version, manifest }
        }
        (["train", code, manifest], None) if *code != DEFINITIONS => Runs::Train { code, manifest },
        (["list", _], Some(naming)) => Runs::List(naming),
        (["show", _, id], Some(naming)) => Runs::Show(naming, id),
        (["delete", _, id], Some(naming)) => Runs::Delete(naming, id),
        (["cancel", _, id], Some(_)) => Runs::Cancel(id),
        (["store", _, id], Some(_)) => Runs::Store(id, None),
        (["store", _, id, manifest], Some(_)) => Runs::Store(id, Some(manifest)),
        (["monitor", _, id, show @ ..], Some(naming)) => {
            let show = match show {
                ["logs", "last", lines] => Show::Logs(Some(lines.parse().ok()?)),
                show => plain(show)?,
            };
            Runs::Monitor(naming, id, show)
        }
        _ => return None,
    })
}

/// What is shown, without a number of lines.
fn plain(words: &[&str]) -> Option<Show> {
    match words {
        [] => Some(Show::All),
        ["logs"] => Some(Show::Logs(None)),
        ["metrics"] => Some(Show::Metrics),
        _ => None,
    }
}

fn definitions<'a>(words: &[&'a str]) -> Option<Definitions<'a>> {
    Some(match words {
        ["store", DEFINITIONS, code, manifest] => Definitions::Store { code, manifest },
        ["list", DEFINITIONS] => Definitions::List,
        ["show", DEFINITIONS, id] => Definitions::Show(id),
        ["delete", DEFINITIONS, id] => Definitions::Delete(id),
        _ => return None,
    })
}

fn experiments<'a>(words: &[&'a str]) -> Option<Experiments<'a>> {
    Some(match words {
        ["store", EXPERIMENTS, manifest] => Experiments::Store(manifest),
        ["list", EXPERIMENTS] => Experiments::List,
        ["show", EXPERIMENTS, id] => Experiments::Show(id),
        ["delete", EXPERIMENTS, id] => Experiments::Delete(id),
        [EXPERIMENTS, "run", id] => Experiments::Run(id),
        [EXPERIMENTS, "update", id, manifest] => Experiments::Update(id, manifest),
        ["list", EXPERIMENT_RUNS, id] => Experiments::ListRuns(id),
        ["list", RUNS, id, run] => Experiments::ListTrainings(id, run),
        ["show", EXPERIMENT_RUNS, id, run] => Experiments::ShowRun(id, run),
        ["delete", EXPERIMENT_RUNS, id, run] => Experiments::DeleteRun(id, run),
        ["monitor", EXPERIMENTS, id, run, show @ ..] => Experiments::Monitor(id, run, plain(show)?),
        _ => return None,
    })
}

fn models<'a>(words: &[&'a str]) -> Option<Models<'a>> {
    let nouns = [RUNS, "trained-models", DEFINITIONS, EXPERIMENTS];
    Some(match words {
        ["store", archive, manifest] if !nouns.contains(archive) => {
            Models::Store { archive, manifest }
        }
        ["list", MODELS] => Models::List,
        ["show", MODELS, id] => Models::Show(id),
        ["delete", MODELS, id] => Models::Delete(id),
        [MODELS, "download", id] => Models::Download(id),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &'static str) -> Result<Verb<'static>, String> {
        parse(&line.split(' ').collect::<Vec<_>>()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_words_of_2017_are_understood() {
        let train = Runs::Train { code: "tf-model.zip", manifest: "job.json" };
        for (line, verb) in [
            ("ml train tf-model.zip job.json", Verb::Runs(train)),
            ("ml list trained-models", Verb::Runs(Runs::List(Naming::TrainedModels))),
            ("ml list frameworks", Verb::ListFrameworks),
            (
                "ml show trained-models training-DOl4q2LkR",
                Verb::Runs(Runs::Show(Naming::TrainedModels, "training-DOl4q2LkR")),
            ),
            ("ml delete trained-models x", Verb::Runs(Runs::Delete(Naming::TrainedModels, "x"))),
            ("ml help train", Verb::Help(Some("train"))),
            ("ml version", Verb::Version),
            ("ml", Verb::Help(None)),
        ] {
            assert_eq!(parsed(line), Ok(verb), "{line}");
        }
    }

    #[test]
    fn the_words_of_2018_are_understood() {
        let later = Naming::TrainingRuns;
        let stored = Runs::TrainStored { definition: "d", version: "v", manifest: "m.yml" };
        for (line, verb) in [
            ("ml train training-definitions d v m.yml", Verb::Runs(stored)),
            ("ml list training-runs", Verb::Runs(Runs::List(later))),
            ("ml cancel training-runs x", Verb::Runs(Runs::Cancel("x"))),
            ("ml monitor training-runs x", Verb::Runs(Runs::Monitor(later, "x", Show::All))),
            (
                "ml monitor training-runs x logs last 20",
                Verb::Runs(Runs::Monitor(later, "x", Show::Logs(Some(20)))),
            ),
            (
                "ml monitor training-runs x metrics",
                Verb::Runs(Runs::Monitor(later, "x", Show::Metrics)),
            ),
            ("ml store training-runs x m.yml", Verb::Runs(Runs::Store("x", Some("m.yml")))),
            (
                "machine-learning store training-definitions z.zip m.yml",
                Verb::Definitions(Definitions::Store { code: "z.zip", manifest: "m.yml" }),
            ),
            ("ml store experiments m.yml", Verb::Experiments(Experiments::Store("m.yml"))),
            (
                "ml store model.tar.gz m.yml",
                Verb::Models(Models::Store { archive: "model.tar.gz", manifest: "m.yml" }),
            ),
            ("ml experiments run e", Verb::Experiments(Experiments::Run("e"))),
            ("ml experiments update e m", Verb::Experiments(Experiments::Update("e", "m"))),
            ("ml list experiment-runs e", Verb::Experiments(Experiments::ListRuns("e"))),
            ("ml list training-runs e r", Verb::Experiments(Experiments::ListTrainings("e", "r"))),
            ("ml delete experiment-runs e r", Verb::Experiments(Experiments::DeleteRun("e", "r"))),
            (
                "ml monitor experiments e r logs",
                Verb::Experiments(Experiments::Monitor("e", "r", Show::Logs(None))),
            ),
            ("ml models download m", Verb::Models(Models::Download("m"))),
            ("ml generate-manifest training-runs", Verb::Generate("training-runs")),
            ("ml list deployments m", Verb::ListNone("deployments")),
        ] {
            assert_eq!(parsed(line), Ok(verb), "{line}");
        }
    }

    #[test]
    fn other_words_are_answered_with_the_way_out() {
        let drawn = |line: &'static str| {
            let failure = parse(&line.split(' ').collect::<Vec<_>>()).expect_err(line);
            anstream::adapter::strip_str(&failure.draw(80)).to_string()
        };
        for (line, answer) in [
            ("ml trian a b", "did you mean `train`?"),
            ("ml list trained-model", "did you mean `trained-models`?"),
            ("ml list experiment", "did you mean `experiments`?"),
            ("ml show trained-models", "bx ml show trained-models MODEL-ID"),
            ("ml show training-runs", "bx ml show training-runs MODEL-ID"),
            ("ml list training-runs e", "list training-runs [EXPERIMENT-ID EXPERIMENT-RUN-ID]"),
            ("ml monitor training-runs x logs last", "[metrics | logs [last N]]"),
            ("ml monitor training-runs x logs last some", "[metrics | logs [last N]]"),
            ("ml delete experiment-runs e", "experiment-runs EXPERIMENT-ID EXPERIMENT-RUN-ID"),
            ("ml train a", "bx ml train PATH-TO-MODEL-DEFINITION-ZIP PATH-TO-MANIFEST"),
            ("ml train training-definitions d m", "DEFINITION-VERSION-ID PATH-TO-MANIFEST"),
            ("ml store model.tar.gz", "bx ml store PATH-TO-MODEL.tar.gz PATH-TO-MANIFEST"),
            ("ml experiments", "bx ml experiments run EXPERIMENT-ID"),
            ("ml experiments start e", "known are: run, update"),
            ("ml models", "bx ml models download MODEL-ID"),
            ("ml generate-manifest", "bx ml generate-manifest training-runs"),
            ("ml generate-manifest training-run", "did you mean `training-runs`?"),
            ("ml deploy m name", "models download MODEL-ID"),
            ("ml score s.json", "trains models and does not serve them"),
            ("ml show deployments m d", "trains models and does not serve them"),
            ("ml store libraries m.yml", "requirements.txt"),
            ("ml runtimes download r", "requirements.txt"),
            ("ml list models --limit 3", "no options"),
            ("cf push", "only `bx ml` is"),
        ] {
            assert!(drawn(line).contains(answer), "{line}: {}", drawn(line));
        }
    }

    #[test]
    fn every_usage_is_a_command_and_has_a_help() {
        for command in usage::COMMANDS {
            assert!(super::super::help::text(Some(command.verb)).is_ok(), "{}", command.verb);
            for usage in command.usages {
                // What is optional is left out.
                let line = usage.split(" [").next().expect("a beginning");
                let words: Vec<&str> = ["ml"].into_iter().chain(line.split(' ')).collect();
                assert!(parse(&words).is_ok(), "{usage}");
            }
        }
    }
}
