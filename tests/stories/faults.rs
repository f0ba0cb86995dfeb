//! Two hundred runs, a store that fails in every way, and learners killed with -9 at
//! random moments: each run ends with the right bytes or with a typed cause.
//!
//! `TRAINYARD_FAULT_SEED` replays a suite (the kills as near as time allows), and
//! `TRAINYARD_FAULT_RUNS` makes it shorter or longer.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use md5::{Digest as _, Md5};
use trainyard_testkit::faults::{Faults, Schedule};
use trainyard_testkit::s3::S3Server;
use trainyard_testkit::wait::eventually;
use trainyard_testkit::{processes, zip};

use crate::harness::{Configuration, Job, Scene, Store, Told};

/// What a store may be blamed for, and what a kill may.
const STORE: [&str; 3] = ["TY0401", "TY0402", "TY0408"];
const KILLED: &str = "TY0505";

/// Runs at a time; also the slots of the server.
const AT_ONCE: u32 = 8;
/// After so many runs the data is changed.
const BATCH: u64 = 40;
/// A silent store is given half a minute for each request.
const LIMIT: Duration = Duration::from_mins(4);
/// The latest moment of a kill after the submission; most runs have ended by then.
const KILL_WITHIN_MS: u64 = 800;

/// The shell program: looks at every byte, spoils its own copy, leaves results. It ends
/// with 42 when a byte is wrong.
const PROGRAM: &str = r#"set -e
cd "$DATA_DIR"
count=0
for name in *; do
  sum=$(md5sum < "$name" | cut -c 1-32)
  grep -qx "$sum $name" "$MODEL_DIR/sums" || { echo "wrong bytes in $name: $sum"; exit 42; }
  count=$((count + 1))
done
[ $count = $(cat "$MODEL_DIR/count") ] || { echo "$count objects"; exit 42; }
cp middle "$RESULT_DIR/middle"
mkdir "$RESULT_DIR/sub"
echo "$TRAINING_ID" > "$RESULT_DIR/sub/id"
if [ -e "$MODEL_DIR/much" ]; then head -c 9000000 /dev/zero > "$RESULT_DIR/zeros"; fi
for name in *; do echo spoiled >> "$name"; done
echo checked"#;

/// A container of data behind a wrapper with faults of its own.
struct Course {
    wrapper: Faults,
    bucket: String,
    /// Every version of each object, the newest last.
    objects: BTreeMap<String, Vec<Vec<u8>>>,
    /// Old listings are given out, so that an old version is no wrong one.
    may_be_old: bool,
}

/// What became of a run.
struct Ended {
    seed: u64,
    id: String,
    completed: bool,
    /// What `middle` may hold.
    middle: Vec<Vec<u8>>,
    much: bool,
}

#[test]
fn two_hundred_runs_end_with_the_right_bytes_or_a_typed_cause() -> Told {
    let base = number("TRAINYARD_FAULT_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::from(now.subsec_nanos())
    });
    let runs = number("TRAINYARD_FAULT_RUNS").unwrap_or(200);
    say(&format!("TRAINYARD_FAULT_SEED={base} TRAINYARD_FAULT_RUNS={runs}"));

    let s3 = S3Server::start()?;
    s3.create_bucket("results")?;
    let scene = Scene::with(Configuration { slots: AT_ONCE, ..Configuration::default() })?;
    let mut courses = courses(&s3, base)?;
    let tally = Mutex::new(BTreeMap::<String, u32>::new());
    for first in (0..runs).step_by(usize::try_from(BATCH)?) {
        if first > 0 {
            change(&s3, &mut courses, first)?;
        }
        let ended = batch(&scene, &s3, &courses, base, first..runs.min(first + BATCH), &tally)?;
        look_at_what_is_stored(&s3, &ended, base)?;
        eventually("nothing to be left running", Duration::from_mins(1), || {
            processes::mentioning(&scene.home.path().join("attempts")).is_empty().then_some(())
        })?;
        let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
        let home = scene.home.path().display().to_string();
        ensure!(!mounts.contains(&home), "something is left mounted: {mounts}");
    }
    say(&format!("{:?}", tally.into_inner().unwrap_or_else(PoisonError::into_inner)));
    Ok(())
}

