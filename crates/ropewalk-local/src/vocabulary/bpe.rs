//! Byte-level byte-pair encoding, on the `tokenizers` crate.

use std::collections::HashMap;
use std::sync::LazyLock;

use tokenizers::models::bpe::BPE;
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{SplitDelimiterBehavior, Tokenizer};

/// A tokenizer of the `gpt2` kind.
#[derive(Debug)]
pub(super) struct BytePairs {
    tokenizer: Tokenizer,
}

impl BytePairs {
    pub(super) fn new(tokens: &[String], merges: &[String], pre: &str) -> Result<Self, String> {
        let vocab = tokens.iter().enumerate().map(|(id, token)| (token.clone(), id as u32));
        let pair = |merge: &String| {
            let (a, b) = merge.split_once(' ')?;
            Some((a.to_owned(), b.to_owned()))
        };
        let merges: Option<Vec<_>> = merges.iter().map(pair).collect();
        let merges = merges.ok_or("`tokenizer.ggml.merges` holds an entry that is no pair")?;
        let style = Style::of(pre);
        let model = BPE::builder()
            .vocab_and_merges(vocab.collect::<HashMap<_, _, _>>(), merges)
            .ignore_merges(style == Style::Llama3)
            .build()
            .map_err(|e| format!("the tokenizer can't be built: {e}"))?;
        let mut tokenizer = Tokenizer::new(model);
        tokenizer.with_pre_tokenizer(Some(style.pre_tokenizer()?));
        if style == Style::Qwen2 {
            tokenizer
                .with_normalizer(Some(NFC))
                .map_err(|e| format!("the tokenizer can't be built: {e}"))?;
        }
        Ok(Self { tokenizer })
    }

    pub(super) fn encode(&self, text: &str, ids: &mut Vec<u32>) {
        match self.tokenizer.encode_fast(text, false) {
            Ok(encoding) => ids.extend(encoding.get_ids()),
            Err(error) => tracing::warn!(%error, "a text could not be tokenised and is left out"),
        }
    }
}

/// How a text is cut before pairs are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Gpt2,
    /// Each digit alone, no space put in front of the text.
    SmolLm,
    Llama3,
    Qwen2,
}

impl Style {
    fn of(pre: &str) -> Self {
        match pre {
            "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" => Self::SmolLm,
            "llama3" | "llama-bpe" | "llama-v3" | "smaug-bpe" => Self::Llama3,
            "qwen2" | "deepseek-r1-qwen" => Self::Qwen2,
            "gpt-2" | "gpt2" | "default" => Self::Gpt2,
            other => {
                tracing::warn!(
                    pre = other,
                    "unknown pre-tokenizer; GPT-2's is used, the text may be cut differently than in training"
                );
                Self::Gpt2
            }
        }
    }

    fn pre_tokenizer(self) -> Result<PreTokenizerWrapper, String> {
        let bytes = |with_pattern| ByteLevel::new(false, false, with_pattern).into();
        Ok(match self {
            Self::Gpt2 => bytes(true),
            Self::SmolLm => Sequence::new(vec![Digits::new(true).into(), bytes(true)]).into(),
            Self::Llama3 => Sequence::new(vec![split("{1,3}")?, bytes(false)]).into(),
            Self::Qwen2 => Sequence::new(vec![split("")?, bytes(false)]).into(),
        })
    }
}

/// Contractions, words, digits (`digits` at a time), punctuation, line ends and blanks each for themselves.
fn split(digits: &str) -> Result<PreTokenizerWrapper, String> {
    let pattern = [
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)",
        r"[^\r\n\p{L}\p{N}]?\p{L}+",
        &format!(r"\p{{N}}{digits}"),
        r" ?[^\s\p{L}\p{N}]+[\r\n]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
    .join("|");
    Split::new(SplitPattern::Regex(pattern), SplitDelimiterBehavior::Isolated, false)
        .map(Into::into)
        .map_err(|e| format!("the tokenizer can't be built: {e}"))
}

/// Byte-level tokenizers write each byte as a printable character: printable Latin-1 as itself, the others as
/// the characters from U+0100 on.
static BYTES: LazyLock<HashMap<char, u8>> = LazyLock::new(|| {
    let printable = |b: &u8| matches!(b, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let plain = (0..=u8::MAX).filter(printable).map(|b| (char::from(b), b));
    let others = (0..=u8::MAX).filter(|b| !printable(b));
    let shifted = others.zip('\u{100}'..).map(|(b, c)| (c, b));
    plain.chain(shifted).collect()
});

/// The bytes a byte-level token stands for.
pub(super) fn token_bytes(token: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(token.len());
    for c in token.chars() {
        match BYTES.get(&c) {
            Some(byte) => bytes.push(*byte),
            None => bytes.extend(c.to_string().into_bytes()),
        }
    }
    bytes
}
