//! What programs tell about their training is found, shown and kept, with no change to them.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use trainyard_testkit::wait::eventually;

use crate::harness::{Job, SOON, Scene, Told};

/// The points of a series, as `GET metrics` gives them.
fn points(scene: &Scene, id: &str, phase: &str, name: &str) -> Result<Vec<(i64, f64)>> {
    let answer = scene.server.client().get(&format!("/v3/models/{id}/metrics?points=100000"))?;
    let document = answer.expect_status(200)?.json()?;
    let series = document["series"].as_array().context("series")?;
    let found = series.iter().find(|series| series["phase"] == phase && series["name"] == name);
    let points = found.and_then(|series| series["points"].as_array()).cloned().unwrap_or_default();
    let point = |point: &Value| Some((point["iteration"].as_i64()?, point["value"].as_f64()?));
    points.iter().map(|value| point(value).context("a point")).collect()
}

/// tensorboardX writes as PyTorch does; TF 2's tensors are made of its own messages.
const EACH_WAY: &str = r#"
import json, os, sys, time
from tensorboardX import SummaryWriter
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboardX.proto.tensor_pb2 import TensorProto
from tensorboardX.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboardX.event_file_writer import EventsWriter
logs, state, results = (os.environ[name] for name in ("LOG_DIR", "JOB_STATE_DIR", "RESULT_DIR"))
lr = float(sys.argv[sys.argv.index("--lr") + 1])
train = SummaryWriter(logdir=state + "/logs/tb/train")
test = SummaryWriter(logdir=state + "/logs/tb/test")
os.makedirs(logs + "/validation")
tf2 = EventsWriter(logs + "/validation/events")
for step in range(1, 51):
    train.add_scalar("loss", lr / step, step)
    train.add_histogram("weights", [1, 2, 3], step)
    train.add_text("note", "hello", step)
    test.add_scalar("accuracy", 1 - lr / step, step)
    tensor = TensorProto(dtype=1, tensor_shape=TensorShapeProto(), float_val=[float(step)])
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))
    value = Summary.Value(tag="epoch_loss", tensor=tensor, metadata=metadata)
    tf2.write_event(Event(wall_time=time.time(), step=step, summary=Summary(value=[value])))
train.close(); test.close(); tf2.close()
os.makedirs(logs + "/3")
with open(logs + "/3/evaluation-metrics.txt", "w") as file:
    for step in range(1, 51):
        line = {"meta": {"training_id": os.environ["TRAINING_ID"], "time": int(time.time() * 1000), "rindex": step, "subid": "3"},
                "grouplabel": "test", "etimes": {"iteration": {"type": 2, "value": str(step)}},
                "values": {"f1": {"type": 3, "value": str(step / 100)}}}
        file.write(json.dumps(line) + "\n")
for step in range(1, 51):
    print("iter: %d, printed_loss=%.2f" % (step, step / 4))
    print("custom@%d -> %.3f" % (step, step * 2))
with open(results + "/val_dict_list.json", "w") as file:
    json.dump([{"steps": step, "auc": step / 50} for step in range(1, 51)], file)
"#;

fn job(scene: &Scene, command: &str, program: &'static str) -> Job {
    let mut job = scene.job(command);
    job.files.push(("program.py", program));
    job
}

