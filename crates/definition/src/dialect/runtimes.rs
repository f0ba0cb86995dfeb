//! `framework.runtimes` of 2018: the Python beside a version that does not name it.
//!
//! The page of that year says that Python 3 is assumed without it; its samples write a
//! mapping where the page has a list.

use trainyard_model::code::Code;

use super::desk::Desk;
use super::object::{Keys, Need, Object};
use crate::text::Kind;

const RUNTIME: Keys = Keys { known: &["name", "version"], later: &[], strays: &[] };

impl Desk<'_> {
    /// The version as the catalogue spells it: `1.5` on a Python 2 is `1.5-py2`. One that
    /// names its Python itself stays as it is, and so does one on a Python 3, which is what
    /// the catalogue takes a bare version for.
    pub(super) fn on_runtime(&mut self, framework: &Object<'_>, version: String) -> String {
        let Some(pair) = framework.get(&["runtimes"]) else { return version };
        let path = framework.path_of(&pair.key);
        let mut runtimes = Vec::new();
        match &pair.value.kind {
            Kind::Null => {}
            Kind::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let anchor = item.span.start..item.span.start + 1;
                    let path = format!("{path}[{index}]");
                    runtimes.extend(self.object(item, path, anchor, &RUNTIME));
                }
            }
            _ => runtimes.extend(self.object(&pair.value, path, pair.key_span.clone(), &RUNTIME)),
        }
        let mut python_2 = false;
        for runtime in &runtimes {
            let name = self.line(runtime, &["name"], Need::Required);
            let of = self.line(runtime, &["version"], Need::Optional);
            let Some(name) = name else { continue };
            if !name.value.eq_ignore_ascii_case("python") {
                let message = "programs run on Python here";
                let complaint = self.error(Code::UnknownValue, &name.path, &name.span, message);
                self.complain(complaint.expected("'python'"));
            }
            python_2 |= of.is_some_and(|of| of.value == "2" || of.value.starts_with("2."));
        }
        if python_2 && !version.contains("-py") { format!("{version}-py2") } else { version }
    }
}
