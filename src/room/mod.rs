//! A running session: one meeting and its media; SHELL in task.rs.
