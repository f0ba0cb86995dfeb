//! Users: they submit, and want this and that of their runs at any moment.

use std::collections::{BTreeMap, BTreeSet};

use trainyard_model::event::Event;
use trainyard_model::ids::RunId;
use trainyard_model::refusal::Refusal;
use trainyard_model::size::Size;
use trainyard_model::state::RunState;
use trainyard_model::terms::Terms;

use crate::world::{Row, Run, Witness, World};

const RUNS_MAX: usize = 5;

impl World {
    pub(crate) fn user_acts(&mut self) {
        if self.memory.is_none() {
            return;
        }
        let wish = self.rng.u32(0..12);
        if wish < 5 && self.witnesses.len() < RUNS_MAX {
            self.submits();
            return;
        }
        let runs: Vec<Run> = self.ledger.keys().copied().collect();
        let Some(run) = self.any(&runs) else { return };
        let by = Self::by();
        match wish {
            0..7 => drop(self.tell(run, Event::CancelRequested { by })),
            7..9 => drop(self.tell(run, Event::HaltRequested { by })),
            9..11 => {
                if self.tell(run, Event::ResumeRequested { by }).is_ok() {
                    self.witnesses[run].resumed += 1;
                }
            }
            _ => {
                let told = self.tell(run, Event::DeleteRequested { by });
                match told {
                    Ok(()) => self.witnesses[run].deletion_wanted = true,
                    Err(Refusal::AlreadySettled) => {
                        self.witnesses[run].deletion_wanted = true;
                        self.forget_settled(run);
                    }
                    Err(_) => {}
                }
            }
        }
    }

    fn submits(&mut self) {
        let fitting: Vec<Size> =
            Size::ALL.into_iter().filter(|size| size.slots() <= self.slots).collect();
        let Some(size) = self.any(&fitting) else { return };
        let run = self.witnesses.len();
        let terms = Terms {
            machine_lost: Some(self.rng.u32(0..4)),
            out_of_memory: Some(self.rng.u32(0..2)),
            store_failed: Some(self.rng.u32(0..4)),
            ..Terms::default()
        };
        self.note(|| format!("run {run} is submitted: {size}, {terms:?}"));
        self.witnesses.push(Witness::default());
        self.ledger.insert(
            run,
            Row {
                id: RunId::from_entropy(run as u128),
                size,
                terms,
                state: RunState::submitted(),
                due: Vec::new(),
                handles: BTreeMap::new(),
                taken: BTreeMap::new(),
                logs: BTreeMap::new(),
                open: BTreeSet::new(),
            },
        );
    }
}
