//! The demo's object store: S3, or Swift as the page has it.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;
use trainyard_testkit::s3::S3Server;
use trainyard_testkit::swift::SwiftServer;

/// Which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Kind {
    /// SeaweedFS.
    S3,
    /// OpenStack Swift.
    Swift,
}

impl Kind {
    pub(super) fn called(self) -> &'static str {
        match self {
            Self::S3 => "an S3 server",
            Self::Swift => "OpenStack Swift",
        }
    }

    /// The definition's word for it, and its containers for data and results: those of the
    /// page where they can have these names.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::S3 => ("s3_datastore", "tf-training-data", "tf-training-results"),
            Self::Swift => ("softlayer_objectstore", "tf_training_data", "tf_training_results"),
        }
    }
}

/// A running one.
pub(super) enum Store {
    S3(S3Server),
    Swift(SwiftServer),
}

impl Store {
    /// Starts it, with `digits` in one container and another for the results.
    pub(super) fn with_data(kind: Kind, digits: &Path) -> Result<Self> {
        let store = match kind {
            Kind::S3 => Self::S3(S3Server::start()?),
            Kind::Swift => Self::Swift(SwiftServer::start()?),
        };
        let (_, data, results) = kind.words();
        for container in [data, results] {
            match &store {
                Self::S3(s3) => s3.create_bucket(container)?,
                Self::Swift(swift) => swift.client().create_container(container)?,
            }
        }
        for entry in std::fs::read_dir(digits)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).context("a file name")?;
            let content = std::fs::read(&path)?;
            match &store {
                Self::S3(s3) => s3.put(data, name, &content)?,
                Self::Swift(swift) => swift.client().put(data, name, &content)?,
            }
        }
        Ok(store)
    }

    fn kind(&self) -> Kind {
        match self {
            Self::S3(_) => Kind::S3,
            Self::Swift(_) => Kind::Swift,
        }
    }

    /// Address, user and password.
    fn connection(&self) -> (String, String, String) {
        match self {
            Self::S3(s3) => (s3.endpoint(), s3.access_key().into(), s3.secret_key().into()),
            Self::Swift(swift) => (swift.auth_url(), swift.user(), swift.password().into()),
        }
    }

    /// Replaces the placeholders of the example.
    pub(super) fn write_into(&self, job: &mut Value) -> Result<()> {
        let (word, data, results) = self.kind().words();
        let (url, user, password) = self.connection();
        for (at, place, container) in
            [("/training_data/0", "source", data), ("/training_results", "target", results)]
        {
            let store = job.pointer_mut(at).context("the example has two stores")?;
            store["connection"]["auth_url"] = url.clone().into();
            store["connection"]["userId"] = user.clone().into();
            store["connection"]["password"] = password.clone().into();
            store[place]["type"] = word.into();
            store[place]["container"] = container.into();
        }
        Ok(())
    }

    pub(super) fn results_container(&self) -> &'static str {
        self.kind().words().2
    }

    /// Key and size of all results.
    pub(super) fn results(&self) -> Result<Vec<(String, u64)>> {
        match self {
            Self::S3(s3) => s3.list(self.results_container()),
            Self::Swift(swift) => swift.client().list(self.results_container()),
        }
    }

    /// One result, as another client than ours reads it.
    pub(super) fn result(&self, key: &str) -> Result<Vec<u8>> {
        match self {
            Self::S3(s3) => s3.get(self.results_container(), key),
            Self::Swift(swift) => swift.client().get(self.results_container(), key),
        }
    }

    /// How to reach it.
    pub(super) fn told(&self) -> String {
        let (url, user, password) = self.connection();
        match self {
            Self::S3(_) => format!("S3: {url} with access key {user} and secret key {password}"),
            Self::Swift(_) => format!("Swift: {url} with user {user} and password {password}"),
        }
    }
}
