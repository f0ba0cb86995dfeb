//! The whole router, on one screen.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::middleware::map_request;
use jiff::Timestamp;
use secrecy::SecretString;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;
use trainyard_control::Control;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::gates::Gates;
use crate::guesses::Guesses;
use crate::monitor::feed::Feeds;
use crate::{
    attempts, checks, definitions, elsewhere, experiments, extract, frameworks, identity, inputs,
    instances, lines, metrics, models, monitor, older, runs, service, stream, users,
};

/// How long the next piece of a request's body may take.
const BODY: Duration = Duration::from_secs(30);

/// What every handler can reach.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The brain.
    pub control: Arc<Control>,
    /// The local user's password.
    pub local_token: SecretString,
    /// How many bytes a submission may have.
    pub upload_bytes: usize,
    /// Since when the server runs.
    pub started_at: Timestamp,
    /// The server's address as its users see it, when a proxy stands before it.
    pub public_url: Option<String>,
    /// The places for bodies and followers.
    pub gates: Gates,
    /// What monitors are told.
    pub feeds: Feeds,
    /// Who has guessed passwords.
    pub guesses: Arc<Guesses>,
}

impl Shared {
    /// The server's address as the caller sees it.
    pub(crate) fn base_url(&self, headers: &HeaderMap) -> String {
        if let Some(url) = &self.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        format!("http://{host}")
    }
}

fn described() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(service::health))
        .routes(routes!(service::service))
        .routes(routes!(identity::token, identity::refresh))
        .routes(routes!(identity::token_v2))
        .routes(routes!(identity::oidc))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::remove))
        .routes(routes!(users::set_password))
        .routes(routes!(users::create_key))
        .routes(routes!(users::remove_key))
        .routes(routes!(instances::list, instances::create))
        .routes(routes!(instances::show, instances::delete))
        .routes(routes!(instances::add_member, instances::remove_member))
        .routes(routes!(frameworks::list))
        .routes(routes!(frameworks::environments))
        .routes(routes!(frameworks::prune))
        .routes(routes!(runs::submit, runs::list))
        .routes(routes!(runs::show, runs::patch, runs::delete))
        .routes(routes!(runs::events))
        .routes(routes!(runs::attempts))
        .routes(routes!(runs::why))
        .routes(routes!(runs::rerun))
        .routes(routes!(runs::log))
        .routes(routes!(stream::stream))
        .routes(routes!(monitor::monitor))
        .routes(routes!(lines::lines))
        .routes(routes!(metrics::metrics))
        .routes(routes!(inputs::inputs))
        .routes(routes!(checks::check))
        .routes(routes!(definitions::create, definitions::list))
        .routes(routes!(definitions::show, definitions::delete))
        .routes(routes!(definitions::store, definitions::content))
        .routes(routes!(definitions::version))
        .routes(routes!(definitions::store_version, definitions::version_content))
        .routes(routes!(experiments::create, experiments::list))
        .routes(routes!(experiments::show, experiments::change, experiments::delete))
        .routes(routes!(experiments::run, experiments::runs))
        .routes(routes!(experiments::show_run, experiments::patch_run, experiments::delete_run))
        .routes(routes!(monitor::experiment::monitor))
        .routes(routes!(elsewhere::functions))
        .routes(routes!(elsewhere::runtimes))
        .routes(routes!(elsewhere::libraries))
        .routes(routes!(elsewhere::deployments))
        .routes(routes!(models::create, models::list))
        .routes(routes!(models::show, models::delete))
        .routes(routes!(models::store, models::content))
        .routes(routes!(models::store_version, models::version_content))
        .routes(routes!(models::published))
        .routes(routes!(models::published_one))
        .routes(routes!(models::store_run))
        .routes(routes!(attempts::assignment))
        .routes(routes!(attempts::code))
        .routes(routes!(attempts::reports))
        .routes(routes!(attempts::control))
        .routes(routes!(attempts::log))
        .routes(routes!(attempts::metrics))
}

/// The router.
pub fn router(shared: Shared) -> Router {
    let limit = DefaultBodyLimit::max(shared.upload_bytes);
    let (router, _) = described().split_for_parts();
    let router = router
        .fallback(extract::no_route)
        .method_not_allowed_fallback(extract::no_method)
        .layer(limit)
        .layer(RequestBodyTimeoutLayer::new(BODY))
        .layer(CatchPanicLayer::new())
        .with_state(shared);
    // A layer around the router sees a request after its route was found; this one has to be
    // there before.
    Router::new().fallback_service(router).layer(map_request(older::spelling))
}

/// The OpenAPI document of all routes. It is checked in as `openapi.json`.
pub fn openapi() -> OpenApi {
    let (_, mut document) = described().split_for_parts();
    "Trainyard".clone_into(&mut document.info.title);
    env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
    document.info.description =
        Some("Deep-learning training runs, in the shapes of the v3 API of 2017.".to_owned());
    document.info.contact = None;
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            // Handlers of different rooms have the same names, and an id may be there once.
            let words = path.split(['/', '{', '}']).filter(|word| !word.is_empty());
            let words: Vec<&str> = std::iter::once(method).chain(words).collect();
            operation.operation_id = Some(words.join("_"));
        }
    }
    let components = document.components.get_or_insert_default();
    let scheme = |scheme| SecurityScheme::Http(Http::new(scheme));
    components.add_security_scheme("token", scheme(HttpAuthScheme::Bearer));
    components.add_security_scheme("attempt", scheme(HttpAuthScheme::Bearer));
    components.add_security_scheme("password", scheme(HttpAuthScheme::Basic));
    document
}
