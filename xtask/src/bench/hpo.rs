//! How good the hyperparameters are that the optimizer finds, beside Optuna's.
//!
//! Two functions that the field measures with, and a network that learns digits. Both
//! sides have the same spaces, the same trials and the same seeds, and
//! `hpo/oracle.py` computes the values for both. Everything is to be minimized.
//!
//! The bar: `rbfopt` is at least as good as Optuna's TPE, and clearly better than
//! chance: three quarters of its studies end better than the median of random ones.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value, json};
use trainyard_optimizer::{Next, Outcome, Study, Trial};
use trainyard_testkit::{mnist, tools};

use super::{Row, Table, rounds};

const NAME: &str = "hpo";
const PACKAGES: [&str; 2] = ["optuna==5.0.0", "numpy==2.4.6"];
const ORACLE: &str = include_str!("hpo/oracle.py");
const TRIALS: u32 = 30;
/// Trials of hyperband that train for as many epochs as [`TRIALS`] that train for nine each.
const TRIALS_IN_BRACKETS: u32 = 72;
const SEEDS: usize = 20;
/// Proposals are timed up to this trial.
const LAST_TIMED: u32 = 100;

pub(super) fn run(_: &Path) -> Result<Table> {
    let oracle = Oracle::ready()?;
    let seeds = rounds(SEEDS)?;
    let mut table = Table::default();
    for objective in OBJECTIVES {
        let began = Instant::now();
        compare(&mut table, &oracle, objective, seeds)?;
        let took = began.elapsed().as_secs();
        table.remarks.push(format!("{}: all studies took {took} s", objective.name));
    }
    table.rows.extend(timed(&oracle)?);
    Ok(table)
}

/// Something to be minimized.
struct Objective {
    name: &'static str,
    unit: &'static str,
    space: fn() -> Vec<Value>,
    /// The epochs that a trial trains for, where it trains.
    epochs: Option<u32>,
}

const OBJECTIVES: &[Objective] = &[
    Objective { name: "branin", unit: "best", space: branin, epochs: None },
    Objective { name: "hartmann6", unit: "best", space: hartmann6, epochs: None },
    Objective { name: "mnist", unit: "loss", space: digits, epochs: Some(9) },
];

fn branin() -> Vec<Value> {
    vec![
        json!({ "name": "x", "double_range": { "min_value": -5, "max_value": 10 } }),
        json!({ "name": "y", "double_range": { "min_value": 0, "max_value": 15 } }),
    ]
}

fn hartmann6() -> Vec<Value> {
    let unit = json!({ "min_value": 0, "max_value": 1 });
    (0..6).map(|n| json!({ "name": format!("x{n}"), "double_range": unit })).collect()
}

fn digits() -> Vec<Value> {
    let power = |min: i32, max: i32, power: i32| json!({ "min_value": min, "max_value": max, "power": power });
    vec![
        json!({ "name": "rate", "double_range": power(-4, 0, 10) }),
        json!({ "name": "l2", "double_range": power(-7, -1, 10) }),
        json!({ "name": "momentum", "double_range": { "min_value": 0, "max_value": 0.99 } }),
        json!({ "name": "hidden", "int_range": power(3, 6, 2) }),
        json!({ "name": "batch", "int_range": power(3, 7, 2) }),
        json!({ "name": "activation", "string_values": ["relu", "tanh", "logistic"] }),
    ]
}

