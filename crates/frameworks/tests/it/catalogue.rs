//! What may stand in a catalogue, what a definition may name, and what is said otherwise.

use std::fs;
use std::path::Path;

use trainyard_frameworks::{
    Availability, Catalogue, CatalogueError, Cuda, Driver, Machine, Provider, Release, Status,
};
use trainyard_model::code::Code;
use trainyard_model::definition::FrameworkRef;
use trainyard_model::diagnostic::Diagnostic;

const GOOD: &str = r#"name = "six"
title = "Six"
[[release]]
version = "1.17-py3"
aliases = ["1.17"]
status = "current"
python = ["3.11"]
requirements = ["six==1.17.0"]
lock = "six.txt"
disk_mb = 1
[release.check]
program = "print(1)"
prints = "1"
[release.variables]
SIX = "6"
"#;

fn lock() -> String {
    format!("six==1.17.0 \\\n    --hash=sha256:{}\n", "0".repeat(64))
}

fn load(files: &[(&str, &str)]) -> anyhow::Result<Result<Catalogue, CatalogueError>> {
    let folder = tempfile::tempdir()?;
    for (name, text) in files {
        fs::write(folder.path().join(name), text)?;
    }
    Ok(Catalogue::load(Some(folder.path())))
}

fn lock_of(release: &Release) -> &str {
    match &release.provider {
        Provider::Python(packages) => &packages.lock,
        _ => "",
    }
}

fn resolve(catalogue: &Catalogue, name: &str, version: &str) -> Result<Release, Box<Diagnostic>> {
    let wanted = FrameworkRef { name: name.to_owned(), version: version.to_owned() };
    catalogue.resolve(&wanted).cloned().map_err(Box::new)
}

#[test]
fn the_built_in_catalogue_holds_the_seed_s_tensorflow_and_a_current_one() -> anyhow::Result<()> {
    let catalogue = Catalogue::builtin()?;
    let listed: Vec<String> = catalogue.releases().iter().map(ToString::to_string).collect();
    assert_eq!(listed[0], "tensorflow 1.2-py2");
    assert_eq!(listed[1], "tensorflow 1.2-py3");
    for current in ["tensorflow 2.21-py3", "keras 3.15-py3", "pytorch 2.15-py3", "jax 0.10-py3"] {
        assert!(listed.iter().any(|one| one == current), "{current} is not among {listed:?}");
    }
    let seed =
        resolve(&catalogue, "tensorflow", "1.2-py3").map_err(|no| anyhow::anyhow!("{no:?}"))?;
    assert_eq!(
        (seed.status, seed.provider.python()),
        (Status::Legacy, ["3.6".to_owned()].as_slice())
    );
    for release in catalogue.releases() {
        assert!(!lock_of(release).contains("://"), "the lock of {release} names a host");
    }
    Ok(())
}

#[test]
fn an_unknown_framework_or_version_is_told_with_the_list_and_what_was_meant() -> anyhow::Result<()>
{
    let catalogue = Catalogue::builtin()?;
    let complaint = |name: &str, version: &str| {
        resolve(&catalogue, name, version).expect_err("nothing of that name")
    };
    let no = complaint("tensorflwo", "1.2-py3");
    assert_eq!(
        (no.code, no.path.as_str()),
        (Code::UnknownFramework, "model_definition.framework.name")
    );
    assert_eq!(
        no.help.as_deref(),
        Some(
            "did you mean 'tensorflow'? the catalogue holds: tensorflow, keras, pytorch, caffe, \
             torch, theano, caffe2, mxnet, jax, scikit-learn, xgboost, lightgbm, python"
        )
    );

    let no = complaint("tensorflow", "9.9");
    assert_eq!(
        (no.code, no.path.as_str()),
        (Code::UnknownVersion, "model_definition.framework.version")
    );
    assert_eq!(no.message, "there is no version '9.9' of tensorflow");
    assert_eq!(
        no.help.as_deref(),
        Some(
            "the catalogue holds: 1.2-py2, 1.2-py3, 1.3-py2, 1.3-py3, 1.5-py3, 1.15-py3, \
             2.21-py3, 2.21-compat.v1-py3"
        )
    );

    for meant in ["1.2", "1.2_py3", "1.2-PY3"] {
        let help = complaint("tensorflow", meant).help.unwrap_or_default();
        assert!(help.starts_with("did you mean '1.2-py3'?"), "{meant}: {help}");
    }
    let help = complaint("", "").help.unwrap_or_default();
    assert!(help.starts_with("the catalogue holds"), "{help}");
    Ok(())
}

