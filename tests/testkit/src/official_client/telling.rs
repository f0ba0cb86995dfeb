//! What became of a client's steps, and the verdict over all of them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

/// So much of the client's last words is shown with a verdict.
const LAST_WORDS: usize = 4000;

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// What the scripts call it.
    pub name: String,
    value: Value,
    output: String,
    error: Option<String>,
    trace: String,
}

impl Step {
    fn read(line: &str) -> Result<Self> {
        let told: Value =
            serde_json::from_str(line).with_context(|| format!("no step: {line:?}"))?;
        let text = |key: &str| told[key].as_str().map(str::to_owned);
        Ok(Self {
            name: text("step").with_context(|| format!("a step without name: {line}"))?,
            value: told["value"].clone(),
            output: text("output").unwrap_or_default(),
            error: text("error"),
            trace: text("trace").unwrap_or_default(),
        })
    }

    /// What it gave; `null` of a call that gives nothing.
    ///
    /// # Errors
    /// The client's exception, if there was one.
    pub fn value(&self) -> Result<&Value> {
        match &self.error {
            None => Ok(&self.value),
            Some(error) => bail!("it raised {error}"),
        }
    }

    /// What it gave at a place (`/metadata/guid`).
    ///
    /// # Errors
    /// The client's exception, and when there is nothing at that place.
    pub fn at(&self, pointer: &str) -> Result<&Value> {
        let value = self.value()?;
        value.pointer(pointer).with_context(|| format!("nothing at {pointer} of {value:#}"))
    }

    /// The text at a place of what it gave.
    ///
    /// # Errors
    /// As [`Self::at`], and when it is no text.
    pub fn text(&self, pointer: &str) -> Result<&str> {
        let found = self.at(pointer)?;
        found.as_str().with_context(|| format!("{pointer} is no text but {found}"))
    }

    /// The list at a place of what it gave.
    ///
    /// # Errors
    /// As [`Self::at`], and when it is no list.
    pub fn list(&self, pointer: &str) -> Result<&[Value]> {
        let found = self.at(pointer)?;
        let list = found.as_array().with_context(|| format!("{pointer} is no list but {found}"))?;
        Ok(list)
    }

    /// It gave `expected` at a place.
    ///
    /// # Errors
    /// With what it gave instead.
    pub fn gave(&self, pointer: &str, expected: impl Into<Value>) -> Result<()> {
        let (found, expected) = (self.at(pointer)?, expected.into());
        ensure!(*found == expected, "{pointer} is {found}, not {expected}");
        Ok(())
    }

    /// What it printed.
    ///
    /// # Errors
    /// The client's exception, if there was one.
    pub fn output(&self) -> Result<&str> {
        self.value().map(|_| self.output.as_str())
    }

    /// It printed each of these texts.
    ///
    /// # Errors
    /// With all that it printed.
    pub fn printed(&self, texts: &[&str]) -> Result<()> {
        let output = self.output()?;
        for text in texts {
            ensure!(output.contains(text), "it did not print {text:?}");
        }
        Ok(())
    }

    /// It raised an exception that says each of these texts.
    ///
    /// # Errors
    /// When it did not, or of something else.
    pub fn raised(&self, texts: &[&str]) -> Result<()> {
        let Some(error) = &self.error else { bail!("it raised nothing") };
        for text in texts {
            ensure!(error.contains(text), "it raised {error:?}, which does not say {text:?}");
        }
        Ok(())
    }
}

/// All steps of a workflow, in their order.
#[derive(Debug)]
pub struct Telling {
    steps: Vec<Step>,
    version: &'static str,
    last_words: String,
}

impl Telling {
    pub(super) fn read(lines: impl Read) -> Result<Self> {
        let steps = BufReader::new(lines)
            .lines()
            .map(|line| Step::read(&line?))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { steps, version: "", last_words: String::new() })
    }

    pub(super) fn ended(mut self, version: &'static str, words: &str) -> Self {
        let from = words.len().saturating_sub(LAST_WORDS);
        let from = (from..=words.len()).find(|at| words.is_char_boundary(*at)).unwrap_or(0);
        self.version = version;
        words[from..].clone_into(&mut self.last_words);
        self
    }

    /// The step of this name.
    ///
    /// # Errors
    /// When there was none.
    pub fn step(&self, name: &str) -> Result<&Step> {
        let found = self.steps.iter().find(|step| step.name == name);
        found.with_context(|| format!("no step {name:?} was told"))
    }
}

/// Judges steps one after the other, and lets nobody forget one.
#[derive(Debug)]
pub struct Judge<'a> {
    /// What was told.
    pub telling: &'a Telling,
    judged: BTreeSet<String>,
    failures: Vec<String>,
}

impl<'a> Judge<'a> {
    /// A judge who has seen nothing yet.
    #[must_use]
    pub fn new(telling: &'a Telling) -> Self {
        Self { telling, judged: BTreeSet::new(), failures: Vec::new() }
    }

    /// A step is as `check` says it has to be. What is not becomes part of the verdict, and
    /// the other steps are judged as well.
    pub fn expect(&mut self, name: &str, check: impl FnOnce(&'a Step) -> Result<()>) {
        self.judged.insert(name.to_owned());
        let step = match self.telling.step(name) {
            Ok(step) => step,
            Err(error) => return self.failures.push(format!("{error:#}")),
        };
        if let Err(error) = check(step) {
            let mut failure = format!("step {name}: {error:#}");
            let shown = [("printed", &step.output), ("raised at", &step.trace)];
            for (what, text) in shown.iter().filter(|(_, text)| !text.is_empty()) {
                let _ = write!(failure, "\n  {what}:\n    {}", text.trim().replace('\n', "\n    "));
            }
            if !step.value.is_null() {
                let _ = write!(failure, "\n  gave: {}", step.value);
            }
            self.failures.push(failure);
        }
    }

    /// All steps were judged, and good.
    ///
    /// # Errors
    /// With every step that was not, its output, the client's last words, and `server_log`.
    pub fn verdict(mut self, server_log: &str) -> Result<()> {
        for step in &self.telling.steps {
            if !self.judged.contains(&step.name) {
                self.failures.push(format!("step {} was judged by nobody", step.name));
            }
        }
        ensure!(
            self.failures.is_empty(),
            "{} of {} steps of client {} are not as documented\n\n{}\n\nthe client's last words:\n{}\n\nthe server's log:\n{server_log}",
            self.failures.len(),
            self.telling.steps.len(),
            self.telling.version,
            self.failures.join("\n\n"),
            self.telling.last_words
        );
        Ok(())
    }
}
