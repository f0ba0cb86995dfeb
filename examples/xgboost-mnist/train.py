"""Boosted trees of XGBoost learn handwritten digits.

Reads MNIST's four `.gz` files from DATA_DIR; writes the model and `evaluation.json` into RESULT_DIR.
"""

import argparse
import gzip
import json
import os
import platform
import struct

import numpy as np
import xgboost



def idx(name):
    """The array in an idx file: two zeros, the type, the number of dimensions, the dimensions, the items."""
    with gzip.open(os.path.join(os.environ["DATA_DIR"], name + "-ubyte.gz")) as file:
        content = file.read()
    dimensions = content[3]
    shape = struct.unpack(">%dI" % dimensions, content[4 : 4 + 4 * dimensions])
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=5000, help="how many to learn from")
    parser.add_argument("--rounds", type=int, default=30, help="how many trees for each digit")
    return parser.parse_args()


def main(options):
    print("xgboost %s on Python %s" % (xgboost.__version__, platform.python_version()), flush=True)
    flat = lambda images: images.reshape(len(images), -1)
    images, labels = flat(idx("train-images-idx3")), idx("train-labels-idx1")
    test_images, test_labels = flat(idx("t10k-images-idx3")), idx("t10k-labels-idx1")

    chosen = slice(0, options.examples)
    learn = xgboost.DMatrix(images[chosen], labels[chosen])
    test = xgboost.DMatrix(test_images, test_labels)
    how = {"objective": "multi:softmax", "num_class": 10, "max_depth": 5, "eta": 0.4, "tree_method": "hist"}
    model = xgboost.train(how, learn, options.rounds, evals=[(test, "test")], verbose_eval=5)

    model.save_model(os.path.join(os.environ["RESULT_DIR"], "model.json"))
    tell(xgboost.__version__, np.mean(model.predict(test) == test_labels))


def tell(version, accuracy):
    """What the run is judged by, in the log and beside the model."""
    print("test accuracy: %.4f" % accuracy)
    evaluation = {
        "framework": "xgboost",
        "version": version,
        "python": platform.python_version(),
        "test_accuracy": round(float(accuracy), 4),
    }
    with open(os.path.join(os.environ["RESULT_DIR"], "evaluation.json"), "w") as file:
        json.dump(evaluation, file, indent=2)


if __name__ == "__main__":
    main(arguments())
