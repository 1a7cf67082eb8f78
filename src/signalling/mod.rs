//! The signalling protocol: messages (wire), a connection as a pure state machine (session), SHELL in task.rs.
