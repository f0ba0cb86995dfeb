//! An environment of a framework, from nothing and from packages that were fetched before,
//! beside uv and pip by hand; and how soon a program starts in it.
//!
//! All install the release's own lock for the same interpreter, each with a package cache of
//! its own. Ours is `Environments::ensure`, which is what a run waits for: it also makes
//! bytecode, tries the environment and waits for the disk, so its time is told by phase.

mod by_hand;
mod starts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use trainyard_frameworks::{
    Availability, BuildPhase, Catalogue, Environment, EnvironmentError, Environments, Interpreter,
    Interpreters, Provider, Release, Status,
};
use trainyard_testkit::tools;

use super::{Row, Table, median};
use by_hand::{ByHand, Peer};

const NAME: &str = "frameworks";
/// Names other frameworks than the usual ones, with commas between them: `pytorch 2.15-py3`,
/// or the name alone for the first release that is still maintained.
const VARIABLE: &str = "TRAINYARD_BENCH_FRAMEWORKS";
/// Without those that fetch gigabytes.
const USUAL: &str = "scikit-learn,xgboost,tensorflow 1.2-py3,jax,tensorflow 2.21-py3";
const ROUNDS: usize = 3;
/// The framework that is an interpreter and nothing else.
const BARE: &str = "python";

/// Who prepares an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Trainyard,
    Hand(Peer),
}

impl By {
    const ALL: [Self; 3] = [Self::Trainyard, Self::Hand(Peer::Uv), Self::Hand(Peer::Pip)];

    fn words(self) -> &'static str {
        match self {
            Self::Trainyard => "trainyard",
            Self::Hand(peer) => peer.words(),
        }
    }
}

/// What is in the package cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    /// Nothing: everything is fetched.
    Cold,
    /// All that is needed; the environment itself is gone.
    Warm,
}

impl Case {
    const ALL: [Self; 2] = [Self::Cold, Self::Warm];

    fn word(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Warm => "warm",
        }
    }
}

/// A release as everybody installs it.
struct Subject<'a> {
    release: &'a Release,
    interpreter: Interpreter,
    lock: &'a str,
}

/// How long one of ours took.
struct Took {
    whole: Duration,
    /// What was done when nobody waited any more.
    after: Duration,
    phases: BTreeMap<BuildPhase, Duration>,
}

/// What one preparer needed for one release, each round.
#[derive(Default)]
struct Samples {
    /// By [`Case::ALL`].
    whole: [Vec<Duration>; 2],
    /// What ours did when nobody waited any more.
    after: [Vec<Duration>; 2],
    /// Ours alone knows its phases.
    phases: [BTreeMap<BuildPhase, Vec<Duration>>; 2],
    /// Why it could not be measured.
    failure: Option<String>,
}

/// What stays the same for all releases.
struct Bench<'a> {
    binary: &'a Path,
    catalogue: &'a Catalogue,
    runtime: Runtime,
    uv: PathBuf,
    /// Was uv put into the cache, or does everybody find it on the PATH?
    uv_in_cache: bool,
    rounds: usize,
}

pub(super) fn run(binary: &Path) -> Result<Table> {
    let catalogue = Catalogue::builtin()?;
    let named = std::env::var(VARIABLE).unwrap_or_else(|_| USUAL.to_owned());
    let releases = chosen(&catalogue, &named)?;
    let rounds = super::rounds(ROUNDS)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("no runtime")?;
    let tools = Desk::new()?;
    let (uv, uv_in_cache) = uv(&runtime, &catalogue, &tools)?;
    let bench = Bench { binary, catalogue: &catalogue, runtime, uv, uv_in_cache, rounds };
    let mut table = Table::default();
    for release in releases {
        match subject(&catalogue, release) {
            Ok(subject) => bench.measure(&subject, &mut table)?,
            Err(why) => table.remarks.push(format!("{release} is not measured: {why}")),
        }
    }
    table.remarks.push(
        "cold: every package is fetched; warm: the package cache is full and in memory, the \
         environment is gone. uv itself was there beforehand, for ours as for uv by hand; by \
         hand means with --no-deps, for a lock is whole"
            .to_owned(),
    );
    table.remarks.push(
        "what ours does more before it is ready: it runs the check program, which imports the \
         framework and makes the bytecode for that, and waits until all is safe on disk; pip makes \
         all bytecode, uv none"
            .to_owned(),
    );
    Ok(table)
}

