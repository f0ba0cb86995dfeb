//! Every question to the database, by the name of its file in `sql/`.

use rusqlite::{Connection, Params, Row};

use crate::error::LedgerError;

/// One SQL file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query {
    name: &'static str,
    text: &'static str,
}

macro_rules! queries {
    ($($constant:ident = $name:literal,)+) => {
        $(pub(crate) const $constant: Query =
            Query { name: $name, text: include_str!(concat!("../sql/", $name, ".sql")) };)+

        #[cfg(test)]
        const ALL: &[Query] = &[$($constant,)+];
    };
}

queries! {
    API_KEY_DELETE = "api_key_delete",
    API_KEY_INSERT = "api_key_insert",
    API_KEYS_DELETE_OF_USER = "api_keys_delete_of_user",
    API_KEYS_OF_USER = "api_keys_of_user",
    ATTEMPT_CLEAR_HANDLE = "attempt_clear_handle",
    ATTEMPT_CLOSE = "attempt_close",
    ATTEMPT_END = "attempt_end",
    ATTEMPT_FIND = "attempt_find",
    ATTEMPT_HANDLE = "attempt_handle",
    ATTEMPT_LAST_MESSAGE = "attempt_last_message",
    ATTEMPT_OF_TOKEN = "attempt_of_token",
    ATTEMPT_OPEN = "attempt_open",
    ATTEMPT_SET_HANDLE = "attempt_set_handle",
    ATTEMPT_TAKE_MESSAGE = "attempt_take_message",
    ATTEMPT_TOKEN_INSERT = "attempt_token_insert",
    ATTEMPT_TOKENS_DELETE = "attempt_tokens_delete",
    ATTEMPTS_OF_RUN = "attempts_of_run",
    CODE_IN_USE = "code_in_use",
    DEFINITION_BY_ID = "definition_by_id",
    DEFINITION_DELETE = "definition_delete",
    DEFINITION_INSERT = "definition_insert",
    DEFINITION_SET_CONTENT = "definition_set_content",
    DEFINITIONS_COUNT = "definitions_count",
    DEFINITIONS_COUNT_OF_OWNER = "definitions_count_of_owner",
    DEFINITIONS_PAGE = "definitions_page",
    DEFINITIONS_PAGE_OF_OWNER = "definitions_page_of_owner",
    DOCUMENT_BY_ID = "document_by_id",
    DOCUMENT_DELETE = "document_delete",
    DOCUMENT_INSERT = "document_insert",
    DOCUMENT_MOVE = "document_move",
    DOCUMENT_REPLACE = "document_replace",
    DOCUMENTS_COUNT_OF_OWNER = "documents_count_of_owner",
    DOCUMENTS_COUNT_OF_PARENT = "documents_count_of_parent",
    DOCUMENTS_PAGE_OF_OWNER = "documents_page_of_owner",
    DOCUMENTS_PAGE_OF_PARENT = "documents_page_of_parent",
    DOCUMENTS_UNSETTLED = "documents_unsettled",
    EFFECTS_DUE_ALL = "effects_due_all",
    EFFECTS_DUE_DONE = "effects_due_done",
    EFFECTS_DUE_OF = "effects_due_of",
    EFFECTS_DUE_PUT = "effects_due_put",
    EVENT_INSERT = "event_insert",
    EVENT_NUMBER = "event_number",
    EVENTS_AFTER = "events_after",
    INSTANCE_BY_ID = "instance_by_id",
    INSTANCE_DELETE = "instance_delete",
    INSTANCE_INSERT = "instance_insert",
    INSTANCE_MEMBER_ADD = "instance_member_add",
    INSTANCE_MEMBER_REMOVE = "instance_member_remove",
    INSTANCE_MEMBERS = "instance_members",
    INSTANCES_ALL = "instances_all",
    LOGINS_DELETE_OF_USER = "logins_delete_of_user",
    MEMBERSHIPS_DELETE_OF_USER = "memberships_delete_of_user",
    RUN_BY_ID = "run_by_id",
    RUN_DELETE = "run_delete",
    RUN_INSERT = "run_insert",
    RUN_MOVE = "run_move",
    RUN_POSITION = "run_position",
    RUNS_COUNT = "runs_count",
    RUNS_COUNT_IN_STATE = "runs_count_in_state",
    RUNS_COUNT_OF_OWNER = "runs_count_of_owner",
    RUNS_COUNT_OF_OWNER_IN_STATE = "runs_count_of_owner_in_state",
    RUNS_OLDEST_PAGE = "runs_oldest_page",
    RUNS_PAGE = "runs_page",
    RUNS_PAGE_IN_STATE = "runs_page_in_state",
    RUNS_PAGE_OF_OWNER = "runs_page_of_owner",
    RUNS_PAGE_OF_OWNER_IN_STATE = "runs_page_of_owner_in_state",
    RUNS_UNSETTLED = "runs_unsettled",
    SEALED_BY_ANOTHER_KEY = "sealed_by_another_key",
    SEALED_COUNT = "sealed_count",
    SECRET_INSERT = "secret_insert",
    SECRET_OF_RUN = "secret_of_run",
    TOKEN_DELETE = "token_delete",
    TOKEN_PUT = "token_put",
    TOKEN_USER = "token_user",
    TOKENS_DELETE_OF_USER = "tokens_delete_of_user",
    TOKENS_EXPIRE = "tokens_expire",
    TRAINING_BEGIN = "training_begin",
    TRAINING_END = "training_end",
    TRAINING_INSERT = "training_insert",
    TRAINING_OF_RUN = "training_of_run",
    TRAININGS_OF = "trainings_of",
    USER_BY_NAME = "user_by_name",
    USER_INSERT = "user_insert",
    USER_REMOVE = "user_remove",
    USER_SET_PASSWORD = "user_set_password",
    USERS_ALL = "users_all",
}