#[test]
fn versions_of_2018_find_the_release_for_the_python_beside_them() -> anyhow::Result<()> {
    let catalogue = Catalogue::builtin()?.for_machine(Machine::this().with_driver(None));
    let found = |name: &str, version: &str, python: Option<&str>| {
        let wanted = FrameworkRef { name: name.to_owned(), version: version.to_owned() };
        let resolved = catalogue.resolve_with(&wanted, python)?;
        let note = resolved.note.map(|note| {
            assert!(!note.is_error() && note.help.is_some(), "{note:?}");
            note.message
        });
        Some((resolved.release.version.clone(), note))
    };
    let quite = |version: &str| Some((version.to_owned(), None));
    let nearly = |version: &str, note: &str| Some((version.to_owned(), Some(note.to_owned())));

    assert_eq!(found("tensorflow", "1.5", None), quite("1.5-py3"));
    assert_eq!(found("tensorflow", "1.5", Some("3")), quite("1.5-py3"));
    assert_eq!(found("tensorflow", "1.5", Some("3.6.2")), quite("1.5-py3"));
    assert_eq!(
        found("tensorflow", "1.5", Some("3.5")),
        nearly(
            "1.5-py3",
            "tensorflow 1.5 is taken as tensorflow 1.5-py3: it runs Python 3.6, not 3.5"
        )
    );
    assert_eq!(found("tensorflow", "1.2", Some("2.7")), quite("1.2-py2"));
    assert_eq!(found("caffe", "1.0", Some("2.7")), quite("1.0-py2"));
    assert_eq!(found("caffe", "1.0", Some("3.5")), quite("1.0"), "a suite has its own Python");
    // An alias may be for another Python than the one that is assumed.
    assert_eq!(
        found("scikit-learn", "0.17", None),
        nearly(
            "0.17-py2",
            "scikit-learn 0.17 is taken as scikit-learn 0.17-py2: it runs Python 2.7, not 3"
        )
    );
    // Who names the Python in the version has said what is wanted, unless both are said.
    assert_eq!(found("tensorflow", "1.2-py2", None), quite("1.2-py2"));
    assert_eq!(
        found("tensorflow", "1.2-py3", Some("2.7")),
        nearly("1.2-py3", "tensorflow 1.2-py3 is taken: it runs Python 3.6, not 2.7")
    );
    assert_eq!(
        found("keras", "2.1.3", Some("3.6")),
        nearly(
            "2.1-py3",
            "keras 2.1.3 is taken as keras 2.1-py3: it is what the catalogue has of 2.1"
        )
    );
    for (name, version, python) in [
        ("tensorflow", "1.8", None),
        ("tensorflow", "1.5", Some("2.7")),
        ("tensorflow", "1", None),
        ("pytorch", "0.4.1", None),
        ("tensorflwo", "1.5", None),
        ("tensorflow", "", None),
    ] {
        assert_eq!(found(name, version, python), None, "{name} {version}");
    }
    Ok(())
}

#[test]
fn an_operator_s_folder_adds_and_replaces() -> anyhow::Result<()> {
    let mut other = GOOD.replace("name = \"six\"", "name = \"tensorflow\"");
    other = other.replace("1.17-py3", "1.2-py3").replace("\"1.17\"", "");
    let newer = other.replace("1.2-py3", "3.0-py3");
    let catalogue = load(&[
        ("a.toml", GOOD),
        ("b.toml", &other),
        ("c.toml", &newer),
        ("six.txt", &lock()),
        ("notes.md", "not a catalogue file"),
    ])??;
    let listed: Vec<String> = catalogue.releases().iter().map(ToString::to_string).collect();
    assert_eq!(listed.last().map(String::as_str), Some("six 1.17-py3"));
    let last = listed.iter().rposition(|one| one.starts_with("tensorflow "));
    assert_eq!(last.map(|at| listed[at].as_str()), Some("tensorflow 3.0-py3"), "{listed:?}");
    let first = listed.iter().filter(|one| *one == "tensorflow 1.2-py3").count();
    assert_eq!(first, 1, "{listed:?}");
    assert_eq!(catalogue.releases()[1].provider.asks_for(), ["six==1.17.0"], "it was replaced");
    let by_alias = resolve(&catalogue, "six", "1.17").map_err(|no| anyhow::anyhow!("{no:?}"))?;
    assert_eq!(by_alias.version, "1.17-py3");
    assert_eq!(by_alias.variables["SIX"], "6");
    Ok(())
}