fn courses(s3: &S3Server, base: u64) -> Result<Vec<Course>> {
    let mut courses = Vec::new();
    for (number, schedule) in [
        Schedule::of(base).per_mille(80).without_silence(),
        Schedule::of(base ^ 1).per_mille(200).without_silence(),
        Schedule::of(base ^ 2).per_mille(60).without_silence().with_expired_tokens(),
        Schedule::of(base ^ 3).per_mille(20).with_stale_listings(),
    ]
    .into_iter()
    .enumerate()
    {
        let bucket = format!("data-{number}");
        s3.create_bucket(&bucket)?;
        let large = if number == 0 { 9 << 20 } else { 300_000 };
        let mut objects = BTreeMap::new();
        for (name, size) in
            [("empty", 0), ("one", 1), ("small", 5000), ("middle", 70_000), ("large", large)]
        {
            let content = content(size, base ^ number as u64);
            s3.put(&bucket, name, &content)?;
            objects.insert(name.to_owned(), vec![content]);
        }
        let wrapper = Faults::scheduled(s3.port(), schedule.at_most(usize::MAX))?;
        courses.push(Course { wrapper, bucket, objects, may_be_old: number == 3 });
    }
    Ok(courses)
}

/// New bytes under an old key, of the same length: nothing but the ETag tells.
fn change(s3: &S3Server, courses: &mut [Course], seed: u64) -> Result<()> {
    for course in courses {
        let versions = course.objects.get_mut("middle").context("made above")?;
        let content = content(70_000, seed ^ 0xabc);
        s3.put(&course.bucket, "middle", &content)?;
        versions.push(content);
    }
    Ok(())
}

