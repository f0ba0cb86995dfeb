//! Training definitions, as users of 2017 write them.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use trainyard_testkit::s3::S3Server;

/// A container, and the way to it.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    /// A folder below a root.
    Directory {
        /// The root.
        root: PathBuf,
        /// The folder.
        container: String,
    },
    /// A bucket of an S3 server.
    S3 {
        /// The endpoint's URL.
        endpoint: String,
        /// Access key and secret key.
        keys: (String, String),
        /// The bucket.
        container: String,
    },
    /// Whatever a definition may say.
    Written {
        /// How to reach the store.
        connection: Value,
        /// What in it.
        place: Value,
    },
}

impl Store {
    /// A folder below `root`.
    pub(crate) fn directory(root: &Path, container: &str) -> Self {
        Self::Directory { root: root.to_owned(), container: container.to_owned() }
    }

    /// A bucket, opened with the server's own keys.
    pub(crate) fn s3(server: &S3Server, container: &str) -> Self {
        let keys = (server.access_key().to_owned(), server.secret_key().to_owned());
        Self::S3 { endpoint: server.endpoint(), keys, container: container.to_owned() }
    }

    /// The same store, at another address: that of a wrapper before it, or of nobody.
    pub(crate) fn at(self, address: &str) -> Self {
        match self {
            Self::S3 { keys, container, .. } => {
                Self::S3 { endpoint: address.to_owned(), keys, container }
            }
            Self::Directory { .. } | Self::Written { .. } => self,
        }
    }

    /// A bucket where nothing is known to be, with keys that nobody gave out.
    pub(crate) fn nobody(port: u16) -> Self {
        Self::S3 {
            endpoint: format!("http://127.0.0.1:{port}"),
            keys: ("user".to_owned(), "secret".to_owned()),
            container: "data".to_owned(),
        }
    }

    /// The same store, opened with other keys.
    pub(crate) fn with_keys(self, user: &str, secret: &str) -> Self {
        match self {
            Self::S3 { endpoint, container, .. } => {
                Self::S3 { endpoint, keys: (user.to_owned(), secret.to_owned()), container }
            }
            Self::Directory { .. } | Self::Written { .. } => self,
        }
    }

    /// The two objects of a definition: how to reach the store, and what in it.
    fn written(&self) -> (Value, Value) {
        match self {
            Self::Directory { root, container } => {
                (json!({ "root": root }), json!({ "container": container, "type": "directory" }))
            }
            Self::S3 { endpoint, keys: (user, password), container } => (
                json!({ "auth_url": endpoint, "userId": user, "password": password }),
                json!({ "container": container, "type": "s3_datastore" }),
            ),
            Self::Written { connection, place } => (connection.clone(), place.clone()),
        }
    }
}

/// A training definition.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// The user's name for it.
    pub(crate) name: String,
    /// The framework's name and version.
    pub(crate) framework: (String, String),
    /// What the shell runs.
    pub(crate) command: String,
    /// small, medium, large.
    pub(crate) size: String,
    /// Where the data lies; programs may need none.
    pub(crate) data: Option<Store>,
    /// Where the results go.
    pub(crate) results: Store,
    /// What `execution` holds beside the command and the size.
    pub(crate) terms: Value,
    /// Where its metrics are to be found, if it says so.
    pub(crate) metrics: Value,
    /// Files of its zip, beside the one that every zip has.
    pub(crate) files: Vec<(&'static str, &'static str)>,
}

impl Job {
    /// A small job on the framework that costs nothing, without data.
    pub(crate) fn new(command: impl Into<String>, results: Store) -> Self {
        Self {
            name: "story".to_owned(),
            framework: ("plain".to_owned(), "1-py3".to_owned()),
            command: command.into(),
            size: "small".to_owned(),
            data: None,
            results,
            terms: Value::Null,
            metrics: Value::Null,
            files: Vec::new(),
        }
    }

    /// The JSON of 2017.
    pub(crate) fn json(&self) -> Value {
        let (connection, target) = self.results.written();
        let mut document = json!({
            "model_definition": {
                "framework": { "name": self.framework.0, "version": self.framework.1 },
                "name": self.name,
                "author": "Ann Other",
                "description": "What a story needs",
                "execution": { "command": self.command, "resourceType": self.size },
            },
            "training_results": { "connection": connection, "target": target },
        });
        if let Value::Object(terms) = &self.terms {
            let execution = &mut document["model_definition"]["execution"];
            execution.as_object_mut().expect("an object").extend(terms.clone());
        }
        if !self.metrics.is_null() {
            document["evaluation_metrics"] = self.metrics.clone();
        }
        if let Some(data) = &self.data {
            let (connection, source) = data.written();
            document["training_data"] = json!([{ "connection": connection, "source": source }]);
        }
        document
    }

    /// The same as text.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string_pretty(&self.json()).expect("plain data")
    }
}
