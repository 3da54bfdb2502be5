//! What an agent is asked.

use super::{ContentBlock, InterruptResponse, Message};

/// What an agent is asked: a text, blocks, whole messages, answers to its questions, or nothing,
/// which lets it go on from its history.
///
/// ```
/// use ropewalk_core::{Message, Prompt};
///
/// assert_eq!(Prompt::from("hello"), Prompt::Text("hello".into()));
/// assert_eq!(Prompt::from(()), Prompt::Nothing);
/// assert!(matches!(Prompt::from(vec![Message::user("hi")]), Prompt::Messages(_)));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Prompt {
    /// Go on from the history as it is.
    #[default]
    Nothing,
    /// One user message of one text.
    Text(String),
    /// One user message of these blocks.
    Blocks(Vec<ContentBlock>),
    /// These messages, as they are.
    Messages(Vec<Message>),
    /// Answers to open interrupts.
    Answers(Vec<InterruptResponse>),
}

impl From<()> for Prompt {
    fn from((): ()) -> Self {
        Self::Nothing
    }
}

impl From<&str> for Prompt {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Prompt {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Prompt {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Blocks that are all answers to interrupts, as in Strands, are [`Prompt::Answers`].
impl From<Vec<ContentBlock>> for Prompt {
    fn from(blocks: Vec<ContentBlock>) -> Self {
        let answers: Option<Vec<InterruptResponse>> = blocks
            .iter()
            .map(|block| match block {
                ContentBlock::InterruptResponse(answer) => Some(answer.clone()),
                _ => None,
            })
            .collect();
        match answers {
            Some(answers) if !answers.is_empty() => Self::Answers(answers),
            _ => Self::Blocks(blocks),
        }
    }
}

impl From<Message> for Prompt {
    fn from(message: Message) -> Self {
        Self::Messages(vec![message])
    }
}

impl From<Vec<Message>> for Prompt {
    fn from(messages: Vec<Message>) -> Self {
        Self::Messages(messages)
    }
}

impl From<InterruptResponse> for Prompt {
    fn from(answer: InterruptResponse) -> Self {
        Self::Answers(vec![answer])
    }
}

impl From<Vec<InterruptResponse>> for Prompt {
    fn from(answers: Vec<InterruptResponse>) -> Self {
        Self::Answers(answers)
    }
}
