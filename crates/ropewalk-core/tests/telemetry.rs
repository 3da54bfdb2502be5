//! The spans of an agent's steps (§13.2), as a subscriber sees them.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record as Recorded};
use tracing::{Event, Level};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use common::tool;

#[derive(Clone, Debug, Default)]
struct Seen {
    name: String,
    parent: Option<String>,
    fields: BTreeMap<String, String>,
}

/// Keeps what it sees of each span.
#[derive(Clone, Default)]
struct Keep(Arc<Mutex<BTreeMap<u64, Seen>>>);

struct Fields<'a>(&'a mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Keep {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let parent = context.span(id).and_then(|span| span.parent()).map(|span| span.name().into());
        let mut seen =
            Seen { name: attributes.metadata().name().into(), parent, ..Seen::default() };
        attributes.record(&mut Fields(&mut seen.fields));
        self.0.lock().unwrap().insert(id.into_u64(), seen);
    }

    fn on_record(&self, id: &Id, values: &Recorded<'_>, _: Context<'_, S>) {
        if let Some(seen) = self.0.lock().unwrap().get_mut(&id.into_u64()) {
            values.record(&mut Fields(&mut seen.fields));
        }
    }
}

impl Keep {
    fn spans(&self, name: &str) -> Vec<Seen> {
        self.0.lock().unwrap().values().filter(|seen| seen.name == name).cloned().collect()
    }
}

/// What is seen of an invocation with one tool call, in which all that is said is a secret.
fn traced(change: impl FnOnce(AgentBuilder) -> AgentBuilder) -> Keep {
    let keep = Keep::default();
    let subscriber = tracing_subscriber::registry().with(keep.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let model = ScriptedModel::new([
                Reply::tool("a", json!({"n": "hush"})).using(Usage::new(10, 1)),
                Reply::text("hush").using(Usage::new(20, 2)),
            ]);
            let tool = tool("a", |_, _| async { Ok(ToolOutput::text("hush")) });
            let builder = Agent::builder()
                .no_callback_handler()
                .model(model)
                .no_callback_handler()
                .tool(tool);
            let mut agent = change(builder.name("Tester")).build().await.unwrap();
            agent.invoke("hush").await.unwrap();
        });
    });
    keep
}

#[test]
fn each_step_has_its_span_with_the_names_of_the_conventions() {
    let keep = traced(|builder| builder);
    let [agent] = &keep.spans("invoke_agent")[..] else { panic!("one span for the agent") };
    assert_eq!(agent.fields["otel.name"], "invoke_agent Tester");
    assert_eq!(agent.fields["gen_ai.operation.name"], "invoke_agent");
    assert_eq!(agent.fields["gen_ai.agent.name"], "Tester");
    assert_eq!(agent.fields["gen_ai.usage.input_tokens"], "30");
    assert_eq!(agent.fields["gen_ai.usage.output_tokens"], "3");
    assert_eq!(agent.fields["otel.status_code"], "OK");
    assert_eq!(agent.parent, None);

    let calls = keep.spans("chat");
    assert_eq!(calls.len(), 2, "one for each try");
    // Strands puts a span for the cycle in between: here a cycle is what lies between two of these.
    assert!(calls.iter().all(|call| call.parent.as_deref() == Some("invoke_agent")));
    assert_eq!(calls[0].fields["gen_ai.response.finish_reasons"], r#"["tool_use"]"#);

    let [tool] = &keep.spans("execute_tool")[..] else { panic!("one span for the tool") };
    assert_eq!(tool.fields["gen_ai.tool.name"], "a");
    assert_eq!(tool.fields["gen_ai.tool.call.id"], "t1");
    assert_eq!(tool.fields["gen_ai.tool.status"], "success");
    assert_eq!(tool.parent.as_deref(), Some("invoke_agent"));
}

#[test]
fn users_15_27_what_was_said_is_in_no_span_unless_it_is_switched_on() {
    let all = |keep: &Keep| format!("{:?}", keep.0.lock().unwrap());
    assert!(!all(&traced(|builder| builder)).contains("hush"));
    let keep = traced(|builder| builder.trace_content(true));
    let [tool] = &keep.spans("execute_tool")[..] else { panic!("one span for the tool") };
    assert_eq!(tool.fields["gen_ai.tool.call.arguments"], r#"{"n":"hush"}"#);
    assert!(tool.fields["gen_ai.tool.call.result"].contains("hush"));
    // Each call shows what is new to it, and not the whole history again.
    let calls = keep.spans("chat");
    assert!(calls[0].fields["gen_ai.input.messages"].contains("user"));
    assert!(calls[1].fields["gen_ai.input.messages"].contains("toolResult"));
    assert!(!calls[1].fields["gen_ai.input.messages"].contains("toolUse\":"));
}

#[test]
fn attributes_of_ones_own_are_on_all_spans() {
    let keep = traced(|builder| builder.trace_attributes([("tenant", "blue")]));
    for name in ["invoke_agent", "chat", "execute_tool"] {
        for span in keep.spans(name) {
            assert_eq!(span.fields["ropewalk.trace_attributes"], r#"{"tenant":"blue"}"#);
        }
    }
}

#[test]
fn an_error_shows_its_kind() {
    let keep = Keep::default();
    let subscriber = tracing_subscriber::registry().with(keep.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let fails = Reply::error(ErrorKind::Authentication, "the key hush is wrong");
            let builder = Agent::builder()
                .no_callback_handler()
                .model(ScriptedModel::new([fails]))
                .no_callback_handler();
            builder.build().await.unwrap().invoke("q").await.unwrap_err();
        });
    });
    for name in ["invoke_agent", "chat"] {
        let [span] = &keep.spans(name)[..] else { panic!("one span") };
        assert_eq!(span.fields["error.type"], "authentication");
        assert_eq!(span.fields["otel.status_code"], "ERROR");
        assert!(!span.fields.contains_key("exception.message"), "it may quote what was said");
    }
}