#[test]
fn each_way_to_tell_metrics_is_shown_and_stored() -> Told {
    let tools = ["tensorboardX==2.6.2.2", "numpy==1.26.4", "protobuf==5.29.5", "packaging==24.2"];
    let python = trainyard_testkit::tools::python_tools(&tools)?.join("python3");
    let scene = Scene::start()?;
    let mut ids = Vec::new();
    for lr in ["0.5", "0.25"] {
        let mut job = job(&scene, &format!("{} program.py --lr {lr}", python.display()), EACH_WAY);
        job.metrics = json!({
            "type": "regex_extractor",
            "groups": {"custom": {"regex": "custom@%{INT:step} -> %{FLOAT:value}",
                "etimes": {"iteration": {"type": "INT", "value": "$step"}}}},
        });
        let id = scene.submit(&job)?;
        scene.server.until_settled(&id, "completed", SOON)?;
        ids.push(id);
    }
    let id = &ids[0];
    for (phase, name, value) in [
        ("train", "loss", (|step| 0.5 / step) as fn(f64) -> f64),
        ("test", "accuracy", |step| 1.0 - 0.5 / step),
        ("validation", "epoch_loss", |step| step),
        ("test", "f1", |step| step / 100.0),
        ("custom", "value", |step| step * 2.0),
        ("test", "auc", |step| step / 50.0),
    ] {
        let found = points(&scene, id, phase, name)?;
        ensure!(found.len() == 50, "{phase}/{name}: {found:?}");
        for (number, (step, told)) in (1..).zip(found) {
            let expected = value(f64::from(number));
            ensure!(
                step == i64::from(number) && (told - expected).abs() < 1e-6,
                "{phase}/{name} {step}: {told}"
            );
        }
    }
    // Expressions were given, so nothing is guessed from the log.
    ensure!(points(&scene, id, "train", "printed_loss")?.is_empty());

    let status = scene.server.status(id)?;
    let metrics = status["metrics"].as_array().context("metrics")?;
    ensure!((100..=500).contains(&metrics.len()), "{}", metrics.len());
    let times: Vec<&str> =
        metrics.iter().filter_map(|metric| metric["timestamp"].as_str()).collect();
    ensure!(times.is_sorted(), "{times:?}");
    let is_v3 = |metric: &Value| {
        metric["values"][0]["value"].is_number()
            && metric["values"][0]["name"].is_string()
            && metric["iteration"].is_i64()
            && metric["phase"].is_string()
    };
    ensure!(metrics.iter().all(is_v3), "{metrics:?}");

    let stored = String::from_utf8(scene.stored(id, "learner-1/evaluation-metrics.txt")?)?;
    let line = stored.lines().find(|line| line.contains("\"loss\"")).context("a loss")?;
    let line: Value = serde_json::from_str(line)?;
    ensure!(line["meta"]["training_id"] == id.as_str() && line["grouplabel"] == "train", "{line}");
    ensure!(line["etimes"]["iteration"] == json!({"type": 2, "value": "1"}), "{line}");
    ensure!(line["values"]["loss"]["value"] == "0.5", "{line}");
    let own = scene.stored(id, "learner-1/3/evaluation-metrics.txt")?;
    ensure!(String::from_utf8(own)?.lines().count() == 50, "the program's own stays");

    let call =
        |args: &[&str]| -> Result<String> { Ok(scene.home.call(args)?.expect_code(0)?.stdout) };
    let table = call(&["metrics", id])?;
    ensure!(table.contains("accuracy") && table.contains("0.99"), "{table}");
    let csv = call(&["metrics", id, "loss", "--csv"])?;
    ensure!(
        csv.lines().count() == 51
            && csv.starts_with("phase,name,iteration,timestamp,value\ntrain,loss,1,"),
        "{csv}"
    );
    let json: Value = serde_json::from_str(&call(&["--json", "metrics", id, "test/accuracy"])?)?;
    ensure!(json["series"][0]["count"] == 50 && json["series"][1].is_null(), "{json}");

    let best = |sort: &str| call(&["runs", "-q", "--sort", sort]);
    ensure!(best("loss")? == format!("{}\n{}\n", ids[1], ids[0]));
    ensure!(best("loss:desc")? == format!("{}\n{}\n", ids[0], ids[1]));
    let table = call(&["runs", "--sort", "accuracy:desc"])?;
    ensure!(table.contains("ACCURACY") && table.contains("0.995"), "{table}");

    let diff = call(&["diff", &ids[0], &ids[1]])?;
    ensure!(diff.contains("- --lr 0.5") && diff.contains("+ --lr 0.25"), "{diff}");
    ensure!(diff.contains("train/loss") && !diff.contains("  code\n"), "{diff}");
    let diff: Value = serde_json::from_str(&call(&["--json", "diff", &ids[0], &ids[1]])?)?;
    ensure!(
        diff["arguments"] == json!([["--lr 0.5"], ["--lr 0.25"]]) && diff["code"].is_null(),
        "{diff}"
    );
    Ok(())
}

/// With nothing but the standard library.
const SLOW: &str = r#"
import json, os, time
with open(os.environ["LOG_DIR"] + "/evaluation-metrics.txt", "w") as file:
    for step in range(1, 401):
        file.write(json.dumps({"grouplabel": "test", "etimes": {"iteration": {"value": step}}, "values": {"accuracy": {"value": step / 400}}}) + "\n")
        file.flush()
        print("step %d/400 - loss: %.3f" % (step, 1 / step), flush=True)
        time.sleep(0.015)
"#;

#[test]
fn every_point_comes_once_though_the_server_is_killed() -> Told {
    let mut scene = Scene::start()?;
    let id = scene.submit(&job(&scene, "python3 program.py", SLOW))?;
    for wanted in [20, 100, 200] {
        let there = || {
            Some(points(&scene, &id, "test", "accuracy").ok()?.len())
                .filter(|there| *there >= wanted)
        };
        eventually("points", SOON, there)?;
        let total = || scene.server.status(&id).ok()?["progress"]["items_total"].as_u64();
        ensure!(eventually("how far it is", SOON, total)? == 400);
        scene = scene.restart()?;
    }
    scene.server.until_settled(&id, "completed", SOON)?;
    for (phase, name) in [("test", "accuracy"), ("train", "loss")] {
        let steps: Vec<i64> =
            points(&scene, &id, phase, name)?.into_iter().map(|point| point.0).collect();
        ensure!(steps == (1..=400).collect::<Vec<_>>(), "{phase}/{name}: {steps:?}");
    }
    // A list tells how each phase stands.
    let list = scene.server.client().get("/v3/models")?.expect_status(200)?.json()?;
    let latest = &list["resources"][0]["entity"]["status"]["metrics"];
    ensure!(latest.as_array().is_some_and(|latest| latest.len() == 2), "{latest}");
    ensure!(latest.to_string().contains("\"value\":1.0"), "{latest}");
    // And what is deleted is gone.
    scene.home.call(["delete", &id])?.expect_code(0)?;
    ensure!(!scene.home.path().join("logs").join(&id).exists());
    Ok(())
}
