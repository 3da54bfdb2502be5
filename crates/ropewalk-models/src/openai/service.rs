//! OpenAI, and providers and servers that speak its chat interface.

use crate::http::{KeyHeader, Kinds, Service};

/// OpenAI itself.
pub(super) const OPENAI: Service = Service {
    prefix: "openai",
    name: "OpenAI",
    key_variable: "OPENAI_API_KEY",
    url_variable: "OPENAI_BASE_URL",
    base_url: "https://api.openai.com/v1",
    needs_key: true,
    key: KeyHeader::Bearer,
    example: "gpt-4o-mini",
    tails: &["/chat/completions"],
    own_params: &["model", "messages", "tools", "tool_choice", "stream_options"],
    kinds: Kinds::COMMON,
};

/// A provider or server that speaks OpenAI's chat interface: where it is, and which variables of the environment
/// hold its key and its address. For [`OpenAiChat::at`](super::OpenAiChat::at).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compatible {
    /// Groq: `GROQ_API_KEY`, `GROQ_BASE_URL`.
    Groq,
    /// DeepSeek: `DEEPSEEK_API_KEY`, `DEEPSEEK_BASE_URL`.
    DeepSeek,
    /// xAI: `XAI_API_KEY`, `XAI_BASE_URL`.
    Xai,
    /// OpenRouter: `OPENROUTER_API_KEY`, `OPENROUTER_BASE_URL`.
    OpenRouter,
    /// llama.cpp's server, by default on this machine at port 8080: `LLAMACPP_BASE_URL`, and `LLAMACPP_API_KEY` if it
    /// was started with one.
    LlamaCpp,
    /// vLLM, by default on this machine at port 8000: `VLLM_BASE_URL`, and `VLLM_API_KEY` if it was started with one.
    Vllm,
}

impl Compatible {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Groq, Self::DeepSeek, Self::Xai, Self::OpenRouter, Self::LlamaCpp, Self::Vllm];

    /// What stands before the model in its name: `groq`.
    pub fn prefix(self) -> &'static str {
        self.service().prefix
    }

    pub(super) fn service(self) -> &'static Service {
        match self {
            Self::Groq => &GROQ,
            Self::DeepSeek => &DEEPSEEK,
            Self::Xai => &XAI,
            Self::OpenRouter => &OPENROUTER,
            Self::LlamaCpp => &LLAMACPP,
            Self::Vllm => &VLLM,
        }
    }
}

const GROQ: Service = Service {
    prefix: "groq",
    name: "Groq",
    key_variable: "GROQ_API_KEY",
    url_variable: "GROQ_BASE_URL",
    base_url: "https://api.groq.com/openai/v1",
    example: "llama-3.3-70b-versatile",
    ..OPENAI
};

const DEEPSEEK: Service = Service {
    prefix: "deepseek",
    name: "DeepSeek",
    key_variable: "DEEPSEEK_API_KEY",
    url_variable: "DEEPSEEK_BASE_URL",
    base_url: "https://api.deepseek.com",
    example: "deepseek-chat",
    ..OPENAI
};

const XAI: Service = Service {
    prefix: "xai",
    name: "xAI",
    key_variable: "XAI_API_KEY",
    url_variable: "XAI_BASE_URL",
    base_url: "https://api.x.ai/v1",
    example: "grok-4",
    ..OPENAI
};

const OPENROUTER: Service = Service {
    prefix: "openrouter",
    name: "OpenRouter",
    key_variable: "OPENROUTER_API_KEY",
    url_variable: "OPENROUTER_BASE_URL",
    base_url: "https://openrouter.ai/api/v1",
    example: "openai/gpt-4o-mini",
    ..OPENAI
};

const LLAMACPP: Service = Service {
    prefix: "llamacpp",
    name: "llama.cpp",
    key_variable: "LLAMACPP_API_KEY",
    url_variable: "LLAMACPP_BASE_URL",
    base_url: "http://127.0.0.1:8080/v1",
    needs_key: false,
    example: "any",
    ..OPENAI
};

const VLLM: Service = Service {
    prefix: "vllm",
    name: "vLLM",
    key_variable: "VLLM_API_KEY",
    url_variable: "VLLM_BASE_URL",
    base_url: "http://127.0.0.1:8000/v1",
    needs_key: false,
    example: "Qwen/Qwen3-8B",
    ..OPENAI
};
