//! Words of libraries and of the system by which a want of memory, room, a GPU or a host
//! is known, whoever says them.

use trainyard_model::cause::{Cause, CauseKind};

use super::said::{Said, cut};
use super::{Scene, missing, noise};

pub(super) const LESS_MEMORY: &str =
    "use smaller batches or a smaller model, or a machine with more memory";

const GPU_MEMORY: [&str; 8] = [
    "cuda out of memory",
    "cuda error: out of memory",
    "cuda_error_out_of_memory",
    "hip out of memory",
    "mps backend out of memory",
    "cublas_status_alloc_failed",
    "cudnn_status_alloc_failed",
    "cudaerrormemoryallocation",
];

const NO_GPU: [&str; 11] = [
    "no cuda gpus are available",
    "torch not compiled with cuda enabled",
    "found no nvidia driver",
    "cuda driver version is insufficient",
    "no kernel image is available",
    "no cuda-capable device",
    "cuda_error_no_device",
    "attempting to deserialize object on a cuda device but torch.cuda.is_available() is false",
    "unable to initialize backend 'cuda'",
    "unable to initialize backend 'gpu'",
    "unknown backend: 'gpu'",
];

const SHARED_MEMORY: [&str; 4] = [
    "out of shared memory",
    "insufficient shared memory",
    "unable to open shared memory object",
    "unable to write to file </torch_",
];

const MEMORY: [&str; 9] = [
    "memoryerror",
    "[errno 12]",
    "cannot allocate memory",
    "can't allocate memory",
    "std::bad_alloc",
    "java.lang.outofmemoryerror",
    "oom when allocating tensor",
    "virtual memory exhausted",
    "cannot allocate vector of size",
];

const DISK: [&str; 3] = ["[errno 28]", "no space left on device", "enospc"];
const QUOTA: [&str; 2] = ["[errno 122]", "disk quota exceeded"];

const HOST: [&str; 14] = [
    "name or service not known",
    "temporary failure in name resolution",
    "nodename nor servname provided",
    "no address associated with hostname",
    "could not resolve host",
    "unable to resolve host address",
    "could not resolve proxy",
    "network is unreachable",
    "no route to host",
    "connection refused",
    "failed to establish a new connection",
    "failed to connect to",
    "couldn't connect to server",
    "connection timed out",
];

/// What there was not enough of, when `text` says so.
pub(super) fn exhausted(text: &str, scene: &Scene<'_>) -> Option<Cause> {
    let text = text.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    let is_gpus = says(&GPU_MEMORY)
        || (says(&["oom when allocating", "resource_exhausted", "resource exhausted"])
            && says(&["device:gpu", "gpu_0_bfc", "gpu_bfc", "cuda"]))
        || (says(&["xlaruntimeerror", "jaxruntimeerror"])
            && says(&["out of memory"])
            && scene.has_gpus);
    let is_arrays = says(&["unable to allocate"]) && says(&["for an array", "arraymemoryerror"]);
    let is_xlas = says(&["resource_exhausted: out of memory"]);
    let (kind, message, hint) = if is_gpus {
        let hint = "use smaller batches, half precision, or a GPU with more memory";
        (CauseKind::GpuOutOfMemory, "a GPU ran out of memory", hint)
    } else if says(&NO_GPU) {
        let hint = if scene.has_gpus {
            "see whether the framework's version fits to the driver and to the GPU"
        } else {
            "the run had no GPU: let the program fall back to the CPU, or train where GPUs are"
        };
        (CauseKind::GpuUnavailable, "the program found no GPU that it can use", hint)
    } else if says(&SHARED_MEMORY) || (says(&DISK) && says(&["/dev/shm"])) {
        let hint = "use fewer workers, or have whoever runs the server enlarge /dev/shm";
        (CauseKind::SharedMemoryFull, "the machine's shared memory is full", hint)
    } else if says(&QUOTA) {
        let hint = "have the quota of the user raised who runs the server, or write less";
        (CauseKind::Quota, "the program met a quota of the file system", hint)
    } else if says(&DISK) {
        let hint =
            "whoever runs the server has to make room on the disk that the program writes to";
        (CauseKind::DiskFull, "the program found no room on the disk", hint)
    } else if says(&MEMORY) || is_arrays || is_xlas {
        (CauseKind::OutOfMemory, "the program ran out of memory", LESS_MEMORY)
    } else {
        return None;
    };
    Some(Cause::new(kind, message).hint(hint))
}

/// A host that was out of reach, when `text` says so.
pub(super) fn unreachable(text: &str) -> Option<Cause> {
    let lower = text.to_lowercase();
    HOST.iter().any(|phrase| lower.contains(phrase)).then(|| {
        Cause::new(CauseKind::HostUnreachable, "the program could not reach a host").hint(
            "put what the program fetches into the data container; if it has to fetch, see \
             whether the address is right and the machine can reach it",
        )
    })
}

/// Programs of any language say in their last line why they gave up.
pub(super) fn in_last_words(code: i32, said: &Said, scene: &Scene<'_>) -> Option<Cause> {
    let own = said.last_lines().find(|line| !noise::tells_the_code(line, code))?;
    let known = exhausted(own, scene)
        .or_else(|| missing::module_of("", own))
        .or_else(|| missing::data_of(own, scene));
    let cause = match known {
        Some(cause) => cause,
        // curl's line of progress stands before its words.
        None => unreachable(own.rsplit("curl: ").next().unwrap_or(own))?,
    };
    let theirs = own.rfind("curl: ").map_or(own, |at| &own[at..]);
    let message = match cause.kind {
        CauseKind::ImportError { .. } | CauseKind::DataMissing { .. } => cause.message,
        _ => cut(&format!("{}: {}", cause.message, theirs.trim())),
    };
    let evidence = [cause.evidence, said.tail()].concat();
    Some(Cause { message, evidence, ..cause }.status(code))
}
