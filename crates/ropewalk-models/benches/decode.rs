//! What it costs to read a streamed answer of 20,000 chunks, for each interface, and to build a request from 10 and
//! from 2,000 messages: the first time, and when only the last two are new.
//!
//! Answers come whole and at once from a server on this machine, each chunk in a frame of its own: what is timed is the
//! way from the socket to the caller. The items that are shown are chunks; divide the allocations by their number.
//! A request is built by asking a server that is not there: what is timed ends with the attempt to connect, whose cost
//! the row with one message tells.
//!
//! ```console
//! $ cargo bench -p ropewalk-models --all-features --bench decode
//! ```
//!
//! `just bench-models` reads the same answers with another library in the same run.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::task::{Context, Waker};

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use futures_util::StreamExt as _;
use ropewalk_core::{Message, Model, ModelRequest, ToolResult, ToolSpec, ToolUse, Transcript};
#[cfg(feature = "anthropic")]
use ropewalk_models::AnthropicModel;
#[cfg(feature = "gemini")]
use ropewalk_models::GeminiModel;
#[cfg(feature = "mistral")]
use ropewalk_models::MistralModel;
#[cfg(feature = "ollama")]
use ropewalk_models::OllamaModel;
#[cfg(feature = "responses")]
use ropewalk_models::OpenAiResponses;
use ropewalk_models::{HttpClient, OpenAiChat};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use answers::{Answer, CHUNKS};
use server::Server;

#[path = "decode/answers.rs"]
mod answers;
#[cfg(feature = "bedrock")]
#[path = "decode/frames.rs"]
mod frames;
#[path = "decode/server.rs"]
mod server;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Reads the whole answer, again and again over one connection.
fn read(bencher: Bencher, answer: Answer, model: impl FnOnce(&str) -> Box<dyn Model>) {
    read_bytes(bencher, answer.bytes(), model);
}

fn read_bytes(bencher: Bencher, answer: Vec<u8>, model: impl FnOnce(&str) -> Box<dyn Model>) {
    let server = Server::start(answer);
    let model = model(&server.origin);
    let runtime = runtime();
    let request = ModelRequest::new(Transcript::from_messages([Message::user("?")]).unwrap());
    bencher.counter(ItemsCount::new(CHUNKS)).bench_local(|| {
        let chunks = runtime.block_on(async {
            let mut stream = model.stream(request.clone());
            let mut chunks = 0;
            while let Some(chunk) = stream.next().await {
                black_box(chunk.unwrap());
                chunks += 1;
            }
            chunks
        });
        assert!(chunks > CHUNKS, "{chunks} chunks came");
    });
}

#[divan::bench_group(sample_count = 20, sample_size = 1)]
mod read {
    use super::*;

    #[cfg(feature = "bedrock")]
    #[divan::bench]
    fn bedrock(bencher: Bencher) {
        read_bytes(bencher, frames::bytes(), |origin| {
            let builder = ropewalk_models::BedrockModel::builder("m.x").endpoint_url(origin);
            Box::new(builder.region("eu-north-1").credentials("AKID", "secret").build().unwrap())
        });
    }

    #[divan::bench]
    fn openai_chat(bencher: Bencher) {
        read(bencher, Answer::Chat, |origin| {
            Box::new(OpenAiChat::builder("m").base_url(format!("{origin}/v1")).build().unwrap())
        });
    }

    #[cfg(feature = "responses")]
    #[divan::bench]
    fn openai_responses(bencher: Bencher) {
        read(bencher, Answer::Responses, |origin| {
            let url = format!("{origin}/v1");
            Box::new(OpenAiResponses::builder("m").base_url(url).build().unwrap())
        });
    }

    #[cfg(feature = "mistral")]
    #[divan::bench]
    fn mistral(bencher: Bencher) {
        read(bencher, Answer::Chat, |origin| {
            Box::new(MistralModel::builder("m").base_url(format!("{origin}/v1")).build().unwrap())
        });
    }

    #[cfg(feature = "anthropic")]
    #[divan::bench]
    fn anthropic(bencher: Bencher) {
        read(bencher, Answer::Anthropic, |origin| {
            Box::new(AnthropicModel::builder("m").base_url(origin).build().unwrap())
        });
    }

    #[cfg(feature = "gemini")]
    #[divan::bench]
    fn gemini(bencher: Bencher) {
        read(bencher, Answer::Gemini, |origin| {
            Box::new(GeminiModel::builder("m").base_url(origin).build().unwrap())
        });
    }

    #[cfg(feature = "ollama")]
    #[divan::bench]
    fn ollama(bencher: Bencher) {
        read(bencher, Answer::Ollama, |origin| {
            Box::new(OllamaModel::builder("m").base_url(origin).build().unwrap())
        });
    }
}

/// A conversation of so many messages: a question, and then calls of a tool and what it gave.
fn conversation(messages: usize) -> Transcript {
    let mut said = Transcript::from_messages([Message::user(WORDS)]).unwrap();
    while said.len() < messages {
        turn(&mut said);
    }
    said
}

const WORDS: &str = "as long as what people write who ask a model for something that they need, with a line end\n\
    and a \"quotation\", and not much longer than that";

/// Two messages more.
fn turn(said: &mut Transcript) {
    let id = format!("call_{}", said.len());
    let call = ToolUse::new(&id, "look", json!({"path": "src/lib.rs", "lines": [1, 80]}));
    let mut asked = Message::assistant(WORDS);
    asked.content.push(call.into());
    said.push_tool_turn(asked, vec![ToolResult::success(&id, WORDS)]).unwrap();
}

/// Builds the request, and tries to connect to nobody.
fn build(model: &OpenAiChat, request: ModelRequest) {
    let mut stream = model.stream(request);
    let _ = black_box(stream.poll_next_unpin(&mut Context::from_waker(Waker::noop())));
}

fn nobody(client: &HttpClient) -> OpenAiChat {
    OpenAiChat::builder("m").base_url("http://127.0.0.1:1/v1").http_client(client).build().unwrap()
}

fn request(messages: &Transcript) -> ModelRequest {
    let schema = json!({"type": "object", "properties": {"path": {"type": "string"}}});
    ModelRequest::new(messages.clone()).with_tools([ToolSpec::new("look", "Looks.", schema)])
}

#[divan::bench_group(sample_count = 50, sample_size = 1)]
mod build {
    use super::*;

    const MESSAGES: [usize; 3] = [1, 10, 2_000];

    #[divan::bench(args = MESSAGES)]
    fn first_time(bencher: Bencher, messages: usize) {
        let (client, request) = (HttpClient::new(), request(&conversation(messages)));
        let runtime = runtime();
        let _entered = runtime.enter();
        bencher
            .with_inputs(|| (nobody(&client), request.clone()))
            .bench_local_refs(|(model, request)| super::build(model, request.clone()));
    }

    #[divan::bench(args = MESSAGES)]
    fn two_are_new(bencher: Bencher, messages: usize) {
        let model = nobody(&HttpClient::new());
        let runtime = runtime();
        let _entered = runtime.enter();
        let mut request = request(&conversation(messages));
        super::build(&model, request.clone());
        let said = request.messages.clone();
        bencher
            .with_inputs(|| {
                request.messages = said.clone();
                turn(&mut request.messages);
                request.clone()
            })
            .bench_local_values(|request| super::build(&model, request));
    }
}
