//! Which files the program has open for writing: those are not finished, however
//! long nothing was written to them.
//!
//! Formats: proc(5), `/proc/PID/fdinfo/N` and `/proc/PID/maps`.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::OFlags;

use crate::processes::{Process, descendants};

/// Inodes that a process below `ancestor` may still write to, by their numbers; on
/// whatever disk, so that now and then one too many is among them.
///
/// # Errors
/// When a process does not let itself be looked at: then nothing is known.
pub(crate) fn for_writing(ancestor: i32) -> io::Result<HashSet<u64>> {
    let mut inodes = HashSet::new();
    for process in descendants(ancestor) {
        match look_at(&process, &mut inodes) {
            // It has ended meanwhile.
            Err(_) if !process.lives() => {}
            looked => looked?,
        }
    }
    Ok(inodes)
}

fn look_at(process: &Process, inodes: &mut HashSet<u64>) -> io::Result<()> {
    let folder = Path::new("/proc").join(process.pid.to_string());
    for entry in fs::read_dir(folder.join("fd"))? {
        let entry = entry?;
        // A descriptor may be closed at any time.
        let Ok(found) = fs::metadata(entry.path()) else { continue };
        if !found.is_file() {
            continue;
        }
        let Ok(info) = fs::read_to_string(folder.join("fdinfo").join(entry.file_name())) else {
            continue;
        };
        if may_write(&info) {
            inodes.insert(found.ino());
        }
    }
    let maps = fs::read_to_string(folder.join("maps"))?;
    inodes.extend(maps.lines().filter_map(mapped_for_writing));
    Ok(())
}

fn may_write(fdinfo: &str) -> bool {
    let flags = fdinfo.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    flags.is_none_or(|flags| flags & OFlags::ACCMODE.bits() != OFlags::RDONLY.bits())
}

/// `start-end rw-s offset device inode path`: what is written there lands in the file,
/// and its times tell it late.
fn mapped_for_writing(line: &str) -> Option<u64> {
    let mut fields = line.split_ascii_whitespace();
    let rights = fields.nth(1)?;
    let inode = fields.nth(2)?.parse().ok()?;
    (rights.as_bytes().get(1) == Some(&b'w') && rights.ends_with('s') && inode != 0)
        .then_some(inode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_read_as_the_kernel_writes_them() {
        assert!(may_write("pos:\t0\nflags:\t0100001\nmnt_id:\t29\n"));
        assert!(may_write("pos:\t0\nflags:\t02102002\n"));
        assert!(!may_write("pos:\t0\nflags:\t0100000\n"));
        assert!(may_write("odd"), "in doubt it may");
        let mapped = "7f00-7f01 rw-s 00000000 fe:01 4711                       /x/y z";
        assert_eq!(mapped_for_writing(mapped), Some(4711));
        assert_eq!(mapped_for_writing(&mapped.replace("rw-s", "r--s")), None);
        assert_eq!(mapped_for_writing(&mapped.replace("rw-s", "rw-p")), None);
        assert_eq!(mapped_for_writing("7f00-7f01 rw-s 00000000 00:01 0"), None);
    }

    #[test]
    fn a_file_that_a_child_writes_is_found_and_one_that_it_reads_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("read"), "x").expect("written");
        let script = "exec 3>written 4<read; sleep 60";
        let mut child = std::process::Command::new("/bin/sh")
            .args(["-c", script])
            .current_dir(folder.path())
            .spawn()
            .expect("a shell");
        let own = i32::try_from(std::process::id()).expect("a process id");
        let limit = std::time::Duration::from_secs(10);
        let found = trainyard_testkit::wait::eventually("the open file", limit, || {
            let inode = fs::metadata(path("written")).ok()?.ino();
            for_writing(own).ok().filter(|found| found.contains(&inode))
        });
        let found = found.expect("it is open");
        assert!(!found.contains(&fs::metadata(path("read")).expect("there").ino()));
        for process in descendants(i32::try_from(child.id()).expect("a process id")) {
            process.signal(rustix::process::Signal::KILL).expect("ours");
        }
        child.kill().expect("ours");
        child.wait().expect("ours");
    }
}
