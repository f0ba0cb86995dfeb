//! Data from a store to the disk and back, beside the clients that people use.
//!
//! One SeaweedFS on loopback, begun anew for each round, serves all of them in turn:
//! one object of 1 GiB, and 10,000 objects of 10 KiB, down to a folder on the disk and up
//! again. Each is taken twice: with what is read in the page cache, and with the page cache
//! emptied before. Beside the time by the clock stand the seconds of
//! processor and the peak of memory of each client: server and client share the cores.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use trainyard_testkit::binary;
use trainyard_testkit::peers::{self, Bucket, Peer, Took, Way};
use trainyard_testkit::s3::S3Server;

use super::{Row, Table};

const NAME: &str = "objectstore";
/// How often each cell is measured, unless the variable says otherwise.
const ROUNDS: usize = 5;
/// Names the only peers to measure, with commas between them.
const PEERS_VARIABLE: &str = "TRAINYARD_BENCH_PEERS";
/// Whoever is this many times slower than ours after [`ENOUGH`] rounds is measured no more:
/// it would take most of the bench's time to say the same again.
const FAR_BEHIND: f64 = 3.0;
/// The same for a cold cache, by what was seen with a warm one.
const BEHIND: f64 = 1.5;
/// Rounds in which everybody takes part. Uploads with a cold cache, which differ from
/// those with a warm one by one reading of the disk, are not made more often either.
const ENOUGH: usize = 2;

/// What is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    OneLarge,
    ManySmall,
}

/// One cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    load: Load,
    way: Way,
    /// Is what is read in the page cache?
    warm: bool,
}

/// Who moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mover {
    Ours,
    Peer(Peer),
}

impl Load {
    pub(super) fn bucket(self) -> &'static str {
        match self {
            Self::OneLarge => "one-large",
            Self::ManySmall => "many-small",
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::OneLarge => "1 x 1 GiB",
            Self::ManySmall => "10,000 x 10 KiB",
        }
    }

    fn files(self) -> (usize, usize) {
        match self {
            Self::OneLarge => (1, 1 << 30),
            Self::ManySmall => (10_000, 10 << 10),
        }
    }

    pub(super) fn bytes(self) -> u64 {
        let (files, size) = self.files();
        files as u64 * size as u64
    }

    /// Files that no client and no file system can make smaller.
    pub(super) fn make(self, folder: &Path) -> Result<()> {
        let (count, size) = self.files();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for number in 0..count {
            let below = folder.join(format!("{:02}", number % 100));
            fs::create_dir_all(&below)?;
            let mut file = BufWriter::new(File::create(below.join(format!("{number}.bin")))?);
            for _ in 0..size / 8 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                file.write_all(&state.to_le_bytes())?;
            }
            file.flush()?;
        }
        Ok(())
    }
}

impl Cell {
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for load in [Load::OneLarge, Load::ManySmall] {
            for (way, warm) in
                [(Way::Down, true), (Way::Down, false), (Way::Up, true), (Way::Up, false)]
            {
                all.push(Self { load, way, warm });
            }
        }
        all
    }

    fn words(self) -> String {
        let way = if self.way == Way::Down { "down" } else { "up" };
        let cache = if self.warm { "warm" } else { "cold" };
        format!("{way}, {}, {cache}", self.load.words())
    }
}

impl Mover {
    fn name(self) -> &'static str {
        match self {
            Self::Ours => "trainyard",
            Self::Peer(peer) => peer.name(),
        }
    }
}

/// What everything is measured with.
struct Workbench {
    ours: PathBuf,
    /// The files to send, by load.
    sources: TempDir,
    can_empty_cache: bool,
    peers: Vec<Peer>,
}

pub(super) fn run(_: &Path) -> Result<Table> {
    let rounds = super::rounds(ROUNDS)?;
    let bench = Workbench {
        ours: binary::build_transfer()?,
        sources: tempfile::Builder::new().prefix("trainyard-bench-").tempdir()?,
        can_empty_cache: empty_cache().is_ok(),
        peers: peers_to_measure(),
    };
    for load in [Load::OneLarge, Load::ManySmall] {
        load.make(&bench.sources.path().join(load.bucket()))?;
    }
    let mut taken: Vec<(Cell, Mover, Vec<Took>)> = Vec::new();
    for round in 0..rounds {
        bench.round(round, &mut taken)?;
    }
    Ok(table(&taken, bench.can_empty_cache))
}

