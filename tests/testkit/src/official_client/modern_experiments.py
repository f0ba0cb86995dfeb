"""Experiments and hyperparameter optimization of a client of 2018 to 2021 (1.0.x)."""

import os

from modern_models import download
from steps import Background, until

FINAL = ("completed", "error", "canceled")


def optimization(experiments, method, steps):
    return {
        "method": {
            "name": method,
            "parameters": [
                experiments.HPOMethodParam("objective", "accuracy"),
                experiments.HPOMethodParam("maximize_or_minimize", "maximize"),
                experiments.HPOMethodParam("num_optimizer_steps", steps),
            ],
        },
        "hyper_parameters": [
            experiments.HPOParameter("alpha", min=0.001, max=0.005, step=0.001),
            experiments.HPOParameter("examples", values=[500, 1000]),
            experiments.HPOParameter("penalty", values=["l2", "l1"]),
        ],
    }


def experiments(story):
    client = lambda: story.known["client"]
    repository = lambda: client().repository
    gate = os.path.join(story.settings["desk"], "all-go-on")

    def store(known, method, steps, **reference):
        names = repository().ExperimentMetaNames
        reference.update(
            training_definition_url=story.known["definition_url"],
            compute_configuration={"name": "k80"},
            hyper_parameters_optimization=optimization(client().experiments, method, steps),
        )
        meta = {
            names.NAME: "digits by " + method,
            names.DESCRIPTION: "which learns best",
            names.AUTHOR_NAME: "Ann Other",
            names.EVALUATION_METHOD: "multiclass",
            names.EVALUATION_METRICS: ["accuracy"],
            names.TRAINING_REFERENCES: [reference],
            names.TRAINING_DATA_REFERENCE: story.store(story.settings["data"], "source"),
            names.TRAINING_RESULTS_REFERENCE: story.store(story.settings["results"], "target"),
        }
        details = repository().store_experiment(meta)
        story.known[known] = repository().get_experiment_uid(details)
        return {"details": details, "uid": story.known[known], "url": repository().get_experiment_url(details)}

    def update():
        names = repository().ExperimentMetaNames
        changes = {
            names.NAME: "digits by chance",
            names.DESCRIPTION: "which learns best of three",
            names.TAGS: [{"value": "digits", "description": "what they are"}],
        }
        return repository().update_experiment(story.known["random"], changes)

    held = "python3 train.py --epochs 2 --hold " + gate
    story.step("store_experiment", lambda: store("random", "random", 3, name="by-chance", command=held))
    story.step("update_experiment", update)
    story.step("store_experiment_by_model", lambda: store("rbfopt", "rbfopt", 3))
    story.step("get_experiment", lambda: repository().get_experiment_details(story.known["random"]))
    story.step("get_experiments", lambda: repository().get_experiment_details())
    story.step("list_experiments", lambda: repository().list_experiments())

    run_apart(story, gate)
    questions(story)
    run_and_wait(story)
    repositories(story)

    story.step("delete_experiment_run", lambda: client().experiments.delete(story.known["random_run"]))
    story.step("details_of_a_deleted_experiment_run", lambda: client().experiments.get_run_details(story.known["random_run"]))
    story.step("delete_experiment", lambda: repository().delete(story.known["random"]))
    story.step("details_of_a_deleted_experiment", lambda: repository().get_experiment_details(story.known["random"]))


def run_apart(story, gate):
    experiments = lambda: story.known["client"].experiments

    def begin():
        details = experiments().run(story.known["random"])
        story.known["random_run"] = experiments().get_run_uid(details)
        return {"details": details, "uid": story.known["random_run"], "url": experiments().get_run_url(details)}

    def monitor():
        run = story.known["random_run"]
        metrics = Background(experiments().monitor_metrics, run)
        metrics.until_said("phase:test accuracy:")
        early = {"metrics": metrics.text(), "state": experiments().get_status(run)["state"]}
        logs = Background(experiments().monitor_logs, run)
        logs.until_said("Log monitor started for training run")
        open(gate, "w").close()
        told = {"early": early, "metrics": metrics.end(), "logs": logs.end()}
        told["state"] = until("the end", lambda: settled(experiments(), run))
        return told

    story.step("run_experiment", begin)
    story.step("live_experiment_monitors", monitor)


def settled(experiments, run):
    state = experiments.get_status(run)["state"]
    return state if state in FINAL else None


def questions(story):
    experiments = lambda: story.known["client"].experiments
    run = lambda: story.known["random_run"]

    def trainings():
        details = experiments().get_run_details(run())
        return {"runs": experiments().get_training_runs(details), "uids": experiments().get_training_uids(details)}

    story.step("get_experiment_run", lambda: experiments().get_run_details(run()))
    story.step("get_experiment_status", lambda: experiments().get_status(run()))
    story.step("get_trainings", trainings)
    story.step("list_trainings", lambda: experiments().list_training_runs(run()))
    story.step("list_experiment_runs", lambda: experiments().list_runs(story.known["random"]))
    story.step("list_all_experiment_runs", lambda: experiments().list_runs())
    story.step("get_experiment_runs", lambda: experiments().get_details(story.known["random"]))
    story.step("get_all_experiment_runs", lambda: experiments().get_details())
    story.step("get_experiment_metrics", lambda: experiments().get_metrics(run()))
    story.step("get_latest_experiment_metrics", lambda: experiments().get_latest_metrics(run()))
    story.step("logs_of_a_finished_experiment", lambda: experiments().monitor_logs(run()))
    story.step("metrics_of_a_finished_experiment", lambda: experiments().monitor_metrics(run()))
    story.step("logs_of_a_trial", lambda: trial(story).monitor_logs(story.known["trial"]))
    story.step("store_model_of_a_trial", lambda: store_trial(story))
    story.step("download_model_of_a_trial", lambda: download(story, "model_of_a_trial", "trial.tar.gz"))


def trial(story):
    """The first of the sub-runs becomes known."""
    client = story.known["client"]
    uids = client.experiments.get_training_uids(client.experiments.get_run_details(story.known["random_run"]))
    story.known["trial"] = sorted(uid for uid in uids if "_" in uid)[0]
    return client.training


def store_trial(story):
    repository = story.known["client"].repository
    trial(story)
    details = repository.store_model(story.known["trial"], meta_props={repository.ModelMetaNames.NAME: "digits of a trial"})
    story.known["model_of_a_trial"] = repository.get_model_uid(details)
    return {"details": details, "uid": story.known["model_of_a_trial"], "trial": story.known["trial"]}


def run_and_wait(story):
    experiments = lambda: story.known["client"].experiments

    def whole():
        details = experiments().run(story.known["rbfopt"], asynchronous=False)
        story.known["rbfopt_run"] = experiments().get_run_uid(details)
        return details

    story.step("run_experiment_and_wait", whole)


def repositories(story):
    repository = lambda: story.known["client"].repository
    story.step("repository_list", lambda: repository().list())
    story.step("repository_details", lambda: repository().get_details())
    story.step("repository_details_of_one", lambda: repository().get_details(story.known["random"]))
