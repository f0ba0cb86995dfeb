//! From the object `hyper_parameters_optimization` to a study, or to all that is wrong with it.
//!
//! The form is that of the v3 API (`method`, `hyper_parameters`). Numbers that are
//! written as texts are taken, and so are keys with a stray quote, which stand in
//! examples that people have copied; what cannot be meant is complained about.

mod fields;
mod hyperband;
mod hyperparameters;
mod method;
mod numbers;

use serde_json::Value;

use crate::complaint::Complaint;
use crate::space::Space;
use crate::study::{Method, Study};
use fields::Reader;
use method::Name;

/// Reads a study.
pub(crate) fn study(value: &Value) -> Result<Study, Vec<Complaint>> {
    let mut reader = Reader::default();
    let study = whole(&mut reader, value);
    match study {
        Some(study) if reader.complaints.is_empty() => Ok(study),
        _ => Err(reader.complaints),
    }
}

fn whole(reader: &mut Reader, value: &Value) -> Option<Study> {
    let fields = reader.object(value, "", &["method", "hyper_parameters"])?;
    let hyperparameters = reader
        .needed(&fields, "hyper_parameters", "list the hyperparameters and their ranges")
        .and_then(|value| hyperparameters::read(reader, &value, "hyper_parameters"));
    let settings = reader
        .needed(&fields, "method", "add `method` with a name, such as `random`, and its parameters")
        .and_then(|value| method::read(reader, &value));
    let (mut hyperparameters, settings) = (hyperparameters?, settings?);
    let method = match settings.name {
        Name::Random => Method::Random,
        Name::Rbfopt => Method::Surrogate,
        Name::Hyperband => {
            Method::Hyperband(hyperband::read(reader, &settings.parameters, &mut hyperparameters)?)
        }
    };
    Some(Study {
        space: Space { hyperparameters },
        method,
        objective: settings.objective,
        maximize: settings.maximize,
        steps: settings.steps,
        parallel: 1,
    })
}
