//! Who offers models.

use std::fmt;

/// Who offers models over the network: a company, or a server of your own.
///
/// ```
/// use ropewalk::Provider;
///
/// assert_eq!(Provider::Anthropic.prefix(), "anthropic");
/// assert_eq!(Provider::Anthropic.key_variable(), Some("ANTHROPIC_API_KEY"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Provider {
    /// Anthropic's Messages.
    Anthropic,
    /// Amazon Bedrock's Converse.
    Bedrock,
    /// DeepSeek.
    DeepSeek,
    /// Google's Gemini.
    Gemini,
    /// Groq.
    Groq,
    /// llama.cpp's server.
    LlamaCpp,
    /// Mistral.
    Mistral,
    /// Ollama, through its own interface.
    Ollama,
    /// OpenAI's chat completions, or any server that speaks them.
    OpenAi,
    /// OpenAI's Responses.
    OpenAiResponses,
    /// OpenRouter.
    OpenRouter,
    /// vLLM.
    Vllm,
    /// xAI.
    Xai,
}

/// What is known of a provider.
struct Known {
    prefix: &'static str,
    name: &'static str,
    feature: &'static str,
    is_built_in: bool,
    keys: &'static [&'static str],
    url: Option<&'static str>,
    is_hosted: bool,
    example: &'static str,
    can: &'static str,
}

/// What servers of OpenAI's chat interface have in common.
const CHAT: Known = Known {
    prefix: "openai",
    name: "OpenAI",
    feature: "openai",
    is_built_in: cfg!(feature = "openai"),
    keys: &["OPENAI_API_KEY"],
    url: Some("OPENAI_BASE_URL"),
    is_hosted: true,
    example: "gpt-4o-mini",
    can: "tools, JSON Schemas, pictures, documents, sound",
};

const OF_SERVER: &str = "tools, JSON Schemas and pictures where the model knows them";

impl Provider {
    /// All of them, by their names.
    pub const ALL: [Self; 13] = [
        Self::Anthropic,
        Self::Bedrock,
        Self::DeepSeek,
        Self::Gemini,
        Self::Groq,
        Self::LlamaCpp,
        Self::Mistral,
        Self::Ollama,
        Self::OpenAi,
        Self::OpenAiResponses,
        Self::OpenRouter,
        Self::Vllm,
        Self::Xai,
    ];

