"""A convolutional network of MXNet's Gluon learns handwritten digits.

Reads MNIST's four `.gz` files from DATA_DIR; writes the model and `evaluation.json` into RESULT_DIR.
"""

import argparse

import mxnet
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn

import digits


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=10000, help="how many to learn from")
    parser.add_argument("--epochs", type=int, default=2, help="how often to see each of them")
    parser.add_argument("--batch", type=int, default=64, help="how many at a time")
    return parser.parse_args()


def main(options):
    digits.begin("mxnet", mxnet.__version__)
    mxnet.random.seed(1)
    scaled = lambda images: images[:, None].astype(np.float32) / 255
    images, labels = scaled(digits.images("train")), digits.labels("train").astype(np.float32)
    test_images, test_labels = scaled(digits.images("t10k")), digits.labels("t10k")

    model = nn.HybridSequential()
    model.add(
        nn.Conv2D(16, 3, activation="relu"),
        nn.MaxPool2D(),
        nn.Conv2D(32, 3, activation="relu"),
        nn.MaxPool2D(),
        nn.Dense(10),
    )
    model.initialize(mxnet.init.Xavier())
    model.hybridize()
    trainer = gluon.Trainer(model.collect_params(), "adam")
    measure = gluon.loss.SoftmaxCrossEntropyLoss()
    examples = min(options.examples, len(images))
    learn = gluon.data.ArrayDataset(images[:examples], labels[:examples])
    for epoch in range(options.epochs):
        for some, answers in gluon.data.DataLoader(learn, options.batch, shuffle=True):
            with autograd.record():
                loss = measure(model(some), answers)
            loss.backward()
            trainer.step(len(some))
        value = loss.mean().asscalar()
        print("epoch %d of %d: loss %.4f" % (epoch + 1, options.epochs, value), flush=True)

    # model-symbol.json and model-0000.params
    model.export(digits.result("model"))
    answers = [
        model(mxnet.nd.array(test_images[at : at + 500])).asnumpy().argmax(1)
        for at in range(0, len(test_images), 500)
    ]
    digits.end("mxnet", mxnet.__version__, np.mean(np.concatenate(answers) == test_labels))


if __name__ == "__main__":
    main(arguments())
