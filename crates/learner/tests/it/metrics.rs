//! Metrics are found while the program runs and afterwards, each point once, whatever dies,
//! and whatever the program puts in their place.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use trainyard_metrics::stream::{Entry, frame};
use trainyard_model::event::Verdict;
use trainyard_testkit::wait::eventually;

use crate::attempt::{Attempt, LIMIT, Setup};

const EVENTS: &str = include_str!("events.py");

fn start(program: &'static str) -> Attempt {
    let files = vec![("events.py", EVENTS), ("program.py", program)];
    Setup { files, ..Setup::new("python3 program.py") }.start()
}

/// Iterations and values by `phase/name`, as the server has them.
fn points(attempt: &Attempt) -> BTreeMap<String, Vec<(i64, f64)>> {
    let memory = attempt.server.memory();
    let mut points: BTreeMap<String, Vec<(i64, f64)>> = BTreeMap::new();
    let mut rest = &memory.metrics[..];
    while let Some(found) = frame(rest).expect("good frames") {
        for entry in found.entries() {
            let Entry::Record { phase, moment, values } = entry else { continue };
            for (name, value) in values {
                let series = points.entry(format!("{phase}/{name}")).or_default();
                series.push((moment.iteration, value));
            }
        }
        rest = &rest[found.length()..];
    }
    assert!(rest.is_empty(), "the stream ends with a whole frame");
    points
}

fn rising(count: i64) -> Vec<(i64, f64)> {
    #[expect(clippy::cast_precision_loss, reason = "small")]
    (1..=count).map(|step| (step, step as f64 / 4.0)).collect()
}

fn until_point(attempt: &Attempt, series: &str, step: i64) {
    let came = eventually(&format!("{series} at {step}"), LIMIT, || {
        points(attempt).get(series)?.iter().find(|point| point.0 >= step).copied()
    });
    came.unwrap_or_else(|error| panic!("{error}\n{}", attempt.learner_log()));
}

const EACH_WAY: &str = r#"
import events, json, os, time
logs, state, results = (os.environ[name] for name in ("LOG_DIR", "JOB_STATE_DIR", "RESULT_DIR"))
os.makedirs(state + "/logs/tb/test")
os.makedirs("runs/host")
with open(state + "/logs/tb/events.out.tfevents.1.host", "wb") as train, \
     open(state + "/logs/tb/test/events.out.tfevents.1.host", "wb") as test, \
     open("runs/host/events.out.tfevents.2.host", "wb") as here, \
     open(logs + "/sub-evaluation-metrics.txt", "w"), \
     open(logs + "/evaluation-metrics.txt", "w") as lines:
    for file in (train, test, here):
        file.write(events.begin())
    for step in range(1, 11):
        train.write(events.scalar(step, "loss", step / 4))
        test.write(events.scalar(step, "accuracy", step / 4))
        here.write(events.scalar(step, "Loss/val", step / 4))
        lines.write(json.dumps({"grouplabel": "test", "etimes": {"iteration": {"type": 2, "value": str(step)}},
                                "values": {"f1": {"type": 3, "value": str(step / 4)}}}) + "\n")
        print("step %d printed_loss %.2f loss 9.0" % (step, step / 4), flush=True)
        for file in (train, test, here, lines):
            file.flush()
    print("Epoch 1/4\n30/60 [====>.....] - ETA: 5s - loss: 3.0", flush=True)
    while not os.path.exists(results + "/go"):
        time.sleep(0.02)
with open(results + "/val_dict_list.json", "w") as file:
    json.dump([{"steps": step, "auc": step / 4, "f1": 7} for step in range(1, 11)], file)
# What is copied is not read twice.
os.system("cp -r $JOB_STATE_DIR/logs/tb $RESULT_DIR/copy; cp $LOG_DIR/evaluation-metrics.txt $RESULT_DIR/copy/")
"#;

#[test]
fn each_way_to_tell_metrics_is_understood() {
    let mut attempt = start(EACH_WAY);
    for series in
        ["train/loss", "test/accuracy", "validation/Loss", "test/f1", "train/printed_loss"]
    {
        until_point(&attempt, series, 10);
    }
    let told = eventually("progress", LIMIT, || attempt.server.memory().progress.clone());
    let told = told.expect("how far it is is told");
    assert_eq!(
        (told.what.as_str(), told.items, told.items_total),
        ("epoch 1 of 4", Some(30), Some(240))
    );
    fs::write(attempt.path("attempt/results/go"), "").expect("written");
    let end = attempt.end();
    assert_eq!((end.verdict, end.stored), (Verdict::Succeeded, true));
    let points = points(&attempt);
    let expected = [
        "test/accuracy",
        "test/auc",
        "test/f1",
        "train/loss",
        "train/printed_loss",
        "validation/Loss",
    ];
    assert_eq!(points.keys().collect::<Vec<_>>(), expected);
    for (series, points) in points {
        let told: Vec<_> = points.into_iter().filter(|(_, value)| *value < 9.0).collect();
        assert_eq!(told, rising(10), "{series}");
    }
    // It has written such a file itself.
    let own =
        fs::read_to_string(attempt.stored("learner-1/evaluation-metrics.txt")).expect("stored");
    assert_eq!(own.lines().count(), 10);
    assert!(!own.contains("training_id"), "it is the program's");
}

