"""Reads MNIST's four files: gzip around the IDX format.

An IDX file begins with two zero bytes, a byte for the type of its values
(8: unsigned bytes) and a byte for the number of dimensions; then each
dimension's size as a big-endian 32-bit number; then the values.
"""

import gzip
import struct
import zlib

import numpy as np

UNSIGNED_BYTES = 8


class BadInput(Exception):
    """A file that is not what its place asks for."""


class DataSet(object):
    """Images as floats from 0 to 1, shaped (n, height, width, 1), and their labels."""

    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def batches(self, size, examples, seed):
        """Yields (images, labels) until `examples` have been given out.

        Every pass over the data is in a new random order; the last batch may
        be smaller.
        """
        random = np.random.RandomState(seed)
        order = np.empty(0, dtype=np.int64)
        left = examples
        while left > 0:
            want = min(size, left)
            while len(order) < want:
                order = np.concatenate([order, random.permutation(len(self))])
            chosen, order = order[:want], order[want:]
            left -= want
            yield self.images[chosen], self.labels[chosen]

    def in_order(self, size):
        """Yields (images, labels), each example once."""
        for start in range(0, len(self), size):
            yield self.images[start:start + size], self.labels[start:start + size]


def read_data_set(images_path, labels_path):
    """Reads a file of images and the file of their labels."""
    images = read_idx(images_path, dimensions=3)
    labels = read_idx(labels_path, dimensions=1)
    if len(images) != len(labels):
        raise BadInput("%s holds %d images, but %s holds %d labels"
                       % (images_path, len(images), labels_path, len(labels)))
    if len(images) == 0:
        raise BadInput("%s holds no images" % images_path)
    if labels.max() > 9:
        raise BadInput("%s holds the label %d; digits are 0 to 9"
                       % (labels_path, labels.max()))
    return DataSet(images[..., np.newaxis].astype(np.float32) / 255.0, labels.astype(np.int64))


def read_idx(path, dimensions):
    """Reads one gzipped IDX file of unsigned bytes with so many dimensions."""
    try:
        with gzip.open(path, "rb") as packed:
            content = packed.read()
    except (IOError, OSError, EOFError, zlib.error) as problem:
        raise BadInput("cannot read %s: %s" % (path, problem))

    head = 4 + 4 * dimensions
    if len(content) < head or content[:2] != b"\0\0":
        raise BadInput("%s is not an IDX file" % path)
    kind, found = struct.unpack(">BB", content[2:4])
    if kind != UNSIGNED_BYTES or found != dimensions:
        raise BadInput("%s holds values of type %d in %d dimensions; unsigned bytes (%d) in %d were expected"
                       % (path, kind, found, UNSIGNED_BYTES, dimensions))
    shape = struct.unpack(">%dI" % dimensions, content[4:head])
    values = np.frombuffer(content, dtype=np.uint8, offset=head)
    if values.size != np.prod(shape, dtype=np.int64):
        raise BadInput("%s promises %s values and holds %d"
                       % (path, " x ".join(str(size) for size in shape), values.size))
    return values.reshape(shape)
