//! Lines as programs print them.

use proptest::prelude::*;

use super::*;

/// What a text tells, a line each, and the last progress.
fn told(text: &str) -> (Vec<String>, Option<Progress>) {
    let mut reader = LogReader::default();
    let mut seen = Vec::new();
    let mut look = |scalar: Scalar<'_>| {
        seen.push(format!(
            "{}/{} {} {}",
            scalar.phase, scalar.name, scalar.moment.iteration, scalar.value
        ));
    };
    reader.feed(text.as_bytes(), 7, &mut look);
    reader.finish(7, &mut look);
    (seen, reader.progress)
}

#[expect(clippy::unnecessary_wraps, reason = "as it is told")]
fn progress(what: &str, done: u64, total: u64, seconds_left: Option<u64>) -> Option<Progress> {
    Some(Progress { what: what.to_owned(), done, total, seconds_left })
}

#[test]
fn keras_tells_an_epoch_at_its_end() {
    let text = "Epoch 1/3\n\r  1/469 [..............................] - ETA: 1:02 - loss: 2.3 - accuracy: 0.1\
        \r120/469 [======>.......................] - ETA: 5s - loss: 1.5 - accuracy: 0.5\
        \r469/469 [==============================] - 8s 15ms/step - loss: 0.5 - accuracy: 0.9\
        \r469/469 [==============================] - 9s 16ms/step - loss: 0.5 - accuracy: 0.9 - val_loss: 0.4 - val_accuracy: 0.95\n\
        Epoch 2/3\n\r 46/469 [=>............................] - ETA: 7s - loss: 0.4 - accuracy: 0.92";
    let (seen, at) = told(text);
    assert_eq!(
        seen,
        [
            "train/loss 1 0.5",
            "train/accuracy 1 0.9",
            "validation/loss 1 0.4",
            "validation/accuracy 1 0.95"
        ]
    );
    assert_eq!(at, progress("epoch 2 of 3", 469 + 46, 3 * 469, None));
}

#[test]
fn keras_of_other_years_is_understood() {
    let three = "Epoch 1/2\n\u{1b}[1m469/469\u{1b}[0m \u{1b}[32m━━━━━━━━━━━━━━━━━━━━\u{1b}[0m\u{1b}[37m\u{1b}[0m \u{1b}[1m2s\u{1b}[0m 3ms/step - accuracy: 0.9 - loss: 0.25\n";
    assert_eq!(told(three).0, ["train/accuracy 1 0.9", "train/loss 1 0.25"]);
    let old = "Epoch 2/2\n60000/60000 [==============================] - 5s 85us/step - loss: 0.1 - acc: 0.97\n";
    assert_eq!(told(old).0, ["train/loss 2 0.1", "train/acc 2 0.97"]);
    let quiet = "Epoch 1/5\n - 1s - loss: 0.5 - acc: 0.8 - val_loss: 0.4 - val_acc: 0.9\n";
    assert_eq!(
        told(quiet).0,
        ["train/loss 1 0.5", "train/acc 1 0.8", "validation/loss 1 0.4", "validation/acc 1 0.9"]
    );
    let quiet = "Epoch 4/5\n469/469 - 1s - loss: 0.5 - accuracy: 0.8 - 1s/epoch - 3ms/step\n";
    assert_eq!(told(quiet).0, ["train/loss 4 0.5", "train/accuracy 4 0.8"]);
    let backspaces = "Epoch 1/1\n1/2 [>...] - ETA: 0s - loss: 2\u{8}\u{8}\u{8}\u{8}\u{8}2/2 [====] - 0s - loss: 1.5\n";
    assert_eq!(told(backspaces).0, ["train/loss 1 1.5"]);
}

#[test]
fn tqdm_tells_how_far_it_is() {
    let (seen, at) = told("\r 45%|████▌     | 45/100 [00:12<00:15,  3.60it/s, loss=0.3]");
    assert_eq!(
        (seen, at),
        (vec!["train/loss 45 0.3".to_owned()], progress("training", 45, 100, Some(15)))
    );
    let lightning = "Epoch 0: 100%|██████████| 50/50 [00:01<00:00, 89.91it/s, v_num=0, train_loss=0.5]\
        \rEpoch 1:  20%|██        | 10/50 [00:01<00:04, 8.91it/s, v_num=0, train_loss=0.4]\
        \rValidation DataLoader 0:  50%|█████     | 5/10 [00:00<00:00, 99.1it/s]";
    let (seen, at) = told(lightning);
    assert_eq!(seen, ["train/loss 50 0.5", "train/loss 60 0.4"]);
    assert_eq!(at, progress("Validation DataLoader 0", 5, 10, Some(0)));
    let epochs = "Epoch 2/4:  50%|█████     | 5/10 [00:00<00:01, 9.1it/s]";
    assert_eq!(told(epochs).1, progress("epoch 2 of 4", 15, 40, None));
    let fetching = "train.gz:  63%|██████▎   | 6.20M/9.91M [00:00<00:00, 31.0MB/s]";
    assert_eq!(told(fetching), (vec![], progress("train.gz", 6_200_000, 9_910_000, Some(0))));
}

