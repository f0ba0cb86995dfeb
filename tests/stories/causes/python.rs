//! Python programs that end with an exception, as they are printed by one process or many.

use super::{Way, way};

const CALLED: &str = "python3 train.py";

pub(super) const WAYS: &[Way] = &[
    way(
        "an exception",
        &[("train.py", "def f():\n    raise ValueError('bad value: 7')\nf()\n")],
        CALLED,
        ("exception", 1),
        &["ValueError: bad value: 7", "train.py, line 2"],
    ),
    way(
        "one of another while it is handled",
        &[("train.py", "try:\n    {}['a']\nexcept KeyError:\n    raise RuntimeError('no a')\n")],
        CALLED,
        ("exception", 1),
        &["RuntimeError: no a", "train.py, line 4"],
    ),
    way(
        "one that is raised from another",
        &[(
            "train.py",
            "try:\n    int('x')\nexcept ValueError as e:\n    raise LookupError('no number') from e\n",
        )],
        CALLED,
        ("exception", 1),
        &["LookupError: no number"],
    ),
    way(
        "one without a message",
        &[("train.py", "assert 1 == 2\n")],
        CALLED,
        ("exception", 1),
        &["AssertionError", "train.py, line 1"],
    ),
    way(
        "one whose message has lines",
        &[("train.py", "raise ValueError('shapes differ:\\n(3, 4)\\n(4, 3)')\n")],
        CALLED,
        ("exception", 1),
        &["ValueError: shapes differ: (3, 4)"],
    ),
    way(
        "one of a class in a function",
        &[("train.py", "def f():\n    class Odd(Exception): pass\n    raise Odd('it is')\nf()\n")],
        CALLED,
        ("exception", 1),
        &["Odd: it is"],
    ),
    way(
        "a group of exceptions",
        &[("train.py", "raise ExceptionGroup('two', [ValueError('inner'), KeyError('k')])\n")],
        CALLED,
        ("exception", 1),
        &["ExceptionGroup: two (2 sub-exceptions): ValueError: inner"],
    ),
    way(
        "one deep in a recursion",
        &[("train.py", "def f(n):\n    return f(n + 1)\nf(0)\n")],
        CALLED,
        ("exception", 1),
        &["RecursionError"],
    ),
    way(
        "code for Python 2",
        &[("train.py", "import sys\nprint 'epoch', 1\n")],
        CALLED,
        ("exception", 1),
        &["SyntaxError", "train.py, line 2", "another version of Python"],
    ),
    way(
        "a module that cannot be read",
        &[("train.py", "import model\n"), ("model.py", "x = = 1\n")],
        CALLED,
        ("exception", 1),
        &["SyntaxError: invalid syntax", "model.py, line 1"],
    ),
    way(
        "a bad indentation",
        &[("train.py", "def f():\nreturn 1\n")],
        CALLED,
        ("exception", 1),
        &["IndentationError"],
    ),
    way(
        "a module that is not there",
        &[("train.py", "import pandas_of_nowhere.core\n")],
        CALLED,
        ("import_error", 1),
        &["pandas_of_nowhere", "zip"],
    ),
    way(
        "a framework that is not there",
        &[("train.py", "import torch\n")],
        CALLED,
        ("import_error", 1),
        &["`torch`", "pytorch"],
    ),
    way(
        "a name that is not in its module",
        &[("train.py", "from os.path import comb\n")],
        CALLED,
        ("import_error", 1),
        &["cannot import name 'comb'"],
    ),
    way(
        "an import that is tried twice",
        &[("train.py", "try:\n    import cPickle_x\nexcept ImportError:\n    import pickle_x\n")],
        CALLED,
        ("import_error", 1),
        &["pickle_x"],
    ),
    way(
        "a module as a program, not there",
        &[],
        "python3 -m trainer.task",
        ("import_error", 1),
        &["trainer"],
    ),
    way(
        "a library that is not there",
        &[("train.py", "import ctypes\nctypes.CDLL('libnowhere.so.7')\n")],
        CALLED,
        ("import_error", 1),
        &["libnowhere.so.7"],
    ),
    way(
        "an encoding",
        &[("train.py", "open('x', 'wb').write(b'\\xff\\xfe\\xe4')\nopen('x').read()\n")],
        CALLED,
        ("exception", 1),
        &["UnicodeDecodeError", "encoding"],
    ),
    way(
        "a file that lies in DATA_DIR",
        &[("train.py", "open('mnist/Labels.csv')\n")],
        CALLED,
        ("exception", 1),
        &["FileNotFoundError", "lies in DATA_DIR"],
    ),
    way(
        "a file that is not in the data",
        &[("train.py", "import os\nopen(os.environ['DATA_DIR'] + '/valid.csv')\n")],
        CALLED,
        ("data_missing", 1),
        &["`valid.csv`", "spelling"],
    ),
    way(
        "a file of the data spelt otherwise",
        &[(
            "train.py",
            "import os\nopen(os.path.join(os.environ['DATA_DIR'], 'mnist', 'labels.csv'))\n",
        )],
        CALLED,
        ("data_missing", 1),
        &["`mnist/labels.csv`"],
    ),
    way(
        "a place that may not be written",
        &[("train.py", "open('/proc/sys/kernel/ostype', 'w')\n")],
        CALLED,
        ("exception", 1),
        &["PermissionError", "RESULT_DIR"],
    ),
    way(
        "too many open files",
        &[("train.py", "import os\nx = [open(os.devnull) for i in range(99)]\n")],
        "ulimit -n 32; python3 train.py",
        ("exception", 1),
        &["Too many open files", "fewer workers"],
    ),
    way(
        "an interruption",
        &[(
            "train.py",
            "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)\n",
        )],
        CALLED,
        ("signal", 130),
        &["SIGINT"],
    ),
    way(
        "a worker of a pool",
        &[(
            "train.py",
            "import multiprocessing\ndef f(n):\n    raise ValueError(f'part {n} is bad')\nif __name__ == '__main__':\n    with multiprocessing.Pool(2) as pool:\n        pool.map(f, [7])\n",
        )],
        CALLED,
        ("exception", 1),
        &["ValueError: part 7 is bad"],
    ),
    way(
        "a program that a program starts",
        &[
            (
                "train.py",
                "import subprocess, sys\nsubprocess.run([sys.executable, 'part.py'], check=True)\n",
            ),
            ("part.py", "raise OverflowError('the part is bad')\n"),
        ],
        CALLED,
        ("exception", 1),
        &["OverflowError: the part is bad", "part.py, line 1"],
    ),
    way(
        "a program below make",
        &[
            ("Makefile", "train:\n\t@python3 train.py\n"),
            ("train.py", "raise ValueError('made')\n"),
        ],
        "make train",
        ("exception", 2),
        &["ValueError: made"],
    ),
    way(
        "a script that tells the code",
        &[
            ("train.py", "raise ValueError('told')\n"),
            (
                "run.sh",
                "python3 train.py\ncode=$?\necho training failed with exit code $code\nexit $code\n",
            ),
        ],
        "sh run.sh",
        ("exception", 1),
        &["ValueError: told"],
    ),
    way(
        "a handler with a code of its own",
        &[(
            "train.py",
            "import sys, traceback\ntry:\n    raise ValueError('handled')\nexcept ValueError:\n    traceback.print_exc()\n    sys.exit(9)\n",
        )],
        CALLED,
        ("exception", 9),
        &["ValueError: handled"],
    ),
    way(
        "one with libraries that shut down behind it",
        &[(
            "train.py",
            "class Loader:\n    def __del__(self):\n        raise RuntimeError('closed')\nx = Loader()\nraise ValueError('first')\n",
        )],
        CALLED,
        ("exception", 1),
        &["ValueError: first"],
    ),
    way(
        "one of a launcher's processes",
        &[("train.py", TORCHRUN)],
        CALLED,
        ("exception", 1),
        &["ZeroDivisionError: division by zero"],
    ),
    way(
        "a worker of a data loader",
        &[("train.py", LOADER)],
        CALLED,
        ("exception", 1),
        &["KeyError: 'label'"],
    ),
];

