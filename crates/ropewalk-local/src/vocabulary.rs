//! Text to tokens and back, from what the GGUF file says about its tokenizer.

mod bpe;
mod pieces;
mod special;
mod stream;

use crate::error::{LocalError, Result};
use crate::gguf::Gguf;
use bpe::BytePairs;
use pieces::Pieces;
use special::Specials;
pub(crate) use stream::TextStream;

/// A model's tokenizer.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    /// The bytes each token stands for; for control tokens, their name.
    bytes: Vec<Vec<u8>>,
    /// Tokens that are no text: the end of a turn and the like.
    control: Vec<bool>,
    specials: Specials,
    splitter: Splitter,
    pub(crate) bos: Option<u32>,
    pub(crate) eos: u32,
    /// Every token that ends a turn.
    stops: Vec<u32>,
    /// Whether a text starts with `bos`.
    pub(crate) add_bos: bool,
}

#[derive(Debug)]
enum Splitter {
    /// Byte-level byte-pair encoding (`gpt2`).
    Bytes(Box<BytePairs>),
    /// SentencePiece (`llama`).
    Pieces(Pieces),
}

/// Kinds of token in `tokenizer.ggml.token_type`.
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;
const BYTE: i64 = 6;

/// Some files call the marks around tool calls control tokens, but they are part of what the model says.
fn is_markup(token: &str) -> bool {
    token.contains("tool_call") || token.contains("python_tag")
}

impl Vocabulary {
    /// Builds the tokenizer.
    pub(crate) fn read(gguf: &Gguf) -> Result<Self> {
        let meta = &gguf.metadata;
        let missing = |key: &str| gguf.bad(format!("the metadata entry `{key}` is missing"));
        let tokens = meta
            .strings("tokenizer.ggml.tokens")
            .ok_or_else(|| missing("tokenizer.ggml.tokens"))?;
        let model =
            meta.string("tokenizer.ggml.model").ok_or_else(|| missing("tokenizer.ggml.model"))?;
        let kinds = meta.integers("tokenizer.ggml.token_type").unwrap_or_default();
        let kind = |id: usize| kinds.get(id).copied().unwrap_or(1);
        let id = |key: &str| {
            let id = meta.integer(&format!("tokenizer.ggml.{key}"))?;
            u32::try_from(id).ok().filter(|id| (*id as usize) < tokens.len())
        };
        let eos = id("eos_token_id").ok_or_else(|| missing("tokenizer.ggml.eos_token_id"))?;
        let (splitter, bytes): (_, Vec<Vec<u8>>) = match model {
            "gpt2" => {
                let merges = meta
                    .strings("tokenizer.ggml.merges")
                    .ok_or_else(|| missing("tokenizer.ggml.merges"))?;
                let pre = meta.string("tokenizer.ggml.pre").unwrap_or("default");
                let pairs = BytePairs::new(tokens, merges, pre).map_err(|what| gguf.bad(what))?;
                let bytes = |(i, token): (usize, &String)| match kind(i) {
                    CONTROL | USER_DEFINED => token.clone().into_bytes(),
                    _ => bpe::token_bytes(token),
                };
                (Splitter::Bytes(Box::new(pairs)), tokens.iter().enumerate().map(bytes).collect())
            }
            "llama" => {
                let scores = meta
                    .floats("tokenizer.ggml.scores")
                    .ok_or_else(|| missing("tokenizer.ggml.scores"))?;
                let prefix = meta.boolean("tokenizer.ggml.add_space_prefix").unwrap_or(true);
                let bytes = |(i, token): (usize, &String)| match kind(i) {
                    CONTROL => token.clone().into_bytes(),
                    BYTE => pieces::byte_of(token)
                        .map_or_else(|| token.clone().into_bytes(), |byte| vec![byte]),
                    _ => token.replace('\u{2581}', " ").into_bytes(),
                };
                let unknown = id("unknown_token_id").unwrap_or(0);
                let pieces = Pieces::new(tokens, scores, unknown, prefix);
                (Splitter::Pieces(pieces), tokens.iter().enumerate().map(bytes).collect())
            }
            other => {
                return Err(LocalError::Unsupported {
                    what: format!(
                        "{}: the tokenizer `{other}` is not supported; `gpt2` and `llama` are",
                        gguf.path().display()
                    ),
                });
            }
        };
        let special = |i: &usize| matches!(kind(*i), CONTROL | USER_DEFINED);
        let names = (0..tokens.len()).filter(special).map(|i| (tokens[i].as_str(), i as u32));
        let specials = Specials::new(names);
        let named = [
            "<|im_end|>",
            "<|eot_id|>",
            "<|end_of_text|>",
            "<|endoftext|>",
            "<end_of_turn>",
            "</s>",
        ];
        let mut stops: Vec<u32> = named.iter().filter_map(|name| specials.id(name)).collect();
        stops.push(eos);
        stops.extend(id("eot_token_id"));
        stops.extend(id("eom_token_id"));
        stops.sort_unstable();
        stops.dedup();
        let bos = id("bos_token_id");
        let add_bos = meta.boolean("tokenizer.ggml.add_bos_token");
        Ok(Self {
            control: (0..tokens.len())
                .map(|i| kind(i) == CONTROL && !is_markup(&tokens[i]))
                .collect(),
            add_bos: bos.is_some() && add_bos.unwrap_or(model == "llama"),
            bytes,
            specials,
            splitter,
            bos,
            eos,
            stops,
        })
    }

    /// How many tokens there are.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes a token stands for.
    pub(crate) fn bytes(&self, token: u32) -> &[u8] {
        self.bytes.get(token as usize).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn is_control(&self, token: u32) -> bool {
        self.control.get(token as usize).copied().unwrap_or(true)
    }

    /// Whether a token ends the model's turn.
    pub(crate) fn is_stop(&self, token: u32) -> bool {
        self.stops.binary_search(&token).is_ok()
    }

    /// Plain text: names of control tokens in it are just letters.
    pub(crate) fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        self.encode_plain(text, true, &mut ids);
        ids
    }

    /// A rendered prompt: names of control tokens stand for the tokens, except where [`shield`](Self::shield)ed.
    pub(crate) fn encode_prompt(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        let mut first = true;
        for part in self.specials.split(text) {
            match part {
                special::Part::Token(id) => ids.push(id),
                special::Part::Text(text) => {
                    self.encode_plain(&special::unshield(text), first, &mut ids);
                }
            }
            first = false;
        }
        ids
    }

    /// Marks foreign text so that the names of control tokens in it cannot act as such in a prompt.
    pub(crate) fn shield(&self, text: &str) -> String {
        self.specials.shield(text)
    }

    fn encode_plain(&self, text: &str, at_start: bool, ids: &mut Vec<u32>) {
        match &self.splitter {
            Splitter::Bytes(pairs) => pairs.encode(text, ids),
            Splitter::Pieces(pieces) => pieces.encode(text, at_start, ids),
        }
    }

    /// The name of a token, as templates want it.
    pub(crate) fn name(&self, token: Option<u32>) -> String {
        token.map_or_else(String::new, |t| String::from_utf8_lossy(self.bytes(t)).into_owned())
    }

    /// Tokens back to text; control tokens leave no trace.
    #[cfg(test)]
    pub(crate) fn decode(&self, tokens: &[u32]) -> String {
        let text = tokens.iter().filter(|t| !self.is_control(**t));
        let bytes: Vec<u8> = text.flat_map(|t| self.bytes(*t)).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(test)]
mod tests;