#[test]
fn what_programs_print_themselves_is_understood() {
    for (text, seen, at) in [
        ("step 100 loss 0.3", &["train/loss 100 0.3"][..], None),
        ("iter: 100, loss=0.3", &["train/loss 100 0.3"], None),
        (
            "Epoch [2/10], Step [100/600], Loss: 0.3000",
            &["train/loss 700 0.3"],
            progress("epoch 2 of 10", 700, 6000, None),
        ),
        (
            "Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.297471",
            &["train/loss 640 2.297471"],
            progress("epoch 1", 640, 60000, None),
        ),
        (
            "Epoch: 3 | train loss: 0.5 | val_acc: 91.5%",
            &["train/loss 3 0.5", "validation/acc 3 91.5"],
            None,
        ),
        (
            "2026-01-01 10:00:00,123 INFO step=7/20 lr=1e-3 loss=nan",
            &["train/lr 7 0.001", "train/loss 7 NaN"],
            progress("step", 7, 20, None),
        ),
        ("Epoch 3/10 - loss: 0.2", &["train/loss 3 0.2"], progress("epoch", 3, 10, None)),
        (
            "I1127 12:34:56.789012  1234 solver.cpp:218] Iteration 100 (2.5 iter/s, 4s/10 iters), loss = 0.75",
            &["train/loss 100 0.75"],
            None,
        ),
        (
            "Iteration 500, Testing net (#0)\nI1127 12:34:56.7  1234 solver.cpp:397]     Test net output #0: accuracy = 0.98",
            &["test/accuracy 500 0.98"],
            None,
        ),
        (
            "Train Epoch: 1 [59520/60000 (99%)]\tLoss: 0.05\nTest set: Average loss: 0.0502, Accuracy: 9835/10000 (98%)",
            &[
                "train/loss 59520 0.05",
                "test/average_loss 59520 0.0502",
                "test/accuracy 59520 0.9835",
            ],
            progress("epoch 1", 59520, 60000, None),
        ),
    ] {
        let (found, far) = told(text);
        assert_eq!(found, seen, "{text}");
        assert_eq!(far, at, "{text}");
    }
}

#[test]
fn progress_that_cannot_be_is_not_told() {
    assert_eq!(told("  0%|          | 0/0 [00:00<?, ?it/s]").1, None);
    let torn = told("Epoch 1/2\n12/10 [=====] - loss: 1.0").1;
    assert_eq!(torn, progress("epoch 1 of 2", 0, 2, None), "no more than the line before told");
    // Keras with `initial_epoch` counts beyond what it was told.
    let beyond = told("Epoch 4/3\n1/2 [==>..] - ETA: 5s - loss: 1.0").1.expect("of the epoch");
    assert_eq!((&*beyond.what, beyond.done, beyond.total), ("epoch 4", 1, 2));
}

#[test]
fn what_is_no_progress_is_left_alone() {
    for text in [
        "Training with training/test data at:",
        "step by step",
        "loaded 5000 images in 3 steps",
        "epoch_size = 5",
        "Using TensorFlow backend.",
        "Test passed: 5",
        "GET /accounts/12/34 200",
        "loss of connection: 5",
        "[........]",
    ] {
        assert_eq!(told(text), (vec![], None), "{text}");
    }
}

#[test]
fn a_reader_goes_on_where_another_was() {
    let text = "Epoch 1/2\n2/2 [====] - 0s - loss: 1.5\n2/2 [====] - 0s - loss: 1.5 - val_loss: 1.0\n\
        Epoch 2/2\n2/2 [====] - 0s - loss: 1.25\nstep 3 loss 4.5\n 10%|█| 1/10 [00:00<00:09, 1it/s, loss=3]\n";
    let all = told(text).0;
    assert_eq!(all.len(), 5);
    for cut in 0..text.len() {
        let mut seen = Vec::new();
        let mut look = |scalar: Scalar<'_>| {
            seen.push(format!(
                "{}/{} {} {}",
                scalar.phase, scalar.name, scalar.moment.iteration, scalar.value
            ));
        };
        let mut first = LogReader::default();
        first.feed(&text.as_bytes()[..cut], 7, &mut look);
        let position = first.position();
        let mut next = LogReader::at(&position);
        next.feed(
            &text.as_bytes()[usize::try_from(position.offset).expect("small")..],
            7,
            &mut look,
        );
        assert_eq!(seen, all, "cut at {cut}");
    }
}

proptest! {
    #[test]
    fn lines_of_anything_do_no_harm(
        parts in proptest::collection::vec(
            prop_oneof![
                "(?s).{0,20}",
                Just("Epoch 99999999999999999999/3\n".to_owned()),
                Just("18446744073709551615/18446744073709551615 [===] - loss: 1e999\n".to_owned()),
                Just("Epoch 18446744073709551615:  45%|x| 18446744073709551615/1 [99:99:99<1:1, loss=1]\n".to_owned()),
                Just("epoch 18446744073709551614 step 5/18446744073709551615 loss 3.0\n".to_owned()),
            ],
            0..10,
        )
    ) {
        told(&parts.concat());
    }
}
