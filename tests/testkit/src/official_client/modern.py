"""The whole workflow of a client of 2018 to 2021 (1.0.x): login, training definitions, runs."""

import modern_experiments
import modern_models
import modern_training
from steps import Story, settings

from watson_machine_learning_client import WatsonMachineLearningAPIClient
from watson_machine_learning_client import instance


def credentials(story, **others):
    given = {name: story.settings[name] for name in ("url", "username", "password", "instance_id")}
    given.update(others)
    return given


def login(story):
    def good():
        story.known["client"] = client = WatsonMachineLearningAPIClient(credentials(story))
        return {"version": client.version, "instance": client.service_instance.get_details()}

    def with_slash():
        url = story.settings["url"] + "/"
        client = WatsonMachineLearningAPIClient(credentials(story, url=url))
        return {"runs": client.training.get_details(), "frameworks": client.training.get_frameworks()}

    def stranger():
        other = "00000000-0000-4000-8000-000000000000"
        return str(WatsonMachineLearningAPIClient(credentials(story, instance_id=other)))

    story.step("wrong_password", lambda: str(WatsonMachineLearningAPIClient(credentials(story, password="wrong"))))
    story.step("unknown_instance", stranger)
    story.step("login", good)
    story.step("login_with_a_slash", with_slash)
    story.step("get_frameworks", lambda: story.known["client"].training.get_frameworks())
    story.step("token_renewal", lambda: token_renewal(story.known["client"]))


def token_renewal(client):
    """Twenty minutes before the token's end: the client's own clock is ahead, nothing else of it is touched."""
    real = instance.datetime
    before = client.wml_token
    ahead = client.service_instance._get_expiration_datetime() - instance.timedelta(minutes=20) - real.now()

    class Ahead(real):
        @classmethod
        def now(cls, *zone):
            return real.now(*zone) + ahead

    instance.datetime = Ahead
    try:
        client.training.get_details()
    finally:
        instance.datetime = real
    after = client.wml_token
    return {"renewed": after != before, "parts": after.count(".") + 1, "runs": client.training.get_details()}


def main():
    story = Story(settings())
    login(story)
    modern_training.definitions(story)
    modern_training.runs(story)
    modern_models.models(story)
    modern_experiments.experiments(story)
    modern_training.ends(story)


if __name__ == "__main__":
    main()
