//! The other end of the line, made to misbehave on purpose: it can vanish in the
//! middle of anything and come back elsewhere. (The real server is met in the
//! stories; a real server cannot be told to answer 410 to the third report.)

use std::fs::File;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path as UrlPath, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use trainyard_api::learner::{
    Assignment, Control, LogTaken, Order, Report, ReportKind, Reports, ReportsTaken,
};
use trainyard_api::log::{CHECKSUM, TIMES, checksum, read_marks};
use trainyard_api::metrics::MetricsTaken;
use trainyard_api::run::Progress;
use trainyard_model::event::Verdict;

pub(crate) const TOKEN: &str = "attempt-token-4711";

/// What the server knows; stays when the server goes.
pub(crate) struct Memory {
    pub(crate) assignment: Assignment,
    pub(crate) zip: Vec<u8>,
    /// Questions that are answered with a status instead.
    pub(crate) refused: Vec<(&'static str, u16)>,
    /// How often each of those was asked.
    pub(crate) asked: usize,
    /// How often the assignment was given.
    pub(crate) assigned: usize,
    /// Appears when the assignment is asked for once more: the environment is built again.
    pub(crate) builds: Option<PathBuf>,
    /// So many times the zip goes out with a byte changed.
    pub(crate) damage: u32,
    /// On record, in order.
    pub(crate) reports: Vec<Report>,
    /// How many samples have come.
    pub(crate) samples: usize,
    /// The attempt is over: every question is answered with 410.
    pub(crate) over: bool,
    pub(crate) order: Option<Order>,
    log: File,
    pub(crate) log_bytes: u64,
    /// When the last word comes, so many bytes of the log turn out to be lost, once.
    pub(crate) loses: u64,
    /// How many pieces came with times.
    pub(crate) timed: usize,
    /// Every byte that came, repeated ones too.
    pub(crate) log_received: u64,
    /// The latest progress.
    pub(crate) progress: Option<Progress>,
    /// The stream of metrics.
    pub(crate) metrics: Vec<u8>,
}

pub(crate) struct Server {
    memory: Arc<Mutex<Memory>>,
    home: PathBuf,
    running: Option<tokio::runtime::Runtime>,
}

impl Server {
    pub(crate) fn start(home: &Path, assignment: Assignment, zip: Vec<u8>) -> Self {
        let log = File::create(home.join("server.log")).expect("a log");
        let memory = Memory {
            assignment,
            zip,
            refused: Vec::new(),
            asked: 0,
            assigned: 0,
            builds: None,
            damage: 0,
            reports: Vec::new(),
            samples: 0,
            over: false,
            order: None,
            log,
            log_bytes: 0,
            loses: 0,
            timed: 0,
            log_received: 0,
            progress: None,
            metrics: Vec::new(),
        };
        let memory = Arc::new(Mutex::new(memory));
        let mut server = Self { memory, home: home.to_owned(), running: None };
        server.come();
        server
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The log as it was delivered.
    pub(crate) fn log(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut file = File::open(self.home.join("server.log")).expect("a log");
        file.read_to_end(&mut bytes).expect("read");
        bytes
    }

    pub(crate) fn runtime_file(&self) -> PathBuf {
        self.home.join("server.json")
    }

    pub(crate) fn finished(&self) -> Option<(Verdict, bool, u64)> {
        self.memory().reports.iter().find_map(|report| match &report.what {
            ReportKind::Finished { verdict, stored, log_bytes, .. } => {
                Some((verdict.clone(), *stored, *log_bytes))
            }
            _ => None,
        })
    }

    /// Begins to listen, on a port that it has not had before.
    pub(crate) fn come(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let router = router().with_state(Arc::clone(&self.memory));
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            axum::serve(listener, router).await
        });
        self.running = Some(runtime);
        let text = serde_json::json!({
            "url": url, "pid": 1, "token": "the local user's", "version": "0",
            "started_at": "2026-01-01T00:00:00.000Z",
        });
        let new = self.home.join("server.json.new");
        std::fs::write(&new, text.to_string()).expect("written");
        std::fs::rename(new, self.runtime_file()).expect("renamed");
    }

    /// Vanishes: every connection breaks where it is.
    pub(crate) fn go(&mut self) {
        if let Some(runtime) = self.running.take() {
            runtime.shutdown_timeout(Duration::ZERO);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.go();
    }
}

type Shared = State<Arc<Mutex<Memory>>>;

fn router() -> Router<Arc<Mutex<Memory>>> {
    let root = "/v3/models/{run}/attempts/{attempt}";
    Router::new()
        .route(&format!("{root}/assignment"), get(assignment))
        .route(&format!("{root}/code"), get(code))
        .route(&format!("{root}/reports"), post(reports))
        .route(&format!("{root}/control"), get(control))
        .route(&format!("{root}/log"), put(log))
        .route(&format!("{root}/metrics"), put(metrics))
}

#[expect(clippy::result_large_err, reason = "a response is what a handler gives")]
fn enter<'a>(
    memory: &'a Mutex<Memory>,
    headers: &HeaderMap,
) -> Result<MutexGuard<'a, Memory>, Response> {
    let memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
    let refused = |status: StatusCode, code: &str| {
        let body = serde_json::json!({"trace": "t", "errors": [{
            "code": code, "message": "no", "more_info": "", "severity": "error"}]});
        (status, Json(body)).into_response()
    };
    if headers.get("authorization").is_none_or(|value| value != &format!("Bearer {TOKEN}")) {
        return Err(refused(StatusCode::UNAUTHORIZED, "TY0603"));
    }
    if memory.over {
        return Err(refused(StatusCode::GONE, "TY0612"));
    }
    Ok(memory)
}

