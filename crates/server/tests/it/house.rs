//! A real server in this process: router, control, ledger and a listener, with
//! reconcilers asleep, so that nothing moves while answers are compared.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::Method;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use trainyard_control::{Control, Limits, Settings, StoreChecks, Upload};
use trainyard_definition::{Syntax, ZipLimits, zip};
use trainyard_engine::{LocalConfig, LocalEngine};
use trainyard_ledger::{Access, InstanceRecord, Ledger};
use trainyard_model::ids::{DefinitionId, RunId, UserName};
use trainyard_server::{Config, Shared, router};

pub(crate) const OWNER: &str = "owner-token";
pub(crate) const STRANGER: &str = "stranger-token";
pub(crate) const LOOKER: &str = "looker-token";

/// A server and what is in it.
pub(crate) struct House {
    pub(crate) url: String,
    pub(crate) run: RunId,
    pub(crate) definition: DefinitionId,
    pub(crate) model: uuid::Uuid,
    pub(crate) experiment: uuid::Uuid,
    pub(crate) experiment_run: String,
    /// Of which the owner is a member.
    pub(crate) instance: uuid::Uuid,
    client: reqwest::Client,
    control: Arc<Control>,
    folder: TempDir,
}

impl House {
    /// A server with three users: an owner of one run and one stored definition,
    /// a stranger, and somebody who may look with the owner's eyes.
    pub(crate) async fn build() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a temporary directory");
        let control = control(folder.path()).await;
        let ledger = control.ledger();
        for (token, user, access) in [
            (OWNER, "owner", Access::Write),
            (STRANGER, "stranger", Access::Write),
            (LOOKER, "owner", Access::Read),
        ] {
            ledger
                .put_token(Sha256::digest(token).into(), UserName(user.to_owned()), access, None)
                .await
                .expect("the ledger is there");
        }
        let owner = UserName("owner".to_owned());
        let run = control.submit(&owner, upload(folder.path())).await.expect("it is right");
        let document = serde_json::json!({"name": "d", "command": "python3 main.py",
            "framework": {"name": "tensorflow", "version": current_tensorflow()}});
        let definition =
            control.create_definition(&owner, "d".to_owned(), document).await.expect("it is right");
        let id = definition.id.0;
        let zip = upload(folder.path()).zip.expect("it has one");
        control.store_content(&owner, definition.id, zip).await.expect("it is right");
        let model = serde_json::json!({"name": "a model"});
        let model = control.create_model(&owner, model).await.expect("it is right");
        let experiment = serde_json::json!({
            "settings": {"name": "an experiment"},
            "training_references": [
                {"training_definition_url": format!("/v3/ml_assets/training_definitions/{id}")},
            ],
            "training_results_reference": {
                "connection": {"root": folder.path().join("store")},
                "target": {"bucket": "results"}, "type": "directory",
            },
        });
        let experiment = control.create_experiment(&owner, experiment).await.expect("it is right");
        let begun = control.run_experiment(&owner, experiment.id, "").await.expect("it is right");
        let experiment_run = begun.metadata.guid;
        let instance = InstanceRecord {
            id: uuid::Uuid::new_v4(),
            name: "lab".to_owned(),
            members: vec![owner],
            created_at: Timestamp::now(),
        };
        assert!(ledger.add_instance(instance.clone()).await.expect("the ledger is there"));
        let listener =
            tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let kept = Arc::clone(&control);
        let shared = Shared {
            control,
            local_token: SecretString::from("the local password"),
            upload_bytes: 1024 * 1024,
            started_at: Timestamp::now(),
            public_url: None,
            gates: trainyard_server::Gates::default(),
            feeds: trainyard_server::Feeds::default(),
            guesses: Arc::default(),
        };
        tokio::spawn(async move { axum::serve(listener, router(shared)).await });
        Self {
            url,
            run: run.record.id,
            definition: definition.id,
            instance: instance.id,
            model: model.id,
            experiment: experiment.id,
            experiment_run,
            client: reqwest::Client::builder().no_proxy().build().expect("it can be built"),
            control: kept,
            folder,
        }
    }

    /// The id of the one version of a definition or a model, as its own answer tells it.
    pub(crate) fn version_of(id: uuid::Uuid) -> String {
        uuid::Uuid::from_u128(id.as_u128() ^ (1 << 112) ^ 1).to_string()
    }

    /// Sends a request and hangs up without waiting for the answer.
    pub(crate) async fn ask_and_hang_up(&self, method: &str, path: &str, token: &str, body: &str) {
        let host = self.url.trim_start_matches("http://");
        let mut connection = tokio::net::TcpStream::connect(host).await.expect("it listens");
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        connection.write_all(request.as_bytes()).await.expect("it listens");
        connection.shutdown().await.expect("it is ours");
    }

    /// Sends a body and gives the status code and the answer's body.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: &str,
    ) -> (u16, String) {
        let method: Method = method.to_uppercase().parse().expect("a method");
        let request = self.client.request(method, format!("{}{path}", self.url)).bearer_auth(token);
        let answer = request.body(body.to_owned()).send().await.expect("the server answers");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    }

    /// Another run of the owner's, waiting in the queue.
    pub(crate) async fn another_run(&self) -> RunId {
        let owner = UserName("owner".to_owned());
        let upload = upload(self.folder.path());
        self.control.submit(&owner, upload).await.expect("it is right").record.id
    }

    /// Asks and gives the status code and the body.
    pub(crate) async fn ask(&self, method: &str, path: &str, token: Option<&str>) -> (u16, String) {
        let method: Method = method.to_uppercase().parse().expect("a method");
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.expect("the server answers");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    }
}

