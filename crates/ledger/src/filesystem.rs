//! Refuses network file systems: SQLite's write-ahead log needs memory shared
//! between processes and locks that hold, which NFS and SMB do not give.

use std::io;
use std::path::Path;

/// Magic numbers from `linux/magic.h`.
#[cfg(target_os = "linux")]
const NETWORKED: [(u32, &str); 6] = [
    (0x0000_6969, "NFS"),
    (0x0000_517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
];

/// The name of the network file system that `directory` lies on, if it does.
#[cfg(target_os = "linux")]
pub(crate) fn network_name(directory: &Path) -> io::Result<Option<&'static str>> {
    let magic = rustix::fs::statfs(directory)?.f_type;
    // The kernel's word is 64 bits wide here and there; the magic is its low half.
    let magic = u32::try_from(magic & 0xFFFF_FFFF).unwrap_or_default();
    Ok(named(magic))
}

/// Elsewhere the kind of a file system is not told by a number; nothing is refused.
#[cfg(not(target_os = "linux"))]
pub(crate) fn network_name(_directory: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

#[cfg(target_os = "linux")]
fn named(magic: u32) -> Option<&'static str> {
    NETWORKED.iter().find(|(number, _)| *number == magic).map(|(_, name)| *name)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn nfs_is_networked_and_a_local_disk_is_not() {
        assert_eq!(named(0x6969), Some("NFS"));
        assert_eq!(named(0xEF53), None, "ext4");
        assert_eq!(network_name(Path::new("/proc")).unwrap(), None);
    }
}
