//! Stages a container in a process of its own, as a learner does, and keeps it until
//! stdin ends. The crate's tests start it: `stager '{"source": …, "data": …, …}'`.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use serde::Deserialize;
use trainyard_model::definition::StoreRef;
use trainyard_model::secret::{Credentials, ExposedCredentials};
use trainyard_objectstore::{Cache, Guard, GuardPolicy, Isolation, Staging, Step, open, stage};

#[derive(Deserialize)]
struct Wanted {
    source: StoreRef,
    credentials: Option<ExposedCredentials>,
    cache: PathBuf,
    limit: Option<u64>,
    data: PathBuf,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    rustls::crypto::ring::default_provider().install_default().unwrap_or_default();
    let isolation = Isolation::enter()?;
    let wanted: Wanted = serde_json::from_str(&std::env::args().nth(1).unwrap_or_default())?;
    let credentials = wanted.credentials.map(Credentials::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let staged = runtime.block_on(async {
        let guard = Guard::new(GuardPolicy::local());
        let store = open(&guard, &wanted.source, credentials.as_ref()).await?;
        let cache = Cache::open(&wanted.cache, wanted.limit)?;
        let what = Staging {
            store: &store,
            source: &wanted.source,
            credentials: credentials.as_ref(),
            cache: Some(&cache),
            isolation: &isolation,
            data: &wanted.data,
            aside: &wanted.data.with_extension("view"),
        };
        let tell = |step| {
            if step == Step::Waiting {
                say("waiting");
            }
        };
        Ok::<_, Box<dyn std::error::Error>>(stage(what, &tell).await?)
    })?;
    say(&serde_json::to_string(&staged)?);
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop(staged);
    Ok(())
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").and_then(|()| out.flush()).unwrap_or_default();
}
