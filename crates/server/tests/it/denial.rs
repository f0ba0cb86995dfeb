//! Who is let in: every route of the OpenAPI document, with no credential, a
//! wrong one, a stranger's, and one that may only look.

use trainyard_server::openapi;

use crate::house::{House, LOOKER, OWNER, STRANGER};

/// Routes that need no credential at all. This list only ever shrinks.
const OPEN: [&str; 1] = ["/health"];

/// The login: its credential is a password, not a token.
const LOGIN: &str = "/v3/identity/token";

/// Logins whose credential stands in the body: an older token, an API key.
const IN_THE_BODY: [(&str, &str); 2] = [("put", LOGIN), ("post", "/oidc/token")];

struct Route {
    method: String,
    template: String,
    path: String,
    for_learners: bool,
    for_the_operator: bool,
}

fn routes(house: &House) -> Vec<Route> {
    let document = serde_json::to_value(openapi()).expect("a document");
    let paths = document["paths"].as_object().expect("it has paths").clone();
    let mut routes = Vec::new();
    for (template, methods) in paths {
        let id = if template.contains("training_definitions") {
            house.definition.to_string()
        } else if template.contains("wml_instances") {
            house.instance.to_string()
        } else if template.contains("ml_assets/models") {
            house.model.to_string()
        } else if template.contains("experiments") {
            house.experiment.to_string()
        } else {
            house.run.to_string()
        };
        let version = if template.contains("ml_assets/models") {
            House::version_of(house.model)
        } else {
            House::version_of(house.definition.0)
        };
        let mut path = template
            .replace("{id}", &id)
            .replace("{n}", "1")
            .replace("{name}", "owner")
            .replace("{key}", "key")
            .replace("{model}", &house.model.to_string())
            .replace("{run}", &house.experiment_run)
            .replace("{version}", &version);
        if (template.ends_with("/log") || template.ends_with("/metrics"))
            && template.contains("attempts")
        {
            path.push_str("?offset=0");
        }
        for (method, operation) in methods.as_object().expect("methods") {
            routes.push(Route {
                method: method.clone(),
                template: template.clone(),
                path: path.clone(),
                for_learners: operation["tags"][0] == "attempts",
                for_the_operator: operation["tags"][0] == "operator",
            });
        }
    }
    assert!(routes.len() > 20, "the document lists only {} routes", routes.len());
    routes
}

fn is_guarded(route: &Route) -> bool {
    !OPEN.contains(&route.template.as_str())
        && !IN_THE_BODY.contains(&(route.method.as_str(), route.template.as_str()))
}

fn changes_something(route: &Route) -> bool {
    route.method != "get"
}

#[tokio::test]
async fn nobody_and_a_wrong_token_are_turned_away_everywhere() {
    let house = House::build().await;
    for route in routes(&house).iter().filter(|route| is_guarded(route)) {
        for token in [None, Some("wrong"), Some("")] {
            let (status, body) = house.ask(&route.method, &route.path, token).await;
            assert_eq!(status, 401, "{} {} with {token:?}: {body}", route.method, route.path);
            assert!(body.contains("TY0603"), "{} {}: {body}", route.method, route.path);
        }
    }
}

#[tokio::test]
async fn a_stranger_is_told_that_there_is_nothing() {
    let house = House::build().await;
    let named: Vec<Route> = routes(&house)
        .into_iter()
        .filter(|route| route.template.contains("{id}"))
        .filter(|route| !route.for_learners && !route.for_the_operator)
        .filter(|route| !(route.method == "patch" || route.method == "put"))
        .collect();
    assert!(named.len() >= 7);
    for route in &named {
        let (status, body) = house.ask(&route.method, &route.path, Some(STRANGER)).await;
        assert_eq!(status, 404, "{} {}: {body}", route.method, route.path);
    }
    // And the owner finds it all: what a stranger was denied is there.
    // Streams of a run that waits have no end.
    let ends = |route: &&Route| route.method == "get" && !route.path.ends_with("/stream");
    for route in named.iter().filter(ends) {
        let (status, body) = house.ask(&route.method, &route.path, Some(OWNER)).await;
        let is_empty = route.path.ends_with("/content") || route.path.ends_with("/monitor");
        assert!(status != 404 || is_empty, "{}: {body}", route.path);
    }
    let run = format!("/v3/models/{}", house.run);
    assert_eq!(house.ask("get", &run, Some(OWNER)).await.0, 200);
    let (_, list) = house.ask("get", "/v3/models", Some(STRANGER)).await;
    assert!(!list.contains(house.run.as_str()), "{list}");
}

/// Neither who owns things nor a stranger says who may log in; nor does anybody learn from the
/// answer who that is.
#[tokio::test]
async fn the_operators_business_is_nobody_elses() {
    let house = House::build().await;
    let routes: Vec<Route> =
        routes(&house).into_iter().filter(|route| route.for_the_operator).collect();
    assert!(routes.len() >= 9, "{}", routes.len());
    for route in &routes {
        for token in [OWNER, STRANGER, LOOKER] {
            let (status, body) = house.ask(&route.method, &route.path, Some(token)).await;
            assert_eq!(status, 403, "{} {}: {body}", route.method, route.path);
        }
    }
}