/// The releases that are meant.
fn chosen<'a>(catalogue: &'a Catalogue, names: &str) -> Result<Vec<&'a Release>> {
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    let chosen: Vec<_> = names.map(|name| find(catalogue, name)).collect::<Result<_>>()?;
    ensure!(!chosen.is_empty(), "{VARIABLE} names no framework");
    Ok(chosen)
}

/// The release of that name and version.
fn find<'a>(catalogue: &'a Catalogue, wanted: &str) -> Result<&'a Release> {
    let (name, version) = match wanted.split_once(' ') {
        Some((name, version)) => (name, Some(version.trim())),
        None => (wanted, None),
    };
    let mut found = catalogue.releases().iter().filter(|release| {
        release.name == name
            && match version {
                Some(version) => {
                    release.version == version || release.aliases.iter().any(|it| it == version)
                }
                None => release.status == Status::Current,
            }
    });
    found.next().with_context(|| format!("no framework `{wanted}`: see `trainyard frameworks`"))
}

/// What a release is installed from, or why it is not here. The one place that knows what of
/// a release is Python's.
fn subject<'a>(catalogue: &Catalogue, release: &'a Release) -> Result<Subject<'a>, String> {
    if let Availability::Unavailable { why, .. } = catalogue.availability(release) {
        return Err(why);
    }
    let Provider::Python(packages) = &release.provider else {
        return Err("it is made of something else than Python packages".to_owned());
    };
    if packages.lock.is_empty() {
        return Err("it has no packages of its own".to_owned());
    }
    let interpreter = Interpreters::of_this_machine()
        .find_first(&packages.python)
        .ok_or_else(|| "its interpreter has gone".to_owned())?;
    Ok(Subject { release, interpreter, lock: &packages.lock })
}

/// uv as the service has it, and whether it lies in the cache of `desk`; otherwise it is on the
/// PATH.
fn uv(runtime: &Runtime, catalogue: &Catalogue, desk: &Desk) -> Result<(PathBuf, bool)> {
    let bare = catalogue.releases().iter().find(|release| {
        release.name == BARE && catalogue.availability(release) == Availability::Buildable
    });
    let bare = bare.context("there is no CPython on this machine")?;
    // Any environment brings it along, and this one costs nothing else.
    runtime.block_on(desk.environments().ensure(bare, |_| {})).map_err(told)?;
    for entry in std::fs::read_dir(desk.cache().join("uv")).into_iter().flatten() {
        let file = entry?.path().join("uv");
        if file.is_file() {
            return Ok((file, true));
        }
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path)
        // A shim would start a Python first, which is no part of uv's time.
        .filter(|folder| !folder.ends_with("shims"));
    let found = folders.find(|folder| folder.join("uv").is_file());
    Ok((found.context("uv is neither in the cache nor on the PATH")?.join("uv"), false))
}