/// All of them, unless somebody has little time.
fn peers_to_measure() -> Vec<Peer> {
    let named = std::env::var(PEERS_VARIABLE).ok();
    let is_named = |peer: &Peer| {
        named
            .as_ref()
            .is_none_or(|names| names.split(',').any(|name| peer.name().starts_with(name)))
    };
    Peer::ALL.into_iter().filter(is_named).collect()
}

impl Workbench {
    /// Everybody does everything once.
    fn round(&self, round: usize, taken: &mut Vec<(Cell, Mover, Vec<Took>)>) -> Result<()> {
        let server = S3Server::start()?;
        let movers: Vec<Mover> = std::iter::once(Mover::Ours)
            .chain(self.peers.iter().copied().map(Mover::Peer))
            .collect();
        for load in [Load::OneLarge, Load::ManySmall] {
            server.create_bucket(load.bucket())?;
            self.copy(Mover::Ours, Way::Up, &server, load.bucket(), &self.source(load))?;
        }
        for cell in Cell::all() {
            let is_told = cell.way == Way::Up && !cell.warm && round >= ENOUGH;
            if is_told || (!cell.warm && !self.can_empty_cache) {
                continue;
            }
            // Nobody is always the first, or always the one after the same.
            for turn in 0..movers.len() {
                let mover = movers[(turn + round) % movers.len()];
                let limit = if cell.warm { FAR_BEHIND } else { BEHIND };
                if (!cell.warm || round >= ENOUGH) && is_behind(taken, cell, mover, limit) {
                    continue;
                }
                let took = self.one(cell, mover, &server, turn)?;
                eprintln!(
                    "round {}: {}, {}: {:.2} s",
                    round + 1,
                    cell.words(),
                    mover.name(),
                    took.wall
                );
                match taken.iter_mut().find(|(c, m, _)| (*c, *m) == (cell, mover)) {
                    Some((_, _, all)) => all.push(took),
                    None => taken.push((cell, mover, vec![took])),
                }
            }
        }
        Ok(())
    }

    fn one(&self, cell: Cell, mover: Mover, server: &S3Server, turn: usize) -> Result<Took> {
        let Cell { load, way, warm } = cell;
        match way {
            Way::Down => {
                let dest = tempfile::Builder::new().prefix("trainyard-bench-").tempdir()?;
                settle(warm)?;
                let took = self.copy(mover, way, server, load.bucket(), dest.path())?;
                let found = count(dest.path())?;
                let (files, size) = load.files();
                ensure!(
                    found == (files, files as u64 * size as u64),
                    "{} brought {} files, {} bytes",
                    mover.name(),
                    found.0,
                    found.1
                );
                Ok(took)
            }
            Way::Up => {
                let bucket =
                    format!("up-{turn}-{}-{}", load.bucket(), if warm { "w" } else { "c" });
                server.create_bucket(&bucket)?;
                settle(warm)?;
                let took = self.copy(mover, way, server, &bucket, &self.source(load))?;
                let found = server.list(&bucket)?;
                let (files, size) = load.files();
                ensure!(
                    found.len() == files && found.iter().all(|(_, found)| *found == size as u64),
                    "{} stored {} objects",
                    mover.name(),
                    found.len()
                );
                Ok(took)
            }
        }
    }

    fn copy(
        &self,
        mover: Mover,
        way: Way,
        server: &S3Server,
        bucket: &str,
        folder: &Path,
    ) -> Result<Took> {
        let endpoint = server.endpoint();
        let keys = (server.access_key(), server.secret_key());
        let folder = folder.to_str().context("the temporary folder's name is no text")?;
        let command = match mover {
            Mover::Peer(peer) => {
                peer.copy(way, &Bucket { endpoint: &endpoint, name: bucket, keys }, folder)?
            }
            Mover::Ours => ours(&self.ours, way, server, bucket, folder),
        };
        peers::measure(&command).with_context(|| format!("{} failed", mover.name()))
    }

    fn source(&self, load: Load) -> PathBuf {
        self.sources.path().join(load.bucket())
    }
}

