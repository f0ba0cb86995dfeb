//! A server on a free port for as long as the value lives.

use axum::Router;
use tokio::task::JoinHandle;

pub(crate) struct Serving {
    pub(crate) url: String,
    task: JoinHandle<()>,
}

pub(crate) async fn serve(router: Router) -> Serving {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let task = tokio::spawn(async move {
        axum::serve(listener, router).await.expect("it serves");
    });
    Serving { url, task }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}
