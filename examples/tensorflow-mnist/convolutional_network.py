"""Trains a small convolutional network on MNIST and measures it on the test set.

Runs unchanged on TensorFlow 1.2 (2017) and on TensorFlow 2 (through its v1
interface). Reads the four files of MNIST, prints its progress, and leaves in
$RESULT_DIR:

    model/              the trained network as a SavedModel: images -> classes, probabilities
    evaluation.json     what was measured
"""

from __future__ import print_function

import argparse
import json
import os
import sys
import time

import numpy as np
import tensorflow

import input_data

# TensorFlow 2 keeps the interface of its first years under compat.v1.
tf = getattr(tensorflow.compat, "v1", tensorflow)
if tf is not tensorflow:
    tf.disable_v2_behavior()

BATCH = 50
CLASSES = 10
REPORT_EVERY = 20
SEED = 20171103


def say(text):
    """Prints a line that is seen at once, also through a pipe."""
    print(text)
    sys.stdout.flush()


def layer(name, inputs, shape, combine):
    """A layer with weights of `shape`, a bias, and ReLU."""
    fan_in = int(np.prod(shape[:-1]))
    with tf.variable_scope(name):
        start = tf.truncated_normal_initializer(stddev=(2.0 / fan_in) ** 0.5, seed=SEED)
        weights = tf.get_variable("weights", shape, initializer=start)
        bias = tf.get_variable("bias", shape[-1:], initializer=tf.zeros_initializer())
        return tf.nn.relu(combine(inputs, weights) + bias)


def convolve(inputs, filters):
    return tf.nn.conv2d(inputs, filters, strides=[1, 1, 1, 1], padding="SAME")


def convolve_coarsely(inputs, filters):
    """Looks at every second pixel of every second row only: a quarter of the work."""
    return tf.nn.conv2d(inputs, filters, strides=[1, 2, 2, 1], padding="SAME")


def halve(inputs):
    """The strongest of each 2 x 2 pixels."""
    return tf.nn.max_pool(inputs, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")


def flatten(inputs):
    _, height, width, depth = inputs.get_shape().as_list()
    return tf.reshape(inputs, [-1, height * width * depth])


class Network(object):
    """Two convolutions, a hidden layer, and one score for each digit."""

    def __init__(self, height, width, learning_rate):
        self.images = tf.placeholder(tf.float32, [None, height, width, 1], name="images")
        self.labels = tf.placeholder(tf.int64, [None], name="labels")

        found = layer("conv1", self.images, [5, 5, 1, 16], convolve_coarsely)
        found = halve(layer("conv2", found, [5, 5, 16, 32], convolve))
        found = flatten(found)
        found = layer("hidden", found, [int(found.get_shape()[1]), 128], tf.matmul)
        with tf.variable_scope("scores"):
            start = tf.truncated_normal_initializer(stddev=0.05, seed=SEED)
            weights = tf.get_variable("weights", [128, CLASSES], initializer=start)
            bias = tf.get_variable("bias", [CLASSES], initializer=tf.zeros_initializer())
        scores = tf.matmul(found, weights) + bias

        self.probabilities = tf.nn.softmax(scores, name="probabilities")
        self.classes = tf.argmax(scores, 1, name="classes")
        hits = tf.cast(tf.equal(self.classes, self.labels), tf.float32)
        self.accuracy = tf.reduce_mean(hits)
        self.loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=self.labels, logits=scores))
        self.train = tf.train.AdamOptimizer(learning_rate).minimize(self.loss)


def train(session, network, data, examples):
    """Shows the network so many examples."""
    seen, step = 0, 0
    for images, labels in data.batches(BATCH, examples, SEED):
        feed = {network.images: images, network.labels: labels}
        _, loss, accuracy = session.run([network.train, network.loss, network.accuracy], feed)
        seen, step = seen + len(labels), step + 1
        if step % REPORT_EVERY == 1 or seen == examples:
            say("step %d, examples %d: loss %.4f, training accuracy %.4f"
                % (step, seen, loss, accuracy))
        if not np.isfinite(loss):
            raise input_data.BadInput(
                "the loss is no longer a number at step %d: try a smaller --learningRate" % step)


def measure(session, network, data):
    """Loss and accuracy over a whole data set."""
    loss, hits = 0.0, 0.0
    for images, labels in data.in_order(1000):
        feed = {network.images: images, network.labels: labels}
        some_loss, some_accuracy = session.run([network.loss, network.accuracy], feed)
        loss += float(some_loss) * len(labels)
        hits += float(some_accuracy) * len(labels)
    return loss / len(data), hits / len(data)


def save(session, network, folder):
    """Writes the network in the form that TensorFlow Serving reads."""
    model = tf.saved_model
    signature = model.signature_def_utils.predict_signature_def(
        inputs={"images": network.images},
        outputs={"classes": network.classes, "probabilities": network.probabilities})
    builder = model.builder.SavedModelBuilder(folder)
    builder.add_meta_graph_and_variables(
        session, [model.tag_constants.SERVING],
        signature_def_map={model.signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY: signature})
    builder.save()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option, meaning in [("--trainImagesFile", "images to learn from"),
                            ("--trainLabelsFile", "their labels"),
                            ("--testImagesFile", "images to measure with"),
                            ("--testLabelsFile", "their labels")]:
        parser.add_argument(option, required=True, metavar="FILE", help=meaning + " (idx, gzipped)")
    parser.add_argument("--learningRate", type=float, default=0.001, metavar="RATE")
    parser.add_argument("--trainingIters", type=int, default=20000, metavar="N",
                        help="how many examples are shown to the network")
    given = parser.parse_args()
    if given.trainingIters < 1:
        parser.error("--trainingIters must be at least 1")
    if not given.learningRate > 0:
        parser.error("--learningRate must be greater than 0")
    return given


def main():
    given = arguments()
    results = os.environ.get("RESULT_DIR", "results")
    model_folder = os.path.join(results, "model")
    if os.path.exists(model_folder):
        raise input_data.BadInput("%s is there already; RESULT_DIR must be a fresh folder" % model_folder)

    say("tensorflow %s on Python %s" % (tensorflow.__version__, sys.version.split()[0]))
    training = input_data.read_data_set(given.trainImagesFile, given.trainLabelsFile)
    test = input_data.read_data_set(given.testImagesFile, given.testLabelsFile)
    height, width = training.images.shape[1:3]
    if test.images.shape[1:3] != (height, width):
        raise input_data.BadInput("training images are %d x %d, test images %d x %d"
                                  % ((height, width) + test.images.shape[1:3]))
    say("%d training images, %d test images, %d x %d pixels"
        % (len(training), len(test), height, width))

    network = Network(height, width, given.learningRate)
    started = time.time()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        train(session, network, training, given.trainingIters)
        seconds = time.time() - started
        loss, accuracy = measure(session, network, test)
        save(session, network, model_folder)

    with open(os.path.join(results, "evaluation.json"), "w") as report:
        json.dump({"test_accuracy": round(accuracy, 4), "test_loss": round(loss, 4),
                   "training_examples": given.trainingIters, "training_seconds": round(seconds, 2),
                   "learning_rate": given.learningRate, "tensorflow": tensorflow.__version__},
                  report, indent=2, sort_keys=True)
        report.write("\n")
    say("Model saved in %s" % model_folder)
    say("test accuracy: %.4f" % accuracy)


if __name__ == "__main__":
    try:
        main()
    except input_data.BadInput as problem:
        sys.exit("convolutional_network.py: %s" % problem)
