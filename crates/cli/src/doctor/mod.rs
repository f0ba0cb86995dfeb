//! `trainyard doctor`: what this machine has, what it lacks, and what each lack
//! costs. Looks and tries, changes nothing, starts no server.

mod finding;
mod frameworks;
mod machine;
mod places;
mod roots;
mod server;
pub(crate) mod view;

use serde_json::json;

use self::finding::Finding;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) async fn run(context: &Context) -> Result<Exit, Failure> {
    let mut findings = vec![server::server(context).await];
    findings.extend(places::all(&context.places));
    findings.extend(roots::all(&context.places.home));
    findings.extend(machine::all());
    findings.push(view::view(&context.places));
    findings.extend(frameworks::all(&context.places.cache));
    let well = findings.iter().all(Finding::is_bearable);
    if context.json {
        context.screen.json(&json!({ "ok": well, "findings": findings }))?;
    } else {
        context.screen.data(&finding::draw(&findings))?;
        if !well {
            context.screen.talk("something essential is missing: runs cannot work here");
        }
    }
    Ok(if well { Exit::OK } else { Exit::FAILED })
}
