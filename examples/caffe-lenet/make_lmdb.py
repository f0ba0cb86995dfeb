"""Makes the two LMDB databases that Caffe reads: train_lmdb and test_lmdb, from MNIST's four `.gz` files in DATA_DIR.

Runs before `caffe train`, in the same command. It needs Python's lmdb and no Caffe: the databases can as well be made
once, and be stored beside each other in the data's container.
"""

import argparse
import os
import shutil

import lmdb

import digits

# The fields of Caffe's Datum, as bytes of protocol buffers: the field's number and kind, before its value.
CHANNELS, HEIGHT, WIDTH, DATA, LABEL = b"\x08", b"\x10", b"\x18", b"\x22", b"\x28"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", default=".", metavar="FOLDER", help="where the databases are to be")
    parser.add_argument("--examples", type=int, default=20000, help="how many to learn from")
    return parser.parse_args()


def varint(number):
    """Seven bits a byte, the lowest first; every byte but the last has its highest bit set."""
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def datum(image, label):
    """An image with its label, as Caffe's data layer expects them."""
    height, width = image.shape
    size = CHANNELS + varint(1) + HEIGHT + varint(height) + WIDTH + varint(width)
    return size + DATA + varint(image.size) + image.tobytes() + LABEL + varint(int(label))


def make(path, part, most):
    images, labels = digits.images(part)[:most], digits.labels(part)[:most]
    # A run that starts over begins with an empty database.
    shutil.rmtree(path, ignore_errors=True)
    # An upper bound of the file's size; the file takes what is put into it.
    database = lmdb.open(path, map_size=max(4 * images.nbytes, 1 << 20))
    with database.begin(write=True) as transaction:
        for at, (image, label) in enumerate(zip(images, labels)):
            # Caffe reads in the order of the keys.
            transaction.put(b"%08d" % at, datum(image, label), append=True)
    database.close()
    print("%s: %d images" % (path, len(images)), flush=True)


def main(options):
    try:
        import caffe
    except ImportError:
        pass  # made in advance, where no Caffe is
    else:
        digits.begin("caffe", caffe.__version__)
    make(os.path.join(options.into, "train_lmdb"), "train", options.examples)
    make(os.path.join(options.into, "test_lmdb"), "t10k", None)


if __name__ == "__main__":
    main(arguments())
