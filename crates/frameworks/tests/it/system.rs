//! Programs that the operator has installed, with stand-ins for them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use trainyard_frameworks::{
    Availability, Catalogue, EnvironmentError, Environments, Machine, Release,
};
use trainyard_model::cause::CauseKind;
use trainyard_model::definition::FrameworkRef;

const CATALOGUE: &str = r#"name = "abacus"
title = "Abacus"
[[release]]
version = "5"
provider = "system"
status = "current"
program = "abacus"
folders = ["/nowhere/at/all", "PLACE/bin"]
load = '. "$PREFIX/activate"'
remedy = "carve one"
disk_mb = 1
[release.check]
command = 'abacus --version; echo "beads: $BEADS"'
prints = "beads: of wood"
[release.variables]
ROWS = "10"
"#;

/// Puts a program into `<place>/bin`, and what loads it beside.
fn install(place: &Path, beads: &str) -> anyhow::Result<()> {
    fs::create_dir_all(place.join("bin"))?;
    let program = place.join("bin/abacus");
    fs::write(&program, "#!/bin/sh\necho \"abacus of $BEADS, $ROWS rows, $1\"\n")?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    let activate = format!(
        "export BEADS='{beads}' ROWS=7 PATH=\"$PREFIX/more:$PATH\"\nother() {{ :; }}\nLOCAL=1\n"
    );
    Ok(fs::write(place.join("activate"), activate)?)
}

struct House {
    folder: tempfile::TempDir,
}

impl House {
    fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let place = folder.path().join("abacus").display().to_string();
        fs::create_dir(folder.path().join("catalogue"))?;
        fs::write(folder.path().join("catalogue/abacus.toml"), CATALOGUE.replace("PLACE", &place))?;
        Ok(Self { folder })
    }

    fn place(&self) -> std::path::PathBuf {
        self.folder.path().join("abacus")
    }

    fn release(&self) -> anyhow::Result<(Catalogue, Release)> {
        let catalogue = Catalogue::load(Some(&self.folder.path().join("catalogue")))?;
        let wanted = FrameworkRef { name: "abacus".to_owned(), version: "5".to_owned() };
        let release = catalogue.resolve(&wanted).map_err(|no| anyhow::anyhow!("{no:?}"))?.clone();
        Ok((catalogue, release))
    }

    fn environments(&self) -> Environments {
        Environments::on(self.folder.path().join("cache"), Machine::this())
    }
}

#[tokio::test]
async fn a_program_that_is_installed_later_is_loaded_and_runs() -> anyhow::Result<()> {
    let house = House::new()?;
    let (catalogue, release) = house.release()?;
    let environments = house.environments();
    let Availability::Unavailable { why, remedy } = catalogue.availability(&release) else {
        anyhow::bail!("it is not there yet");
    };
    assert_eq!(why, "the program 'abacus' is not installed");
    assert_eq!(remedy, "carve one");
    let error = environments.ensure(&release, |_| {}).await.expect_err("it is not there yet");
    assert_eq!(error.cause().kind, CauseKind::FrameworkUnavailable);

    install(&house.place(), "of wood")?;
    assert_eq!(catalogue.availability(&release), Availability::Buildable);
    assert_eq!(environments.ready(&release), None);
    let environment = environments.ensure(&release, |_| {}).await?;
    assert_eq!(environments.ready(&release).as_ref(), Some(&environment));
    assert_eq!(environment.rootfs, None);
    let told = Command::new("/bin/sh")
        .args(["-c", "abacus \"$LOCAL\"; echo \"$PATH\""])
        .env_clear()
        .envs(environment.variables.clone())
        .output()?;
    let told = String::from_utf8(told.stdout)?;
    // The release's own word on ROWS stands over that of the loaded program.
    let (first, path) = told.trim().split_once('\n').context("two lines")?;
    assert_eq!(first, "abacus of of wood, 10 rows, ");
    assert!(path.starts_with(&format!("{}/more:", house.place().display())), "{path}");
    for private in ["PREFIX", "PWD", "SHLVL", "LOCAL"] {
        assert!(environment.variables.iter().all(|(name, _)| name != private), "{private}");
    }
    Ok(())
}

#[tokio::test]
async fn a_program_of_that_name_which_is_another_one_is_not_taken() -> anyhow::Result<()> {
    let house = House::new()?;
    let (catalogue, release) = house.release()?;
    install(&house.place(), "of plastic")?;
    let Availability::Unavailable { why, .. } = catalogue.availability(&release) else {
        anyhow::bail!("it is of plastic");
    };
    assert!(
        why.ends_with(
            "is another one: its check printed 'beads: of plastic', not 'beads: of wood'"
        ),
        "{why}"
    );
    let error = house.environments().ensure(&release, |_| {}).await.expect_err("of plastic");
    assert!(matches!(error, EnvironmentError::Unavailable { .. }), "{error:?}");

    // Rebuilt: another file, which is tried anew.
    install(&house.place(), "of wood")?;
    let program = house.place().join("bin/abacus");
    fs::write(&program, format!("{}# rebuilt\n", fs::read_to_string(&program)?))?;
    assert_eq!(catalogue.availability(&release), Availability::Buildable);
    let first = house.environments().ensure(&release, |_| {}).await?;
    fs::write(&program, format!("{}# and again\n", fs::read_to_string(&program)?))?;
    let second = house.environments().ensure(&release, |_| {}).await?;
    assert_ne!(first.lock_hash, second.lock_hash, "another build of it is another environment");
    Ok(())
}

#[test]
fn torch_is_in_the_list_with_the_way_to_get_it() -> anyhow::Result<()> {
    let none = tempfile::tempdir()?;
    let machine = Machine::this().with_programs_in(vec![none.path().to_owned()]);
    let catalogue = Catalogue::builtin()?.for_machine(machine);
    for version in ["luajit", "lua52"] {
        let wanted = FrameworkRef { name: "torch".to_owned(), version: version.to_owned() };
        let release = catalogue.resolve(&wanted).map_err(|no| anyhow::anyhow!("{no:?}"))?;
        if let Availability::Unavailable { why, remedy } = catalogue.availability(release) {
            assert!(why.contains("'th'") || why.contains("is another one"), "{why}");
            assert!(remedy.contains("build Torch7"), "{remedy}");
        }
    }
    Ok(())
}