async fn control(folder: &Path) -> Arc<Control> {
    let home = folder.join("home");
    std::fs::create_dir(&home).expect("ours");
    let ledger = Ledger::open(home.join("ledger.sqlite"), home.join("key")).expect("it is fresh");
    let engine = LocalEngine::new(LocalConfig {
        learner_program: folder.join("never started"),
        cpu_slots: Some(4),
    });
    let settings = Settings {
        transfers: trainyard_objectstore::BudgetPolicy::default(),
        home,
        cache: folder.join("cache"),
        catalogue: None,
        guard: Config::default().guard((Ipv4Addr::LOCALHOST, 1).into()),
        stores: StoreChecks::default(),
        limits: Limits { disk_allowance: 1 << 30, ..Limits::default() },
        terms: trainyard_model::terms::Terms { grace_ms: Some(1000), ..Default::default() },
        staging: trainyard_api::learner::StagingView::default(),
        history: trainyard_control::History::default(),
        models: None,
        environment_bytes: None,
    };
    Control::start(settings, ledger, Arc::new(engine)).await.expect("it is fresh")
}

fn upload(folder: &Path) -> Upload {
    let code = folder.join("code");
    std::fs::create_dir_all(&code).expect("ours");
    std::fs::create_dir_all(folder.join("store/results")).expect("ours");
    std::fs::write(code.join("main.py"), "print('hello')\n").expect("ours");
    let packed = zip::pack(&code, &ZipLimits::default(), zip::Layout::Flat).expect("it is flat");
    let text = serde_json::json!({
        "model_definition": {
            "framework": {"name": "tensorflow", "version": current_tensorflow()},
            "name": "denied", "author": "Ann Other", "description": "nobody else's",
            "execution": {"command": "python3 main.py", "resourceType": "small"},
        },
        "training_results": {
            "connection": {"root": folder.join("store")},
            "target": {"container": "results", "type": "directory"},
        },
    });
    Upload {
        text: text.to_string(),
        syntax: Syntax::Json,
        zip: Some(Bytes::from(packed.bytes).into()),
    }
}

/// The newest TensorFlow of the catalogue, which every machine with a current Python can have.
fn current_tensorflow() -> String {
    let catalogue = trainyard_frameworks::Catalogue::builtin().expect("ours is right");
    let newest = catalogue.releases().iter().rfind(|release| release.name == "tensorflow");
    newest.expect("the catalogue has TensorFlow").version.clone()
}
