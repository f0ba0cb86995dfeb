"""Boosted trees of XGBoost learn handwritten digits.

Reads MNIST's four `.gz` files from DATA_DIR; writes the model and `evaluation.json` into RESULT_DIR.
"""

import argparse

import numpy as np
import xgboost

import digits


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=5000, help="how many to learn from")
    parser.add_argument("--rounds", type=int, default=30, help="how many trees for each digit")
    return parser.parse_args()


def main(options):
    digits.begin("xgboost", xgboost.__version__)
    flat = lambda images: images.reshape(len(images), -1)
    images, labels = flat(digits.images("train")), digits.labels("train")
    test_images, test_labels = flat(digits.images("t10k")), digits.labels("t10k")

    chosen = slice(0, options.examples)
    learn = xgboost.DMatrix(images[chosen], labels[chosen])
    test = xgboost.DMatrix(test_images, test_labels)
    how = {"objective": "multi:softmax", "num_class": 10, "max_depth": 5, "eta": 0.4, "tree_method": "hist"}
    model = xgboost.train(how, learn, options.rounds, evals=[(test, "test")], verbose_eval=5)

    model.save_model(digits.result("model.json"))
    digits.end("xgboost", xgboost.__version__, np.mean(model.predict(test) == test_labels))


if __name__ == "__main__":
    main(arguments())