#[test]
fn a_bad_file_is_told_with_its_line() -> anyhow::Result<()> {
    let extended = GOOD.split("[[release]]").nth(1).expect("there is one");
    let twice = format!("{GOOD}[[release]]{extended}");
    for (from, to, place, what) in [
        ("title = \"Six\"", "title = 6", "a.toml:2:", "invalid type"),
        ("disk_mb = 1", "disk_mb = 1\nsize = 2", "a.toml:11:", "unknown field `size`"),
        ("status = \"current\"", "status = \"fresh\"", "a.toml:6:", "unknown variant `fresh`"),
        ("disk_mb = 1\n", "", "a.toml:3:", "missing field `disk_mb`"),
        ("version = \"1.17-py3\"", "version = ", "a.toml:4:", "string"),
        ("name = \"six\"", "name = \"Six Times\"", "a.toml:1:", "lower-case"),
        ("[\"3.11\"]", "[]", "a.toml:7:", "python must be a list"),
        ("[\"3.11\"]", "[\"3\"]", "a.toml:7:", "python must be a list"),
        ("[\"1.17\"]", "[\"1.17-py3\"]", "a.toml:5:", "there twice"),
        ("[\"six==1.17.0\"]", "[\"six==1.16.0\"]", "a.toml:8:", "has no 'six==1.16.0'"),
        ("six.txt", "seven.txt", "a.toml:9:", "cannot read the lock 'seven.txt'"),
        ("six.txt", "../six.txt", "a.toml:9:", "must lie in"),
        ("six.txt", "/six.txt", "a.toml:9:", "must lie in"),
        ("SIX = ", "PATH = ", "a.toml:15:", "'PATH' cannot be set"),
        ("SIX = ", "six = ", "a.toml:15:", "'six' cannot be set"),
        (GOOD, "name = \"six\"\ntitle = \"Six\"\n", "a.toml:1:", "no [[release]]"),
        (GOOD, twice.as_str(), "a.toml:17:", "there twice"),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from} is not in the file");
        let error = load(&[("a.toml", &text), ("six.txt", &lock())])?.expect_err(to).to_string();
        assert!(error.contains(place) && error.contains(what), "{to}: {error}");
    }
    Ok(())
}

/// Releases of the other providers, and what may be wrong with them.
const OTHERS: &str = r#"name = "other"
title = "Other"
[[release]]
version = "suite"
provider = "rootfs"
status = "legacy"
suite = "bullseye"
packages = ["g++", "python3-theano"]
disk_mb = 1
[release.check]
command = "true"
prints = "1"
[[release]]
version = "program"
provider = "system"
status = "legacy"
program = "th"
folders = ["~/torch/bin"]
remedy = "build it"
image = "example/torch:7"
disk_mb = 1
[release.check]
command = "true"
prints = "1"
[[release]]
version = "image"
provider = "image"
status = "legacy"
image = "example/other:1"
disk_mb = 1
"#;

