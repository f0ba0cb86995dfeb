//! Packages of a Debian suite, in a root file system of their own, by mmdebstrap.
//!
//! What comes from the archive is signed, and a suite that is no longer changed gives the same
//! packages every time; which they were is noted beside the root. The checks run
//! inside, before the root is finished.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use rustix::process::geteuid;
use tokio::process::Command;

use super::Site;
use crate::error::EnvironmentError;
use crate::progress::BuildPhase;
use crate::provider::Suite;

/// Fetching some hundreds of packages and setting them up.
const LIMIT: Duration = Duration::from_hours(2);

/// What nobody reads in there.
const LEFT_OUT: &[&str] =
    &["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*"];

/// Unpacking an archive of a gigabyte.
const UNPACK_LIMIT: Duration = Duration::from_mins(20);

/// The variable that names a mirror of Debian's archive.
const MIRROR: &str = "TRAINYARD_DEBIAN_MIRROR";

pub(super) async fn make(
    site: &Site<'_>,
    tool: &Path,
    suite: &Suite,
) -> Result<(), EnvironmentError> {
    let root = site.environment.root.as_path();
    let folder = root.join("rootfs");
    for made in [root, &folder] {
        fs::create_dir_all(made).map_err(EnvironmentError::cache(made))?;
    }
    let (installed, printed) = (root.join("packages.txt"), root.join("printed.txt"));
    let check = &site.release.check;
    let program = site.write("check.sh", check.program.text())?;
    site.says_what_is_fetched();
    let mut command = Command::new(tool);
    let is_root = geteuid().is_root();
    // An ordinary user makes it under ids that are lent to them (subuid(5)). The files would
    // belong to those, and so be nobody's to remove: they are packed, and unpacked again.
    let packed = root.join("rootfs.tar");
    command.args(["--variant=essential", "--aptopt=Acquire::Languages \"none\""]);
    // A root that was cut off by a power cut is thrown away; the seal waits for the disk.
    command.arg("--dpkgopt=force-unsafe-io");
    command.arg(if is_root { "--mode=root" } else { "--mode=unshare" });
    command.args(LEFT_OUT.iter().map(|path| format!("--dpkgopt=path-exclude={path}")));
    if !suite.packages.is_empty() {
        command.arg(format!("--include={}", suite.packages.join(",")));
    }
    // The mirrors that it knows by itself, unless the operator names another.
    let mirror = std::env::var_os(MIRROR);
    command
        .arg("--customize-hook=chroot \"$1\" dpkg-query -W >\"$TY_INSTALLED\"")
        .arg("--customize-hook=chroot \"$1\" /bin/sh -s <\"$TY_CHECK\" >\"$TY_PRINTED\"")
        .env("TY_INSTALLED", &installed)
        .env("TY_CHECK", &program)
        .env("TY_PRINTED", &printed)
        .env("LC_ALL", "C.UTF-8")
        .envs(&site.release.variables)
        .arg(&suite.suite)
        .arg(if is_root { &folder } else { &packed })
        .args(mirror)
        .current_dir("/");
    site.tool(BuildPhase::Install, "mmdebstrap", command, LIMIT).await?;
    if !is_root {
        let mut command = Command::new("tar");
        command.args(["--extract", "--no-same-owner", "--exclude=./dev/*", "--file"]);
        command.arg(&packed).arg("--directory").arg(&folder);
        site.tool(BuildPhase::Install, "tar", command, UNPACK_LIMIT).await?;
        fs::remove_file(&packed).map_err(EnvironmentError::cache(&packed))?;
    }
    let text = fs::read_to_string(&printed).map_err(EnvironmentError::cache(&printed))?;
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    site.compare(check, last.trim_end().to_owned())?;
    prepare(&folder).map_err(EnvironmentError::cache(&folder))
}

/// What programs in there count on: that names resolve as on this machine, whose files are
/// laid over these when a program is started.
fn prepare(root: &Path) -> io::Result<()> {
    for name in ["etc/resolv.conf", "etc/hosts"] {
        let path = root.join(name);
        // It may be a link to a file that only a running system has.
        if path.symlink_metadata().is_ok_and(|data| !data.is_file()) {
            fs::remove_file(&path)?;
        }
        fs::OpenOptions::new().create(true).append(true).open(path)?;
    }
    Ok(())
}
