//! submit: training definition and model zip, read into a checked submission.