/// Takes runs by number, several at a time, each to its end.
fn batch(
    scene: &Scene,
    s3: &S3Server,
    courses: &[Course],
    base: u64,
    numbers: std::ops::Range<u64>,
    tally: &Mutex<BTreeMap<String, u32>>,
) -> Result<Vec<Ended>> {
    let next = AtomicU64::new(numbers.start);
    let (ended, failed) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= numbers.end {
                        return;
                    }
                    let seed = mix(base ^ mix(number));
                    let course = &courses[usize::try_from(number).unwrap_or(0) % courses.len()];
                    let done = one(scene, s3, course, seed, tally);
                    match done.with_context(|| format!("run {number} of {base}")) {
                        Ok(Some(run)) => lock(&ended).push(run),
                        Ok(None) => {}
                        Err(error) => lock(&failed).push(error),
                    }
                }
            });
        }
    });
    match lock(&failed).pop() {
        Some(error) => Err(error),
        None => Ok(ended.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

/// One run from its submission to its end; none when the store kept it from being taken.
fn one(
    scene: &Scene,
    s3: &S3Server,
    course: &Course,
    seed: u64,
    tally: &Mutex<BTreeMap<String, u32>>,
) -> Result<Option<Ended>> {
    let count = |what: &str| *lock(tally).entry(what.to_owned()).or_default() += 1;
    let through = |bucket: &str| Store::s3(s3, bucket).at(&course.wrapper.endpoint());
    let job =
        Job { data: Some(through(&course.bucket)), ..Job::new("sh ./program", through("results")) };
    let much = seed.is_multiple_of(10);
    let answer = scene.server.post(&job.text(), &model(course, much))?;
    if answer.status == 400 {
        let codes = answer.codes()?;
        ensure!(codes.iter().all(|code| STORE.contains(&code.as_str())), "{}", answer.text());
        count("refused");
        return Ok(None);
    }
    let run = answer.expect_status(202)?.json()?;
    let id = run["metadata"]["guid"].as_str().context("an id")?.to_owned();

    let killed_in = match mix(seed) % 3 {
        0 => None,
        _ => kill_learner(scene, &id, Duration::from_millis(mix(seed ^ 1) % KILL_WITHIN_MS))?,
    };
    let status =
        scene.server.until(&id, "to settle", LIMIT, |status| status["room"] == "settle")?;
    let completed = status["state"] == "completed";
    let code = status["cause"]["code"].as_str().unwrap_or("completed").to_owned();
    match &killed_in {
        Some(room) => count(&format!("{code}, killed in {room}")),
        None => count(&code),
    }
    if !completed {
        let log = String::from_utf8_lossy(&scene.server.log(&id)?).into_owned();
        // From here on another learner goes on: nothing may be lost to a kill any more.
        let was_done = killed_in.as_deref() == Some("store");
        if code == KILLED {
            ensure!(killed_in.is_some(), "nobody killed it: {status:#}");
            ensure!(!was_done, "lost while it was being stored: {status:#}");
        } else {
            ensure!(STORE.contains(&code.as_str()), "no cause of a store: {status:#}\n{log}");
        }
        ensure!(!log.contains("wrong bytes"), "{log}");
    }
    let versions = &course.objects["middle"];
    let from = if course.may_be_old { 0 } else { versions.len() - 1 };
    Ok(Some(Ended { seed, id, completed, middle: versions[from..].to_vec(), much }))
}

/// The zip: the program, and the sums of what it may find.
fn model(course: &Course, much: bool) -> Vec<u8> {
    let mut sums = String::new();
    for (name, versions) in &course.objects {
        let from = if course.may_be_old { 0 } else { versions.len() - 1 };
        for version in &versions[from..] {
            let sum = Md5::digest(version);
            sums.extend(sum.iter().map(|byte| format!("{byte:02x}")));
            sums.extend([" ", name, "\n"]);
        }
    }
    let count = course.objects.len().to_string();
    let mut files = vec![("program", PROGRAM), ("sums", &sums), ("count", &count)];
    if much {
        files.push(("much", ""));
    }
    zip::of(&files)
}

/// SIGKILL to the run's learner after this long, wherever it is by then. Gives the room
/// that the run was in; none when it had ended before.
fn kill_learner(scene: &Scene, id: &str, after: Duration) -> Result<Option<String>> {
    let folder = scene.home.path().join("attempts").join(id);
    let moment = Instant::now() + after;
    loop {
        let left = moment.saturating_duration_since(Instant::now());
        let room = scene.server.status(id)?["room"].as_str().unwrap_or_default().to_owned();
        if room == "settle" {
            return Ok(None);
        }
        if left.is_zero() {
            let found = processes::mentioning(&folder);
            let learner = found.iter().find(|process| process.command.contains(" learner "));
            if let Some(learner) = learner {
                processes::kill(learner.pid);
                return Ok(Some(room));
            }
        }
        std::thread::sleep(left.clamp(Duration::from_millis(5), Duration::from_millis(50)));
    }
}

/// Whatever is stored is right to the byte; of a run that completed, everything is.
fn look_at_what_is_stored(s3: &S3Server, ended: &[Ended], base: u64) -> Result<()> {
    let mut stored: HashMap<String, Vec<String>> = HashMap::new();
    for (key, _) in s3.list("results")? {
        if let Some((id, name)) = key.split_once('/') {
            stored.entry(id.to_owned()).or_default().push(name.to_owned());
        }
    }
    for run in ended {
        let names = stored.remove(&run.id).unwrap_or_default();
        let place = format!("run {} (seed {}) of {base}: {names:?}", run.id, run.seed);
        let get = |name: &str| s3.get("results", &format!("{}/{name}", run.id));
        for name in &names {
            match name.as_str() {
                "middle" => ensure!(run.middle.contains(&get(name)?), "{place}"),
                "sub/id" => ensure!(get(name)? == format!("{}\n", run.id).as_bytes(), "{place}"),
                "zeros" => ensure!(get(name)? == vec![0; 9_000_000], "{place}"),
                log if log.starts_with("learner-1/") || log.starts_with('_') => {}
                // Of an attempt whose learner was killed, and its program with it: part of a
                // file, perhaps. The attempt that followed is what counts.
                apart if apart.starts_with("attempt-") => {}
                other => bail!("{place}: nobody stored {other}"),
            }
        }
        if run.completed {
            let much = run.much.then_some("zeros");
            let log = "learner-1/training-log.txt";
            for name in ["middle", "sub/id", log].into_iter().chain(much) {
                ensure!(names.iter().any(|stored| stored == name), "{name} is missing: {place}");
            }
            ensure!(get(log)?.ends_with(b"checked\n"), "{place}");
        }
    }
    Ok(())
}

/// Bytes that look like chance.
fn content(length: usize, seed: u64) -> Vec<u8> {
    let numbers = (0..).map(|n| mix(seed ^ mix(n)));
    numbers.flat_map(u64::to_le_bytes).take(length).collect()
}

fn mix(seed: u64) -> u64 {
    let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::print_stderr, reason = "whoever replays a suite needs its seed")]
fn say(what: &str) {
    eprintln!("{what}");
}