#[tokio::test]
async fn a_login_by_body_needs_what_is_right() {
    let house = House::build().await;
    let client = reqwest::Client::builder().no_proxy().build().expect("it can be built");
    let refresh = |token: String| {
        let body = serde_json::json!({ "token": token });
        client.put(format!("{}{LOGIN}", house.url)).json(&body).send()
    };
    for wrong in ["", "wrong", "a.b.c"] {
        assert_eq!(refresh(wrong.to_owned()).await.expect("an answer").status().as_u16(), 401);
    }
    let answer = refresh(LOOKER.to_owned()).await.expect("an answer");
    let body: serde_json::Value = answer.json().await.expect("JSON");
    let token = body["token"].as_str().expect("a token");
    assert_eq!(house.ask("get", "/v3/models", Some(token)).await.0, 200);
    // Who may only look cannot renew that into more.
    assert_eq!(house.ask("post", "/v3/models", Some(token)).await.0, 403);
    let grant = "urn:ibm:params:oauth:grant-type:apikey";
    let oidc = |key: &str| {
        let form = format!("apikey={key}&grant_type={grant}");
        client.post(format!("{}/oidc/token", house.url)).body(form).send()
    };
    // A token that is no API key is none, however good it is.
    for wrong in ["", "tyk_00", OWNER] {
        assert_eq!(oidc(wrong).await.expect("an answer").status().as_u16(), 401, "{wrong}");
    }
    let large = "x".repeat(20_000);
    assert_eq!(oidc(&large).await.expect("an answer").status().as_u16(), 413);
}

#[tokio::test]
async fn who_may_only_look_changes_nothing() {
    let house = House::build().await;
    for route in routes(&house)
        .iter()
        .filter(|route| is_guarded(route) && changes_something(route) && !route.for_learners)
    {
        let (status, body) = house.ask(&route.method, &route.path, Some(LOOKER)).await;
        assert_eq!(status, 403, "{} {}: {body}", route.method, route.path);
    }
    let run = format!("/v3/models/{}", house.run);
    assert_eq!(house.ask("get", &run, Some(LOOKER)).await.0, 200);
}

#[tokio::test]
async fn a_user_is_no_learner() {
    let house = House::build().await;
    let learners: Vec<Route> =
        routes(&house).into_iter().filter(|route| route.for_learners).collect();
    assert!(learners.len() >= 5);
    for route in &learners {
        let (status, body) = house.ask(&route.method, &route.path, Some(OWNER)).await;
        assert_eq!(status, 401, "{} {}: {body}", route.method, route.path);
    }
}

#[tokio::test]
async fn a_login_needs_the_right_password() {
    let house = House::build().await;
    let client = reqwest::Client::builder().no_proxy().build().expect("it can be built");
    let login = |user: &'static str, password: &'static str| {
        client.get(format!("{}{LOGIN}", house.url)).basic_auth(user, Some(password)).send()
    };
    assert_eq!(login("local", "wrong").await.expect("an answer").status().as_u16(), 401);
    assert_eq!(
        login("owner", "the local password").await.expect("an answer").status().as_u16(),
        401
    );
    let answer = login("local", "the local password").await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    let body: serde_json::Value = answer.json().await.expect("JSON");
    let token = body["token"].as_str().expect("a token");
    assert_eq!(house.ask("get", "/v3/models", Some(token)).await.0, 200);
    assert_eq!(token.split('.').count(), 3, "the official client wants three parts");
}

#[tokio::test]
async fn passwords_cannot_be_guessed_fast_and_tokens_go_on() {
    let house = House::build().await;
    let client = reqwest::Client::builder().no_proxy().build().expect("it can be built");
    let login = async |user: &str, password: &str| {
        let asked = client.get(format!("{}{LOGIN}", house.url)).basic_auth(user, Some(password));
        let answer = asked.send().await.expect("an answer");
        let after = answer.headers().get("retry-after").cloned();
        (answer.status().as_u16(), after, answer.text().await.expect("a body"))
    };
    let (status, _, body) = login("local", "the local password").await;
    assert_eq!(status, 200);
    let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let token = body["token"].as_str().expect("a token");
    // The right one is never taken for a guess, however many come at once.
    let logins = (0..30).map(|_| login("local", "the local password"));
    assert!(futures_util::future::join_all(logins).await.iter().all(|answer| answer.0 == 200));
    for _ in 0..10 {
        assert_eq!(login("local", "a guess").await.0, 401);
    }
    // Now not even the right one is looked at, for some seconds.
    let (status, after, body) = login("local", "the local password").await;
    assert_eq!(status, 429, "{body}");
    assert!(body.contains("TY0623"), "{body}");
    let after: u64 = after.expect("a header").to_str().expect("text").parse().expect("seconds");
    assert!((1..=5).contains(&after), "{after}");
    assert_eq!(login("nobody", "a guess").await.0, 401, "of others nothing is known");
    assert_eq!(house.ask("get", "/v3/models", Some(token)).await.0, 200);
}
