"""A small network of scikit-learn learns handwritten digits.

Reads MNIST's four `.gz` files from DATA_DIR; writes the model and `evaluation.json` into RESULT_DIR.
"""

import argparse

import joblib
import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

import digits


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
    model = MLPClassifier(hidden_layer_sizes=(128,), random_state=1)
    chosen = slice(0, options.examples)
    for epoch in range(options.epochs):
        model.partial_fit(images[chosen], labels[chosen], classes=np.arange(10))
        print("epoch %d of %d: loss %.4f" % (epoch + 1, options.epochs, model.loss_), flush=True)

    joblib.dump(model, digits.result("model.joblib"))
    digits.end("scikit-learn", sklearn.__version__, model.score(test_images, test_labels))


if __name__ == "__main__":
    main(arguments())
