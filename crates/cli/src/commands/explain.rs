//! `trainyard explain [CODE]`: the page of a code, offline.

use serde_json::json;
use trainyard_definition::nearest;
use trainyard_model::code::Code;

use crate::args::Explain;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::Screen;

pub(crate) fn run(screen: &Screen, args: &Explain, as_json: bool) -> Result<Exit, Failure> {
    match &args.code {
        None if as_json => {
            let all: Vec<_> = Code::ALL.iter().map(|code| document(*code)).collect();
            screen.json(&all)?;
        }
        None => {
            let line = |code: &Code| format!("{code}  {}\n", title(*code));
            screen.data(&Code::ALL.iter().map(line).collect::<Vec<_>>().concat())?;
        }
        Some(word) => {
            let code = find(word)?;
            if as_json {
                screen.json(&document(code))?;
            } else {
                screen.data(code.page())?;
            }
        }
    }
    Ok(Exit::OK)
}

fn document(code: Code) -> serde_json::Value {
    json!({ "code": code.as_str(), "title": title(code), "page": code.page() })
}

fn title(code: Code) -> &'static str {
    let head = code.page().lines().next().unwrap_or_default();
    head.trim_start_matches("# ").trim_start_matches(code.as_str()).trim()
}

fn find(word: &str) -> Result<Code, Failure> {
    // `103` and `0103` are clear enough.
    let digits = word.trim_start_matches(['T', 't']).trim_start_matches(['Y', 'y']);
    let full = format!("TY{digits:0>4}");
    word.parse().or_else(|_| full.parse()).map_err(|_| {
        let near = nearest(&full, Code::ALL.iter().map(|code| code.as_str()));
        Failure::usage(
            format!("there is no code '{word}'"),
            match near {
                Some(near) => format!("did you mean `{near}`? `trainyard explain` lists them all"),
                None => "`trainyard explain` lists them all".to_owned(),
            },
        )
    })
}
