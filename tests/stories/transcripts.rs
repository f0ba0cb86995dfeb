//! `bx ml`: what the page of 2017-11-03 prints is what we print, to the letter;
//! only ids and times are the run's own.

use anyhow::{Result, ensure};
use trainyard_testkit::faults::{Fault, Faults};
use trainyard_testkit::s3::S3Server;
use trainyard_testkit::zip;

use crate::harness::{Bx, Job, SOON, Scene, Store, Told, quoted};

/// The page's run and times stand for ours.
const ID: &str = "training-DOl4q2LkR";
const TIME: &str = "2017-10-26T11:16:51Z";

const TRAIN: &str = "\
Starting to train ...
OK
Model-ID is 'training-DOl4q2LkR'
";

const LIST: &str = "\
Fetching the list of trained models ...
SI No   Name                       guid                 status    submitted-at
1       tf-mnist                   training-DOl4q2LkR   pending   2017-10-26T11:16:51Z

1 records found.
OK
List all trained-models successful
";

const SHOW: &str = "\
Fetching the trained model details with MODEL-ID 'training-DOl4q2LkR' ...
ModelId        training-DOl4q2LkR
url            /v3/models/training-DOl4q2LkR
Name           tf-mnist
State          running
Submitted_at   2017-10-26T11:16:51Z
OK
Show trained-models details successful

";

const DELETE: &str = "\
Deleting the trained model 'training-DOl4q2LkR' ...
OK
Delete trained-models successful
";

/// Writes the two files of the page and trains with them; gives the run's id.
fn train(bx: &Bx<'_>, job: &Job) -> Result<String> {
    bx.write("tf-model.zip", zip::of(&[("convolutional_network.py", "print('here')\n")]))?;
    bx.write("job.json", job.text())?;
    let done = bx.ml(&["train", "tf-model.zip", "job.json"])?.expect_code(0)?;
    let id = quoted(&done.stdout, 0)?;
    ensure!(redacted(&done.stdout, &id) == TRAIN, "{}", done.stdout);
    ensure!(done.stderr.is_empty(), "{}", done.stderr);
    Ok(id)
}

/// `text` with the page's id and time in the place of its own.
fn redacted(text: &str, id: &str) -> String {
    let text = text.replace(id, ID);
    let words = text.split_inclusive(char::is_whitespace).map(|word| {
        let own = word.trim_end();
        let shape = |c: char| if c.is_ascii_digit() { '0' } else { c };
        let is_time = own.chars().map(shape).eq(TIME.chars().map(shape));
        if is_time { word.replace(own, TIME) } else { word.to_owned() }
    });
    words.collect()
}

#[test]
fn s3_train_list_show_and_delete_print_what_the_page_prints() -> Told {
    let s3 = S3Server::start()?;
    s3.create_bucket("tf-training-data")?;
    s3.put("tf-training-data", "x", b"x")?;
    let scene = Scene::start()?;
    let bx = Bx::new(&scene.home)?;

    // A store that is good when it is tried (a list and a look) and says nothing when the
    // data is fetched keeps the run pending.
    let mut asked = 0;
    let wrapper = Faults::before(s3.port(), move |_, _| {
        asked += 1;
        if asked > 2 { Fault::Silence } else { Fault::None }
    })?;
    let mut job = scene.job("sleep 600");
    job.name = "tf-mnist".to_owned();
    job.data = Some(Store::s3(&s3, "tf-training-data").at(&wrapper.endpoint()));
    let pending = train(&bx, &job)?;
    let listed = bx.ml(&["list", "trained-models"])?.expect_code(0)?;
    ensure!(redacted(&listed.stdout, &pending) == LIST, "{}", listed.stdout);
    let deleted = bx.ml(&["delete", "trained-models", &pending])?.expect_code(0)?;
    ensure!(redacted(&deleted.stdout, &pending) == DELETE, "{}", deleted.stdout);

    job.data = None;
    let running = train(&bx, &job)?;
    scene.server.until_running(&running, SOON)?;
    let shown = bx.ml(&["show", "trained-models", &running])?.expect_code(0)?;
    // The page's transcript ends with an empty line; whether the program printed it nobody knows.
    ensure!(redacted(&shown.stdout, &running).trim_end() == SHOW.trim_end(), "{}", shown.stdout);
    let deleted = bx.ml(&["delete", "trained-models", &running])?.expect_code(0)?;
    ensure!(redacted(&deleted.stdout, &running) == DELETE, "{}", deleted.stdout);
    Ok(())
}

#[test]
fn the_old_words_work_as_a_command_of_trainyard_too() -> Told {
    let scene = Scene::start()?;
    let empty = scene.home.call(["bx", "ml", "list", "trained-models"])?.expect_code(0)?;
    ensure!(empty.stdout.contains("\n0 records found.\nOK\n"), "{}", empty.stdout);
    let frameworks = scene.home.call(["bx", "ml", "list", "frameworks"])?.expect_code(0)?;
    ensure!(frameworks.stdout.starts_with("Fetching the list of frameworks ...\nSI No   Name"));
    ensure!(
        frameworks.stdout.ends_with("OK\nList frameworks successful\n"),
        "{}",
        frameworks.stdout
    );
    ensure!(frameworks.stdout.contains("1.2-py3\n"), "{}", frameworks.stdout);
    let help = scene.home.call(["bx", "ml", "help"])?.expect_code(0)?;
    ensure!(help.stdout.contains("train     Start training a model"), "{}", help.stdout);
    scene.home.call(["bx", "ml", "version"])?.expect_code(0)?;
    Ok(())
}

#[test]
fn failures_of_the_old_words_say_failed_and_exit_nonzero() -> Told {
    let scene = Scene::start()?;
    let bx = Bx::new(&scene.home)?;
    let unknown = bx.ml(&["show", "trained-models", "training-000000000"])?;
    ensure!(unknown.code == 1, "{unknown:?}");
    let told = format!("{}{}", unknown.stdout, unknown.stderr);
    ensure!(told.contains("FAILED") && told.contains("TY0601"), "{told}");
    Ok(())
}
