//! The contract with the training program: its environment, and the block that
//! its log begins with.
//!
//! The environment is built from nothing: whatever the service's own holds, the
//! program does not get it. Names and meanings are those of the 2017/2018
//! service (`DATA_DIR`, `RESULT_DIR`, `MODEL_DIR`, ... ).

use std::ffi::OsString;

use trainyard_api::learner::Assignment;

use crate::dirs::Dirs;

/// Used when the environment of the framework names none.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// All variables that the program gets.
pub(crate) fn environment(assignment: &Assignment, dirs: &Dirs) -> Vec<(OsString, OsString)> {
    let mut variables: Vec<(OsString, OsString)> = Vec::with_capacity(32);
    let mut set = |name: &str, value: OsString| variables.push((name.into(), value));
    set("PATH", PATH.into());
    set("LANG", "C.UTF-8".into());
    set("LC_ALL", "C.UTF-8".into());
    if let Some(zone) = std::env::var_os("TZ") {
        set("TZ", zone);
    }
    for (name, value) in &assignment.environment.variables {
        set(name, value.into());
    }
    set("HOME", dirs.home.clone().into());
    set("TMPDIR", dirs.tmp.clone().into());
    set("DATA_DIR", dirs.data.clone().into());
    set("RESULT_DIR", dirs.results.clone().into());
    set("MODEL_DIR", dirs.code.clone().into());
    set("LOG_DIR", dirs.logs.clone().into());
    set("JOB_STATE_DIR", dirs.state.clone().into());
    set("CHECKPOINT_DIR", dirs.checkpoints.clone().into());
    set("TRAINING_ID", assignment.attempt.run.as_str().into());
    if let Some(trial) = &assignment.definition.trial {
        set("SUBID", trial.number.to_string().into());
    }
    set("TRAINING_JOB", assignment.definition.name.clone().into());
    set("TRAINING_COMMAND", assignment.definition.command.clone().into());
    set("LEARNER_ID", "1".into());
    set("NUM_LEARNERS", "1".into());
    set("LEARNER_NAME_PREFIX", "learner".into());
    set("GPU_COUNT", assignment.gpus.len().to_string().into());
    // Empty hides every GPU from a program on CPU slots.
    set("CUDA_VISIBLE_DEVICES", assignment.gpus.join(",").into());
    set("PYTHONPATH", dirs.code.clone().into());
    set("PYTHONUNBUFFERED", "1".into());
    set("PYTHONDONTWRITEBYTECODE", "1".into());
    // A name may not hold a NUL or it could not be passed at all; a value that does is the
    // definition's name or command, which the submission has checked.
    variables
}

/// What the log begins with, before the program's first byte.
pub(crate) fn header(assignment: &Assignment, dirs: &Dirs) -> String {
    format!(
        "Training with training/test data at:\n  DATA_DIR: {}\n  MODEL_DIR: {}\n  \
         TRAINING_JOB: {}\n  TRAINING_COMMAND: {}\nStoring trained model at:\n  RESULT_DIR: {}\n",
        dirs.data.display(),
        dirs.code.display(),
        assignment.definition.name,
        assignment.definition.command,
        dirs.results.display(),
    )
}
