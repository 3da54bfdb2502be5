//! Strands' behaviour, row by row: each module is a section of the behaviour reference, each test a
//! row of it. Where Ropewalk does something else on purpose, the test says so and why.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../common/mod.rs"]
mod common;

mod support;

mod adversary;
mod forged;
mod nested;
mod pairs;
mod regressions;
mod restarts;
mod s1_10_registration;
mod s1_1_events;
mod s1_4_order;
mod s1_5_writable_fields;
mod s1_6_ordering;
mod s1_7_sync_async;
mod s1_8_failures;
mod s1_9_interrupts;
mod s2_1_types;
mod s2_2_raising;
mod s2_3_resuming;
mod s2_4_results;
mod s2_5_persistence;
mod users_15;
