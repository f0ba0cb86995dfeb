//! Programs that run out of something: memory, room, a GPU, a host that answers.

use super::{Way, way};

const CALLED: &str = "python3 train.py";

pub(super) const WAYS: &[Way] = &[
    way(
        "memory, in Python",
        &[("train.py", "x = bytearray(10 ** 12)\n")],
        "ulimit -v 2000000; python3 train.py",
        ("out_of_memory", 1),
        &["out of memory", "MemoryError", "smaller batches"],
    ),
    way(
        "memory, as NumPy tells it",
        &[("train.py", NUMPY)],
        CALLED,
        ("out_of_memory", 1),
        &["Unable to allocate 7.45 GiB"],
    ),
    way(
        "memory, for a process to be forked",
        &[("train.py", "import os, errno\nraise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))\n")],
        CALLED,
        ("out_of_memory", 1),
        &["Cannot allocate memory"],
    ),
    way(
        "memory, in C",
        &[(
            "train.c",
            "#include <stdio.h>\n#include <stdlib.h>\nint main(void) { if (!malloc(1UL << 46)) { perror(\"weights\"); return 4; } return 0; }\n",
        )],
        "gcc -w -o train train.c && ulimit -v 100000 && ./train",
        ("out_of_memory", 4),
        &["weights: Cannot allocate memory"],
    ),
    way(
        "memory, in C++",
        &[("train.cc", "#include <new>\nint main() { char *p = new char[1UL << 46]; return p != 0; }\n")],
        "g++ -w -o train train.cc && ulimit -v 100000 && ./train",
        ("out_of_memory", 134),
        &["std::bad_alloc"],
    ),
    way(
        "memory, on a CPU, as JAX tells it",
        &[("train.py", JAX)],
        CALLED,
        ("out_of_memory", 1),
        &["Out of memory allocating"],
    ),
    way(
        "a GPU's memory, in PyTorch",
        &[("train.py", TORCH)],
        CALLED,
        ("gpu_out_of_memory", 1),
        &["a GPU ran out of memory", "CUDA out of memory"],
    ),
    way(
        "a GPU's memory, in TensorFlow",
        &[("train.py", TENSORFLOW)],
        CALLED,
        ("gpu_out_of_memory", 1),
        &["a GPU ran out of memory"],
    ),
    way(
        "a GPU's memory, one process of many",
        &[("train.py", RANKS)],
        CALLED,
        ("gpu_out_of_memory", 1),
        &["CUDA out of memory"],
    ),
    way(
        "a GPU that is not there",
        &[("train.py", "raise RuntimeError('No CUDA GPUs are available')\n")],
        CALLED,
        ("gpu_unavailable", 1),
        &["No CUDA GPUs", "the run had no GPU"],
    ),
    way(
        "a framework without GPUs",
        &[("train.py", "raise AssertionError('Torch not compiled with CUDA enabled')\n")],
        CALLED,
        ("gpu_unavailable", 1),
        &["Torch not compiled with CUDA"],
    ),
    way(
        "a model of a GPU, read without one",
        &[("train.py", "raise RuntimeError('Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are running on a CPU-only machine, please use torch.load with map_location')\n")],
        CALLED,
        ("gpu_unavailable", 1),
        &["deserialize"],
    ),
    way(
        "room on the disk, in Python",
        &[("train.py", "with open('/dev/full', 'w') as f:\n    f.write('weights')\n")],
        CALLED,
        ("disk_full", 1),
        &["No space left on device"],
    )
    .of_the_service(),
    way(
        "room on the disk, in a tool",
        &[],
        "cp readme.txt /dev/full",
        ("disk_full", 1),
        &["cp: error writing '/dev/full'"],
    )
    .of_the_service(),
    way(
        "room on the disk, behind a wrapper",
        &[(
            "train.py",
            "class SaveError(Exception): pass\ntry:\n    with open('/dev/full', 'w') as f:\n        f.write('weights')\nexcept OSError as e:\n    raise SaveError('checkpoint 3') from e\n",
        )],
        CALLED,
        ("disk_full", 1),
        &["SaveError: checkpoint 3"],
    )
    .of_the_service(),
    way(
        "a quota",
        &[("train.py", "import os, errno\nraise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), 'weights.h5')\n")],
        CALLED,
        ("quota", 1),
        &["Disk quota exceeded"],
    )
    .of_the_service(),
    way(
        "shared memory, a worker",
        &[("train.py", "raise RuntimeError('DataLoader worker (pid(s) 41) exited unexpectedly') from RuntimeError(\"unable to write to file </torch_41_3812_0>: No space left on device (28)\")\n")],
        CALLED,
        ("shared_memory_full", 1),
        &["shared memory is full", "fewer workers"],
    )
    .of_the_service(),
    way(
        "shared memory, a bus error",
        &[(
            "train.py",
            "import os, signal, sys\nprint('ERROR: Unexpected bus error encountered in worker. This might be caused by insufficient shared memory (shm).', file=sys.stderr)\nsys.stderr.flush()\nos.kill(os.getpid(), signal.SIGBUS)\n",
        )],
        CALLED,
        ("shared_memory_full", 135),
        &["shared memory is full"],
    )
    .of_the_service(),
    way(
        "somebody who listens",
        &[("train.py", "import socket\nsocket.create_connection(('127.0.0.1', 9), 3)\n")],
        CALLED,
        ("host_unreachable", 1),
        &["Connection refused", "data container"],
    ),
    way(
        "a name that means a host",
        &[("train.py", "import urllib.request\nurllib.request.urlopen('http://weights.invalid/x')\n")],
        CALLED,
        ("host_unreachable", 1),
        &["could not reach a host", "URLError"],
    ),
    way(
        "a host, for a tool",
        &[],
        "curl http://weights.invalid/x",
        ("host_unreachable", 6),
        &["Could not resolve host"],
    ),
];

