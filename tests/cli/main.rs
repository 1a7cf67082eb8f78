//! The program as its operator meets it: the real binary, its words, its files and exit codes.

mod doctor;
mod event;
mod invite;
mod metrics;
mod program;
mod refusals;
mod serve;
mod stopping;
mod verify;
mod web;
