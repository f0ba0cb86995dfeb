//! Programs that a signal ends, their own doing or the kernel's.

use super::{Way, way};

pub(super) const WAYS: &[Way] = &[
    way(
        "a crash in Python",
        &[("train.py", "import ctypes\nctypes.string_at(0)\n")],
        "python3 train.py",
        ("signal", 139),
        &["SIGSEGV", "crash"],
    ),
    way(
        "a crash below a shell script",
        &[
            ("run.sh", "echo begins\npython3 train.py\nexit $?\n"),
            ("train.py", "import ctypes\nctypes.string_at(0)\n"),
        ],
        "sh run.sh",
        ("signal", 139),
        &["SIGSEGV"],
    ),
    way(
        "an assertion in C",
        &[(
            "train.c",
            "#include <assert.h>\nint main(int n, char **v) { assert(n == 7); return 0; }\n",
        )],
        "gcc -o train train.c && ./train",
        ("signal", 134),
        &["SIGABRT", "Assertion `n == 7' failed"],
    ),
    way(
        "an exception in C++",
        &[(
            "train.cc",
            "#include <stdexcept>\nint main() { throw std::runtime_error(\"no weights\"); }\n",
        )],
        "g++ -o train train.cc && ./train",
        ("signal", 134),
        &["std::runtime_error: no weights"],
    ),
    way(
        "memory that is freed twice",
        &[(
            "train.c",
            "#include <stdlib.h>\nint main(void) { char *p = malloc(9); free(p); free(p); return 0; }\n",
        )],
        "gcc -w -o train train.c && ./train",
        ("signal", 134),
        &["double free"],
    ),
    way(
        "an instruction of another processor",
        &[("train.c", "int main(void) { __builtin_trap(); }\n")],
        "gcc -o train train.c && ./train",
        ("signal", 132),
        &["SIGILL", "newer processor"],
    ),
    way(
        "a file that is shorter than its mapping",
        &[(
            "train.py",
            "import mmap\nf = open('x', 'w+b')\nf.truncate(8192)\nm = mmap.mmap(f.fileno(), 8192)\nf.truncate(0)\nm[5000]\n",
        )],
        "python3 train.py",
        ("signal", 135),
        &["SIGBUS"],
    ),
    way(
        "a division by zero in C",
        &[("train.c", "int main(int n, char **v) { volatile int z = n - 1; return 3 / z; }\n")],
        "gcc -o train train.c && ./train",
        ("signal", 136),
        &["SIGFPE"],
    ),
    way("somebody who kills it", &[], "kill -9 $$", ("signal", 137), &["SIGKILL"]),
    way("somebody who asks it to end", &[], "kill -TERM $$", ("signal", 143), &["SIGTERM"]),
    way(
        "its own limit of processor time",
        &[("train.py", "while True: pass\n")],
        "ulimit -St 1; python3 train.py",
        ("signal", 152),
        &["SIGXCPU", "processor time"],
    ),
];
