//! Agents against LLMock, a foreign server that breaks its answers as it is told, and judges from what it sees
//! whether its client copes with that: waits as long as `Retry-After` says, takes no half answer for a whole one,
//! asks again where that helps and nowhere else.
//!
//! `ROPEWALK_LLMOCK` names a Python environment in which `pip install llmock==0.2.2` was run
//! (`scripts/foreign-models llmock`). Without it the test says that it was left out.

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::foreign::{self, Foreign};
use pretty_assertions::assert_eq;
use ropewalk_core::{
    Agent, BoxError, BoxFuture, ErrorKind, Model, RetryStrategy, Tool, ToolContext, ToolOutput,
    ToolSpec,
};
use serde_json::{Value, json};

const ANSWER: &str = "7 degrees in Zürich, 9 in Bern.";

/// What happens to an agent that is asked once.
struct Case {
    what: &'static str,
    /// What LLMock is told to do.
    script: Value,
    /// What the agent's caller gets: [`ANSWER`], or this.
    fails: Option<ErrorKind>,
    /// Whether the answer takes a turn with tools.
    has_tools: bool,
    /// How many calls of the model LLMock sees, with how many attempts.
    calls: usize,
    attempts: usize,
    faults: usize,
}

/// An event that can't be read is none of them: it is an error for the caller, and LLMock can't see that it is.
fn cases() -> Vec<Case> {
    let answer = |times| json!({"type": "reply", "text": ANSWER, "times": times});
    let call = |city| json!({"name": "get_weather", "arguments": {"city": city}});
    let calls = |times| {
        json!({"type": "reply", "text": "Let me check.", "times": times,
            "tool_calls": [call("Zürich"), call("Bern")]})
    };
    let breaks = |kind, after| json!({"type": "stream_fault", "kind": kind, "after_chunks": after});
    let fails = |status, wait| json!({"type": "fail", "status": status, "retry_after": wait});
    let case = |what, script| Case {
        what,
        script,
        fails: None,
        has_tools: false,
        calls: 1,
        attempts: 2,
        faults: 1,
    };
    let plain = case("a tool turn", json!([calls(1), answer(1)]));
    let broken = json!([breaks("truncate", 2), calls(2), answer(1)]);
    let refused = case("a request that is wrong", json!([fails(400, None::<f64>)]));
    vec![
        Case { has_tools: true, calls: 2, faults: 0, ..plain },
        Case {
            has_tools: true,
            calls: 2,
            attempts: 3,
            ..case("a tool turn whose calls end early", broken)
        },
        case("too many requests", json!([fails(429, Some(0.5)), answer(1)])),
        case("an answer that ends early", json!([breaks("truncate", 3), answer(2)])),
        case("a connection that breaks", json!([breaks("disconnect", 3), answer(2)])),
        Case { fails: Some(ErrorKind::InvalidRequest), attempts: 1, ..refused },
    ]
}

/// Tells the weather, and keeps which cities it was asked for.
struct Weather {
    spec: ToolSpec,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Tool for Weather {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, input: Value, _: ToolContext) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        self.asked.lock().unwrap().push(input["city"].clone());
        Box::pin(async { Ok(ToolOutput::text("7")) })
    }
}

async fn start() -> Option<Foreign> {
    let folder = foreign::folder("ROPEWALK_LLMOCK", "LLMock")?;
    let mut command = Command::new(folder.join("bin/llmock"));
    command.args(["serve", "--host", "127.0.0.1", "--port", "0"]);
    Some(Foreign::start("LLMock", command, "Uvicorn running on ").await)
}

/// Asks an agent over the model that is made for a server at this origin, and LLMock what it thinks of it, case by
/// case.
async fn judged<M: Model>(model: impl FnOnce(&str) -> M) {
    let Some(server) = start().await else { return };
    let model: Arc<dyn Model> = Arc::new(model(&server.origin));
    for case in cases() {
        run(&server, Arc::clone(&model), case).await;
    }
}

async fn run(server: &Foreign, model: Arc<dyn Model>, case: Case) {
    let what = case.what;
    server.control("POST", "/_llmock/reset", &json!({})).await;
    server.control("POST", "/_llmock/scenario", &json!({"behaviors": case.script})).await;
    let schema =
        json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let spec = ToolSpec::new("get_weather", "The weather in a city.", schema);
    let asked = Arc::default();
    // So short that LLMock would object, did `Retry-After` not make them longer.
    let retries = RetryStrategy::default().initial_delay(Duration::from_millis(10));
    let mut agent = Agent::builder()
        .shared_model(model)
        .tool(Weather { spec, asked: Arc::clone(&asked) })
        .retry_strategy(retries.without_jitter())
        .no_callback_handler()
        .build()
        .await
        .unwrap();
    match (agent.invoke("Weather in Zürich and Bern?").await, case.fails) {
        (Ok(result), None) => assert_eq!(result.text(), ANSWER, "{what}"),
        (Err(error), Some(kind)) => assert_eq!(error.kind(), kind, "{what}: {error}"),
        (result, _) => panic!("{what}: {result:?}"),
    }
    let cities: &[&str] = if case.has_tools { &["Zürich", "Bern"] } else { &[] };
    assert_eq!(*asked.lock().unwrap(), cities, "{what}");

    let open = server.control("GET", "/_llmock/scenario", &Value::Null).await;
    assert_eq!(open, json!({"pending": []}), "{what}: it was not all done");
    let verdict = server.control("GET", "/_llmock/verdict", &Value::Null).await;
    let clean = json!({
        "passed": true, "errors": 0, "warnings": 0, "findings": [],
        "calls": case.calls, "attempts": case.attempts, "faults_injected": case.faults,
    });
    assert_eq!(verdict, clean, "{what}");
}

#[tokio::test]
async fn llmock_finds_no_fault_with_chat() {
    use ropewalk_models::OpenAiChat;
    judged(|origin| {
        let builder = OpenAiChat::builder("gpt-4o-mini").base_url(format!("{origin}/v1"));
        builder.api_key("sk-mock").build().unwrap()
    })
    .await;
}

#[cfg(feature = "responses")]
#[tokio::test]
async fn llmock_finds_no_fault_with_responses() {
    use ropewalk_models::OpenAiResponses;
    judged(|origin| {
        let builder = OpenAiResponses::builder("gpt-5.2").base_url(format!("{origin}/v1"));
        builder.api_key("sk-mock").build().unwrap()
    })
    .await;
}

#[cfg(feature = "anthropic")]
#[tokio::test]
async fn llmock_finds_no_fault_with_anthropic() {
    use ropewalk_models::AnthropicModel;
    judged(|origin| {
        let builder = AnthropicModel::builder("claude-sonnet-4-5");
        builder.base_url(format!("{origin}/anthropic")).api_key("sk-mock").build().unwrap()
    })
    .await;
}

#[cfg(feature = "gemini")]
#[tokio::test]
async fn llmock_finds_no_fault_with_gemini() {
    use ropewalk_models::GeminiModel;
    judged(|origin| {
        let builder = GeminiModel::builder("gemini-2.5-flash");
        builder.base_url(format!("{origin}/gemini/v1beta")).api_key("mock-key").build().unwrap()
    })
    .await;
}

#[cfg(feature = "mistral")]
#[tokio::test]
async fn llmock_finds_no_fault_with_mistral() {
    use ropewalk_models::MistralModel;
    judged(|origin| {
        let builder = MistralModel::builder("mistral-small-latest");
        builder.base_url(format!("{origin}/mistral/v1")).api_key("mock").build().unwrap()
    })
    .await;
}
