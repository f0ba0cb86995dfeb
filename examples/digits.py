"""What the examples have in common: reads MNIST from DATA_DIR, and tells what came of it.

Goes into the zip beside a `train.py`. Runs on every Python since 2.7.
"""

from __future__ import print_function

import gzip
import json
import os
import platform
import struct

import numpy as np


def idx(name):
    """The array in an idx file: two zeros, the type, the number of dimensions, the dimensions, the items."""
    with gzip.open(os.path.join(os.environ["DATA_DIR"], name + "-ubyte.gz")) as file:
        content = bytearray(file.read())
    dimensions = content[3]
    shape = struct.unpack(">%dI" % dimensions, bytes(content[4 : 4 + 4 * dimensions]))
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def images(part):
    """n x 28 x 28 pixels, 0 to 255; `part` is "train" or "t10k", the one to measure with."""
    return idx(part + "-images-idx3")


def labels(part):
    """What each of them shows, 0 to 9."""
    return idx(part + "-labels-idx1")


def begin(framework, version):
    """Says what really runs, where logs are read first."""
    print("%s %s on Python %s" % (framework, version, platform.python_version()))


def result(name):
    """The path of a file that is to be stored."""
    return os.path.join(os.environ["RESULT_DIR"], name)


def end(framework, version, accuracy):
    """What the run is judged by, in the log and beside the model."""
    print("test accuracy: %.4f" % accuracy)
    evaluation = {
        "framework": framework,
        "version": version,
        "python": platform.python_version(),
        "test_accuracy": round(float(accuracy), 4),
    }
    with open(result("evaluation.json"), "w") as file:
        json.dump(evaluation, file, indent=2)