#[test]
fn every_provider_has_fields_of_its_own() -> anyhow::Result<()> {
    let catalogue = load(&[("a.toml", OTHERS)])??;
    let other: Vec<_> = catalogue.releases().iter().filter(|one| one.name == "other").collect();
    let providers: Vec<&str> = other.iter().map(|one| one.provider.as_str()).collect();
    assert_eq!(providers, ["rootfs", "system", "image"]);
    assert_eq!(other[1].image.as_deref(), Some("example/torch:7"));
    let Availability::Unavailable { why, remedy } = catalogue.availability(other[2]) else {
        anyhow::bail!("nothing here starts containers");
    };
    assert!(why.contains("container image") && remedy.contains("cluster"), "{why}; {remedy}");
    for (from, to, place, what) in [
        ("\"rootfs\"", "\"floppy\"", "a.toml:5:", "unknown variant `floppy`"),
        ("suite = \"bullseye\"\n", "", "a.toml:4:", "needs a 'suite'"),
        ("\"bullseye\"", "\"--help\"", "a.toml:7:", "no name that Debian uses"),
        ("\"g++\"", "\"g++,x\"", "a.toml:8:", "no name that Debian uses"),
        ("suite = \"b", "lock = \"x\"\nsuite = \"b", "a.toml:4:", "'lock' belongs to"),
        ("command = \"true\"", "program = \"1\"", "a.toml:12:", "give shell code as 'command'"),
        ("command = \"true\"\n", "", "a.toml:11:", "has either a 'program'"),
        ("program = \"th\"\n", "", "a.toml:14:", "needs the 'program'"),
        ("\"th\"", "\"bin/th\"", "a.toml:17:", "no name of a program"),
        ("~/torch", "torch", "a.toml:18:", "must begin with '/'"),
        ("image = \"example/other:1\"\n", "", "a.toml:26:", "needs an 'image'"),
        ("disk_mb = 1\n[", "disk_mb = 1\ncuda = \"12\"\n[", "a.toml:10:", "such as \"12.8\""),
    ] {
        let text = OTHERS.replacen(from, to, 1);
        assert_ne!(text, OTHERS, "{from} is not in the file");
        let error = load(&[("a.toml", &text)])?.expect_err(to).to_string();
        assert!(error.contains(place) && error.contains(what), "{to}: {error}");
    }
    Ok(())
}

#[test]
fn what_the_machine_has_decides_which_of_two_builds_is_meant() -> anyhow::Result<()> {
    let driver = |cuda: &str| {
        let cuda = Cuda::parse(cuda);
        cuda.map(|cuda| Driver { version: "580.95.05".to_owned(), cuda })
    };
    let of = |driver| -> anyhow::Result<Catalogue> {
        Ok(Catalogue::builtin()?.for_machine(Machine::this().with_driver(driver)))
    };
    for (driver, pytorch, jax) in [
        (None, "1.13-py3", "jax==0.10.2"),
        (driver("13.0"), "2.15-py3", "jax-cuda13-plugin==0.10.2"),
    ] {
        let catalogue = of(driver)?;
        let meant = |name, version| {
            resolve(&catalogue, name, version).map_err(|no| anyhow::anyhow!("{no:?}"))
        };
        assert_eq!(meant("pytorch", "py3")?.version, pytorch);
        // Asked for by its own version, it is had on any machine.
        assert_eq!(meant("pytorch", "2.15-py3")?.version, "2.15-py3");
        let asks_for = meant("jax", "0.10-py3")?.provider.asks_for();
        assert!(asks_for.iter().any(|one| one == jax), "{asks_for:?}");
        let listed = catalogue.listed().filter(|one| one.name == "jax").count();
        assert_eq!(listed, 1, "one of the two is for this machine");
    }
    let old = of(driver("12.4"))?;
    let release = resolve(&old, "pytorch", "2.15-py3").map_err(|no| anyhow::anyhow!("{no:?}"))?;
    let Availability::Unavailable { why, .. } = old.availability(&release) else {
        anyhow::bail!("the driver is too old");
    };
    assert_eq!(
        why,
        "its build carries CUDA 13.2, and the driver 580.95.05 of this machine's GPU serves \
         CUDA 12.4 at most"
    );
    Ok(())
}

#[test]
fn a_lock_that_is_none_is_told_with_its_line() -> anyhow::Result<()> {
    let lock = format!("{}\nseven>=1\n", lock());
    let error = load(&[("a.toml", GOOD), ("six.txt", &lock)])?.expect_err("not pinned").to_string();
    assert!(error.contains("six.txt:4: 'seven>=1' is not pinned"), "{error}");
    Ok(())
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let missing = Path::new("/nowhere/at/all");
    let error = Catalogue::load(Some(missing)).expect_err("there is no such folder");
    assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
}
