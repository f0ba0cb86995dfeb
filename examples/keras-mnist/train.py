"""A convolutional network of Keras learns handwritten digits. Runs on Keras 2.1 and on Keras 3.

Reads MNIST's four `.gz` files from DATA_DIR; writes the model and `evaluation.json` into RESULT_DIR.
"""

import argparse

import keras
import numpy as np
from keras import layers

import digits


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=10000, help="how many to learn from")
    parser.add_argument("--epochs", type=int, default=2, help="how often to see each of them")
    return parser.parse_args()


def main(options):
    digits.begin("keras", keras.__version__)
    scaled = lambda images: images[..., None].astype(np.float32) / 255
    images, labels = scaled(digits.images("train")), digits.labels("train")
    test_images, test_labels = scaled(digits.images("t10k")), digits.labels("t10k")

    model = keras.models.Sequential(
        [
            layers.Conv2D(16, 3, activation="relu", input_shape=(28, 28, 1)),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    chosen = slice(0, options.examples)
    model.fit(images[chosen], labels[chosen], batch_size=64, epochs=options.epochs, verbose=2)

    # Keras 2 knows HDF5 alone.
    name = "model.keras" if int(keras.__version__.split(".")[0]) >= 3 else "model.h5"
    model.save(digits.result(name))
    _, accuracy = model.evaluate(test_images, test_labels, verbose=0)
    digits.end("keras", keras.__version__, accuracy)


if __name__ == "__main__":
    main(arguments())
