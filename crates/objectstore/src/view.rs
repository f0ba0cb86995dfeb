//! DATA_DIR as a view of a folder that it never alters.
//!
//! Where the process can mount, an overlay: nothing is copied, and what the program
//! writes goes to a folder of its own. Where it cannot, a copy, by reference where the
//! file system can do that. Never hard links: who writes into one writes into all.

mod copy;
mod isolation;
mod overlay;
mod unshare;

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

pub use isolation::Isolation;

/// How a view came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ViewKind {
    /// An overlay mount: nothing was copied.
    Overlay,
    /// Copies that share their blocks with the originals until they are written to.
    Reflink,
    /// Copies.
    Copy,
    /// No view: the data was fetched to where the program finds it.
    None,
}

impl std::fmt::Display for ViewKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Overlay => "overlay",
            Self::Reflink => "reflink",
            Self::Copy => "copy",
            Self::None => "none",
        })
    }
}

/// A view of a folder.
#[derive(Debug)]
pub struct View {
    /// How it came to be.
    pub kind: ViewKind,
    /// The folder that takes what is written, where that is not the view itself.
    pub written: Option<PathBuf>,
    /// Why it is no overlay.
    pub why_not_cheaper: Option<String>,
}

/// Shows the folder `lower` at `at`, which is made when missing and must be empty.
/// `aside` takes what is written; it is made when it is needed.
///
/// # Errors
/// When not even a copy can be made, or `stop` was set meanwhile.
pub(crate) fn show(
    lower: &OwnedFd,
    at: &Path,
    aside: &Path,
    isolation: &Isolation,
    stop: &AtomicBool,
) -> io::Result<View> {
    let why = match isolation.overlay_kind() {
        Ok(kind) => match overlay::mount(lower, at, aside, kind) {
            Ok(()) => {
                let written = Some(aside.to_owned());
                return Ok(View { kind: ViewKind::Overlay, written, why_not_cheaper: None });
            }
            Err(error) => format!("an overlay is refused here: {error}"),
        },
        Err(why) => why,
    };
    let kind = copy::copy(lower, at, stop)?;
    Ok(View { kind, written: None, why_not_cheaper: Some(why) })
}

impl View {
    /// Finds out which view a run whose folders lie in `folder` is given of data that lies in
    /// `cache`, by making one. Leaves nothing; mounts nothing that outlives the process.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn try_out(cache: &Path, folder: &Path, isolation: &Isolation) -> io::Result<Self> {
        let lower = tempfile(cache)?;
        let around = tempfile(folder);
        let tried = around.and_then(|around| {
            let shown = std::fs::write(lower.join("file"), "x").and_then(|()| {
                let opened = crate::cache::open(&lower)?;
                let at = around.join("data");
                show(&opened, &at, &around.join("view"), isolation, &AtomicBool::new(false))
            });
            if shown.as_ref().is_ok_and(|view| view.kind == ViewKind::Overlay) {
                overlay::unmount(&around.join("data"));
            }
            std::fs::remove_dir_all(&around).and(shown)
        });
        std::fs::remove_dir_all(&lower).and(tried)
    }
}

/// A new folder in `parent`.
fn tempfile(parent: &Path) -> io::Result<PathBuf> {
    let mut number = [0; 8];
    getrandom::fill(&mut number).map_err(io::Error::other)?;
    let path = parent.join(format!(".trainyard-view-{:x}", u64::from_le_bytes(number)));
    std::fs::create_dir(&path)?;
    Ok(path)
}
