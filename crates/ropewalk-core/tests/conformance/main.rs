//! Strands' behaviour, row by row: each module is a section of the behaviour reference, each test a
//! row of it. Where Ropewalk does something else on purpose, the test says so and why.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../common/mod.rs"]
mod common;

mod support;

mod adversary;
mod forged;
mod limits_with_output;
mod nested;
mod pairs;
mod regressions;
mod restarts;
mod s1_10_registration;
mod s1_11_plugins;
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
mod s3_1_construction;
mod s3_2_system_prompt;
mod s3_3_state;
mod s3_4_invoking;
mod s3_4_stop;
mod s3_5_tokens;
mod s3_6_cancel;
mod s3_7_limits;
mod s3_8_direct_calls;
mod s3_9_snapshots;
mod s4_1_overflow;
mod s4_3_model_call;
mod s4_4_max_tokens;
mod s4_5_tool_batch;
mod s4_6_executors;
mod s4_7_history_repair;
mod s4_8_aggregation;
mod s4_8_round_trip;
mod s4_9_metrics;
mod s4_9_result;
mod s5_1_chunks;
mod s5_2_stream;
mod s5_3_callback_handler;
mod s6_content_types;
mod s7_1_contract;
mod s7_2_results;
mod s7_5_registry;
mod s7_7_providers;
mod s8_1_mechanism;
mod s8_1_native;
mod s8_2_hooks;
mod s8_3_schema;
mod s8_4_beside;
mod s9_1_interface;
mod s9_2_null;
mod s9_3_sliding_window;
mod s9_4_summarising;
mod s9_5_proactive;
mod s9_6_pinning;
mod users_15;
