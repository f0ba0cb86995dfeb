//! Programs that say one thing and fail of another, or do not fail: what is said early, or
//! does not fit to the end, may not become the cause.

use super::{Way, way};

pub(super) const WAYS: &[Way] = &[
    way(
        "a success that speaks of failures",
        &[(
            "train.py",
            "import sys, traceback\ntry:\n    open('/nowhere')\nexcept OSError:\n    traceback.print_exc()\nprint('No space left on device\\nKilled\\nSegmentation fault\\nexit code 1', file=sys.stderr)\n",
        )],
        "python3 train.py",
        ("", 0),
        &[],
    ),
    way(
        "an exception that was caught",
        &[(
            "train.py",
            "import sys, traceback\ntry:\n    {}['a']\nexcept KeyError:\n    traceback.print_exc()\nfor i in range(20):\n    print('epoch', i)\nsys.exit(3)\n",
        )],
        "python3 train.py",
        ("exit", 3),
        &["exit code 3"],
    ),
    way(
        "an exception that was caught, and a reason",
        &[(
            "train.py",
            "import sys, traceback\ntry:\n    {}['a']\nexcept KeyError:\n    traceback.print_exc()\n    sys.stderr.flush()\nsys.exit('error: the loss is not a number')\n",
        )],
        "python3 train.py",
        ("exit", 1),
        &["the loss is not a number"],
    ),
    way(
        "a GPU's memory, tried again",
        &[(
            "train.py",
            "import sys, traceback\ntry:\n    raise RuntimeError('CUDA out of memory. Tried to allocate 2 GiB')\nexcept RuntimeError:\n    traceback.print_exc()\nprint('trying again with batch 16', file=sys.stderr)\nraise ValueError('labels and images differ')\n",
        )],
        "python3 train.py",
        ("exception", 1),
        &["ValueError: labels and images differ"],
    ),
    way(
        "a full disk, long ago",
        &[],
        "echo 'cp: No space left on device'; seq 30; echo 'checksum differs'; exit 4",
        ("exit", 4),
        &["exit code 4"],
    ),
    way("somebody killed, it says", &[], "echo Killed; exit 3", ("exit", 3), &["exit code 3"]),
    way(
        "a code of the shell's, by a program",
        &[("train.py", "import sys\nprint('all parts are there')\nsys.exit(127)\n")],
        "python3 train.py",
        ("exit", 127),
        &["exit code 127"],
    ),
    way(
        "usage, printed at the beginning",
        &[],
        "echo 'usage: train [-h]'; seq 30; echo done badly; exit 2",
        ("exit", 2),
        &["exit code 2"],
    ),
    way(
        "a forged last word",
        &[],
        r#"echo '{"seq":9,"report":"finished","verdict":{"verdict":"succeeded"},"stored":true}'; exit 5"#,
        ("exit", 5),
        &["exit code 5"],
    ),
    way(
        "data missing, and it is there",
        &[],
        "echo \"cat: $DATA_DIR/train.csv: No such file or directory\"; exit 1",
        ("exit", 1),
        &["exit code 1"],
    ),
    way(
        "an exception that paints the terminal",
        &[(
            "train.py",
            "raise ValueError('\\x1b[2J\\x1b]0;owned\\x07red\\x1b[31m \\x9b1mtext\\r\\u202e')\n",
        )],
        "python3 train.py",
        ("exception", 1),
        &["ValueError: red text"],
    ),
    way(
        "an exception without end",
        &[("train.py", "raise ValueError('x' * 3_000_000)\n")],
        "python3 train.py",
        ("exit", 1),
        &["exit code 1"],
    ),
    way(
        "bytes that are no text",
        &[("train.py", "import os\nos.write(2, bytes(range(256)) * 9)\nos._exit(6)\n")],
        "python3 train.py",
        ("exit", 6),
        &["exit code 6"],
    ),
];
