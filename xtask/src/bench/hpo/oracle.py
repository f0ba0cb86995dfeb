"""The objectives of the bench, and Optuna's samplers on them.

    oracle.py measure DIGITS
        reads {"objective", "seed", "parameters"} line by line, answers each with a number
    oracle.py optuna DIGITS OBJECTIVE SAMPLER TRIALS SEED...
        prints the best value of a study for each seed

Values are to be minimized. DIGITS is a folder with MNIST's four files. Both sides
measure with the same functions; a study's seed is also that of its trainings.
"""

import functools
import gzip
import json
import math
import pathlib
import sys

import numpy as np


def branin(p, seed):
    """Dixon and Szegö, 1978; three minima of 0.397887."""
    x, y = p["x"], p["y"]
    valley = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return valley**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


HEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
STEEPNESS = np.array([
    [10, 3, 17, 3.5, 1.7, 8],
    [0.05, 10, 17, 0.1, 8, 14],
    [3, 3.5, 1.7, 10, 17, 8],
    [17, 8, 0.05, 10, 0.1, 14],
])
CENTRES = 1e-4 * np.array([
    [1312, 1696, 5569, 124, 8283, 5886],
    [2329, 4135, 8307, 3736, 1004, 9991],
    [2348, 1451, 3522, 2883, 3047, 6650],
    [4047, 8828, 8732, 5743, 1091, 381],
])


def hartmann6(p, seed):
    """Dixon and Szegö, 1978; one minimum of -3.32237, and others."""
    x = np.array([p[f"x{n}"] for n in range(6)])
    return -float(HEIGHTS @ np.exp(-(STEEPNESS * (x - CENTRES) ** 2).sum(axis=1)))


@functools.cache
def digits(folder):
    """Images as rows of 0 to 1, and labels, to learn from and to measure with."""

    def read(name, head):
        content = gzip.open(pathlib.Path(folder) / name).read()
        return np.frombuffer(content, np.uint8, offset=head)

    def pair(prefix):
        images = read(f"{prefix}-images-idx3-ubyte.gz", 16).reshape(-1, 784)
        return images.astype(np.float32) / 255, read(f"{prefix}-labels-idx1-ubyte.gz", 8)

    return pair("train") + pair("t10k")


ACTIVATIONS = {
    "relu": (lambda a: np.maximum(a, 0), lambda h: h > 0),
    "tanh": (np.tanh, lambda h: 1 - h * h),
    "logistic": (lambda a: 1 / (1 + np.exp(-a)), lambda h: h * (1 - h)),
}


def mnist(p, seed):
    """The cross-entropy of a network with one hidden layer on digits that it has not seen.

    Of two thousand digits it is a better measure than the share of those that are
    taken for others, which differs by half a percent from one order of the same digits to another.
    It is no number where the training has diverged.
    """
    images, labels, unseen, answers = digits(sys.argv[2])
    rng = np.random.default_rng(seed)
    hidden, batch, rate = int(p["hidden"]), int(p["batch"]), np.float32(p["rate"])
    l2, momentum = np.float32(p["l2"]), np.float32(p["momentum"])
    bend, slope = ACTIVATIONS[p["activation"]]
    wanted = np.eye(10, dtype=np.float32)[labels]

    def layer(rows, columns):
        spread = math.sqrt(2 / (rows + columns))
        return rng.normal(0, spread, (rows, columns)).astype(np.float32)

    weights = [layer(784, hidden), np.zeros(hidden, np.float32),
               layer(hidden, 10), np.zeros(10, np.float32)]
    speed = [np.zeros_like(weight) for weight in weights]

    def forward(rows):
        inner = bend(rows @ weights[0] + weights[1])
        outer = inner @ weights[2] + weights[3]
        return inner, outer

    with np.errstate(all="ignore"):
        for _ in range(int(p["epochs"])):
            order = rng.permutation(len(images))
            for start in range(0, len(order), batch):
                chosen = order[start:start + batch]
                rows = images[chosen]
                inner, outer = forward(rows)
                odds = np.exp(outer - outer.max(axis=1, keepdims=True))
                error = odds / odds.sum(axis=1, keepdims=True) - wanted[chosen]
                error /= np.float32(len(chosen))
                back = (error @ weights[2].T) * slope(inner)
                gradients = [rows.T @ back + l2 * weights[0], back.sum(axis=0),
                             inner.T @ error + l2 * weights[2], error.sum(axis=0)]
                for weight, moving, gradient in zip(weights, speed, gradients):
                    moving *= momentum
                    moving -= rate * gradient
                    weight += moving
        outer = forward(unseen)[1].astype(np.float64)
        outer -= outer.max(axis=1, keepdims=True)
        right = outer[np.arange(len(answers)), answers]
        return float(np.mean(np.log(np.exp(outer).sum(axis=1)) - right))


OBJECTIVES = {"branin": branin, "hartmann6": hartmann6, "mnist": mnist}


def measure():
    for line in sys.stdin:
        ask = json.loads(line)
        value = OBJECTIVES[ask["objective"]](ask["parameters"], ask["seed"])
        print(repr(value), flush=True)


def suggest(trial, objective):
    """The same spaces as in hpo.rs."""
    real, pick = trial.suggest_float, trial.suggest_categorical
    if objective == "branin":
        return {"x": real("x", -5, 10), "y": real("y", 0, 15)}
    if objective == "hartmann6":
        return {f"x{n}": real(f"x{n}", 0, 1) for n in range(6)}
    return {
        "rate": real("rate", 1e-4, 1, log=True),
        "l2": real("l2", 1e-7, 1e-1, log=True),
        "momentum": real("momentum", 0, 0.99),
        "hidden": 2 ** trial.suggest_int("hidden", 3, 6),
        "batch": 2 ** trial.suggest_int("batch", 3, 7),
        "activation": pick("activation", list(ACTIVATIONS)),
        "epochs": 9,
    }


def optuna_studies(objective, sampler, trials, seeds):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    samplers = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}
    for seed in seeds:
        study = optuna.create_study(sampler=samplers[sampler](seed=seed))
        function = OBJECTIVES[objective]
        study.optimize(lambda trial: function(suggest(trial, objective), seed), n_trials=trials)
        print(repr(study.best_value), flush=True)


if sys.argv[1] == "measure":
    measure()
else:
    optuna_studies(sys.argv[3], sys.argv[4], int(sys.argv[5]), [int(seed) for seed in sys.argv[6:]])
