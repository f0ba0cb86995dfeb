//! The durable record of Trainyard: one SQLite database.
