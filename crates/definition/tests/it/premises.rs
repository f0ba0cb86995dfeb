//! What a server cannot offer is told in the same round, at its place.

use trainyard_definition::{Premises, Syntax, read_for};
use trainyard_model::code::Code;
use trainyard_model::definition::FrameworkRef;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::size::Size;

use crate::told::told;

/// A server with one slot and no frameworks at all.
struct Nothing;

impl Premises for Nothing {
    fn framework(&self, wanted: &FrameworkRef) -> Option<Diagnostic> {
        let message = format!("there is no framework '{}'", wanted.name);
        Some(
            Diagnostic::error(Code::UnknownFramework, message)
                .at("model_definition.framework.name"),
        )
    }

    fn size(&self, wanted: Size) -> Option<Diagnostic> {
        let message = format!("'{wanted}' never fits");
        (wanted != Size::Small).then(|| Diagnostic::error(Code::SizeNeverFits, message))
    }
}

const TEXT: &str = r#"{
  "model_definition": {
    "framwork": { "name": "tensorflo", "version": "1.2-py3" },
    "name": "n",
    "execution": { "command": "true", "resourceType": "large" }
  },
  "training_results": { "connection": { "root": "/r" }, "target": { "container": "c", "type": "directory" } }
}"#;

#[test]
fn complaints_of_the_premises_stand_among_the_others() {
    let complaints = read_for(TEXT, Syntax::Json, &Nothing).expect_err("nothing is to be had");
    assert_eq!(
        told(&complaints),
        "\
3:5 TY0103 model_definition.framwork: there is no key 'framwork' here (did you mean 'framework'?)
3:27 TY0301 model_definition.framwork.name: there is no framework 'tensorflo'
5:55 TY0507 model_definition.execution.resourceType: 'large' never fits"
    );
}
