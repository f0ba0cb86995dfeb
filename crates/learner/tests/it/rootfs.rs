//! A program in a root file system of the framework's own, which here is made of the
//! machine's shell and the libraries that it needs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use trainyard_api::learner::Order;
use trainyard_model::event::Verdict;

use crate::attempt::Setup;

/// Programs that are put in.
const PROGRAMS: &[&str] = &["sh", "cat", "ls", "touch", "id"];

/// A root file system that nothing else of the machine can be seen in.
fn small_root() -> TempDir {
    let root = TempDir::new().expect("a folder");
    let put = |from: &Path| {
        let to = root.path().join(from.strip_prefix("/").expect("it is absolute"));
        fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        fs::copy(from, to).expect("copied");
    };
    for name in PROGRAMS {
        let program = Path::new("/usr/bin").join(name);
        put(&fs::canonicalize(&program).expect("it is there"));
        if !root.path().join(format!("usr/bin/{name}")).exists() {
            let real = fs::canonicalize(&program).expect("it is there");
            symlink(real, root.path().join(format!("usr/bin/{name}"))).expect("linked");
        }
        let told = Command::new("ldd").arg(&program).output().expect("ldd runs");
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        for library in told.split_whitespace().filter(|word| word.starts_with('/')) {
            let real = fs::canonicalize(library).expect("it is there");
            put(&real);
            // Under the name that it is asked for, where that is a link.
            let asked = Path::new(library);
            let folder = fs::canonicalize(asked.parent().expect("a folder")).expect("it is there");
            let link = folder.join(asked.file_name().expect("a file"));
            let link = root.path().join(link.strip_prefix("/").expect("it is absolute"));
            fs::create_dir_all(link.parent().expect("a folder")).expect("made");
            if link.symlink_metadata().is_err() {
                symlink(&real, link).expect("linked");
            }
        }
    }
    for folder in ["proc", "tmp", "etc", "root", "home", "var/lib"] {
        fs::create_dir_all(root.path().join(folder)).expect("made");
    }
    for (link, to) in [("bin", "usr/bin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")] {
        if !root.path().join(link).exists() && Path::new("/").join(link).is_symlink() {
            symlink(to, root.path().join(link)).expect("linked");
        }
    }
    fs::write(root.path().join("etc/mark"), "of the framework\n").expect("written");
    fs::write(root.path().join("etc/hosts"), "").expect("written");
    fs::write(root.path().join("home/kept"), "").expect("written");
    root
}

#[test]
fn a_program_sees_the_framework_s_files_and_its_own_folders_alone() {
    let root = small_root();
    let command = "cat /etc/mark && cat $DATA_DIR/digits && cat /etc/hosts > $RESULT_DIR/hosts \
                   && echo seven > $RESULT_DIR/model && echo more >> $DATA_DIR/digits \
                   && echo x > /tmp/x && cat $TMPDIR/x && echo $$ > $CHECKPOINT_DIR/pid \
                   && ls / && ls /home && sh train.sh \
                   && for p in /new /etc/mark /home/new /var/new; do \
                        touch $p 2>/dev/null && echo \"$p was written\"; done; \
                   for p in /usr/bin/ldd /usr/lib/os-release; do \
                        [ -e $p ] && echo \"$p is seen\"; done; \
                   [ -e /proc/self/status ] && [ -c /dev/null ] && echo whole";
    let mut attempt = Setup {
        rootfs: Some(root.path().to_owned()),
        data: vec![("digits", "0123\n")],
        ..Setup::new(command)
    }
    .start();
    let end = attempt.end();
    let log = String::from_utf8_lossy(&attempt.server.log()).into_owned();
    // What the program printed; above that stands its command.
    let log = log.split_once("\n  RESULT_DIR: ").expect("the log has its head").1;
    assert_eq!(end.verdict, Verdict::Succeeded, "{log}\n{}", attempt.learner_log());
    for said in ["of the framework\n", "0123\n", "trained\n", "whole\n", "kept\n"] {
        assert!(log.contains(said), "{said:?} is not in:\n{log}");
    }
    assert!(!log.contains("was written") && !log.contains("is seen"), "{log}");
    assert_eq!(fs::read_to_string(attempt.stored("model")).expect("stored"), "seven\n");
    assert_eq!(
        fs::read_to_string(attempt.stored("hosts")).expect("stored"),
        fs::read_to_string("/etc/hosts").expect("there"),
        "names resolve as on the machine"
    );
    assert_eq!(
        fs::read_to_string(root.path().join("etc/mark")).expect("there"),
        "of the framework\n"
    );
    assert!(attempt.path("attempt/root").read_dir().is_ok_and(|mut left| left.next().is_none()));
}

#[test]
fn what_clears_its_environment_and_outlives_its_learner_is_still_found_in_there() {
    let root = small_root();
    let command = "id -u >/dev/null; echo on; while :; do :; done";
    let mut attempt = Setup { rootfs: Some(root.path().to_owned()), ..Setup::new(command) }.start();
    attempt.until_log("on\n");
    let folder = attempt.path("attempt").canonicalize().expect("there");
    let marked = || {
        let all = fs::read_dir("/proc").expect("it is there").flatten();
        all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
            .filter(|pid| {
                let shell = fs::read_link(format!("/proc/{pid}/root"));
                shell.is_ok_and(|seen| seen.ends_with("attempt/root"))
            })
            .find(|pid| trainyard_learner::mark::is_on(&folder, *pid).is_ok_and(|is| is))
    };
    assert!(marked().is_some(), "no process with another root is marked");
    attempt.server.memory().order = Some(Order::Cancel);
    assert_eq!(attempt.end().verdict, Verdict::Canceled);
    assert!(marked().is_none());
}
