"""A convolutional network of PyTorch learns handwritten digits. Runs on PyTorch 1.0 and on PyTorch 2.

Reads MNIST's four `.gz` files from DATA_DIR; writes the model and `evaluation.json` into RESULT_DIR.
"""

import argparse

import numpy as np
import torch
from torch import nn

import digits


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=10000, help="how many to learn from")
    parser.add_argument("--epochs", type=int, default=2, help="how often to see each of them")
    parser.add_argument("--batch", type=int, default=64, help="how many at a time")
    return parser.parse_args()


class Network(nn.Module):
    def __init__(self):
        super(Network, self).__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.classes = nn.Linear(32 * 5 * 5, 10)

    def forward(self, images):
        return self.classes(self.features(images).flatten(1))


def main(options):
    digits.begin("torch", torch.__version__)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print("computing on the %s" % device, flush=True)
    torch.manual_seed(1)
    scaled = lambda images: torch.from_numpy(images[:, None].astype(np.float32) / 255).to(device)
    whole = lambda labels: torch.from_numpy(labels.astype(np.int64)).to(device)
    images, labels = scaled(digits.images("train")), whole(digits.labels("train"))
    test_images, test_labels = scaled(digits.images("t10k")), whole(digits.labels("t10k"))

    model = Network().to(device)
    optimizer = torch.optim.Adam(model.parameters())
    examples = min(options.examples, len(images))
    for epoch in range(options.epochs):
        for chosen in torch.randperm(examples).split(options.batch):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images[chosen]), labels[chosen])
            loss.backward()
            optimizer.step()
        print("epoch %d of %d: loss %.4f" % (epoch + 1, options.epochs, loss.item()), flush=True)

    torch.save(model.state_dict(), digits.result("model.pt"))
    with torch.no_grad():
        right = sum(
            (model(some).argmax(1) == answers).sum().item()
            for some, answers in zip(test_images.split(500), test_labels.split(500))
        )
    digits.end("torch", torch.__version__, right / len(test_labels))


if __name__ == "__main__":
    main(arguments())
