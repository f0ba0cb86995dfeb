"""A network written in Theano learns handwritten digits.

Reads MNIST's four `.gz` files from DATA_DIR; writes the model and `evaluation.json` into RESULT_DIR.
"""

import argparse

import numpy as np
import theano
import theano.tensor as T

import digits


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=20000, help="how many to learn from")
    parser.add_argument("--epochs", type=int, default=5, help="how often to see each of them")
    parser.add_argument("--batch", type=int, default=100, help="how many at a time")
    parser.add_argument("--rate", type=float, default=0.5, help="the learning rate")
    return parser.parse_args()


def layers(random, sizes):
    """Weights and biases of each layer, by He's rule."""
    return [
        (
            theano.shared((random.randn(n, m) * np.sqrt(2 / n)).astype(theano.config.floatX)),
            theano.shared(np.zeros(m, theano.config.floatX)),
        )
        for n, m in zip(sizes, sizes[1:])
    ]


def predict(model, images):
    *hidden, (weights, biases) = model
    for w, b in hidden:
        images = T.nnet.relu(T.dot(images, w) + b)
    return T.nnet.softmax(T.dot(images, weights) + biases)


def main(options):
    digits.begin("theano", theano.__version__)
    print("compiling with %s" % (theano.config.cxx or "no C++ compiler"), flush=True)
    # Theano computes with double precision unless told otherwise: twice the work for the same accuracy.
    theano.config.floatX = "float32"
    flat = lambda images: images.reshape(len(images), -1).astype(np.float32) / 255
    examples = min(options.examples, len(digits.labels("train")))
    # Shared variables stay where Theano computes: a step is told only where its batch begins.
    images = theano.shared(flat(digits.images("train")[:examples]))
    labels = theano.shared(digits.labels("train")[:examples].astype(np.int32))

    model = layers(np.random.RandomState(1), (784, 256, 10))
    some, answers, at = T.matrix("images"), T.ivector("labels"), T.lscalar("at")
    loss = T.nnet.categorical_crossentropy(predict(model, some), answers).mean()
    weights = [array for layer in model for array in layer]
    batch = slice(at, at + options.batch)
    step = theano.function(
        [at],
        loss,
        updates=[(w, w - np.float32(options.rate) * slope) for w, slope in zip(weights, T.grad(loss, weights))],
        givens={some: images[batch], answers: labels[batch]},
    )
    classes = theano.function([some], predict(model, some).argmax(axis=1))

    for epoch in range(options.epochs):
        for begin in range(0, examples - options.batch + 1, options.batch):
            value = step(begin)
        print("epoch %d of %d: loss %.4f" % (epoch + 1, options.epochs, value), flush=True)

    arrays = {"%s%d" % (name, at): w.get_value() for at, layer in enumerate(model) for name, w in zip("wb", layer)}
    np.savez(digits.result("model.npz"), **arrays)
    right = classes(flat(digits.images("t10k"))) == digits.labels("t10k")
    digits.end("theano", theano.__version__, right.mean())


if __name__ == "__main__":
    main(arguments())
