//! What holds for every input.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;
use trainyard_definition::zip::{Layout, extract, inspect, pack};
use trainyard_definition::{Syntax, ZipLimits, nearest, read};

use crate::archive::{Piece, zip};
use crate::seed::filled;

fn limits() -> ZipLimits {
    ZipLimits { total_bytes: 1 << 20, file_bytes: 1 << 20, ..ZipLimits::default() }
}

/// Every complaint lies within the text, on borders of characters.
fn sound(text: &str, syntax: Syntax) {
    let Err(complaints) = read(text, syntax) else { return };
    assert!(!complaints.is_empty());
    for complaint in &complaints {
        if let Some(span) = complaint.span {
            assert!(text.get(span.start..span.end).is_some(), "{span:?} in {text:?}");
        }
    }
    assert!(complaints.is_sorted_by_key(|complaint| complaint.span.map_or(0, |span| span.start)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>()) {
        sound(&text, Syntax::Json);
        sound(&text, Syntax::Yaml);
    }

    #[test]
    fn any_text_of_the_marks_that_matter_is_read_without_a_panic(
        text in "[\\[\\]{}:,\"'\\\\|>&*!#%@`?ä \\n\\t0-9a-c.-]{0,120}"
    ) {
        sound(&text, Syntax::Json);
        sound(&text, Syntax::Yaml);
    }

    #[test]
    fn a_right_definition_with_a_stretch_replaced_is_read_without_a_panic(
        at in 0_usize..900, length in 0_usize..30, other in ".{0,5}"
    ) {
        let mut text = filled();
        let start = at.min(text.len());
        let end = (start + length).min(text.len());
        text.replace_range(start..end, &other);
        sound(&text, Syntax::Json);
        sound(&text, Syntax::Yaml);
    }

    #[test]
    fn any_bytes_are_inspected_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = inspect(&bytes, &limits(), Layout::Flat);
        let _ = inspect(&[b"PK\x03\x04".to_vec(), bytes].concat(), &limits(), Layout::Flat);
    }

    #[test]
    fn a_right_zip_with_bytes_changed_is_inspected_without_a_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = zip(&[
            Piece::file("train.py", &[7; 300]),
            Piece::stored("b/b", b"stored"),
            Piece::file("c", b"hello hello hello"),
        ]);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = inspect(&bytes, &limits(), Layout::Folders);
        bytes.truncate(cut.index(bytes.len()));
        let _ = inspect(&bytes, &limits(), Layout::Flat);
    }

    #[test]
    fn any_packed_directory_inspects_and_unpacks_to_the_same_bytes(
        files in prop::collection::btree_map(
            "([a-zä]{1,2}0/){0,3}[a-z0-9_ äß-][a-z0-9_. äß-]{0,20}x",
            prop::collection::vec(any::<u8>(), 0..3000),
            1..8,
        )
    ) {
        let from = tempfile::tempdir().expect("a directory");
        for (name, bytes) in &files {
            let file = from.path().join(name);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, bytes).expect("a file");
        }
        let packed = pack(from.path(), &ZipLimits::default(), Layout::Folders).expect("plain files");
        let inventory = inspect(&packed.bytes, &ZipLimits::default(), Layout::Folders).expect("what is packed is right");
        let to = tempfile::tempdir().expect("a directory");
        let unpacked = extract(&packed.bytes, &ZipLimits::default(), to.path()).expect("it is right");
        prop_assert_eq!(&inventory, &unpacked);
        let mut found = BTreeMap::new();
        for entry in &unpacked.entries {
            found.insert(entry.name.clone(), fs::read(to.path().join(&entry.name)).expect("a file"));
        }
        prop_assert_eq!(found, files);
    }

    #[test]
    fn a_word_is_always_nearest_to_itself(word in "[a-zA-Z]{1,20}") {
        prop_assert_eq!(nearest(&word, [word.as_str()]), Some(word.as_str()));
        let _ = nearest(&word, ["", "name", "ü"]);
    }
}
