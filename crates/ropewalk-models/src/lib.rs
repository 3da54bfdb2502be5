//! Model providers for Ropewalk.
//!
//! So far one: `OpenAiChat`, for OpenAI and every server that speaks its chat-completions
//! interface (llama.cpp, vLLM, Ollama, Groq, Mistral, DeepSeek, OpenRouter and many more).
//! [`SseDecoder`] reads the event streams such servers send.
//!
//! | feature | what it gives |
//! |---|---|
//! | `openai` (default) | `OpenAiChat` |

#[cfg(feature = "openai")]
mod http;
#[cfg(feature = "openai")]
mod openai;
mod sse;

#[cfg(feature = "openai")]
pub use openai::{OpenAiChat, OpenAiChatBuilder};
pub use sse::{SseDecoder, SseError, SseEvent};