/// What torchrun prints when one of its processes fails.
const TORCHRUN: &str = r#"import subprocess, sys
child = subprocess.run([sys.executable, "-c", "1 / 0"], capture_output=True, text=True)
for line in child.stderr.splitlines():
    print("[rank0]: " + line, file=sys.stderr)
print("E0712 10:11:12.345000 139 torch/distributed/elastic/multiprocessing/api.py:833] failed (exitcode: 1) local_rank: 0 (pid: 14) of binary: /usr/bin/python3", file=sys.stderr)
class ChildFailedError(Exception):
    pass
ChildFailedError.__module__ = "torch.distributed.elastic.multiprocessing.errors"
raise ChildFailedError("""
============================================================
train.py FAILED
------------------------------------------------------------
Failures:
  <NO_OTHER_FAILURES>
------------------------------------------------------------
Root Cause (first observed failure):
[0]:
  time      : 2024-07-12_10:11:12
  host      : localhost
  rank      : 0 (local_rank: 0)
  exitcode  : 1 (pid: 14)
  error_file: <N/A>
  traceback : To enable traceback see: https://pytorch.org/docs/stable/elastic/errors.html
============================================================""")
"#;

/// What PyTorch's data loader prints when a worker fails.
const LOADER: &str = r#"import traceback
try:
    {}["label"]
except KeyError:
    told = "Original " + traceback.format_exc()
class Wrapped(Exception):
    pass
raise RuntimeError("Caught KeyError in DataLoader worker process 0.\n" + told)
"#;
