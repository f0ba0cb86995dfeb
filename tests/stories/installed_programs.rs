//! A framework that the operator has installed: Torch7's place in the catalogue, taken by a
//! stand-in where the real one is missing (`frameworks` trains with the real one).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use trainyard_testkit::{binary, zip};

use crate::harness::{SOON, Scene, Told};

/// Answers the catalogue's check as a Torch7 with LuaJIT does, and "trains" whatever program it
/// is given: it leaves what the example leaves.
const STAND_IN: &str = r#"#!/bin/sh
[ "$1" = -e ] && { echo luajit; exit; }
[ -e "$1" ] || { echo "cannot open $1" >&2; exit 1; }
echo "a stand-in runs $1, with $TORCH_HOME and $(ls "$MODEL_DIR")"
echo weights > "$RESULT_DIR/model.t7"
"#;

#[test]
fn a_program_that_the_operator_has_built_runs_and_one_that_is_missing_is_refused_at_once() -> Told {
    let prefix = tempfile::tempdir()?;
    let bin = prefix.path().join("bin");
    fs::create_dir(&bin)?;
    fs::write(bin.join("th"), STAND_IN)?;
    fs::set_permissions(bin.join("th"), fs::Permissions::from_mode(0o755))?;
    // As Torch7's own installer leaves it.
    fs::write(bin.join("torch-activate"), "export TORCH_HOME=\"$PREFIX\"\n")?;
    let path = format!("{}:{}", bin.display(), std::env::var("PATH")?);
    let scene = Scene::with_variable("PATH", &path)?;
    let code = binary::repository().join("examples/torch7-lenet/train.lua");
    let code = zip::of(&[("train.lua", fs::read_to_string(code)?.as_str())]);
    let definition = |version: &str| -> anyhow::Result<String> {
        let mut page: Value = serde_json::from_str(&scene.job("th train.lua").text())?;
        page["model_definition"]["framework"] =
            serde_json::json!({ "name": "torch", "version": version });
        Ok(page.to_string())
    };

    let id = scene.server.submit(&definition("luajit")?, &code)?;
    scene.server.until_settled(&id, "completed", SOON)?;
    let log = String::from_utf8(scene.server.log(&id)?)?;
    let said = format!("a stand-in runs train.lua, with {} and train.lua", prefix.path().display());
    ensure!(log.contains(&said), "{log}");
    ensure!(scene.stored(&id, "model.t7")? == b"weights\n");

    // The same program is no Torch7 with Lua 5.2, which is said before a run waits for it.
    let refused = scene.server.post(&definition("lua52")?, &code)?.expect_status(400)?;
    ensure!(refused.codes()? == ["TY0303"], "{}", refused.text());
    for word in ["is another one", "'luajit', not 'Lua 5.2'", "TORCH_LUA_VERSION"] {
        ensure!(refused.text().contains(word), "{word}: {}", refused.text());
    }
    let shown = scene.home.call(["frameworks", "show", "torch"])?.expect_code(0)?.stdout;
    let (luajit, lua52) = shown.split_once("torch lua52").context("both versions")?;
    ensure!(luajit.contains("ready") && lua52.contains("unavailable"), "{shown}");
    ensure!(lua52.contains("build Torch7 with TORCH_LUA_VERSION=LUA52"), "{shown}");
    Ok(())
}
