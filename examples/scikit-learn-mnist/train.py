"""scikit-learn learns handwritten digits: a small network, or in versions that have none (before 0.18) a linear model.

Reads MNIST's four `.gz` files from DATA_DIR; writes the model and `evaluation.json` into RESULT_DIR.
"""

from __future__ import print_function

import argparse

import numpy as np
import sklearn

import digits

try:
    import joblib
    from sklearn.neural_network import MLPClassifier

    def untrained():
        return MLPClassifier(hidden_layer_sizes=(128,), random_state=1)
except ImportError:
    from sklearn.externals import joblib
    from sklearn.linear_model import SGDClassifier

    def untrained():
        return SGDClassifier(loss="log", alpha=0.001, random_state=1)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=10000, help="how many to learn from")
    parser.add_argument("--epochs", type=int, default=10, help="how often to see each of them")
    return parser.parse_args()


def main(options):
    digits.begin("scikit-learn", sklearn.__version__)
    flat = lambda images: images.reshape(len(images), -1).astype(np.float32) / 255
    images, labels = flat(digits.images("train")), digits.labels("train")
    test_images, test_labels = flat(digits.images("t10k")), digits.labels("t10k")

    # `fit` would do all epochs at once, and say nothing until the end.
    model = untrained()
    chosen = slice(0, options.examples)
    for epoch in range(options.epochs):
        model.partial_fit(images[chosen], labels[chosen], classes=np.arange(10))
        print("epoch %d of %d: %.4f right" % (epoch + 1, options.epochs, model.score(images[chosen], labels[chosen])))

    joblib.dump(model, digits.result("model.joblib"))
    digits.end("scikit-learn", sklearn.__version__, model.score(test_images, test_labels))


if __name__ == "__main__":
    main(arguments())