impl Query {
    fn failed(self) -> impl Fn(rusqlite::Error) -> LedgerError {
        move |source| LedgerError::Database { query: self.name, source }
    }

    /// Runs a statement that gives no rows; how many it changed.
    pub(crate) fn execute(
        self,
        connection: &Connection,
        params: impl Params,
    ) -> Result<usize, LedgerError> {
        let mut statement = connection.prepare_cached(self.text).map_err(self.failed())?;
        statement.execute(params).map_err(self.failed())
    }

    /// The first row, if there is one.
    pub(crate) fn first<T>(
        self,
        connection: &Connection,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, LedgerError>,
    ) -> Result<Option<T>, LedgerError> {
        let mut statement = connection.prepare_cached(self.text).map_err(self.failed())?;
        let mut rows = statement.query(params).map_err(self.failed())?;
        rows.next().map_err(self.failed())?.map(read).transpose()
    }

    /// Every row.
    pub(crate) fn all<T>(
        self,
        connection: &Connection,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, LedgerError>,
    ) -> Result<Vec<T>, LedgerError> {
        let mut statement = connection.prepare_cached(self.text).map_err(self.failed())?;
        let mut rows = statement.query(params).map_err(self.failed())?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(self.failed())? {
            found.push(read(row)?);
        }
        Ok(found)
    }

    /// The one number that the query is for.
    pub(crate) fn number(
        self,
        connection: &Connection,
        params: impl Params,
    ) -> Result<i64, LedgerError> {
        let mut statement = connection.prepare_cached(self.text).map_err(self.failed())?;
        statement.query_row(params, |row| row.get(0)).map_err(self.failed())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn migrated() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        crate::migrations::run(&mut connection, jiff::Timestamp::UNIX_EPOCH).unwrap();
        connection
    }

    #[test]
    fn every_query_prepares_and_begins_with_what_it_asks() {
        let connection = migrated();
        for query in ALL {
            connection.prepare(query.text).unwrap_or_else(|e| panic!("{}: {e}", query.name));
            assert!(query.text.starts_with("-- "), "{} does not say what it asks", query.name);
        }
    }

    #[test]
    fn every_file_is_a_query() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sql");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        let known: BTreeSet<String> = ALL.iter().map(|query| query.name.to_owned()).collect();
        assert_eq!(files, known);
    }

    /// A list of a million runs is as quick as a list of ten: every page walks
    /// an index from where the last one ended, and nothing is sorted.
    #[test]
    fn pages_walk_an_index_and_sort_nothing() {
        let connection = migrated();
        let pages = ALL.iter().filter(|query| {
            query.name.contains("_page") || ["runs_unsettled", "events_after"].contains(&query.name)
        });
        for query in pages {
            let mut plan =
                connection.prepare(&format!("EXPLAIN QUERY PLAN {}", query.text)).unwrap();
            let parameters = plan.parameter_count();
            for number in 1..=parameters {
                plan.raw_bind_parameter(number, 1).unwrap();
            }
            let mut rows = plan.raw_query();
            let mut steps = 0;
            while let Some(row) = rows.next().unwrap() {
                let detail: String = row.get("detail").unwrap();
                assert!(detail.starts_with("SEARCH"), "{}: {detail}", query.name);
                steps += 1;
            }
            assert!(steps > 0, "{} has no plan", query.name);
        }
    }

    /// What a server asks at its start must not take longer with every run that ever was.
    #[test]
    fn a_start_does_not_walk_through_all_runs() {
        let connection = migrated();
        for query in [EFFECTS_DUE_ALL, RUNS_UNSETTLED, SEALED_BY_ANOTHER_KEY, CODE_IN_USE] {
            let text = format!("EXPLAIN QUERY PLAN {}", query.text);
            let mut plan = connection.prepare(&text).unwrap();
            for number in 1..=plan.parameter_count() {
                plan.raw_bind_parameter(number, 1).unwrap();
            }
            let mut rows = plan.raw_query();
            while let Some(row) = rows.next().unwrap() {
                let detail: String = row.get("detail").unwrap();
                assert!(!detail.starts_with("SCAN runs"), "{}: {detail}", query.name);
                assert!(!detail.contains("TEMP B-TREE"), "{}: {detail}", query.name);
            }
        }
    }
}
