"""A convolutional network of Caffe2 learns handwritten digits.

Reads MNIST's four `.gz` files from DATA_DIR; writes the model and `evaluation.json` into RESULT_DIR.
"""

import argparse

import numpy as np
import torch
from caffe2.python import brew, model_helper, optimizer, workspace

import digits


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=10000, help="how many to learn from")
    parser.add_argument("--epochs", type=int, default=2, help="how often to see each of them")
    parser.add_argument("--batch", type=int, default=50, help="how many at a time")
    return parser.parse_args()


def add_layers(model):
    """From the blob `images` to the blob `classes`."""
    brew.conv(model, "images", "conv1", dim_in=1, dim_out=16, kernel=3)
    brew.relu(model, "conv1", "relu1")
    brew.max_pool(model, "relu1", "pool1", kernel=2, stride=2)
    brew.conv(model, "pool1", "conv2", dim_in=16, dim_out=32, kernel=3)
    brew.relu(model, "conv2", "relu2")
    brew.max_pool(model, "relu2", "pool2", kernel=2, stride=2)
    brew.fc(model, "pool2", "scores", dim_in=32 * 5 * 5, dim_out=10)
    brew.softmax(model, "scores", "classes")


def main(options):
    # It has no version of its own since it is a part of PyTorch.
    digits.begin("caffe2", torch.__version__)
    np.random.seed(1)
    scaled = lambda images: images[:, None].astype(np.float32) / 255
    images, labels = scaled(digits.images("train")), digits.labels("train").astype(np.int32)
    test_images, test_labels = scaled(digits.images("t10k")), digits.labels("t10k")

    train = model_helper.ModelHelper("train", arg_scope={"order": "NCHW"})
    add_layers(train)
    train.net.LabelCrossEntropy(["classes", "labels"], "loss_of_each")
    train.net.AveragedLoss("loss_of_each", "loss")
    train.AddGradientOperators(["loss"])
    optimizer.build_adam(train, base_learning_rate=0.001)
    test = model_helper.ModelHelper("test", arg_scope={"order": "NCHW"}, init_params=False)
    add_layers(test)

    workspace.FeedBlob("images", images[: options.batch])
    workspace.FeedBlob("labels", labels[: options.batch])
    workspace.RunNetOnce(train.param_init_net)
    workspace.CreateNet(train.net)
    workspace.CreateNet(test.net)
    examples = min(options.examples, len(images))
    for epoch in range(options.epochs):
        order = np.random.permutation(examples)
        for at in range(0, examples, options.batch):
            some = order[at : at + options.batch]
            workspace.FeedBlob("images", images[some])
            workspace.FeedBlob("labels", labels[some])
            workspace.RunNet(train.net)
        loss = workspace.FetchBlob("loss")
        print("epoch %d of %d: loss %.4f" % (epoch + 1, options.epochs, loss), flush=True)

    parameters = {str(name): workspace.FetchBlob(name) for name in test.params}
    np.savez(digits.result("model.npz"), **parameters)
    answers = []
    for at in range(0, len(test_images), 500):
        workspace.FeedBlob("images", test_images[at : at + 500])
        workspace.RunNet(test.net)
        answers.append(workspace.FetchBlob("classes").argmax(1))
    digits.end("caffe2", torch.__version__, np.mean(np.concatenate(answers) == test_labels))


if __name__ == "__main__":
    main(arguments())
