//! What users do, told to the real binary: each file in `stories/` is one story.
//!
//! Every story has a server of its own, in a home of its own, on a free port;
//! it waits for conditions with a deadline and leaves nothing running.

mod harness;

mod stories {
    mod attempts;
    mod backup;
    mod bad_bodies;
    mod bad_definitions;
    mod bad_programs;
    mod bad_zips;
    mod bx_experiments;
    mod bx_session;
    mod cancel;
    mod cancel_times;
    mod causes;
    mod chaos;
    mod command_line;
    mod data_cache;
    mod data_directory;
    mod dialects;
    mod digits_search;
    mod disk;
    mod experiments_killed;
    mod faults;
    mod following;
    mod frameworks;
    mod gpu;
    mod hostile_packages;
    mod installed_programs;
    mod learner_killed;
    mod log_lines;
    mod logs;
    mod main_job;
    mod metrics;
    mod monitors;
    mod official_client;
    mod open_api;
    mod overload;
    mod own_packages;
    mod preflight;
    mod queue;
    mod recovery;
    mod rerun;
    mod retention;
    mod s3_stores;
    mod secrets;
    mod server_killed;
    mod stored_definitions;
    mod swift_session;
    mod transcripts;
    mod why;
}
