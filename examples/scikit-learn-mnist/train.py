"""A small network of scikit-learn learns handwritten digits.

Reads MNIST's four `.gz` files from DATA_DIR; writes the model and `evaluation.json` into RESULT_DIR.
"""

import argparse
import gzip
import json
import os
import platform
import struct

import joblib
import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier



def idx(name):
    """The array in an idx file: two zeros, the type, the number of dimensions, the dimensions, the items."""
    with gzip.open(os.path.join(os.environ["DATA_DIR"], name + "-ubyte.gz")) as file:
        content = file.read()
    dimensions = content[3]
    shape = struct.unpack(">%dI" % dimensions, content[4 : 4 + 4 * dimensions])
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=10000, help="how many to learn from")
    parser.add_argument("--epochs", type=int, default=10, help="how often to see each of them")
    return parser.parse_args()


def main(options):
    print("scikit-learn %s on Python %s" % (sklearn.__version__, platform.python_version()), flush=True)
    flat = lambda images: images.reshape(len(images), -1).astype(np.float32) / 255
    images, labels = flat(idx("train-images-idx3")), idx("train-labels-idx1")
    test_images, test_labels = flat(idx("t10k-images-idx3")), idx("t10k-labels-idx1")

    # `fit` would do all epochs at once, and say nothing until the end.
    model = MLPClassifier(hidden_layer_sizes=(128,), random_state=1)
    chosen = slice(0, options.examples)
    for epoch in range(options.epochs):
        model.partial_fit(images[chosen], labels[chosen], classes=np.arange(10))
        print("epoch %d of %d: loss %.4f" % (epoch + 1, options.epochs, model.loss_), flush=True)

    joblib.dump(model, os.path.join(os.environ["RESULT_DIR"], "model.joblib"))
    tell(sklearn.__version__, model.score(test_images, test_labels))


def tell(version, accuracy):
    """What the run is judged by, in the log and beside the model."""
    print("test accuracy: %.4f" % accuracy)
    evaluation = {
        "framework": "scikit-learn",
        "version": version,
        "python": platform.python_version(),
        "test_accuracy": round(float(accuracy), 4),
    }
    with open(os.path.join(os.environ["RESULT_DIR"], "evaluation.json"), "w") as file:
        json.dump(evaluation, file, indent=2)


if __name__ == "__main__":
    main(arguments())