/// Runs everybody's studies of an objective.
fn compare(table: &mut Table, oracle: &Oracle, objective: &Objective, seeds: usize) -> Result<()> {
    let mut row = |subject: &str, bests: &Bests| {
        table.rows.push(Row {
            bench: NAME,
            case: objective.name.to_owned(),
            subject: subject.to_owned(),
            value: bests.at(0.5),
            unit: objective.unit,
            runs: bests.0.len(),
        });
    };
    let ours = |method: &str, trials: u32, parallel: u32| -> Result<Bests> {
        let study = objective.study(method, trials)?.with_parallel(parallel);
        let mut worker = oracle.worker()?;
        let bests: Result<Vec<f64>> =
            (1..=seeds as u64).map(|seed| worker.best(&study, objective, seed)).collect();
        Bests::of(bests?)
    };
    let rbfopt = ours("rbfopt", TRIALS, 1)?;
    row("rbfopt", &rbfopt);
    row("rbfopt, 4 at once", &ours("rbfopt", TRIALS, 4)?);
    let tpe = oracle.optuna(objective, "tpe", seeds)?;
    row("Optuna's TPE", &tpe);
    let random = ours("random", TRIALS, 1)?;
    row("random", &random);
    row("Optuna's random", &oracle.optuna(objective, "random", seeds)?);
    if let Some(epochs) = objective.epochs {
        row("hyperband, as many epochs", &ours("hyperband", TRIALS_IN_BRACKETS, 1)?);
        let all = epochs * TRIALS;
        table.remarks.push(format!(
            "{}: {TRIALS} trials of {epochs} epochs, {TRIALS_IN_BRACKETS} trials of hyperband: {all} epochs each",
            objective.name
        ));
    }
    table.remarks.push(format!(
        "{}: rbfopt {:.4} and three quarters below {:.4}, TPE {:.4}, random {:.4}",
        objective.name,
        rbfopt.at(0.5),
        rbfopt.at(0.75),
        tpe.at(0.5),
        random.at(0.5)
    ));
    if rbfopt.at(0.5) > tpe.at(0.5) {
        table.missed.push(format!("{}: rbfopt is worse than Optuna's TPE", objective.name));
    }
    if rbfopt.at(0.75) >= random.at(0.5) {
        table.missed.push(format!("{}: rbfopt is not clearly better than chance", objective.name));
    }
    Ok(())
}

impl Objective {
    /// Our study of it.
    fn study(&self, method: &str, trials: u32) -> Result<Study> {
        let mut space = (self.space)();
        let mut parameters = vec![
            json!({ "name": "objective", "string_value": "loss" }),
            json!({ "name": "maximize_or_minimize", "string_value": "minimize" }),
            json!({ "name": "num_optimizer_steps", "int_value": trials }),
        ];
        if let Some(epochs) = self.epochs {
            if method == "hyperband" {
                parameters.push(json!({ "name": "resource", "string_value": "epochs" }));
                parameters.push(json!({ "name": "max_resource", "int_value": epochs }));
            } else {
                space.push(json!({ "name": "epochs", "int_values": [epochs] }));
            }
        }
        let document = json!({
            "method": { "name": method, "parameters": parameters },
            "hyper_parameters": space,
        });
        Study::read(&document).map_err(|complaints| anyhow::anyhow!("{complaints:?}"))
    }
}

/// The best values of some studies, in their order.
struct Bests(Vec<f64>);

impl Bests {
    fn of(mut bests: Vec<f64>) -> Result<Self> {
        ensure!(!bests.is_empty(), "there are no studies");
        bests.sort_by(f64::total_cmp);
        Ok(Self(bests))
    }

    /// The value that this share of them is below; of two in the middle, the mean.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "there are few studies"
    )]
    fn at(&self, share: f64) -> f64 {
        let place = share * (self.0.len() - 1) as f64;
        let (low, high) = (self.0[place.floor() as usize], self.0[place.ceil() as usize]);
        (high - low).mul_add(place.fract(), low)
    }
}

/// How long our optimizer thinks about a proposal when it knows many trials.
fn timed(oracle: &Oracle) -> Result<Vec<Row>> {
    let objective = &OBJECTIVES[1];
    let study = objective.study("rbfopt", LAST_TIMED)?;
    let mut worker = oracle.worker()?;
    worker.best(&study, objective, 1)?;
    let from = worker.thinking.len().saturating_sub(10);
    let case = format!("a proposal, {} trials or more known", LAST_TIMED - 10);
    Ok(vec![Row::milliseconds(NAME, &case, "rbfopt", &mut worker.thinking[from..])])
}

