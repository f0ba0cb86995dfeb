"""Measures what `caffe train` has learned on the test digits, and leaves `evaluation.json` beside it in RESULT_DIR."""

import os
import shutil
import sys

# Caffe describes each layer of a net that it opens; `caffe train` has said all of that already.
os.environ.setdefault("GLOG_minloglevel", "2")

import caffe

import digits

NET = "net.prototxt"
BATCHES = 100  # of 100 images each, as the net's data layer reads them: the whole test set


def main(weights):
    caffe.set_mode_cpu()
    net = caffe.Net(NET, caffe.TEST, weights=weights)
    accuracy = sum(float(net.forward()["accuracy"]) for _ in range(BATCHES)) / BATCHES
    # Weights are of no use without the net they belong to.
    shutil.copy(NET, digits.result(NET))
    digits.end("caffe", caffe.__version__, accuracy)


if __name__ == "__main__":
    main(sys.argv[1])
