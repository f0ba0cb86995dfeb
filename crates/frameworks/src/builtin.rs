//! The catalogue that travels in the binary: `frameworks/` of the repository.
//!
//! The order of [`FILES`] is the order in which frameworks are listed.

/// A file of the folder, with its path in it.
macro_rules! file {
    ($path:literal) => {
        ($path, include_str!(concat!("../../../frameworks/", $path)))
    };
}

/// The files that describe a framework: name and text.
pub(crate) const FILES: &[(&str, &str)] = &[
    file!("tensorflow.toml"),
    file!("keras.toml"),
    file!("pytorch.toml"),
    file!("caffe.toml"),
    file!("torch.toml"),
    file!("theano.toml"),
    file!("caffe2.toml"),
    file!("mxnet.toml"),
    file!("jax.toml"),
    file!("scikit-learn.toml"),
    file!("xgboost.toml"),
    file!("lightgbm.toml"),
    file!("python.toml"),
];

/// The locks that those files name, by the path they name them with.
const LOCKS: &[(&str, &str)] = &[
    file!("locks/caffe2-1.0-py3.txt"),
    file!("locks/jax-0.10-cuda-py3.txt"),
    file!("locks/jax-0.10-py3.txt"),
    file!("locks/keras-2.1-py3.txt"),
    file!("locks/keras-3.15-py3.txt"),
    file!("locks/lightgbm-4.7-py3.txt"),
    file!("locks/mxnet-0.10-py3.txt"),
    file!("locks/mxnet-1.9-py3.txt"),
    file!("locks/pytorch-1.0-py3.txt"),
    file!("locks/pytorch-2.15-py3.txt"),
    file!("locks/scikit-learn-0.17-py2.txt"),
    file!("locks/scikit-learn-1.9-py3.txt"),
    file!("locks/tensorflow-1.15-py3.txt"),
    file!("locks/tensorflow-1.2-py2.txt"),
    file!("locks/tensorflow-1.2-py3.txt"),
    file!("locks/tensorflow-1.3-py2.txt"),
    file!("locks/tensorflow-1.3-py3.txt"),
    file!("locks/tensorflow-1.5-py3.txt"),
    file!("locks/tensorflow-2.21-cuda-py3.txt"),
    file!("locks/tensorflow-2.21-py3.txt"),
    file!("locks/theano-0.9-py3.txt"),
    file!("locks/xgboost-3.2-py3.txt"),
];

/// The lock of uv itself, for machines that have none.
pub(crate) const UV_LOCK: &str = include_str!("../../../frameworks/locks/uv.txt");

/// The lock of virtualenv, for CPython 2.
pub(crate) const VIRTUALENV_LOCK: &str = include_str!("../../../frameworks/locks/virtualenv.txt");

/// The text of a built-in lock.
pub(crate) fn lock(path: &str) -> Option<&'static str> {
    LOCKS.iter().find(|(name, _)| *name == path).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_binary() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../frameworks");
        let there: BTreeSet<String> = std::fs::read_dir(folder)
            .expect("the folder is there")
            .map(|entry| entry.expect("readable").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect();
        let embedded: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(there, embedded);
    }
}
