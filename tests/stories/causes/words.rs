//! Each face that tells a cause tells the same.
