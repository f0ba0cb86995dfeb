"""Boosted trees of LightGBM learn handwritten digits.

Reads MNIST's four `.gz` files from DATA_DIR; writes the model and `evaluation.json` into RESULT_DIR.
"""

import argparse

import lightgbm
import numpy as np

import digits


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=5000, help="how many to learn from")
    parser.add_argument("--rounds", type=int, default=30, help="how many trees for each digit")
    return parser.parse_args()


def main(options):
    digits.begin("lightgbm", lightgbm.__version__)
    flat = lambda images: images.reshape(len(images), -1).astype(np.float32)
    images, labels = flat(digits.images("train")), digits.labels("train")
    test_images, test_labels = flat(digits.images("t10k")), digits.labels("t10k")

    chosen = slice(0, options.examples)
    learn = lightgbm.Dataset(images[chosen], labels[chosen])
    test = learn.create_valid(test_images, test_labels)
    how = {"objective": "multiclass", "num_class": 10, "num_leaves": 31, "learning_rate": 0.2, "verbose": -1}
    model = lightgbm.train(
        how, learn, options.rounds, valid_sets=[test], callbacks=[lightgbm.log_evaluation(5)]
    )

    model.save_model(digits.result("model.txt"))
    digits.end("lightgbm", lightgbm.__version__, np.mean(model.predict(test_images).argmax(axis=1) == test_labels))


if __name__ == "__main__":
    main(arguments())