const SLOW: &str = r#"
import events, os, time
with open(os.environ["LOG_DIR"] + "/events.out.tfevents.1.host", "wb") as file:
    file.write(events.begin())
    for step in range(1, 1001):
        file.write(events.scalar(step, "loss", step / 4))
        file.flush()
        print("iter %d, error = %.2f" % (step, step / 4), flush=True)
        time.sleep(0.004)
"#;

#[test]
fn each_point_comes_once_whatever_dies() {
    let mut attempt = start(SLOW);
    until_point(&attempt, "train/loss", 50);
    attempt.server.go();
    let events = attempt.path("attempt/logs/events.out.tfevents.1.host");
    let size = || fs::metadata(&events).map(|data| data.len()).unwrap_or_default();
    let begun = size();
    // Some 150 points, which nobody takes.
    eventually("more points", LIMIT, || (size() > begun + 6000).then_some(())).expect("written");
    attempt.server.come();
    until_point(&attempt, "train/error", 400);
    // The program dies with its learner, and another one reads what it left.
    attempt.kill_learner();
    for process in attempt.processes() {
        let _ = process.signal(rustix::process::Signal::KILL);
    }
    attempt.start_learner();
    let end = attempt.end();
    assert!(matches!(end.verdict, Verdict::Failed { .. }));
    let points = points(&attempt);
    let loss = &points["train/loss"];
    let printed = &points["train/error"];
    let count = i64::try_from(loss.len()).expect("small");
    assert!((400..=1000).contains(&count), "{count}");
    assert_eq!(*loss, rising(count));
    assert_eq!(*printed, rising(i64::try_from(printed.len()).expect("small")));
    // What was on its way in the pipe is gone with the learner.
    assert!(printed.len().abs_diff(loss.len()) <= 60, "{} and {}", printed.len(), loss.len());
    // Another attempt follows, so it is kept apart.
    let stored = attempt.stored("attempt-1/learner-1/evaluation-metrics.txt");
    let stored = fs::read_to_string(stored).expect("stored");
    let steps = stored.lines().filter(|line| line.contains("\"loss\"")).count();
    assert_eq!(steps, loss.len(), "each step is beside the results once");
}

const HOSTILE: &str = r#"
import events, os, struct
logs, results = os.environ["LOG_DIR"], os.environ["RESULT_DIR"]
def name(n): return "%s/%s/events.out.tfevents.%d.host" % (logs, n, n)
for n in range(12): os.makedirs("%s/%d" % (logs, n))
os.mkfifo(name(0))
os.symlink("/etc/passwd", name(1))
with open(name(2), "wb") as file: file.truncate(200 << 20)
with open(name(3), "wb") as file:
    file.write(events.begin(3.0))
    length = struct.pack("<Q", (1 << 64) - 1)
    file.write(length + struct.pack("<I", events.masked(length)))
with open(name(4), "wb") as file: file.write(os.urandom(8 << 20))
os.symlink("/", logs + "/root")
os.symlink(".", logs + "/again")
with open(name(5), "wb") as file:
    file.write(events.begin(5.0) + events.scalar(1, "good", 0.25))
    damaged = bytearray(events.scalar(2, "good", 0.5))
    damaged[25] ^= 1
    file.write(bytes(damaged) + events.scalar(3, "good", 0.75))
with open(logs + "/6/evaluation-metrics.txt", "w") as file:
    file.write("[" * 100000 + "\n" + '{"values": {"x": 1e999}}\n' + "x" * (3 << 20) + '\n{"values": {"x": 1}}')
with open(name(7), "wb") as file:
    file.write(events.begin(7.0))
    for n in range(5000): file.write(events.scalar(n, "many/%d" % n, 1.0))
os.mkfifo(results + "/val_dict_list.json")
deep = logs + "/8"
for n in range(300):
    deep += "/d"
    os.mkdir(deep)
for n in range(3000): open("%s/9/%d" % (logs, n), "w").close()
print("Epoch 18446744073709551615/1\n" + "%|" * 5000)
"#;

#[test]
fn hostile_files_keep_nobody_waiting() {
    let began = Instant::now();
    let mut attempt = start(HOSTILE);
    let end = attempt.end_within(Duration::from_mins(1));
    assert_eq!(end.verdict, Verdict::Succeeded);
    let points = points(&attempt);
    assert!(points.contains_key("train/good"), "{}", attempt.learner_log());
    assert_eq!(points["train/good"], [(1, 0.25), (3, 0.75)]);
    assert!(points.len() <= 2000, "{}", points.len());
    assert!(points.len() > 1000);
    eprintln!("hostile files took {:?}", began.elapsed());
    let damaged = attempt.notes("metrics_damaged");
    assert!(!damaged.is_empty(), "{}", attempt.learner_log());
}

#[test]
fn a_program_without_metrics_leaves_no_trace_of_them() {
    let mut attempt = Setup::new("echo one; sleep 1.5; echo two > $RESULT_DIR/two").start();
    let end = attempt.end();
    assert_eq!(end.verdict, Verdict::Succeeded);
    assert_eq!(attempt.server.memory().metrics.len(), 0);
    assert!(!attempt.path("attempt/spool/metrics").exists());
    assert!(!attempt.stored("learner-1/evaluation-metrics.txt").exists());
}
