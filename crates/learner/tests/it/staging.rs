//! What a program finds when it starts, and what it does not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use trainyard_model::cause::CauseKind;
use trainyard_model::definition::{StoreKind, StoreRef};
use trainyard_model::event::Verdict;
use trainyard_model::secret::Credentials;
use trainyard_testkit::s3::S3Server;

use crate::attempt::{PLANTED, RUN, Setup};
use crate::server::TOKEN;

#[test]
fn the_environment_is_the_contract_and_nothing_else() {
    let mut attempt = Setup::new("env; echo cwd=$(pwd -P)").start();
    let end = attempt.end();
    let text = end.text();
    let root = attempt.path("attempt").canonicalize().expect("there");
    let root = root.display();
    for line in [
        format!("DATA_DIR={root}/data"),
        format!("RESULT_DIR={root}/results"),
        format!("MODEL_DIR={root}/code"),
        format!("LOG_DIR={root}/logs"),
        format!("JOB_STATE_DIR={root}/state"),
        format!("CHECKPOINT_DIR={root}/checkpoints"),
        format!("TRAINING_ID={RUN}"),
        "TRAINING_JOB=my job".to_owned(),
        "LEARNER_ID=1".to_owned(),
        "NUM_LEARNERS=1".to_owned(),
        "GPU_COUNT=0".to_owned(),
        "CUDA_VISIBLE_DEVICES=".to_owned(),
        format!("PYTHONPATH={root}/code"),
        "PYTHONUNBUFFERED=1".to_owned(),
        "PATH=/opt/env/bin:/usr/bin:/bin".to_owned(),
        format!("HOME={root}/home"),
        format!("TMPDIR={root}/tmp"),
        format!("cwd={root}/code"),
    ] {
        assert!(text.lines().any(|told| told == line), "{line} in\n{text}");
    }
    for secret in [PLANTED, TOKEN, "RUST_LOG", "A_SECRET"] {
        assert!(!text.contains(secret), "{secret} in\n{text}");
    }
    assert!(!attempt.learner_log().contains(TOKEN));
}

#[test]
fn data_is_a_copy_that_the_program_may_spoil() {
    let mut setup = Setup::new(
        "cat $DATA_DIR/a.txt; echo spoilt > $DATA_DIR/a.txt; touch $DATA_DIR/b; ls -A $RESULT_DIR",
    );
    setup.data = vec![("a.txt", "clean\n")];
    let mut attempt = setup.start();
    let end = attempt.end();
    assert_eq!((&end.verdict, end.printed()), (&Verdict::Succeeded, &b"clean\n"[..]));
    let container = attempt.path("store/data");
    assert_eq!(fs::read_to_string(container.join("a.txt")).expect("there"), "clean\n");
    assert!(!container.join("b").exists());
    for folder in ["code", "data", "results", "spool"] {
        let mode =
            fs::metadata(attempt.path("attempt").join(folder)).expect(folder).permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{folder}");
    }
}

#[test]
fn data_that_is_not_there_is_told_and_the_logs_are_stored_all_the_same() {
    let mut setup = Setup::new("echo never");
    setup.data = vec![("a", "b")];
    let mut attempt = setup.prepare();
    fs::remove_dir_all(attempt.path("store/data")).expect("removed");
    attempt.start_learner();
    let end = attempt.end();
    assert_eq!(*end.kind(), CauseKind::ContainerMissing);
    assert!(end.stored && end.log.is_empty());
    let journal = fs::read_to_string(attempt.stored("learner-1/load-data.log")).expect("stored");
    assert!(journal.contains("failed: "), "{journal}");
}

#[test]
fn results_that_cannot_be_stored_are_kept() {
    let mut setup = Setup::new("echo precious > $RESULT_DIR/model");
    setup.results = "not-there";
    let mut attempt = setup.start();
    let end = attempt.end();
    assert_eq!(*end.kind(), CauseKind::ContainerMissing);
    assert!(!end.stored);
    let kept = attempt.path("attempt/results").canonicalize().expect("there");
    let hint = end.cause().hint.as_deref().expect("a hint");
    assert!(hint.contains(&kept.display().to_string()), "{hint}");
    assert_eq!(fs::read_to_string(kept.join("model")).expect("kept"), "precious\n");
}

#[test]
fn data_comes_from_s3_and_results_go_there() {
    let s3 = S3Server::start().expect("a real S3 server");
    for bucket in ["train-in", "train-out"] {
        s3.create_bucket(bucket).expect("made");
    }
    s3.put("train-in", "deep/er/x.txt", b"pixels").expect("put");
    let mut attempt = Setup::new(
        "cat $DATA_DIR/deep/er/x.txt; mkdir $RESULT_DIR/m; echo w > $RESULT_DIR/m/w; env",
    )
    .prepare();
    let store =
        |container: &str| StoreRef::new(StoreKind::S3, "s3_datastore", s3.endpoint(), container);
    let credentials = Credentials::new(s3.access_key(), s3.secret_key()).expose();
    {
        let mut memory = attempt.server.memory();
        memory.assignment.definition.data = Some(store("train-in"));
        memory.assignment.definition.results = store("train-out");
        memory.assignment.secrets.data = Some(credentials.clone());
        memory.assignment.secrets.results = Some(credentials);
    }
    attempt.start_learner();
    let end = attempt.end();
    assert_eq!(end.verdict, Verdict::Succeeded);
    assert!(end.printed().starts_with(b"pixels"));
    assert!(!end.text().contains(s3.secret_key()) && !end.text().contains(s3.access_key()));
    // The learner's own log is at `debug` here, where a library tells keys to whoever asks.
    assert!(!attempt.learner_log().contains(s3.secret_key()));
    let get = |key: &str| s3.get("train-out", &format!("{RUN}/{key}")).expect(key);
    assert_eq!(get("m/w"), b"w\n");
    assert_eq!(get("learner-1/training-log.txt"), end.log);
}
