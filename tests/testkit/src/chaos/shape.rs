//! What the programs of a chaos do, and what is known of each beforehand: every byte
//! that it prints and leaves, and how it ends when it is left alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// The kinds of programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// Prints, leaves a result, ends.
    Quick,
    /// Prints a line now and then.
    Slow,
    /// Prints much.
    Loud,
    /// Ends with 7.
    Fails,
    /// Leaves children behind, one of which ignores SIGTERM.
    Parent,
    /// Ignores SIGTERM for three seconds.
    Stubborn,
    /// Writes checkpoints.
    Checkpoints,
    /// Leaves many files.
    ManyFiles,
    /// Reads its data.
    Reader,
    /// Leaves a large file.
    Large,
    /// Ends itself with SIGKILL.
    Suicide,
    /// Saves and ends when it is told to.
    Obedient,
    /// Writes a log of its own, and waits.
    Waits,
}

/// How a program ends that is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Completed,
    ExitCode(i64),
    Killed,
}

impl Shape {
    pub(super) const ALL: [Self; 13] = [
        Self::Quick,
        Self::Slow,
        Self::Loud,
        Self::Fails,
        Self::Parent,
        Self::Stubborn,
        Self::Checkpoints,
        Self::ManyFiles,
        Self::Reader,
        Self::Large,
        Self::Suicide,
        Self::Obedient,
        Self::Waits,
    ];

    /// The shape of the run with this number: each comes in its turn.
    pub(super) fn of(number: u64) -> Self {
        let all = Self::ALL.len() as u64;
        Self::ALL[usize::try_from(number % all).expect("a small number")]
    }

    /// Does it read data?
    pub(super) fn reads(self) -> bool {
        self == Self::Reader
    }

    pub(super) fn end(self) -> End {
        match self {
            Self::Fails => End::ExitCode(7),
            Self::Suicide => End::Killed,
            _ => End::Completed,
        }
    }

    fn lines(self) -> u64 {
        match self {
            Self::Loud => 40_000,
            Self::Slow | Self::Obedient => 40,
            Self::Stubborn => 30,
            Self::Checkpoints => 10,
            _ => 25,
        }
    }

    /// The program, for `sh`. It marks its life in the folder `witness`, and holds a lock
    /// there, which whoever it starts inherits.
    pub(super) fn program(self, number: u64, witness: &Path) -> String {
        let lines = self.lines();
        let mut text = format!(
            "set -e\n\
             exec 9>> {w}/{number}.lock\n\
             flock -n 9 || [ $? -ne 1 ] || echo \"overlap $$\" >> {w}/{number}\n\
             echo \"start $$ $TRAINING_ID\" >> {w}/{number}\n\
             line() {{ echo \"line $1 $((($1 * 7919 + {number} * 104729) % 1000003))\"; }}\n\
             lines() {{ i=1; while [ $i -le {lines} ]; do line $i; eval \"$1\"; i=$((i + 1)); done; }}\n\
             echo BEGIN {number}\n",
            w = witness.display(),
        );
        text.push_str(match self {
            Self::Quick => "lines :\nseq 1 200 > $RESULT_DIR/out\n",
            Self::Slow => "lines 'sleep 0.05'\nseq 1 200 > $RESULT_DIR/out\n",
            Self::Loud => "lines :\n",
            Self::Fails => {
                "lines :\nseq 1 200 > $RESULT_DIR/out\necho \"end $$\" >> $WITNESS\nexit 7\n"
            }
            Self::Parent => {
                "setsid sleep 300 &\nsleep 300 &\n\
                 [ -z \"$MARKED\" ] || env -i setsid sh -c \"sleep 300; :\" $RESULT_DIR &\n\
                 setsid sh -c \"trap '' TERM; sleep 300\" &\n\
                 lines :\nseq 1 200 > $RESULT_DIR/out\n"
            }
            Self::Stubborn => "trap '' TERM\nlines 'sleep 0.1'\nseq 1 200 > $RESULT_DIR/out\n",
            Self::Checkpoints => {
                "lines 'echo $i > $CHECKPOINT_DIR/new; mv $CHECKPOINT_DIR/new \
                 $CHECKPOINT_DIR/step-$i; sleep 0.1'\n"
            }
            Self::ManyFiles => {
                "mkdir $RESULT_DIR/sub\nlines 'echo file $i > $RESULT_DIR/sub/f$i'\n"
            }
            Self::Reader => "lines :\ncat $DATA_DIR/*\n",
            Self::Large => "lines :\nhead -c 6000000 /dev/zero | tr '\\0' x > $RESULT_DIR/large\n",
            Self::Suicide => "lines :\necho \"end $$\" >> $WITNESS\nkill -9 $$\n",
            Self::Obedient => {
                "trap 'echo saved > $RESULT_DIR/saved; exit 0' TERM\nlines 'sleep 0.1'\n"
            }
            Self::Waits => "echo own > $LOG_DIR/own.txt\nlines :\nsleep 1\n",
        });
        // Where mounts are not allowed, who clears its environment is not found again.
        let marked = if rustix::process::geteuid().is_root() { "yes" } else { "" };
        text = text.replace("$MARKED", marked);
        text.push_str("echo END\necho \"end $$\" >> $WITNESS\n");
        text.replace("$WITNESS", &format!("{}/{number}", witness.display()))
    }

    /// What it prints when nobody disturbs it.
    pub(super) fn prints(self, number: u64) -> String {
        let mut text = format!("BEGIN {number}\n");
        for i in 1..=self.lines() {
            let sum = (i * 7919 + number * 104_729) % 1_000_003;
            writeln!(text, "line {i} {sum}").expect("a string takes all");
        }
        if self.reads() {
            text.extend(data().values().map(String::as_str));
        }
        if !matches!(self, Self::Fails | Self::Suicide) {
            text.push_str("END\n");
        }
        text
    }

    /// What it leaves in the results' container, by the key after `<run id>/`, when
    /// nobody disturbs it.
    pub(super) fn leaves(self) -> BTreeMap<String, Vec<u8>> {
        let own = |pairs: Vec<(String, Vec<u8>)>| pairs.into_iter().collect();
        match self {
            Self::Quick | Self::Slow | Self::Fails | Self::Parent | Self::Stubborn => {
                let numbers: Vec<String> = (1..=200).map(|i| format!("{i}\n")).collect();
                own(vec![("out".to_owned(), numbers.concat().into_bytes())])
            }
            Self::Checkpoints => (1..=10)
                .map(|i| (format!("_wml_checkpoints/step-{i}"), format!("{i}\n").into_bytes()))
                .collect(),
            Self::ManyFiles => (1..=self.lines())
                .map(|i| (format!("sub/f{i}"), format!("file {i}\n").into_bytes()))
                .collect(),
            Self::Large => own(vec![("large".to_owned(), vec![b'x'; 6_000_000])]),
            Self::Waits => own(vec![("learner-1/own.txt".to_owned(), b"own\n".to_vec())]),
            Self::Loud | Self::Reader | Self::Suicide | Self::Obedient => BTreeMap::new(),
        }
    }
}

/// The objects that there are to read, by name.
pub(super) fn data() -> BTreeMap<String, String> {
    (1..=6).map(|i| (format!("d{i}"), format!("datum {i}\n").repeat(100 * i))).collect()
}
