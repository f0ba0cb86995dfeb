"""A network written in JAX learns handwritten digits.

Reads MNIST's four `.gz` files from DATA_DIR; writes the model and `evaluation.json` into RESULT_DIR.
"""

import argparse

import jax
import jax.numpy as jnp
import numpy as np

import digits


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=20000, help="how many to learn from")
    parser.add_argument("--epochs", type=int, default=5, help="how often to see each of them")
    parser.add_argument("--batch", type=int, default=100, help="how many at a time")
    parser.add_argument("--rate", type=float, default=0.1, help="the learning rate")
    return parser.parse_args()


def layers(key, sizes):
    """Weights and biases of each layer, by He's rule."""
    keys = jax.random.split(key, len(sizes) - 1)
    return [
        (jax.random.normal(key, (n, m)) * jnp.sqrt(2 / n), jnp.zeros(m))
        for key, n, m in zip(keys, sizes, sizes[1:])
    ]


def predict(model, images):
    *hidden, (weights, biases) = model
    for w, b in hidden:
        images = jax.nn.relu(images @ w + b)
    return jax.nn.log_softmax(images @ weights + biases)


def loss(model, images, labels):
    return -jnp.mean(jnp.take_along_axis(predict(model, images), labels[:, None], axis=1))


@jax.jit
def step(model, images, labels, rate):
    value, gradient = jax.value_and_grad(loss)(model, images, labels)
    return jax.tree.map(lambda weight, slope: weight - rate * slope, model, gradient), value


def main(options):
    digits.begin("jax", jax.__version__)
    flat = lambda images: jnp.asarray(images.reshape(len(images), -1), jnp.float32) / 255
    images, labels = flat(digits.images("train")), jnp.asarray(digits.labels("train"), jnp.int32)
    test_images, test_labels = flat(digits.images("t10k")), digits.labels("t10k")

    model = layers(jax.random.key(1), (784, 256, 10))
    examples = min(options.examples, len(images))
    for epoch in range(options.epochs):
        for at in range(0, examples - options.batch + 1, options.batch):
            chosen = slice(at, at + options.batch)
            model, value = step(model, images[chosen], labels[chosen], options.rate)
        print("epoch %d of %d: loss %.4f" % (epoch + 1, options.epochs, value), flush=True)

    arrays = {"%s%d" % (name, at): array for at, layer in enumerate(model) for name, array in zip("wb", layer)}
    np.savez(digits.result("model.npz"), **arrays)
    digits.end("jax", jax.__version__, np.mean(predict(model, test_images).argmax(axis=1) == test_labels))


if __name__ == "__main__":
    main(arguments())
