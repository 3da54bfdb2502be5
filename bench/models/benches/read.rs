//! What it costs to read a streamed answer of 20,000 chunks with us and with `rig-core`, in one run. The answers and the
//! server are those of `crates/ropewalk-models/benches/decode.rs`.
//!
//! rig puts the message together while it streams. So that both do the same, we are timed with our
//! `MessageAssembler` as well (`ropewalk_assembled`); an agent does it this way.
#![allow(missing_docs)]

use std::hint::black_box;

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use futures_util::StreamExt as _;
use rig_core::providers::anthropic::AnthropicConfig;
use rig_core::providers::gemini::GeminiConfig;
use rig_core::providers::ollama::OllamaConfig;
use rig_core::providers::openai::{OpenAIConfig, Route};
use ropewalk_core::{Message, MessageAssembler, Model, ModelRequest, Transcript};
use ropewalk_models::{AnthropicModel, GeminiModel, OllamaModel, OpenAiChat, OpenAiResponses};
use tokio::runtime::{Builder, Runtime};

use answers::{Answer, CHUNKS};
use server::Server;

#[path = "../../../crates/ropewalk-models/benches/decode/answers.rs"]
mod answers;
#[path = "../../../crates/ropewalk-models/benches/decode/server.rs"]
mod server;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    divan::main();
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn ropewalk(bencher: Bencher, model: &dyn Model, assembled: bool) {
    let runtime = runtime();
    let request = ModelRequest::new(Transcript::from_messages([Message::user("?")]).unwrap());
    bencher.counter(ItemsCount::new(CHUNKS)).bench_local(|| {
        let chunks = runtime.block_on(async {
            let mut stream = model.stream(request.clone());
            let (mut chunks, mut assembler) = (0, MessageAssembler::new());
            while let Some(chunk) = stream.next().await {
                let chunk = black_box(chunk.unwrap());
                if assembled {
                    assembler.push(&chunk);
                }
                chunks += 1;
            }
            if assembled {
                black_box(assembler.finish().unwrap());
            }
            chunks
        });
        assert!(chunks > CHUNKS, "{chunks} chunks came");
    });
}

/// The call of a model of rig: its types have no trait in common that could be named.
macro_rules! rig {
    ($bencher:ident, $model:expr) => {{
        let model = $model;
        let runtime = runtime();
        $bencher.counter(ItemsCount::new(CHUNKS)).bench_local(|| {
            let chunks = runtime.block_on(async {
                // Anthropic wants a limit to be said.
                let request = rig_core::completion::CompletionRequest::new("?").max_tokens(30_000);
                let mut stream = model.stream(request).unwrap();
                let mut chunks = 0;
                while let Some(item) = stream.next().await {
                    black_box(item.unwrap());
                    chunks += 1;
                }
                black_box(stream.finish().await.unwrap());
                chunks
            });
            assert!(chunks > CHUNKS, "{chunks} chunks came");
        });
    }};
}

/// The same answer, read with us, with us to a whole message, and with rig.
macro_rules! compare {
    ($name:ident, $answer:expr, $path:literal, $ours:expr, $rig:expr) => {
        #[divan::bench_group(sample_count = 20, sample_size = 1)]
        mod $name {
            use super::*;

            fn url() -> String {
                format!("{}{}", Server::start($answer.bytes()).origin, $path)
            }

            #[divan::bench]
            fn ropewalk(bencher: Bencher) {
                super::ropewalk(bencher, &$ours(url()), false);
            }

            #[divan::bench]
            fn ropewalk_assembled(bencher: Bencher) {
                super::ropewalk(bencher, &$ours(url()), true);
            }

            #[divan::bench]
            fn rig(bencher: Bencher) {
                rig!(bencher, $rig(url()));
            }
        }
    };
}

compare!(
    openai_chat,
    Answer::Chat,
    "/v1",
    |url| OpenAiChat::builder("m").base_url(url).build().unwrap(),
    |url| OpenAIConfig::new("key").with_base_url(url).with_route(Route::Chat).client().chat("m")
);
compare!(
    openai_responses,
    Answer::Responses,
    "/v1",
    |url| OpenAiResponses::builder("m").base_url(url).build().unwrap(),
    |url| OpenAIConfig::new("key").with_base_url(url).client().responses("m")
);
compare!(
    anthropic,
    Answer::Anthropic,
    "",
    |url| AnthropicModel::builder("m").base_url(url).api_key("key").build().unwrap(),
    |url: String| AnthropicConfig::new("key").with_base_url(url).client().completion("m")
);
compare!(
    gemini,
    Answer::Gemini,
    "",
    |url| GeminiModel::builder("m").base_url(url).api_key("key").build().unwrap(),
    |url| GeminiConfig::new("key").with_base_url(url).client().completion("m")
);
compare!(
    ollama,
    Answer::Ollama,
    "",
    |url| OllamaModel::builder("m").base_url(url).build().unwrap(),
    |url: String| OllamaConfig::new().with_base_url(url).client().native_completion("m")
);
