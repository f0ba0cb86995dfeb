"""The whole workflow of the client of December 2017 (0.3.113), which has no experiments."""

import os

from steps import Background, Story, settings, until

from watson_machine_learning_client import WatsonMachineLearningAPIClient

FINAL = ("completed", "error", "canceled")


def credentials(story, **others):
    given = {name: story.settings[name] for name in ("url", "username", "password", "instance_id")}
    given.update(others)
    return given


def seed_store(story, bucket, key):
    """How a manifest of 2017 names a container."""
    given = story.settings
    connection = {"auth_url": given["endpoint"], "userId": given["access_key"], "password": given["secret_key"]}
    return {"connection": connection, key: {"container": bucket, "type": "s3_datastore"}}


def login(story):
    def good():
        story.known["client"] = client = WatsonMachineLearningAPIClient(credentials(story))
        return {"instance": client.instance_details}

    story.step("wrong_password", lambda: str(WatsonMachineLearningAPIClient(credentials(story, password="wrong"))))
    story.step("login", good)


def definitions(story):
    def store():
        repository = story.known["client"].repository
        names = repository.DefinitionMetaNames
        meta = {
            names.NAME: "digits of a user",
            names.DESCRIPTION: "a linear model",
            names.AUTHOR_NAME: "Ann Other",
            names.AUTHOR_EMAIL: "ann@example.com",
            names.FRAMEWORK_NAME: story.settings["framework"][0],
            names.FRAMEWORK_VERSION: story.settings["framework"][1],
            names.RUNTIME_NAME: "python",
            names.RUNTIME_VERSION: "3.5",
            names.TRAINING_DATA_REFERENCE: [seed_store(story, story.settings["data"], "source")],
        }
        story.known["definition"] = repository.store_definition(story.settings["model_zip"], meta)
        return story.known["definition"]

    story.step("store_definition", store)


def configuration(story, command, **others):
    training = story.known["client"].training
    names = training.ConfigurationMetaNames
    return {
        names.NAME: "Hand-written Digit Recognition",
        names.DESCRIPTION: "handwritten digits",
        names.AUTHOR_NAME: "Ann Other",
        names.AUTHOR_EMAIL: "ann@example.com",
        names.FRAMEWORK_NAME: story.settings["framework"][0],
        names.FRAMEWORK_VERSION: story.settings["framework"][1],
        names.TRAINING_DATA_REFERENCE: [seed_store(story, others.get("data", story.settings["data"]), "source")],
        names.TRAINING_RESULTS_REFERENCE: seed_store(story, story.settings["results"], "target"),
        names.EXECUTION_COMMAND: command,
        names.EXECUTION_RESOURCE_SIZE: "small",
    }


def start(story, command, **others):
    training = story.known["client"].training
    return training.run(story.known["definition"], configuration(story, command, **others))


def settled(story, run):
    def state():
        now = story.known["client"].training.get_status(run)["state"]
        return now if now in FINAL else None

    return until("%s to settle" % run, state)


def runs(story):
    training = lambda: story.known["client"].training

    def whole():
        meta = configuration(story, "python3 train.py --epochs 3")
        story.known["run"] = training().run(story.known["definition"], meta, asynchronous=False)
        return story.known["run"]

    def live():
        gate = os.path.join(story.settings["desk"], "go-on")
        run = start(story, "python3 train.py --epochs 3 --hold " + gate)
        logs = Background(training().monitor, run)
        logs.until_said("epoch 1: ")
        early = {"logs": logs.text(), "state": training().get_status(run)["state"]}
        open(gate, "w").close()
        return {"run": run, "early": early, "logs": logs.end(), "state": settled(story, run)}

    def cancel():
        run = start(story, "python3 train.py --hold " + os.path.join(story.settings["desk"], "never"))
        logs = Background(training().monitor, run)
        logs.until_said("epoch 1: ")
        return {"answer": training().cancel(run), "state": settled(story, run), "logs": logs.end()}

    def failing():
        run = start(story, "python3 train.py --fail")
        return {"state": settled(story, run), "status": training().get_status(run)}

    story.step("run_and_wait", whole)
    story.step("get_status", lambda: training().get_status(story.known["run"]))
    story.step("get_details", lambda: training().get_details(story.known["run"]))
    story.step("logs_of_a_finished_run", lambda: training().monitor(story.known["run"]))
    story.step("live_monitor", live)
    story.step("cancel", cancel)
    story.step("failing_run", failing)
    story.step("run_without_data", lambda: start(story, "python3 train.py", data="no-such-bucket"))
    story.step("get_all_details", lambda: training().get_details())
    story.step("list_runs", lambda: training().list())


def models(story):
    repository = lambda: story.known["client"].repository

    def store_trained():
        details = repository().store_model(story.known["run"], "digits that were trained")
        story.known["model"] = details["entity"]["ml_asset_guid"]
        return details

    story.step("store_trained_model", store_trained)
    story.step("get_model_details", lambda: repository().get_details(story.known["model"]))
    story.step("get_all_model_details", lambda: repository().get_details())
    story.step("list_models", lambda: repository().list())
    story.step("delete_model", lambda: repository().delete(story.known["model"]))
    story.step("details_of_a_deleted_model", lambda: repository().get_details(story.known["model"]))


def ends(story):
    training = lambda: story.known["client"].training
    story.step("delete_run", lambda: training().delete(story.known["run"]))
    story.step("status_of_a_deleted_run", lambda: training().get_status(story.known["run"]))
    story.step("delete_run_again", lambda: training().delete(story.known["run"]))


def main():
    story = Story(settings())
    login(story)
    definitions(story)
    runs(story)
    models(story)
    ends(story)


if __name__ == "__main__":
    main()
