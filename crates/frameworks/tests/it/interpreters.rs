//! Interpreters are found where they lie, and nothing else is taken for one.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use anyhow::Context;
use trainyard_frameworks::{Availability, Catalogue, Interpreter, Interpreters, Machine};
use trainyard_model::code::Code;
use trainyard_model::definition::FrameworkRef;

/// A CPython of this machine that the built-in current release runs on.
fn some_python() -> anyhow::Result<Interpreter> {
    let wanted = ["3.11", "3.12", "3.13"].map(str::to_owned);
    Interpreters::of_this_machine().find_first(&wanted).context("no CPython 3.11 to 3.13 here")
}

fn script(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}

#[test]
fn an_interpreter_is_found_under_a_root_and_named_by_its_real_path() -> anyhow::Result<()> {
    let real = some_python()?;
    let folder = tempfile::tempdir()?;
    let bin = folder.path().join("versions/9.9.9/bin");
    fs::create_dir_all(&bin)?;
    symlink(&real.path, bin.join(format!("python{}", real.minor)))?;

    let found = Interpreters::in_folders(Vec::new(), vec![folder.path().join("versions")]);
    assert_eq!(found.find(&real.minor), Some(real.clone()));
    assert_eq!(found.installed(), vec![real]);
    assert_eq!(found.find("3.6"), None);
    Ok(())
}

#[test]
fn a_bare_python3_on_the_path_is_asked_for_its_version() -> anyhow::Result<()> {
    let real = some_python()?;
    let folder = tempfile::tempdir()?;
    symlink(&real.path, folder.path().join("python3"))?;
    let found = Interpreters::in_folders(vec![folder.path().to_owned()], Vec::new());
    assert_eq!(found.find(&real.minor), Some(real));
    Ok(())
}

#[test]
fn what_is_not_a_cpython_of_that_version_is_passed_over() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let bins: Vec<_> = ["a", "b", "c", "shims"].map(|name| folder.path().join(name)).into();
    for bin in &bins {
        fs::create_dir(bin)?;
    }
    script(&bins[0].join("python3.6"), "#!/bin/sh\nexit 3\n")?;
    script(
        &bins[1].join("python3.6"),
        "#!/bin/sh\nprintf 'PyPy\\n3.6.9\\n/opt/pypy/bin/pypy\\n'\n",
    )?;
    script(
        &bins[2].join("python3.6"),
        "#!/bin/sh\nprintf 'CPython\\n3.7.1\\n/opt/x/bin/python\\n'\n",
    )?;
    let fooled = folder.path().join("fooled");
    script(&bins[3].join("python3.6"), &format!("#!/bin/sh\ntouch {}\n", fooled.display()))?;
    assert_eq!(Interpreters::in_folders(bins, Vec::new()).find("3.6"), None);
    assert!(!fooled.exists(), "a shim was started");
    Ok(())
}

#[test]
fn one_installed_later_is_found_and_each_is_started_once() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let bin = folder.path().join("bin");
    fs::create_dir(&bin)?;
    let interpreters = Interpreters::in_folders(vec![bin.clone()], Vec::new());
    assert_eq!(interpreters.find("3.6"), None);

    let starts = folder.path().join("starts");
    let text = format!(
        "#!/bin/sh\necho x >> {}\nprintf 'CPython\\n3.6.15\\n{}\\n'\n",
        starts.display(),
        bin.join("python3.6").display()
    );
    script(&bin.join("python3.6"), &text)?;
    assert_eq!(interpreters.find("3.6").context("it is there now")?.version, "3.6.15");
    assert!(interpreters.find("3.6").is_some());
    assert_eq!(fs::read_to_string(&starts)?, "x\n");
    Ok(())
}

#[test]
fn a_release_without_its_interpreter_says_what_is_missing_and_the_way_out() -> anyhow::Result<()> {
    let real = some_python()?;
    let folder = tempfile::tempdir()?;
    symlink(&real.path, folder.path().join(format!("python{}", real.minor)))?;
    let catalogue =
        Catalogue::builtin()?.for_machine(Machine::this().with_interpreters(
            Interpreters::in_folders(vec![folder.path().to_owned()], Vec::new()),
        ));
    let old = catalogue
        .resolve(&FrameworkRef { name: "tensorflow".to_owned(), version: "1.2-py3".to_owned() })
        .map_err(|complaint| anyhow::anyhow!("{complaint:?}"))?;

    let availability = catalogue.availability(old);
    let Availability::Unavailable { why, remedy } = &availability else {
        anyhow::bail!("{availability:?}");
    };
    assert_eq!(*why, format!("it needs a CPython 3.6; found {}", real.minor));
    assert!(remedy.contains("pyenv install 3.6"), "{remedy}");
    assert!(remedy.contains("or use version 2.21-py3"), "{remedy}");
    let complaint = availability.complaint(old).context("a complaint")?;
    assert_eq!(complaint.code, Code::FrameworkUnavailable);
    Ok(())
}