impl Bench<'_> {
    /// All rows and remarks of one release.
    fn measure(&self, subject: &Subject<'_>, table: &mut Table) -> Result<()> {
        let release = subject.release;
        let mut samples: [Samples; 3] = Default::default();
        let mut starts = Table::default();
        for round in 0..self.rounds {
            // It takes minutes; whoever waits may know how far it is.
            eprintln!("{NAME}: {release}, round {} of {}", round + 1, self.rounds);
            // Another one goes first each time: who does meets the network at its coldest.
            for at in (0..By::ALL.len()).map(|at| (at + round) % By::ALL.len()) {
                let own = &mut samples[at];
                match By::ALL[at] {
                    By::Trainyard => {
                        let last = round + 1 == self.rounds;
                        self.ours(subject, own, last.then_some(&mut starts))?;
                    }
                    // It would fail the same way each time.
                    By::Hand(_) if own.failure.is_some() => {}
                    By::Hand(peer) => {
                        if let Err(error) = self.by_hand(subject, peer, own) {
                            own.failure = Some(format!("{error:#}"));
                        }
                    }
                }
            }
        }
        for case in Case::ALL {
            let [ours, peers @ ..] = &mut samples;
            told_beside(table, release, case, ours, peers);
        }
        for (by, own) in By::ALL.iter().zip(&samples) {
            if let Some(failure) = &own.failure {
                let words = by.words();
                table.remarks.push(format!("{release}: {words} could not be measured: {failure}"));
            }
        }
        table.rows.append(&mut starts.rows);
        table.remarks.append(&mut starts.remarks);
        Ok(())
    }

    /// One round of ours; then, in the environment, the starts if they are wanted.
    fn ours(
        &self,
        subject: &Subject<'_>,
        samples: &mut Samples,
        starts: Option<&mut Table>,
    ) -> Result<()> {
        let desk = Desk::new()?;
        if self.uv_in_cache {
            let version = self.uv.parent().and_then(Path::file_name).context("uv has no folder")?;
            let folder = desk.cache().join("uv").join(version);
            std::fs::create_dir_all(&folder)?;
            std::fs::hard_link(&self.uv, folder.join("uv"))?;
        }
        let mut environment = None;
        for case in Case::ALL {
            desk.environments().clear()?;
            let (took, made) = self.ensure(&desk, subject.release)?;
            samples.whole[case as usize].push(took.whole);
            samples.after[case as usize].push(took.after);
            for (phase, took) in took.phases {
                samples.phases[case as usize].entry(phase).or_default().push(took);
            }
            environment = Some(made);
        }
        match (starts, environment) {
            (Some(table), Some(made)) => starts::measure(self, subject, &desk, &made, table),
            _ => Ok(()),
        }
    }

    /// The environment, and how long the service would have had to wait for it.
    fn ensure(&self, desk: &Desk, release: &Release) -> Result<(Took, Environment)> {
        let environments = desk.environments();
        // What was written before is not to be waited for now.
        rustix::fs::sync();
        let reports = Mutex::new(Vec::new());
        let began = Instant::now();
        let made = self.runtime.block_on(environments.ensure(release, |progress| {
            let mut reports = reports.lock().unwrap_or_else(PoisonError::into_inner);
            reports.push((progress.phase, began.elapsed()));
        }));
        let whole = began.elapsed();
        let environment = made.map_err(told)?;
        // What is done to it afterwards has nobody waiting; here it must be over, before the
        // environment is removed or measured.
        let lock = std::fs::File::open(environment.root.with_extension("lock"))?;
        self.runtime.block_on(async {
            while lock.try_lock().is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let after = began.elapsed().saturating_sub(whole);
        let reports = reports.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((Took { whole, after, phases: phases(&reports, whole) }, environment))
    }

    /// One round of a peer.
    fn by_hand(&self, subject: &Subject<'_>, peer: Peer, samples: &mut Samples) -> Result<()> {
        let desk = Desk::new()?;
        let python = &subject.interpreter.path;
        let hand = ByHand::new(desk.folder.path(), &self.uv, python, subject.lock)?;
        for case in Case::ALL {
            hand.clear()?;
            samples.whole[case as usize].push(hand.prepare(peer)?);
        }
        Ok(())
    }

    /// The framework that is this interpreter and nothing else.
    fn bare(&self, interpreter: &Interpreter) -> Option<&Release> {
        let releases = self.catalogue.releases();
        releases.iter().find(|release| release.name == BARE && release.version == interpreter.minor)
    }
}

/// How long each phase took, by when the reports came.
fn phases(reports: &[(BuildPhase, Duration)], whole: Duration) -> BTreeMap<BuildPhase, Duration> {
    let mut phases = BTreeMap::new();
    for (at, (phase, began)) in reports.iter().enumerate() {
        let ended = reports.get(at + 1).map_or(whole, |(_, next)| *next);
        *phases.entry(*phase).or_default() += ended.saturating_sub(*began);
    }
    phases
}

/// The rows of one case, ours and the peers', and what is to be said of them.
fn told_beside(
    table: &mut Table,
    release: &Release,
    case: Case,
    ours: &mut Samples,
    peers: &mut [Samples],
) {
    let (at, words) = (case as usize, format!("{release}, {}", case.word()));
    let mut row = |by: By, samples: &mut [Duration]| {
        table.rows.push(Row::milliseconds(NAME, &words, by.words(), samples));
        median(samples)
    };
    let whole = row(By::Trainyard, &mut ours.whole[at]);
    let mut remarks = vec![format!("{words}: trainyard {}", spread(&ours.whole[at]))];
    let mut alone = None;
    for (by, peer) in By::ALL.into_iter().skip(1).zip(peers) {
        let samples = &mut peer.whole[at];
        if samples.is_empty() {
            continue;
        }
        let took = row(by, samples);
        if by == By::Hand(Peer::Uv) {
            alone = Some(took);
        }
        remarks.push(format!(
            "{} {}, trainyard takes {:.2} times as long",
            by.words(),
            spread(samples),
            ratio(whole, took)
        ));
    }
    table.remarks.push(remarks.join("; "));

    let phases: BTreeMap<BuildPhase, Duration> =
        ours.phases[at].iter_mut().map(|(phase, samples)| (*phase, median(samples))).collect();
    let mut line: Vec<String> =
        phases.iter().map(|(phase, took)| format!("{phase} {:.2} s", took.as_secs_f64())).collect();
    if let Some(uv) = alone {
        let same = [BuildPhase::Create, BuildPhase::Install];
        let same: Duration = same.iter().filter_map(|phase| phases.get(phase)).sum();
        line.push(format!(
            "create and install take {:.2} times as long as uv by hand",
            ratio(same, uv)
        ));
    }
    let after = median(&mut ours.after[at]).as_secs_f64();
    table.remarks.push(format!(
        "{words}: trainyard's phases: {}; bytecode of the rest, for which nobody waits, {after:.2} s later",
        line.join(", ")
    ));
}

/// From the lowest to the highest.
fn spread(samples: &[Duration]) -> String {
    let seconds = |sample: Option<&Duration>| sample.copied().unwrap_or_default().as_secs_f64();
    format!("{:.2} to {:.2} s", seconds(samples.iter().min()), seconds(samples.iter().max()))
}

fn ratio(ours: Duration, peer: Duration) -> f64 {
    ours.as_secs_f64() / peer.as_secs_f64()
}

/// The error with the tool's last lines, which say what was the matter.
fn told(error: EnvironmentError) -> anyhow::Error {
    let lines = match &error {
        EnvironmentError::Tool { failure, .. } | EnvironmentError::NoUv(Some(failure)) => {
            failure.lines().join("\n")
        }
        _ => String::new(),
    };
    anyhow!(error).context(lines)
}

/// A folder for caches and environments, on the disk where the service has its own, which goes
/// away whatever becomes of the bench.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Result<Self> {
        let parent = tools::testkit_dir()?;
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(parent)?;
        Ok(Self { folder })
    }

    /// What the service would have in `TRAINYARD_CACHE`.
    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// Those in its cache.
    fn environments(&self) -> Environments {
        Environments::new(self.cache())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // They are read-only, and the folder's own removal would stop at them.
        if let Err(error) = self.environments().clear() {
            eprintln!("{NAME}: something is left behind: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_frameworks_are_in_the_catalogue() {
        let catalogue = Catalogue::builtin().expect("the catalogue");
        let usual = chosen(&catalogue, USUAL).expect("all known");
        assert_eq!(usual.len(), 5);
        // A name alone is the release that is still maintained.
        assert_eq!(usual[0].status, Status::Current);
        assert_eq!(usual[2].version, "1.2-py3");
        assert!(chosen(&catalogue, "tensorflow 0.1").is_err());
        assert!(chosen(&catalogue, " , ").is_err());
    }

    #[test]
    fn a_phase_lasts_until_the_next_one_reports() {
        let ms = Duration::from_millis;
        let reports = [
            (BuildPhase::Create, ms(10)),
            (BuildPhase::Install, ms(30)),
            (BuildPhase::Install, ms(50)),
            (BuildPhase::Seal, ms(90)),
        ];
        let phases = phases(&reports, ms(100));
        assert_eq!(phases[&BuildPhase::Create], ms(20));
        assert_eq!(phases[&BuildPhase::Install], ms(60));
        assert_eq!(phases[&BuildPhase::Seal], ms(10));
    }

    #[test]
    fn a_desk_goes_away_with_what_is_read_only_in_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let desk = Desk::new().expect("a desk");
        let path = desk.folder.path().to_owned();
        let sealed = desk.cache().join("environments/a/lib");
        std::fs::create_dir_all(&sealed).expect("made");
        std::fs::write(sealed.join("file"), "").expect("written");
        std::fs::set_permissions(&sealed, std::fs::Permissions::from_mode(0o555)).expect("sealed");
        drop(desk);
        assert!(!path.exists());
    }
}
