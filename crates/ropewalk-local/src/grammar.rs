//! Grammars from JSON schemas: which tokens may come next.

use std::sync::Arc;

use llguidance::api::TopLevelGrammar;
use llguidance::{Matcher, ParserFactory};
use serde_json::{Value, json};
use toktrie::{SimpleVob, TokEnv, TokRxInfo, TokTrie, TokenId, TokenizerEnv};

use crate::error::{LocalError, Result};
use crate::vocabulary::Vocabulary;

/// Makes grammars for one vocabulary.
pub(crate) struct Grammars {
    factory: ParserFactory,
}

impl std::fmt::Debug for Grammars {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grammars").finish_non_exhaustive()
    }
}

struct Environment {
    trie: TokTrie,
}

impl TokenizerEnv for Environment {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<TokenId> {
        self.trie.greedy_tokenize(bytes)
    }

    fn tokenize_is_canonical(&self) -> bool {
        false
    }
}

impl Grammars {
    pub(crate) fn new(vocabulary: &Vocabulary) -> Result<Self> {
        let ids = 0..vocabulary.len() as u32;
        let word = |id: u32| {
            if vocabulary.is_control(id) {
                // The mark of a token that is no text.
                let mut word = vec![TokTrie::SPECIAL_TOKEN_MARKER];
                word.extend(vocabulary.bytes(id));
                word
            } else {
                vocabulary.bytes(id).to_vec()
            }
        };
        let words: Vec<Vec<u8>> = ids.map(word).collect();
        let info = TokRxInfo::new(words.len() as u32, vocabulary.eos);
        let environment: TokEnv = Arc::new(Environment { trie: TokTrie::from(&info, &words) });
        let mut factory = ParserFactory::new_simple(&environment)
            .map_err(|e| LocalError::Engine(e.to_string()))?;
        factory.quiet();
        Ok(Self { factory })
    }

    /// A grammar for exactly the JSON texts that fit `schema`, on one line.
    pub(crate) fn json(&self, schema: &Value, of: &str) -> Result<Grammar> {
        let strict = self.matcher(schema, false);
        let matcher = strict.or_else(|what| {
            // A keyword without a grammar: keep to the others rather than to none.
            tracing::warn!(of, what, "the schema is enforced in part only");
            self.matcher(schema, true)
        });
        let matcher = matcher.map_err(|what| LocalError::Schema { of: of.to_owned(), what })?;
        Ok(Grammar { matcher })
    }

    fn matcher(&self, schema: &Value, lenient: bool) -> Result<Matcher, String> {
        let mut schema = match schema {
            Value::Object(_) => schema.clone(),
            _ => json!({}),
        };
        schema["x-guidance"] = json!({
            "item_separator": ", ",
            "key_separator": ": ",
            "whitespace_flexible": false,
            "lenient": lenient,
        });
        let grammar = TopLevelGrammar::from_json_schema(schema);
        let parser = self.factory.create_parser(grammar).map_err(|e| e.to_string())?;
        let matcher = Matcher::new(Ok(parser));
        match matcher.get_error() {
            Some(error) => Err(error),
            None => Ok(matcher),
        }
    }
}

/// The state of one constrained text.
pub(crate) struct Grammar {
    matcher: Matcher,
}

impl std::fmt::Debug for Grammar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grammar").finish_non_exhaustive()
    }
}

impl Grammar {
    /// The tokens allowed now; `None` when the text is complete and nothing may follow.
    pub(crate) fn allowed(&mut self) -> Result<Option<SimpleVob>> {
        if self.matcher.is_stopped() {
            return self.ended();
        }
        let mask = self.matcher.compute_mask().map_err(|e| LocalError::Engine(e.to_string()))?;
        if mask.is_zero() {
            return self.ended();
        }
        Ok(Some(mask))
    }

    fn ended(&mut self) -> Result<Option<SimpleVob>> {
        match self.matcher.get_error() {
            Some(error) => Err(LocalError::Engine(format!("the grammar failed: {error}"))),
            None => Ok(None),
        }
    }

    /// Whether the text could end here.
    pub(crate) fn accepts(&mut self) -> bool {
        self.matcher.is_accepting().unwrap_or(false)
    }

    /// Takes the token that was chosen.
    pub(crate) fn advance(&mut self, token: u32) -> Result<()> {
        self.matcher.consume_token(token).map_err(|e| LocalError::Engine(e.to_string()))
    }
}

#[cfg(test)]
mod tests;
