//! Stored models of the clients 1.0.x.

use anyhow::{Context as _, Result, ensure};
use trainyard_testkit::official_client::{Generation, Judge, Step};

use super::training::{deleted, guids, is_guid, one_of_more};
use super::{Office, RESULTS, known};
use crate::harness::Told;

pub(super) fn judge(judge: &mut Judge<'_>, office: &Office, generation: Generation) -> Told {
    let url = office.url()?;
    let published = format!("{url}/v3/wml_instances/{}/published_models", office.instance);
    let run = known(judge.telling, "run_and_wait", "/uid");
    let model = known(judge.telling, "store_trained_model", "/uid");
    let of_file = known(judge.telling, "store_model_of_a_file", "/uid");
    judge.expect("store_trained_model", |step| {
        ensure!(is_guid(model), "{model:?} is not an id that the client takes");
        if generation == Generation::Last {
            step.gave("/url", format!("{url}/v3/ml_assets/models/{model}"))?;
            step.gave("/details/metadata/url", format!("{published}/{model}"))?;
            return published_as(
                step,
                "/details/entity",
                "digits that were trained",
                &framework(office),
            );
        }
        step.gave("/details/entity/ml_asset_guid", model)
    });
    judge.expect("download_trained_model", |step| {
        same_content(step, office, &[("digits.joblib", &format!("{run}/model/digits.joblib"))])?;
        same_content(step, office, &[("about.json", &format!("{run}/model/about.json"))])
    });
    judge.expect("store_model_of_a_file", |step| {
        ensure!(is_guid(of_file), "{of_file:?} is not an id that the client takes");
        published_as(step, "/details/entity", "digits of a file", "tensorflow-1.5")
    });
    judge.expect("download_model_of_a_file", |step| {
        let downloaded = std::fs::read(step.text("/file")?)?;
        let sent = std::fs::read(office.desk.path().join("own.tar.gz"))?;
        ensure!(downloaded == sent, "{} bytes of {}", downloaded.len(), sent.len());
        Ok(())
    });
    judge.expect("get_model_details", |step| {
        step.gave("/metadata/guid", model)?;
        step.gave("/metadata/url", format!("{published}/{model}"))?;
        step.gave("/entity/ml_asset_guid", model)?;
        step.gave("/entity/ml_asset_url", format!("{url}/v3/ml_assets/models/{model}"))?;
        published_as(step, "/entity", "digits that were trained", &framework(office))
    });
    judge.expect("get_all_model_details", |step| {
        ensure!(guids(step)? == [of_file, model], "not both, the newest first");
        Ok(())
    });
    judge.expect("get_one_of_all_model_details", |step| one_of_more(step, &url));
    judge.expect("list_models", |step| {
        step.printed(&["GUID", "NAME", "CREATED", "FRAMEWORK", model, of_file])?;
        step.printed(&["digits that were trained", "digits of a file", "tensorflow-1.5"])
    });
    judge.expect("model_of_no_run", |step| step.raised(&["Status code: 404"]));
    judge.expect("delete_model", |step| deleted(step, generation));
    judge.expect("details_of_a_deleted_model", |step| step.raised(&["Status code: 404"]));
    judge.expect("delete_model_again", |step| step.raised(&["does not exist"]));
    Ok(())
}

fn framework(office: &Office) -> String {
    format!("{}-{}", office.framework.0, office.framework.1)
}

/// The words of a published model.
fn published_as(step: &Step, entity: &str, name: &str, framework: &str) -> Result<()> {
    step.gave(&format!("{entity}/name"), name)?;
    step.gave(&format!("{entity}/model_type"), framework)?;
    step.gave(&format!("{entity}/deployments/count"), 0)
}

/// Members of what was downloaded are the objects in the store, byte for byte.
pub(super) fn same_content(step: &Step, office: &Office, members: &[(&str, &str)]) -> Result<()> {
    let digests = step.at("/digests")?;
    for (name, key) in members {
        let stored = office.s3.digests(RESULTS, &[(*key).to_owned()])?;
        let (_, stored) = stored.first().context("a digest")?;
        let member = digests.get(name).with_context(|| format!("no {name} in {digests}"))?;
        ensure!(member.as_str() == Some(stored), "{name} is not {key}");
    }
    Ok(())
}
