"""Boosted trees of LightGBM learn handwritten digits.

Reads MNIST's four `.gz` files from DATA_DIR; writes the model and `evaluation.json` into RESULT_DIR.
"""

import argparse
import gzip
import json
import os
import platform
import struct

import lightgbm
import numpy as np



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
    print("lightgbm %s on Python %s" % (lightgbm.__version__, platform.python_version()), flush=True)
    flat = lambda images: images.reshape(len(images), -1).astype(np.float32)
    images, labels = flat(idx("train-images-idx3")), idx("train-labels-idx1")
    test_images, test_labels = flat(idx("t10k-images-idx3")), idx("t10k-labels-idx1")

    chosen = slice(0, options.examples)
    learn = lightgbm.Dataset(images[chosen], labels[chosen])
    test = learn.create_valid(test_images, test_labels)
    how = {"objective": "multiclass", "num_class": 10, "num_leaves": 31, "learning_rate": 0.2, "verbose": -1}
    model = lightgbm.train(
        how, learn, options.rounds, valid_sets=[test], callbacks=[lightgbm.log_evaluation(5)]
    )

    model.save_model(os.path.join(os.environ["RESULT_DIR"], "model.txt"))
    tell(lightgbm.__version__, np.mean(model.predict(test_images).argmax(axis=1) == test_labels))


def tell(version, accuracy):
    """What the run is judged by, in the log and beside the model."""
    print("test accuracy: %.4f" % accuracy)
    evaluation = {
        "framework": "lightgbm",
        "version": version,
        "python": platform.python_version(),
        "test_accuracy": round(float(accuracy), 4),
    }
    with open(os.path.join(os.environ["RESULT_DIR"], "evaluation.json"), "w") as file:
        json.dump(evaluation, file, indent=2)


if __name__ == "__main__":
    main(arguments())
