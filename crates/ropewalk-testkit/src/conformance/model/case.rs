//! How a provider answers.

use std::time::Duration;

use ropewalk_core::{
    ContentBlock, ErrorKind, Message, ReasoningContent, ReasoningText, Role, StopReason, ToolUse,
    Usage,
};
use serde_json::json;

use crate::Reply;

/// How the provider behind a model under test answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Case {
    /// [`Case::TEXT`], in two or more pieces where the provider streams, and what it used:
    /// [`Case::INPUT_TOKENS`] and [`Case::OUTPUT_TOKENS`].
    Text,
    /// Thinks [`Case::THOUGHT`], then says [`Case::TEXT`].
    Reasoning,
    /// Says [`Case::TEXT`] and calls the tool `look` with the arguments `{"place": "Säntis", "times": 3}`.
    ToolCall,
    /// Calls the tool `look` twice, first with `{"place": "Säntis", "times": 1}`, then with
    /// `{"place": "Eiger", "times": 2}`.
    ToolCalls,
    /// Calls the tool `look` with arguments that are no JSON: `{"place": "Sän`.
    MalformedArguments,
    /// Says [`Case::TEXT`] and has no tokens left.
    MaxTokens,
    /// Says a piece of [`Case::TEXT`], and the connection closes.
    BreaksOff,
    /// Says a piece of [`Case::TEXT`], and reports a failure of its own.
    FailsMidway,
    /// Sends nothing but signs of life (comments, pings), for ever. The model is set to wait for half a second at most.
    OnlyAlive,
    /// Says a piece of [`Case::TEXT`] and then nothing, for ever.
    Hangs,
    /// Asks to slow down and to wait for [`Case::RETRY_AFTER`].
    Throttled,
    /// Refuses the conversation as too long for the model.
    TooLong,
    /// Refuses the key.
    Unauthorized,
    /// Refuses the request as one that is wrong.
    Rejected,
    /// Fails on its side before it answers.
    Unavailable,
}

impl Case {
    /// What the model says.
    pub const TEXT: &'static str = "Säntis is 2,502 m high. 🏔";
    /// What the model thinks.
    pub const THOUGHT: &'static str = "Metres, above the sea.";
    /// Tokens of the prompt, where the provider counts them.
    pub const INPUT_TOKENS: u64 = 11;
    /// Tokens of the answer, where the provider counts them.
    pub const OUTPUT_TOKENS: u64 = 7;
    /// How long a provider that asks to slow down asks to wait.
    pub const RETRY_AFTER: Duration = Duration::from_secs(2);

    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Text,
        Self::Reasoning,
        Self::ToolCall,
        Self::ToolCalls,
        Self::MalformedArguments,
        Self::MaxTokens,
        Self::BreaksOff,
        Self::FailsMidway,
        Self::OnlyAlive,
        Self::Hangs,
        Self::Throttled,
        Self::TooLong,
        Self::Unauthorized,
        Self::Rejected,
        Self::Unavailable,
    ];

    /// What a [`ScriptedModel`](crate::ScriptedModel) says in this case: for models that are made of others, and
    /// stand before no provider.
    ///
    /// ```
    /// use ropewalk_testkit::ScriptedModel;
    /// use ropewalk_testkit::conformance::Case;
    ///
    /// let model = ScriptedModel::new([Case::Text.reply(), Case::Throttled.reply()]);
    /// assert_eq!(model.remaining(), 2);
    /// ```
    pub fn reply(self) -> Reply {
        let usage = Usage::new(Self::INPUT_TOKENS, Self::OUTPUT_TOKENS);
        let text = || Reply::text(Self::TEXT).using(usage);
        let look = |id: &str, place: &str, times: u32| {
            ContentBlock::from(ToolUse::new(id, "look", json!({"place": place, "times": times})))
        };
        let said =
            |blocks: Vec<ContentBlock>| Reply::message(Message::new(Role::Assistant, blocks));
        let failing = |kind| Reply::error(kind, "no");
        match self {
            Self::Text => text(),
            Self::Reasoning => {
                let text = Self::THOUGHT.to_owned();
                let thought = ReasoningText { text, ..ReasoningText::default() };
                let thought = ReasoningContent::ReasoningText(thought);
                said(vec![ContentBlock::ReasoningContent(thought), Self::TEXT.into()])
            }
            Self::ToolCall => said(vec![Self::TEXT.into(), look("t1", "Säntis", 3)]),
            Self::ToolCalls => said(vec![look("t1", "Säntis", 1), look("t2", "Eiger", 2)]),
            Self::MalformedArguments => Reply::raw_tool("look", "{\"place\": \"Sän"),
            Self::MaxTokens => text().stopping_with(StopReason::MaxTokens),
            Self::BreaksOff | Self::FailsMidway => {
                text().failing_after(3, ErrorKind::Unavailable, "the line is dead")
            }
            Self::OnlyAlive => failing(ErrorKind::Timeout),
            Self::Hangs => text().silent_after(3),
            Self::Throttled => failing(ErrorKind::Throttled).retry_after(Self::RETRY_AFTER),
            Self::TooLong => failing(ErrorKind::ContextOverflow),
            Self::Unauthorized => failing(ErrorKind::Authentication),
            Self::Rejected => failing(ErrorKind::InvalidRequest),
            Self::Unavailable => failing(ErrorKind::Unavailable),
        }
    }
}
