"""Training definitions and training runs of a client of 2018 to 2021 (1.0.x)."""

import os
import time

from steps import Background, until

FINAL = ("completed", "error", "canceled")


def definitions(story):
    settings = story.settings

    def store():
        repository = story.known["client"].repository
        names = repository.DefinitionMetaNames
        meta = {
            names.NAME: "digits of a user",
            names.DESCRIPTION: "a linear model",
            names.AUTHOR_NAME: "Ann Other",
            names.FRAMEWORK_NAME: settings["framework"][0],
            names.FRAMEWORK_VERSION: settings["framework"][1],
            names.RUNTIME_NAME: "python",
            names.RUNTIME_VERSION: "3.5",
            names.EXECUTION_COMMAND: "python3 train.py --epochs 3",
        }
        details = repository.store_definition(settings["model_zip"], meta)
        story.known["definition"] = repository.get_definition_uid(details)
        story.known["definition_url"] = repository.get_definition_url(details)
        return {"details": details, "uid": story.known["definition"], "url": story.known["definition_url"]}

    story.step("store_definition", store)
    story.step("store_another_definition", lambda: again(story, store))
    repository = lambda: story.known["client"].repository
    story.step("get_definition", lambda: repository().get_definition_details(story.known["definition"]))
    story.step("get_definitions", lambda: repository().get_definition_details())
    story.step("get_one_definition", lambda: repository().get_definition_details(limit=1))
    story.step("list_definitions", lambda: repository().list_definitions())


def again(story, store):
    """A second one, which takes nobody's place in what is known."""
    kept = {name: story.known[name] for name in ("definition", "definition_url")}
    told = store()
    story.known["another_definition"] = told["uid"]
    story.known.update(kept)
    return told


def configuration(story, **others):
    training = story.known["client"].training
    names = training.ConfigurationMetaNames
    meta = {
        names.NAME: "digits",
        names.DESCRIPTION: "handwritten digits",
        names.AUTHOR_NAME: "Ann Other",
        names.TRAINING_DATA_REFERENCE: story.store(others.pop("data", story.settings["data"]), "source"),
        names.TRAINING_RESULTS_REFERENCE: story.store(story.settings["results"], "target"),
        names.COMPUTE_CONFIGURATION: {"name": "k80"},
    }
    for name, value in others.items():
        meta[getattr(names, name)] = value
    return meta


def start(story, *arguments):
    """Starts a run of the program with these arguments; gives its details."""
    command = " ".join(("python3", "train.py") + arguments)
    meta = configuration(story, EXECUTION_COMMAND=command)
    return story.known["client"].training.run(story.known["definition"], meta)


def state(story, run):
    return story.known["client"].training.get_status(run)["state"]


def settled(story, run):
    return until("%s to settle" % run, lambda: state(story, run) in FINAL and state(story, run))


def runs(story):
    training = lambda: story.known["client"].training

    def run_and_wait():
        details = training().run(story.known["definition"], configuration(story), asynchronous=False)
        story.known["run"] = training().get_run_uid(details)
        return {"details": details, "uid": story.known["run"], "url": training().get_run_url(details)}

    story.step("run_and_wait", run_and_wait)
    story.step("get_status", lambda: training().get_status(story.known["run"]))
    story.step("get_details", lambda: training().get_details(story.known["run"]))
    story.step("get_metrics", lambda: training().get_metrics(story.known["run"]))
    story.step("get_latest_metrics", lambda: training().get_latest_metrics(story.known["run"]))
    story.step("logs_of_a_finished_run", lambda: training().monitor_logs(story.known["run"]))
    story.step("metrics_of_a_finished_run", lambda: training().monitor_metrics(story.known["run"]))

    live(story)
    cancel(story)

    def failing():
        meta = configuration(story, EXECUTION_COMMAND="python3 train.py --fail")
        details = training().run(story.known["definition"], meta, asynchronous=False)
        story.known["failed"] = training().get_run_uid(details)
        return details

    story.step("failing_run", failing)
    story.step("logs_of_a_failed_run", lambda: training().monitor_logs(story.known["failed"]))
    absent = lambda: configuration(story, data="no-such-bucket")
    story.step("run_without_data", lambda: training().run(story.known["definition"], absent()))
    story.step("run_of_no_definition", lambda: training().run("00000000-0000-4000-8000-000000000000", configuration(story)))

    story.step("get_all_details", lambda: training().get_details())
    story.step("get_one_of_all_details", lambda: training().get_details(limit=1))
    story.step("pages_of_one", lambda: pages(training()))
    story.step("list_runs", lambda: training().list())
    story.step("status_of_no_run", lambda: training().get_status("training-000000000"))


def pages(training):
    """The client never asks for small pages itself, but follows those that it is led to."""
    url = training._href_definitions.get_repo_models_href() + "?limit=1"
    return training._get_with_or_without_limit(url, None, "trained models")


def live(story):
    training = lambda: story.known["client"].training
    gate = os.path.join(story.settings["desk"], "go-on")

    def begin():
        details = start(story, "--epochs", "4", "--hold", gate)
        story.known["live"] = training().get_run_uid(details)
        return details

    def monitor():
        run = story.known["live"]
        logs = Background(training().monitor_logs, run)
        metrics = Background(training().monitor_metrics, run)
        logs.until_said("epoch 1: ")
        metrics.until_said("phase:test accuracy:")
        early = {"logs": logs.text(), "metrics": metrics.text(), "state": state(story, run)}
        open(gate, "w").close()
        return {"run": run, "early": early, "logs": logs.end(), "metrics": metrics.end(), "state": settled(story, run)}

    story.step("run", begin)
    story.step("live_monitors", monitor)


def cancel(story):
    training = lambda: story.known["client"].training

    def running():
        details = start(story, "--hold", os.path.join(story.settings["desk"], "never"))
        story.known["canceled"] = run = training().get_run_uid(details)
        logs = Background(training().monitor_logs, run)
        logs.until_said("epoch 1: ")
        answer = training().cancel(run)
        return {"answer": answer, "state": settled(story, run), "status": training().get_status(run), "logs": logs.end()}

    def pending():
        details = start(story, "--hold", os.path.join(story.settings["desk"], "never"))
        run = training().get_run_uid(details)
        training().cancel(run)
        return {"state": settled(story, run)}

    story.step("cancel", running)
    story.step("logs_of_a_canceled_run", lambda: training().monitor_logs(story.known["canceled"]))
    story.step("cancel_at_once", pending)


def ends(story):
    """Whatever is left goes, and what has gone is not there."""
    training = lambda: story.known["client"].training
    repository = lambda: story.known["client"].repository
    model = lambda: {repository().ModelMetaNames.NAME: "of a deleted run"}
    story.step("delete_run", lambda: training().delete(story.known["run"]))
    story.step("status_of_a_deleted_run", lambda: training().get_status(story.known["run"]))
    story.step("details_of_a_deleted_run", lambda: training().get_details(story.known["run"]))
    story.step("model_of_a_deleted_run", lambda: repository().store_model(story.known["run"], meta_props=model()))
    story.step("delete_run_again", lambda: training().delete(story.known["run"]))
    story.step("delete_definition", lambda: repository().delete(story.known["definition"]))
    story.step("details_of_a_deleted_definition", lambda: repository().get_definition_details(story.known["definition"]))
    story.step("delete_definition_again", lambda: repository().delete(story.known["definition"]))
