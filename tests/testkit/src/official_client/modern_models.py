"""Stored models of a client of 2018 to 2021 (1.0.x)."""

import hashlib
import json
import os
import tarfile

from steps import until


def download(story, name, file):
    """Content is stored after the answer; until it is, there is nothing to download.

    Gives the file, the SHA-256 of each of its members by name without folders, and `about.json`.
    """
    repository = story.known["client"].repository
    model, path = story.known[name], os.path.join(story.settings["desk"], file)

    def got():
        try:
            repository.download(model, path)
            return True
        except Exception as error:
            if "Status code: 404" not in str(error) and "Status code: 409" not in str(error):
                raise

    until("the model's content", got)
    digests, about = {}, None
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            if member.isfile():
                content = archive.extractfile(member).read()
                digests[os.path.basename(member.name)] = hashlib.sha256(content).hexdigest()
                if member.name.endswith("about.json"):
                    about = json.loads(content.decode())
    return {"file": path, "digests": digests, "about": about}


def models(story):
    settings = story.settings
    repository = lambda: story.known["client"].repository
    at = lambda name: os.path.join(settings["desk"], name)

    def store_trained():
        meta = {repository().ModelMetaNames.NAME: "digits that were trained"}
        details = repository().store_model(story.known["run"], meta_props=meta)
        story.known["model"] = repository().get_model_uid(details)
        return {"details": details, "uid": story.known["model"], "url": url_of(details)}

    def url_of(details):
        # Before the last clients, what came back of a run's model was not what this asks for.
        return repository().get_model_url(details) if "published_models" in str(details) else None

    def store_file():
        with tarfile.open(at("own.tar.gz"), "w:gz") as archive:
            archive.add(os.path.join(settings["desk"], "train.py"), "weights/train.py")
        names = repository().ModelMetaNames
        meta = {
            names.NAME: "digits of a file",
            names.FRAMEWORK_NAME: "tensorflow",
            names.FRAMEWORK_VERSION: "1.5",
            names.RUNTIME_NAME: "python",
            names.RUNTIME_VERSION: "3.5",
        }
        details = repository().store_model(at("own.tar.gz"), meta_props=meta)
        story.known["model_of_a_file"] = repository().get_model_uid(details)
        return {"details": details, "uid": story.known["model_of_a_file"]}

    story.step("store_trained_model", store_trained)
    story.step("download_trained_model", lambda: download(story, "model", "trained.tar.gz"))
    story.step("store_model_of_a_file", store_file)
    story.step("download_model_of_a_file", lambda: download(story, "model_of_a_file", "file.tar.gz"))
    story.step("get_model_details", lambda: repository().get_model_details(story.known["model"]))
    story.step("get_all_model_details", lambda: repository().get_model_details())
    story.step("get_one_of_all_model_details", lambda: repository().get_model_details(limit=1))
    story.step("list_models", lambda: repository().list_models())
    story.step("model_of_no_run", lambda: repository().store_model("training-000000000", meta_props={"name": "nothing"}))
    story.step("delete_model", lambda: repository().delete(story.known["model_of_a_file"]))
    story.step("details_of_a_deleted_model", lambda: repository().get_model_details(story.known["model_of_a_file"]))
    story.step("delete_model_again", lambda: repository().delete(story.known["model_of_a_file"]))
