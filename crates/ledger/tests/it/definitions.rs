//! Stored training definitions.

use serde_json::json;
use trainyard_ledger::{LedgerError, NewDefinition};
use trainyard_model::ids::{DefinitionId, Digest};
use uuid::Uuid;

use crate::home::{Home, moment, new_run, run_id, user};

fn definition(number: u128, owner: &str) -> NewDefinition {
    NewDefinition {
        id: DefinitionId(Uuid::from_u128(number)),
        owner: user(owner),
        name: format!("definition {number}"),
        document: json!({ "name": "mine", "framework": { "name": "tensorflow" } }),
        created_at: moment(0),
    }
}

#[tokio::test]
async fn a_definition_lives_from_post_to_delete() {
    let home = Home::new();
    let ledger = home.open();
    let made = ledger.create_definition(definition(1, "ada")).await.unwrap();
    assert_eq!(ledger.definition(made.id).await.unwrap(), Some(made.clone()));
    let taken = ledger.create_definition(definition(1, "eve")).await.unwrap_err();
    assert!(matches!(taken, LedgerError::DuplicateDefinition(id) if id == made.id));

    let zip = Digest("a".repeat(64));
    assert!(ledger.set_definition_content(made.id, zip.clone()).await.unwrap());
    assert_eq!(ledger.definition(made.id).await.unwrap().unwrap().content, Some(zip.clone()));

    let mut run = new_run(1, "ada");
    run.stored_definition = Some(made.id);
    ledger.submit(run).await.unwrap();
    assert!(ledger.delete_definition(made.id).await.unwrap());
    assert!(!ledger.delete_definition(made.id).await.unwrap());
    assert!(!ledger.set_definition_content(made.id, zip).await.unwrap());
    assert_eq!(ledger.definition(made.id).await.unwrap(), None);
    let run = ledger.run(&run_id(1)).await.unwrap().unwrap();
    assert_eq!(run.stored_definition, Some(made.id), "a run outlives its definition");
}

#[tokio::test]
async fn a_zip_is_in_use_while_a_run_or_a_definition_has_it() {
    let home = Home::new();
    let ledger = home.open();
    let zip = Digest("b".repeat(64));
    assert!(!ledger.code_in_use(&zip).await.unwrap());
    let made = ledger.create_definition(definition(1, "ada")).await.unwrap();
    ledger.set_definition_content(made.id, zip.clone()).await.unwrap();
    let mut run = new_run(1, "ada");
    run.code = zip.clone();
    ledger.submit(run).await.unwrap();
    ledger.delete_definition(made.id).await.unwrap();
    assert!(ledger.code_in_use(&zip).await.unwrap(), "the run still has it");
    ledger.forget(&run_id(1)).await.unwrap();
    assert!(!ledger.code_in_use(&zip).await.unwrap());
}

#[tokio::test]
async fn definitions_are_listed_by_owner_newest_first() {
    let home = Home::new();
    let ledger = home.open();
    for number in 0..5 {
        let owner = if number == 2 { "bob" } else { "ada" };
        ledger.create_definition(definition(number, owner)).await.unwrap();
    }
    let first = ledger.definitions_page(Some(&user("ada")), None, 3).await.unwrap();
    let names: Vec<_> = first.records.iter().map(|record| record.name.as_str()).collect();
    assert_eq!(names, ["definition 4", "definition 3", "definition 1"]);
    assert_eq!(first.total_count, 4);
    let second = ledger.definitions_page(Some(&user("ada")), first.next, 3).await.unwrap();
    assert_eq!(second.records.len(), 1);
    assert_eq!(second.next, None);
    assert_eq!(ledger.definitions_page(None, None, 9).await.unwrap().total_count, 5);
}
