//! What programs print: every byte, once, whatever it is.

use std::time::{Duration, Instant};

use trainyard_model::event::Verdict;

use crate::attempt::Setup;

#[test]
fn the_log_begins_with_the_block_of_2018() {
    let mut attempt = Setup::new("printf x").start();
    let end = attempt.end();
    let folder = attempt.path("attempt").canonicalize().expect("there");
    let expected = format!(
        "Training with training/test data at:\n  DATA_DIR: {0}/data\n  MODEL_DIR: {0}/code\n  \
         TRAINING_JOB: my job\n  TRAINING_COMMAND: printf x\nStoring trained model at:\n  \
         RESULT_DIR: {0}/results\nx",
        folder.display()
    );
    assert_eq!(end.text(), expected);
}

#[test]
fn bytes_are_bytes() {
    let end = Setup::new(r"printf '\377\376\000\033[31m\r\n\200 no end'").start().end();
    assert_eq!(end.printed(), b"\xff\xfe\x00\x1b[31m\r\n\x80 no end");
}

#[test]
fn a_line_of_100_mib_arrives_whole() {
    let mut attempt = Setup::new("head -c 104857600 /dev/zero | tr '\\0' x; echo").start();
    let end = attempt.end_within(Duration::from_mins(2));
    let printed = end.printed();
    assert_eq!(printed.len(), (100 << 20) + 1);
    assert!(printed[..100 << 20].iter().all(|byte| *byte == b'x'));
    assert!(end.verdict == Verdict::Succeeded && printed.ends_with(b"x\n"));
}

#[test]
fn a_gib_arrives_whole() {
    let mut attempt = Setup::new(
        "s=$(date +%s%N); head -c 1073741824 /dev/zero; e=$(date +%s%N); echo $((e-s)) > $RESULT_DIR/ns",
    )
    .start();
    let began = Instant::now();
    let end = attempt.end_within(Duration::from_mins(5));
    assert_eq!(end.verdict, Verdict::Succeeded);
    assert_eq!(end.printed().len(), 1 << 30);
    assert!(end.printed().iter().all(|byte| *byte == 0));
    let stored = std::fs::metadata(attempt.stored("learner-1/training-log.txt")).expect("stored");
    assert_eq!(stored.len(), end.log.len() as u64);
    let nanoseconds = std::fs::read_to_string(attempt.stored("ns")).expect("stored");
    let seconds = nanoseconds.trim().parse::<f64>().expect("a number") / 1e9;
    eprintln!(
        "captured 1 GiB at {:.0} MiB/s; printed, delivered and stored in {:.1} s",
        1024.0 / seconds,
        began.elapsed().as_secs_f64()
    );
}

#[test]
fn both_streams_keep_their_order() {
    let end = Setup::new("for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done").start().end();
    let lines: Vec<String> = (1..=5)
        .map(|i| {
            format!(
                "out {i}
err {i}"
            )
        })
        .collect();
    let expected = lines.join(
        "
",
    ) + "
";
    assert_eq!(end.printed(), expected.as_bytes());
}
