//! `trainyard check`: everything that can be checked without submitting.

use trainyard_api::check::CheckResult;
use trainyard_model::diagnostic::Diagnostic;

use super::train::file_name;
use crate::args::Check;
use crate::context::Context;
use crate::draw;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::patience::until_taken;
use crate::server::connect;
use crate::submission::gather;
use crate::views;

pub(crate) async fn run(context: &Context, args: Check) -> Result<Exit, Failure> {
    let screen = &context.screen;
    let submission = gather(screen, &args.code, args.definition.as_deref())?;
    let source = submission.definition;
    let connection = connect(context).await?;
    let (client, name) = (&connection.client, file_name(&source.name));
    let check = || client.check(name, &source.text, submission.code.clone());
    let report = until_taken(screen, check)
        .await
        .map_err(|error| Failure::from(error).about(source.clone()))?;
    if context.json {
        screen.json(&report)?;
    } else {
        let complaints: Vec<_> = report
            .checks
            .iter()
            .flat_map(|check| check.errors.iter().cloned().map(Diagnostic::from))
            .collect();
        if !complaints.is_empty() {
            screen.complain(&draw::complaints(&complaints, Some(&source), screen.talk_width()));
        }
        screen.data(&views::checks(&report))?;
    }
    let failed = report.checks.iter().any(|check| check.result == CheckResult::Failed);
    Ok(if report.ok && !failed { Exit::OK } else { Exit::INVALID })
}