fn refusal(memory: &mut Memory, what: &str) -> Option<Response> {
    let (_, status) = memory.refused.iter().find(|(refused, _)| *refused == what)?;
    memory.asked += 1;
    let body = serde_json::json!({"trace": "t", "errors": [{"code": "TY0601",
        "message": "not like this", "more_info": "", "severity": "error"}]});
    Some((StatusCode::from_u16(*status).expect("a status"), Json(body)).into_response())
}

async fn assignment(State(memory): Shared, headers: HeaderMap) -> Response {
    match enter(&memory, &headers) {
        Ok(mut memory) => refusal(&mut memory, "assignment").unwrap_or_else(|| {
            memory.assigned += 1;
            if let Some(built) = memory.builds.as_ref().filter(|_| memory.assigned > 1) {
                std::fs::write(built, "").expect("written");
            }
            Json(memory.assignment.clone()).into_response()
        }),
        Err(refused) => refused,
    }
}

async fn code(State(memory): Shared, headers: HeaderMap) -> Response {
    let mut memory = match enter(&memory, &headers) {
        Ok(memory) => memory,
        Err(refused) => return refused,
    };
    if let Some(refused) = refusal(&mut memory, "code") {
        return refused;
    }
    let mut zip = memory.zip.clone();
    if memory.damage > 0 {
        memory.damage -= 1;
        zip[0] ^= 1;
    }
    zip.into_response()
}

async fn reports(State(memory): Shared, headers: HeaderMap, Json(sent): Json<Reports>) -> Response {
    let mut memory = match enter(&memory, &headers) {
        Ok(memory) => memory,
        Err(refused) => return refused,
    };
    for report in sent.reports {
        let last = memory.reports.last().map_or(0, |report| report.seq);
        match report.seq {
            0 => match report.what {
                ReportKind::Usage { .. } => memory.samples += 1,
                ReportKind::Progress { progress } => memory.progress = Some(progress),
                _ => {}
            },
            seq if seq <= last => {}
            seq => {
                assert_eq!(seq, last + 1, "reports come in order and without gaps");
                if let ReportKind::Finished { log_bytes, metrics_bytes, .. } = report.what {
                    let lost = std::mem::take(&mut memory.loses);
                    if lost > 0 {
                        memory.log_bytes -= lost;
                        memory.log.set_len(memory.log_bytes).expect("cut");
                    }
                    if memory.log_bytes < log_bytes {
                        let body = serde_json::json!({"trace": "t", "errors": []});
                        return (StatusCode::CONFLICT, Json(body)).into_response();
                    }
                    assert_eq!(log_bytes, memory.log_bytes, "the last word comes after the log");
                    let here = memory.metrics.len() as u64;
                    assert_eq!(metrics_bytes, here, "the last word comes after the metrics");
                }
                memory.reports.push(report);
            }
        }
    }
    let acknowledged = memory.reports.last().map_or(0, |report| report.seq);
    Json(ReportsTaken { acknowledged, order: Order::Continue }).into_response()
}

#[derive(serde::Deserialize)]
struct Wait {
    wait_ms: u64,
}

async fn control(State(memory): Shared, headers: HeaderMap, Query(wait): Query<Wait>) -> Response {
    let deadline = tokio::time::Instant::now() + Duration::from_millis(wait.wait_ms);
    loop {
        match enter(&memory, &headers) {
            Ok(memory) => {
                if let Some(order) = memory.order {
                    return Json(Control { order }).into_response();
                }
            }
            Err(refused) => return refused,
        }
        if tokio::time::Instant::now() >= deadline {
            return Json(Control { order: Order::Continue }).into_response();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[derive(serde::Deserialize)]
struct From {
    offset: u64,
}

async fn log(
    State(memory): Shared,
    UrlPath((_, _)): UrlPath<(String, u32)>,
    headers: HeaderMap,
    Query(from): Query<From>,
    bytes: Bytes,
) -> Response {
    let mut memory = match enter(&memory, &headers) {
        Ok(memory) => memory,
        Err(refused) => return refused,
    };
    if from.offset > memory.log_bytes {
        let length = memory.log_bytes;
        return (StatusCode::CONFLICT, Json(LogTaken { length })).into_response();
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let told = header(CHECKSUM).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    assert_eq!(told, Some(checksum(&bytes)), "every piece has its checksum");
    let marks = header(TIMES).and_then(|marks| read_marks(from.offset, marks)).expect("times");
    memory.timed += usize::from(marks.first().is_some_and(|mark| mark.offset == from.offset));
    let known = usize::try_from(memory.log_bytes - from.offset).expect("small").min(bytes.len());
    let (end, fresh) = (memory.log_bytes, &bytes[known..]);
    memory.log.write_all_at(fresh, end).expect("written");
    memory.log_bytes += (bytes.len() - known) as u64;
    memory.log_received += bytes.len() as u64;
    Json(LogTaken { length: memory.log_bytes }).into_response()
}

async fn metrics(
    State(memory): Shared,
    headers: HeaderMap,
    Query(from): Query<From>,
    bytes: Bytes,
) -> Response {
    let mut memory = match enter(&memory, &headers) {
        Ok(memory) => memory,
        Err(refused) => return refused,
    };
    let told = headers.get(CHECKSUM).and_then(|value| value.to_str().ok());
    let told = told.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    assert_eq!(told, Some(checksum(&bytes)), "every piece has its checksum");
    let length = memory.metrics.len() as u64;
    if from.offset > length {
        return (StatusCode::CONFLICT, Json(MetricsTaken { length })).into_response();
    }
    let known = usize::try_from(length - from.offset).expect("small").min(bytes.len());
    memory.metrics.extend_from_slice(&bytes[known..]);
    Json(MetricsTaken { length: memory.metrics.len() as u64 }).into_response()
}