const NUMPY: &str = r#"class _ArrayMemoryError(MemoryError):
    def __str__(self):
        return "Unable to allocate 7.45 GiB for an array with shape (1000000000,) and data type float64"
_ArrayMemoryError.__module__ = "numpy.core._exceptions"
raise _ArrayMemoryError()
"#;

const JAX: &str = r#"class XlaRuntimeError(RuntimeError):
    pass
XlaRuntimeError.__module__ = "jaxlib.xla_extension"
raise XlaRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 4000000000000 bytes.")
"#;

const TORCH: &str = r#"class OutOfMemoryError(RuntimeError):
    pass
OutOfMemoryError.__module__ = "torch"
raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 79.15 GiB of which 9.25 MiB is free. If reserved but unallocated memory is large try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid fragmentation.  See documentation for Memory Management")
"#;

const TENSORFLOW: &str = r#"import sys
print("2024-07-12 10:11:12.345678: W external/local_tsl/tsl/framework/bfc_allocator.cc:497] Allocator (GPU_0_bfc) ran out of memory trying to allocate 64.00GiB", file=sys.stderr)
class ResourceExhaustedError(Exception):
    pass
ResourceExhaustedError.__module__ = "tensorflow.python.framework.errors_impl"
raise ResourceExhaustedError("""Graph execution error:

Detected at node 'model/dense/MatMul' defined at (most recent call last):
    File "train.py", line 40, in <module>
      model.fit(x, y)
Node: 'model/dense/MatMul'
OOM when allocating tensor with shape[4096,4096] and type float on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc
	 [[{{node model/dense/MatMul}}]]
Hint: If you want to see a list of allocated tensors when OOM happens, add report_tensor_allocations_upon_oom to RunOptions for current allocation info. This isn't available when running in Eager mode.
 [Op:__inference_train_function_1234]""")
"#;

const RANKS: &str = r#"import sys
for line in ["Traceback (most recent call last):", '  File "/x/train.py", line 9, in <module>', "    loss.backward()", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 1 has"]:
    print("[rank1]: " + line, file=sys.stderr)
print("[rank0]:[W712 10:11:12.345678 ProcessGroupNCCL.cpp:1168] Warning: WARNING: process group has NOT been destroyed before we destruct ProcessGroupNCCL.", file=sys.stderr)
sys.exit(1)
"#;
