//! What goes wrong, apart from messages and from crashes in the middle of a step.

use crate::world::World;

impl World {
    pub(crate) fn something_fails(&mut self) {
        let numbers: Vec<u32> = self.learners.iter().map(|learner| learner.number).collect();
        let chosen = self.any(&numbers);
        let learner = chosen
            .and_then(|number| self.learners.iter_mut().find(|learner| learner.number == number));
        match self.rng.u32(0..16) {
            0..4 => self.server_crashes(),
            4..8 => {
                if let Some(number) = chosen {
                    self.learner_dies(number);
                }
            }
            8 | 9 => {
                if let Some(learner) = learner {
                    learner.cut_off = !learner.cut_off;
                }
            }
            10 => {
                if let Some(learner) = learner {
                    learner.stopped = !learner.stopped;
                }
            }
            11 | 12 => self.store_is_up = !self.store_is_up,
            13 => self.machine_is_restarted(),
            14 => {
                let hours = self.rng.i64(-30..30);
                self.skew += hours * 3_600_000;
                self.note(|| format!("the clock jumps by {hours} hours"));
            }
            _ => {
                // Somebody kills a program.
                let running = self.folders.values_mut().find(|folder| folder.program.is_some());
                if let Some(folder) = running {
                    folder.program = None;
                }
            }
        }
    }

    /// Everything that lives dies, the server included; a disk keeps what it was made to keep.
    fn machine_is_restarted(&mut self) {
        self.note(|| "the machine is restarted".to_owned());
        self.server_crashes();
        self.deaths += self.learners.len() as u64;
        self.learners.clear();
        self.boot += 1;
        // What was on its way was in this machine.
        self.mail.clear();
        let mut torn = Vec::new();
        for (place, folder) in &mut self.folders {
            folder.program = None;
            torn.push(*place);
        }
        for place in torn {
            // The end of a log that no disk had: what the server has stays as long as it was.
            let lost = self.rng.u64(0..50);
            let has = self.ledger.get(&place.0).and_then(|row| row.logs.get(&place.1)).copied();
            let folder = self.folder(place);
            folder.log = folder.log.saturating_sub(lost).max(has.unwrap_or_default());
            folder.delivered = folder.delivered.min(folder.log);
        }
    }

    /// From now on everything works, and everybody is there again.
    pub(crate) fn faults_stop(&mut self) {
        self.note(|| "the faults stop".to_owned());
        self.faulty = false;
        self.store_is_up = true;
        for learner in &mut self.learners {
            learner.cut_off = false;
            learner.stopped = false;
        }
    }
}
