//! The system prompt, in its two views.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::CachePoint;

tagged_enum! {
    /// One block of a system prompt.
    pub enum SystemBlock("a system block") {
        /// Text.
        Text(String) = "text",
        /// Everything up to here may be cached by the provider.
        CachePoint(CachePoint) = "cachePoint",
    }
}

/// What the model is told before the conversation: a text, or blocks. Cheap to clone.
///
/// ```
/// use ropewalk_core::{SystemBlock, SystemPrompt};
///
/// let prompt = SystemPrompt::from("Be brief.");
/// assert_eq!(prompt.text().as_deref(), Some("Be brief."));
/// let blocks = [SystemBlock::Text("a".into()), SystemBlock::Text("b".into())];
/// assert_eq!(SystemPrompt::new(blocks).text().as_deref(), Some("a\nb"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SystemPrompt(Arc<[SystemBlock]>);

impl SystemPrompt {
    /// A system prompt of blocks.
    pub fn new(blocks: impl IntoIterator<Item = SystemBlock>) -> Self {
        Self(blocks.into_iter().collect())
    }

    /// The texts, joined by line ends; none if no block is a text.
    pub fn text(&self) -> Option<String> {
        let mut texts = self.0.iter().filter_map(|block| match block {
            SystemBlock::Text(text) => Some(text.as_str()),
            _ => None,
        });
        let mut all = texts.next()?.to_owned();
        for text in texts {
            all.push('\n');
            all.push_str(text);
        }
        Some(all)
    }

    /// The blocks.
    pub fn blocks(&self) -> &[SystemBlock] {
        &self.0
    }
}

impl From<Vec<SystemBlock>> for SystemPrompt {
    fn from(blocks: Vec<SystemBlock>) -> Self {
        Self::new(blocks)
    }
}

impl<const N: usize> From<[SystemBlock; N]> for SystemPrompt {
    fn from(blocks: [SystemBlock; N]) -> Self {
        Self::new(blocks)
    }
}

impl From<&str> for SystemPrompt {
    fn from(text: &str) -> Self {
        Self::new([SystemBlock::Text(text.to_owned())])
    }
}

impl From<String> for SystemPrompt {
    fn from(text: String) -> Self {
        Self::new([SystemBlock::Text(text)])
    }
}
