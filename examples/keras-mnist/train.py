"""A convolutional network of Keras learns handwritten digits. Runs on Keras 2.1 and on Keras 3.

Reads MNIST's four `.gz` files from DATA_DIR; writes the model and `evaluation.json` into RESULT_DIR.
"""

import argparse
import gzip
import json
import os
import platform
import struct

import keras
import numpy as np
from keras import layers



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
    parser.add_argument("--epochs", type=int, default=2, help="how often to see each of them")
    return parser.parse_args()


def main(options):
    print("keras %s on Python %s" % (keras.__version__, platform.python_version()), flush=True)
    scaled = lambda images: images[..., None].astype(np.float32) / 255
    images, labels = scaled(idx("train-images-idx3")), idx("train-labels-idx1")
    test_images, test_labels = scaled(idx("t10k-images-idx3")), idx("t10k-labels-idx1")

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
    model.save(os.path.join(os.environ["RESULT_DIR"], name))
    _, accuracy = model.evaluate(test_images, test_labels, verbose=0)
    tell(keras.__version__, accuracy)


def tell(version, accuracy):
    """What the run is judged by, in the log and beside the model."""
    print("test accuracy: %.4f" % accuracy)
    evaluation = {
        "framework": "keras",
        "version": version,
        "python": platform.python_version(),
        "test_accuracy": round(float(accuracy), 4),
    }
    with open(os.path.join(os.environ["RESULT_DIR"], "evaluation.json"), "w") as file:
        json.dump(evaluation, file, indent=2)


if __name__ == "__main__":
    main(arguments())