/// Where values come from, and Optuna.
struct Oracle {
    python: PathBuf,
    digits: PathBuf,
}

impl Oracle {
    fn ready() -> Result<Self> {
        let python = tools::python_tools(&PACKAGES)?.join("python");
        Ok(Self { python, digits: mnist::mnist_subset(1000, 2000)? })
    }

    fn command(&self, what: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.args(["-c", ORACLE, what]).arg(&self.digits);
        // One core for everybody, as a trial of a busy service has it.
        command.env("OPENBLAS_NUM_THREADS", "1").env("OMP_NUM_THREADS", "1");
        command
    }

    /// The best values of Optuna's studies.
    fn optuna(&self, objective: &Objective, sampler: &str, seeds: usize) -> Result<Bests> {
        let mut command = self.command("optuna");
        command.args([objective.name, sampler, &TRIALS.to_string()]);
        command.args((1..=seeds).map(|seed| seed.to_string()));
        let done = command.stdin(Stdio::null()).output().context("Optuna could not be started")?;
        ensure!(done.status.success(), "Optuna: {}", String::from_utf8_lossy(&done.stderr));
        let told = String::from_utf8(done.stdout)?;
        let bests: Result<Vec<f64>, _> = told.lines().map(str::parse).collect();
        let bests = bests.with_context(|| format!("Optuna said {told:?}"))?;
        ensure!(bests.len() == seeds, "Optuna said {told:?}");
        Bests::of(bests)
    }

    /// A process that computes values for our studies.
    fn worker(&self) -> Result<Worker> {
        let mut command = self.command("measure");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let output = BufReader::new(output.context("it has no output")?);
        let input = input.context("it has no input")?;
        Ok(Worker { child, input, output, thinking: Vec::new() })
    }
}

/// A process that computes values, one at a time.
struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// How long each proposal took.
    thinking: Vec<Duration>,
}

impl Worker {
    /// The best value of one study.
    fn best(&mut self, study: &Study, objective: &Objective, seed: u64) -> Result<f64> {
        let mut history: Vec<Trial> = Vec::new();
        loop {
            let began = Instant::now();
            let next = study.next(seed, &history);
            self.thinking.push(began.elapsed());
            let Next::Propose(parameters) = next else { break };
            let named: Map<String, Value> = parameters.iter().cloned().collect();
            let value = self.value(objective.name, seed, &named)?;
            history.push(Trial { parameters, outcome: Outcome::Value(value) });
        }
        let best = study.best(&history).map(|number| history[number].outcome);
        let Some(Outcome::Value(best)) = best else { anyhow::bail!("no trial has a value") };
        Ok(best)
    }

    fn value(
        &mut self,
        objective: &str,
        seed: u64,
        parameters: &Map<String, Value>,
    ) -> Result<f64> {
        let ask = json!({ "objective": objective, "seed": seed, "parameters": parameters });
        writeln!(self.input, "{ask}")?;
        self.input.flush()?;
        let mut told = String::new();
        self.output.read_line(&mut told)?;
        told.trim().parse().with_context(|| format!("for {ask} the oracle said {told:?}"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It would end with its input anyway; whoever waits for it must not wait long.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_their_neighbours() -> Result<()> {
        let bests = Bests::of(vec![4.0, 1.0, 3.0, 2.0])?;
        let told = [0.0, 0.5, 0.75, 1.0].map(|share| bests.at(share).to_string());
        assert_eq!(told, ["1", "2.5", "3.25", "4"]);
        Ok(())
    }

    #[test]
    fn all_studies_can_be_read() -> Result<()> {
        for objective in OBJECTIVES {
            objective.study("rbfopt", TRIALS)?;
        }
        OBJECTIVES[2].study("hyperband", TRIALS_IN_BRACKETS)?;
        Ok(())
    }
}
