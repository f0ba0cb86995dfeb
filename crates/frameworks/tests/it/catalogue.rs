//! What may stand in a catalogue, what a definition may name, and what is said otherwise.

use std::fs;
use std::path::Path;

use trainyard_frameworks::{Catalogue, CatalogueError, Provider, Release, Status};
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
    assert_eq!(listed[0], "tensorflow 1.2-py3");
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
            "did you mean 'tensorflow'? the catalogue holds: tensorflow, keras, pytorch, mxnet, \
             jax, scikit-learn, xgboost, lightgbm, python"
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
        Some("the catalogue holds: 1.2-py3, 1.3-py3, 1.5-py3, 1.15-py3, 2.21-py3")
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
    assert_eq!(catalogue.releases()[0].provider.asks_for(), ["six==1.17.0"], "it was replaced");
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
