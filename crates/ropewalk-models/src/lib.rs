//! Model providers for Ropewalk.
//!
//! `OpenAiChat` is for OpenAI and every server that speaks its chat-completions interface
//! (llama.cpp, vLLM, Groq, DeepSeek, OpenRouter and many more), the others each for an interface of its
//! own. And there are models made of models, which know no provider: one in the place of another that
//! fails, several in turn, one chosen for each request, answers that are kept, a limit of rate.
//! [`SseDecoder`] reads the event streams such servers send, and [`LineDecoder`] lines of JSON.
//!
//! | feature | what it gives |
//! |---|---|
//! | `openai` (default) | `OpenAiChat` |
//! | `responses` | `OpenAiResponses` |
//! | `mistral` | `MistralModel` |
//! | `gemini` | `GeminiModel` |
//! | `ollama` | `OllamaModel` |
//! | `anthropic` | `AnthropicModel`, for Anthropic and every server with its Messages interface |
//! | `bedrock` | `BedrockModel`, for Amazon Bedrock's Converse interface |
//! | `fallback` | `FallbackModel` |
//! | `router` | `RoundRobinModel`, `RouterModel` |
//! | `cache` | `CachedModel` |
//! | `rate-limit` | `RateLimitedModel`, `RateLimit` |

// A provider alone need not use all of what they share.
#![cfg_attr(not(feature = "openai"), allow(dead_code, unused_imports, unused_macros))]

#[cfg(feature = "anthropic")]
mod anthropic;
#[cfg(feature = "bedrock")]
mod bedrock;
#[cfg(feature = "http")]
mod blocks;
#[cfg(any(feature = "cache", feature = "fallback", feature = "rate-limit", feature = "router"))]
mod combine;
mod cut;
#[cfg(feature = "gemini")]
mod gemini;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
mod json;
mod lines;
#[cfg(feature = "http")]
mod media;
#[cfg(feature = "mistral")]
mod mistral;
#[cfg(feature = "ollama")]
mod ollama;
#[cfg(feature = "openai")]
mod openai;
#[cfg(any(feature = "cache", feature = "http"))]
mod render;
#[cfg(feature = "responses")]
mod responses;
#[cfg(any(feature = "openai", feature = "responses"))]
mod schema;
#[cfg(any(feature = "gemini", feature = "ollama"))]
mod sequence;
mod sse;

#[cfg(feature = "anthropic")]
pub use anthropic::{AnthropicModel, AnthropicModelBuilder};
#[cfg(feature = "bedrock")]
pub use bedrock::{BedrockCaching, BedrockGuardrail, BedrockModel, BedrockModelBuilder};
#[cfg(feature = "cache")]
pub use combine::CachedModel;
#[cfg(feature = "fallback")]
pub use combine::FallbackModel;
#[cfg(feature = "rate-limit")]
pub use combine::{RateLimit, RateLimitBuilder, RateLimitedModel};
#[cfg(feature = "router")]
pub use combine::{RoundRobinModel, RouterModel};
#[cfg(feature = "gemini")]
pub use gemini::{GeminiModel, GeminiModelBuilder};
#[cfg(feature = "http")]
pub use http::{HttpClient, ModelInfo};
pub use lines::{LineDecoder, LineTooLong};
#[cfg(feature = "mistral")]
pub use mistral::{MistralModel, MistralModelBuilder};
#[cfg(feature = "ollama")]
pub use ollama::{OllamaModel, OllamaModelBuilder};
#[cfg(feature = "openai")]
pub use openai::{Compatible, OpenAiChat, OpenAiChatBuilder};
#[cfg(feature = "responses")]
pub use responses::{OpenAiResponses, OpenAiResponsesBuilder};
pub use sse::{SseDecoder, SseError, SseEvent};
