"""A convolutional network of MXNet learns handwritten digits. Runs on MXNet 0.10 and on MXNet 1.

Reads MNIST's four `.gz` files from DATA_DIR; writes the model and `evaluation.json` into RESULT_DIR.
"""

import argparse

import mxnet
import numpy as np

import digits


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=10000, help="how many to learn from")
    parser.add_argument("--epochs", type=int, default=2, help="how often to see each of them")
    parser.add_argument("--batch", type=int, default=50, help="how many at a time")
    return parser.parse_args()


def network():
    layer = mxnet.sym.Variable("data")
    for maps in (16, 32):
        layer = mxnet.sym.Convolution(layer, kernel=(3, 3), num_filter=maps)
        layer = mxnet.sym.Activation(layer, act_type="relu")
        layer = mxnet.sym.Pooling(layer, kernel=(2, 2), stride=(2, 2), pool_type="max")
    layer = mxnet.sym.FullyConnected(mxnet.sym.Flatten(layer), num_hidden=10)
    return mxnet.sym.SoftmaxOutput(layer, name="softmax")


def main(options):
    digits.begin("mxnet", mxnet.__version__)
    mxnet.random.seed(1)
    np.random.seed(1)
    scaled = lambda images: images[:, None].astype(np.float32) / 255
    chosen = slice(0, options.examples)
    images, labels = scaled(digits.images("train"))[chosen], digits.labels("train")[chosen].astype(np.float32)
    test_images, test_labels = scaled(digits.images("t10k")), digits.labels("t10k")

    learn = mxnet.io.NDArrayIter(images, labels, options.batch, shuffle=True)
    model = mxnet.mod.Module(network())
    model.bind(learn.provide_data, learn.provide_label)
    model.init_params(mxnet.init.Xavier())
    model.init_optimizer(optimizer="adam", optimizer_params={"learning_rate": 0.001})
    right = mxnet.metric.Accuracy()
    for epoch in range(options.epochs):
        learn.reset()
        right.reset()
        for some in learn:
            model.forward(some, is_train=True)
            model.update_metric(right, some.label)
            model.backward()
            model.update()
        print("epoch %d of %d: %.4f right" % (epoch + 1, options.epochs, right.get()[1]), flush=True)

    # model-symbol.json and model-0000.params
    model.save_checkpoint(digits.result("model"), 0)
    test = mxnet.io.NDArrayIter(test_images, batch_size=500)
    model.bind(test.provide_data, for_training=False, force_rebind=True)
    answers = model.predict(test)
    digits.end("mxnet", mxnet.__version__, np.mean(answers.asnumpy().argmax(1) == test_labels))


if __name__ == "__main__":
    main(arguments())
