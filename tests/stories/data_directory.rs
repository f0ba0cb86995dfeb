//! The server's home: one server at a time, writable, closed to others.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use anyhow::ensure;
use trainyard_testkit::home::{Home, finish};

use crate::harness::{Configuration, SOON, Scene, Told, left_out};

#[test]
fn a_second_server_on_one_home_is_refused_and_the_first_goes_on() -> Told {
    let scene = Scene::start()?;
    let second = scene.home.call(["serve"])?;
    ensure!(second.code != 0 && second.stderr.contains("TY0608"), "{second:?}");
    // It says who is there.
    ensure!(second.stderr.contains(&scene.server.pid().to_string()), "{second:?}");
    let id = scene.run("echo still here")?;
    scene.server.until_settled(&id, "completed", SOON)?;
    Ok(())
}

#[test]
fn a_home_that_cannot_be_written_is_said_at_start() -> Told {
    let home = Home::new(&Configuration::default().text())?;
    // Root writes through permissions, so the home is mounted read-only, in a
    // mount namespace of its own that ends with the command.
    let script = "mount --bind \"$TRAINYARD_HOME\" \"$TRAINYARD_HOME\" \
                  && mount -o remount,ro,bind \"$TRAINYARD_HOME\" || exit 99; exec \"$0\" \"$@\"";
    let serve = home.command(["serve"]);
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--map-root-user", "sh", "-c", script])
        .arg(home.binary())
        .arg("serve");
    command.env_clear().envs(serve.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let done = finish(&mut command)?;
    if done.code == 99 || done.stderr.starts_with("unshare:") {
        left_out(&format!("no mount namespaces here: {}", done.stderr.trim()));
        return Ok(());
    }
    ensure!(done.code != 0 && done.stderr.contains("TY0609"), "{done:?}");
    ensure!(done.stderr.contains(&home.path().display().to_string()), "{done:?}");
    Ok(())
}

#[test]
fn what_the_server_keeps_is_its_users_alone() -> Told {
    // Somebody made the folder beforehand, open to all.
    let home = Home::new(&Configuration::default().text())?;
    std::fs::set_permissions(home.path(), Permissions::from_mode(0o755))?;
    let _server = home.serve()?;
    for (name, mode) in [(".", 0o700), ("server.json", 0o600), ("key", 0o600)] {
        let own = std::fs::metadata(home.path().join(name))?.permissions().mode() & 0o777;
        ensure!(own == mode, "{name} has mode {own:o}");
    }
    Ok(())
}
