"""A small linear model that learns handwritten digits: the program of a user of 2018.

Reads MNIST's four `.gz` files from DATA_DIR and, when an optimizer chose them, its hyperparameters
from `config.json` in the current folder. Reports metrics by `evaluation-metrics.txt` in LOG_DIR and
by printing; leaves the model in RESULT_DIR/model.
"""

import argparse
import json
import os
import sys
import time

import joblib
import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss

import digits

PATIENCE = 120


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--hold", help="after the first epoch, wait until this file is there")
    parser.add_argument("--fail", action="store_true", help="after the first epoch, end with exit code 3")
    return parser.parse_args()


class Metrics:
    """`evaluation-metrics.txt`: one JSON object a line; that of a sub-run in a folder of its own."""

    def __init__(self):
        self.subid = os.environ.get("SUBID", "")
        folder = os.path.join(os.environ["LOG_DIR"], self.subid)
        os.makedirs(folder, exist_ok=True)
        self.file = open(os.path.join(folder, "evaluation-metrics.txt"), "a")
        self.count = 0
        self.history = []

    def tell(self, group, iteration, **values):
        self.count += 1
        meta = {"training_id": os.environ["TRAINING_ID"], "time": int(time.time() * 1000), "rindex": self.count}
        if self.subid:
            meta["subid"] = self.subid
        line = {
            "meta": meta,
            "grouplabel": group,
            "etimes": {"iteration": {"type": 2, "value": str(iteration)}},
            "values": {name: {"type": 3, "value": str(value)} for name, value in values.items()},
        }
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        if group == "test":
            self.history.append(dict(steps=iteration, **values))

    def close(self):
        self.file.close()
        with open(os.path.join(os.environ["RESULT_DIR"], "val_dict_list.json"), "w") as file:
            json.dump(self.history, file)


def hyperparameters():
    chosen = {"alpha": 0.001, "examples": 1500, "penalty": "l2"}
    if os.path.exists("config.json"):
        with open("config.json") as file:
            chosen.update(json.load(file))
    print("learning with %s" % json.dumps(chosen, sort_keys=True), flush=True)
    return chosen


def wait_for(path):
    deadline = time.time() + PATIENCE
    while not os.path.exists(path):
        if time.time() > deadline:
            sys.exit("nobody let me go on")
        time.sleep(0.02)


def main(options):
    chosen = hyperparameters()
    flat = lambda images: images.reshape(len(images), -1).astype(np.float32) / 255
    examples = int(chosen["examples"])
    images, labels = flat(digits.images("train"))[:examples], digits.labels("train")[:examples]
    test_images, test_labels = flat(digits.images("t10k")), digits.labels("t10k")
    model = SGDClassifier(loss="log_loss", alpha=float(chosen["alpha"]), penalty=chosen["penalty"], random_state=1)
    metrics = Metrics()
    for epoch in range(1, options.epochs + 1):
        model.partial_fit(images, labels, classes=np.arange(10))
        accuracy = round(float(model.score(test_images, test_labels)), 4)
        loss = round(float(log_loss(test_labels, model.predict_proba(test_images), labels=np.arange(10))), 4)
        metrics.tell("train", epoch, accuracy=round(float(model.score(images, labels)), 4))
        metrics.tell("test", epoch, accuracy=accuracy, loss=loss)
        print("epoch %d: accuracy %.4f" % (epoch, accuracy), flush=True)
        if epoch == 1 and options.hold:
            wait_for(options.hold)
        if epoch == 1 and options.fail:
            print("this user's program gives up", file=sys.stderr, flush=True)
            sys.exit(3)
    metrics.close()
    folder = os.path.join(os.environ["RESULT_DIR"], "model")
    os.makedirs(folder)
    joblib.dump(model, os.path.join(folder, "digits.joblib"))
    with open(os.path.join(folder, "about.json"), "w") as file:
        json.dump({"accuracy": accuracy, "with": chosen}, file, sort_keys=True)
    print("trained: accuracy %.4f" % accuracy, flush=True)


if __name__ == "__main__":
    main(arguments())
