//! Strands' behaviour, row by row: each module is a section of the behaviour reference, each test a
//! row of it. Where Ropewalk does something else on purpose, the test says so and why.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../common/mod.rs"]
mod common;

mod support;

mod adversary;
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
mod s3_6_cancel;
mod s3_7_limits;
mod s3_8_direct_calls;
mod s4_3_model_call;
mod s4_4_max_tokens;
mod s4_5_tool_batch;
mod s4_6_executors;
mod s7_1_contract;
mod s7_2_results;
mod s7_5_registry;
mod s7_7_providers;
mod users_15;
mod users_15_loop;
