//! Ways to fail that are not the program's.
