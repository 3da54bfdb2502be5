//! Signatures over thoughts, and whose they may be.

use ropewalk_core::ReasoningText;

use super::word;

/// The signature of thoughts, if it may be one of a provider whose signatures are plain base64, as Anthropic's are and
/// those of Bedrock's models: adapters whose providers sign otherwise mark theirs.
pub(crate) fn plain_signature(thoughts: &ReasoningText) -> Option<&str> {
    let is_base64 = |character: char| word(character) || matches!(character, '+' | '/' | '=');
    let signature = thoughts.signature.as_deref().filter(|signature| !signature.is_empty())?;
    signature.chars().all(is_base64).then_some(signature)
}