/// The command that moves a bucket with the product's own engine.
fn ours(transfer: &Path, way: Way, server: &S3Server, bucket: &str, folder: &str) -> Command {
    let mut command = Command::new(transfer);
    command.arg(if way == Way::Down { "down" } else { "up" });
    command.args([&server.endpoint(), bucket, folder]);
    command.env("AWS_ACCESS_KEY_ID", server.access_key());
    command.env("AWS_SECRET_ACCESS_KEY", server.secret_key());
    command
}

/// Fills a bucket from a folder.
pub(super) fn upload(
    transfer: &Path,
    server: &S3Server,
    bucket: &str,
    folder: &Path,
) -> Result<()> {
    let folder = folder.to_str().context("the temporary folder's name is no text")?;
    peers::measure(&ours(transfer, Way::Up, server, bucket, folder)).map(drop)
}

fn is_behind(taken: &[(Cell, Mover, Vec<Took>)], cell: Cell, mover: Mover, times: f64) -> bool {
    let warm = Cell { warm: true, ..cell };
    let seconds = |who| samples(taken, warm, who).map(|all| median(all, |took| took.wall));
    match (seconds(mover), seconds(Mover::Ours)) {
        (Some(theirs), Some(ours)) => theirs > ours * times,
        _ => false,
    }
}

/// Brings the machine into the same state before each measurement: nothing is left to be
/// written out, and with `warm` off nothing is left in the page cache.
fn settle(warm: bool) -> Result<()> {
    rustix::fs::sync();
    if warm { Ok(()) } else { empty_cache() }
}

fn empty_cache() -> Result<()> {
    rustix::fs::sync();
    fs::write("/proc/sys/vm/drop_caches", "1").context("only root can empty the page cache")
}

fn count(folder: &Path) -> Result<(usize, u64)> {
    let mut found = (0, 0);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            let below = count(&entry.path())?;
            found = (found.0 + below.0, found.1 + below.1);
        } else {
            found = (found.0 + 1, found.1 + entry.metadata()?.len());
        }
    }
    Ok(found)
}

fn samples(taken: &[(Cell, Mover, Vec<Took>)], cell: Cell, mover: Mover) -> Option<&[Took]> {
    taken.iter().find(|(c, m, _)| (*c, *m) == (cell, mover)).map(|(_, _, all)| all.as_slice())
}

fn median(all: &[Took], of: impl Fn(&Took) -> f64) -> f64 {
    let mut values: Vec<f64> = all.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) / 2]
}

fn table(taken: &[(Cell, Mover, Vec<Took>)], can_empty_cache: bool) -> Table {
    let mut table = Table::default();
    for cell in Cell::all() {
        let mut best: Option<(f64, &'static str)> = None;
        for mover in std::iter::once(Mover::Ours).chain(Peer::ALL.map(Mover::Peer)) {
            let Some(all) = samples(taken, cell, mover) else { continue };
            let wall = median(all, |took| took.wall);
            let mut walls: Vec<Duration> = all.iter().map(Took::duration).collect();
            table.rows.push(Row::milliseconds(NAME, &cell.words(), mover.name(), &mut walls));
            #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
            for (what, unit, value) in [
                ("processor", "s", median(all, |took| took.cpu)),
                ("peak memory", "MiB", median(all, |took| took.peak as f64 / f64::from(1 << 20))),
            ] {
                let subject = format!("{}: {what}", mover.name());
                table.rows.push(Row {
                    bench: NAME,
                    case: cell.words(),
                    subject,
                    value,
                    unit,
                    runs: all.len(),
                });
            }
            if mover != Mover::Ours && best.is_none_or(|(seconds, _)| wall < seconds) {
                best = Some((wall, mover.name()));
            }
        }
        if let (Some((theirs, who)), Some(ours)) = (best, samples(taken, cell, Mover::Ours)) {
            let ours = median(ours, |took| took.wall);
            table.remarks.push(format!(
                "{}: {:.2} times as fast as the best of the others ({who}: {theirs:.2} s, ours {ours:.2} s)",
                cell.words(), theirs / ours
            ));
        }
    }
    if !can_empty_cache {
        table.remarks.push("not measured with a cold cache: only root can empty it".to_owned());
    }
    table
}