/// Keeps what is logged as an error.
#[derive(Clone, Default)]
struct Errors(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Errors {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = BTreeMap::new();
        event.record(&mut Fields(&mut fields));
        if *event.metadata().level() == Level::ERROR {
            self.0.lock().unwrap().extend(fields.remove("message"));
        }
    }
}

/// Who only looks stops nothing when it fails, but it is told: who failed, at what, and why.
#[test]
fn an_observer_that_fails_is_reported() {
    struct All;
    impl HookProvider for All {
        fn register_hooks(&self, registry: &mut HookRegistry) {
            registry.add_callback(
                callback(|_: &BeforeModelCallEvent| -> HookResult { Err("no ink".into()) })
                    .named("sync"),
            );
            registry.add_callback(
                callback(async |_: &BeforeModelCallEvent| -> HookResult { Err("no ink".into()) })
                    .named("async"),
            );
            registry.add_callback(
                callback(|event: &BeforeModelCallEvent| {
                    assert!(event.run_id().is_empty(), "no ink")
                })
                .named("panics"),
            );
            registry.observe_all(
                callback(|event: &ObservedEvent| -> HookResult {
                    match event.name() {
                        "AfterModelCallEvent" => Err("no ink".into()),
                        _ => Ok(()),
                    }
                })
                .named("of all"),
            );
            registry.observe_stream(
                callback(|event: &ModelStreamEvent| -> HookResult {
                    event.text().map_or(Ok(()), |_| Err("no ink".into()))
                })
                .named("of the stream"),
            );
        }
    }
    let errors = Errors::default();
    let subscriber = tracing_subscriber::registry().with(errors.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let model = ScriptedModel::new([Reply::text("ok")]);
            let builder = Agent::builder().no_callback_handler().model(model).hooks([All]);
            assert_eq!(builder.build().await.unwrap().invoke("q").await.unwrap().text(), "ok");
        });
    });
    let seen = errors.0.lock().unwrap();
    let reported = |name: &str, event: &str, why: &str| {
        let text = format!("hook `{name}` failed at {event}: {why}");
        let found = seen.iter().filter(|error| error.contains(&text)).count();
        assert_eq!(found, 1, "{text}: {seen:?}");
    };
    reported("sync", "BeforeModelCallEvent", "no ink");
    reported("async", "BeforeModelCallEvent", "no ink");
    reported("panics", "BeforeModelCallEvent", "panicked: no ink");
    reported("of all", "AfterModelCallEvent", "no ink");
    reported("of the stream", "ModelStreamEvent", "no ink");
}
