//! `cargo xtask openapi`: writes `openapi.json` from the code.
//!
//! The document is made by a test of the server, so that this crate need not
//! be built with the whole server in it; the same test, without the variable,
//! fails when the file is not up to date.

use anyhow::Result;

use crate::shell;

/// Tells the test to write the document.
const BLESS: &str = "TRAINYARD_BLESS";

/// Options of `cargo xtask openapi`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write nothing; fail when the file is not up to date.
    #[arg(long)]
    check: bool,
}

/// Writes or compares.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut test = shell::cargo();
    test.args(["test", "--quiet", "--package", "trainyard-server", "--test", "it"]);
    test.arg("the_document_that_is_checked_in");
    test.env_remove(BLESS);
    if !options.check {
        test.env(BLESS, "1");
    }
    shell::run(&mut test)
}