    /// The provider whose models begin with this, without the colon.
    pub fn from_prefix(prefix: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.prefix() == prefix)
    }

    /// What stands before the model in its name: `anthropic`.
    pub fn prefix(self) -> &'static str {
        self.known().prefix
    }

    /// As people call it: `Anthropic`.
    pub fn name(self) -> &'static str {
        self.known().name
    }

    /// The feature of this crate that brings it.
    pub fn feature(self) -> &'static str {
        self.known().feature
    }

    /// Whether that feature is on in this build.
    pub fn is_built_in(self) -> bool {
        self.known().is_built_in
    }

    /// The environment variable that holds the key. None for Bedrock, whose credentials come by the ways of AWS.
    pub fn key_variable(self) -> Option<&'static str> {
        self.known().keys.first().copied()
    }

    /// All environment variables that may hold the key: where the first is not set, the next is looked at.
    pub fn key_variables(self) -> &'static [&'static str] {
        self.known().keys
    }

    /// The environment variable that may hold the address of another server with the same interface.
    pub fn url_variable(self) -> Option<&'static str> {
        self.known().url
    }

    /// Whether it is a company's, which asks for a key, and not a server of your own.
    pub fn is_hosted(self) -> bool {
        self.known().is_hosted
    }

    /// The id of one of its models, as an example.
    pub fn example(self) -> &'static str {
        self.known().example
    }

    /// What its models can do through Ropewalk, beside text, in a few words.
    pub fn abilities(self) -> &'static str {
        self.known().can
    }

    fn known(self) -> Known {
        match self {
            Self::OpenAi => CHAT,
            Self::OpenAiResponses => Known {
                prefix: "openai-responses",
                name: "OpenAI Responses",
                feature: "responses",
                is_built_in: cfg!(feature = "responses"),
                example: "gpt-5-mini",
                can: "tools, JSON Schemas, thoughts, pictures, documents, citations, state at the server",
                ..CHAT
            },
            Self::Anthropic => Known {
                prefix: "anthropic",
                name: "Anthropic",
                feature: "anthropic",
                is_built_in: cfg!(feature = "anthropic"),
                keys: &["ANTHROPIC_API_KEY"],
                url: Some("ANTHROPIC_BASE_URL"),
                example: "claude-sonnet-4-5",
                can: "tools, JSON Schemas, thoughts, pictures, documents, citations, cache points",
                ..CHAT
            },
            Self::Bedrock => Known {
                prefix: "bedrock",
                name: "Amazon Bedrock",
                feature: "bedrock",
                is_built_in: cfg!(feature = "bedrock"),
                keys: &[],
                url: None,
                is_hosted: true,
                example: "global.anthropic.claude-sonnet-4-6",
                can: "tools, thoughts, pictures, documents, films, citations, cache points, guardrails",
            },
            Self::Gemini => Known {
                prefix: "gemini",
                name: "Gemini",
                feature: "gemini",
                is_built_in: cfg!(feature = "gemini"),
                keys: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
                url: Some("GOOGLE_GEMINI_BASE_URL"),
                example: "gemini-2.5-flash",
                can: "tools, JSON Schemas, thoughts, pictures, documents, sound, films",
                ..CHAT
            },
            Self::Mistral => Known {
                prefix: "mistral",
                name: "Mistral",
                feature: "mistral",
                is_built_in: cfg!(feature = "mistral"),
                keys: &["MISTRAL_API_KEY"],
                url: Some("MISTRAL_BASE_URL"),
                example: "mistral-small-latest",
                can: "tools, JSON Schemas, thoughts, pictures, documents",
                ..CHAT
            },
            Self::Ollama => Known {
                prefix: "ollama",
                name: "Ollama",
                feature: "ollama",
                is_built_in: cfg!(feature = "ollama"),
                keys: &[],
                url: Some("OLLAMA_HOST"),
                is_hosted: false,
                example: "llama3.2",
                can: OF_SERVER,
            },
            Self::Groq => Known {
                prefix: "groq",
                name: "Groq",
                keys: &["GROQ_API_KEY"],
                url: Some("GROQ_BASE_URL"),
                example: "llama-3.3-70b-versatile",
                can: OF_SERVER,
                ..CHAT
            },
            Self::DeepSeek => Known {
                prefix: "deepseek",
                name: "DeepSeek",
                keys: &["DEEPSEEK_API_KEY"],
                url: Some("DEEPSEEK_BASE_URL"),
                example: "deepseek-chat",
                can: "tools, thoughts",
                ..CHAT
            },
            Self::Xai => Known {
                prefix: "xai",
                name: "xAI",
                keys: &["XAI_API_KEY"],
                url: Some("XAI_BASE_URL"),
                example: "grok-4",
                can: OF_SERVER,
                ..CHAT
            },
            Self::OpenRouter => Known {
                prefix: "openrouter",
                name: "OpenRouter",
                keys: &["OPENROUTER_API_KEY"],
                url: Some("OPENROUTER_BASE_URL"),
                example: "openai/gpt-4o-mini",
                can: OF_SERVER,
                ..CHAT
            },
            Self::LlamaCpp => Known {
                prefix: "llamacpp",
                name: "llama.cpp",
                keys: &["LLAMACPP_API_KEY"],
                url: Some("LLAMACPP_BASE_URL"),
                is_hosted: false,
                example: "any",
                can: OF_SERVER,
                ..CHAT
            },
            Self::Vllm => Known {
                prefix: "vllm",
                name: "vLLM",
                keys: &["VLLM_API_KEY"],
                url: Some("VLLM_BASE_URL"),
                is_hosted: false,
                example: "Qwen/Qwen3-8B",
                can: OF_SERVER,
                ..CHAT
            },
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
