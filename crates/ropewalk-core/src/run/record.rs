//! The facts that a run is made of.

#[macro_use]
mod tag;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::claim::Claim;
use super::held::{HeldAnswer, HeldReport};
use super::site::Site;
use super::snapshot::Restored;
use crate::conversation::ManagerState;
use crate::decision::DecisionRecord;
use crate::interrupt::{Interrupt, Terms};
use crate::limits::{Limits, Money, Used};
use crate::message::{ContentBlock, InterruptResponse, Message, ToolResult, TranscriptEdit, Usage};
use crate::model::{ModelTurn, StopReason};
use crate::output::OutputSpec;

use tag::TagReader;

facts! {
    /// One fact that happened. A run is the fold of its records; their JSON is the stored form, and its
    /// number is [`FORMAT_VERSION`](super::FORMAT_VERSION).
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    // Whether it is one depends on what else is in the build: some crates make JSON objects larger.
    #[allow(
        clippy::large_enum_variant,
        reason = "records are few and short-lived; a box would be in the way of all who match on them"
    )]
    pub enum Record = "Record" {
        /// A history was taken over, before anything else happened.
        HistoryAdopted {
            /// The messages.
            messages: Vec<Message>,
        },
        /// Somebody asked something, and a question arose before it could begin.
        PromptHeld {
            /// What will be added to the history.
            messages: Vec<Message>,
            /// What the caller handed to the invocation.
            #[serde(default, skip_serializing_if = "Map::is_empty")]
            state: Map<String, Value>,
        },
        /// Somebody asked something.
        InvocationStarted {
            /// What was added to the history.
            messages: Vec<Message>,
            /// What the caller handed to the invocation.
            #[serde(default, skip_serializing_if = "Map::is_empty")]
            state: Map<String, Value>,
        },
        /// The prompt began with what belongs to the last message, which is one of tool results: it was put
        /// there.
        PromptJoined {
            /// The blocks.
            content: Vec<ContentBlock>,
        },
        /// The invocation under way was given a token, under which it is known when it is asked for again.
        TokenGiven {
            /// The token.
            token: String,
            /// The hash of what was asked.
            prompt: String,
        },
        /// A snapshot was loaded.
        SnapshotLoaded {
            /// What it put in place.
            restored: Box<Restored>,
        },
        /// The invocation is to give a value of this form.
        OutputAsked {
            /// The form.
            output: OutputSpec,
        },
        /// Hooks or tools changed what the caller had handed to the invocation.
        StateChanged {
            /// All of it.
            state: Map<String, Value>,
        },
        /// Hooks, tools or the caller changed the agent's state.
        AgentStateChanged {
            /// The values that were set.
            #[serde(default, skip_serializing_if = "Map::is_empty")]
            set: Map<String, Value>,
            /// The keys that were deleted.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            deleted: Vec<String>,
            /// True if it is no part of the turn under way: it stands whatever becomes of that.
            #[serde(default, skip_serializing_if = "is_false")]
            keep: bool,
        },
        /// A hook added messages for the model, before it is asked.
        GuidanceAdded {
            /// The messages.
            messages: Vec<Message>,
        },
        /// The model answered or failed, and a question arose before that could count.
        AnswerHeld {
            /// What waits.
            held: HeldAnswer,
        },
        /// A hook threw an answer or a failure away: the model is asked again.
        AnswerDropped {
            /// The tokens that it took all the same.
            #[serde(default, skip_serializing_if = "is_zero")]
            usage: Usage,
        },
        /// The model answered.
        ModelAnswered {
            /// Its answer.
            turn: Box<ModelTurn>,
            /// Tokens of answers that a hook threw away before this one, as format 1 noted them; now each
            /// has an [`AnswerDropped`](Self::AnswerDropped) of its own.
            #[serde(default, skip_serializing_if = "is_zero")]
            discarded: Usage,
        },
        /// Tokens were used for an answer that counts for nothing.
        TokensSpent {
            /// How many.
            usage: Usage,
        },
        /// A tool is about to run: written before it does.
        ToolClaimed {
            /// The tool use.
            tool_use_id: String,
            /// What will run.
            claim: Claim,
        },
        /// A tool has run; its hooks have not seen the result yet.
        ToolReturned {
            /// What it gave.
            result: ToolResult,
        },
        /// A call has ended, and a question arose before its result could count.
        ToolHeld {
            /// The result.
            result: ToolResult,
            /// How it came to that.
            finish: Finish,
            /// What the hooks will be told.
            report: Box<HeldReport>,
        },
        /// A hook wants a call made again: what was answered for the earlier time does not hold for it.
        ToolRetried {
            /// The tool use.
            tool_use_id: String,
        },
        /// A tool use has its result.
        ToolFinished {
            /// The result that the model will see.
            result: ToolResult,
            /// How it came to that.
            finish: Finish,
        },
        /// Questions were asked.
        Interrupted {
            /// From where.
            site: Site,
            /// The questions.
            interrupts: Vec<Interrupt>,
            /// Who may answer them, and until when, by their ids.
            #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
            terms: BTreeMap<String, Terms>,
        },
        /// Questions were answered: all of these at once, or none.
        Answered {
            /// The answers.
            responses: Vec<InterruptResponse>,
            /// In whose name.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            by: Option<String>,
        },
        /// Nobody answered these in time: what stands in that case is their answer now.
        Expired {
            /// The questions' ids.
            interrupt_ids: Vec<String>,
        },
        /// It was announced that these will expire.
        ExpiryAnnounced {
            /// The questions' ids.
            interrupt_ids: Vec<String>,
        },
        /// What was asked from there has been dealt with.
        Settled {
            /// From where it was asked.
            site: Site,
        },
        /// Something was decided. It changes nothing here: it is kept for whoever looks into it.
        Decided {
            /// The decision.
            decision: Box<DecisionRecord>,
        },
        /// All tool uses of an answer have their results: the turn stands in the history.
        ToolsFinished {
            /// What a hook wants the turn to end with.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            end_turn: Option<Vec<ContentBlock>>,
            /// True if a tool or a hook wants the loop to end here, with nothing more said.
            #[serde(default, skip_serializing_if = "is_false")]
            stop: bool,
        },
        /// The invocation has limits, or goes on with others.
        LimitsSet {
            /// The limits.
            limits: Box<Limits>,
            /// What earlier passes used of them.
            #[serde(default, skip_serializing_if = "Used::is_nothing")]
            before: Used,
        },
        /// A model call cost money, whatever becomes of its answer.
        CostSpent {
            /// How much.
            cost: Money,
        },
        /// The invocation stops for a time: so long it has worked since it began or last went on.
        TimeSpent {
            /// The time, in milliseconds.
            time_ms: u64,
        },
        /// A limit was reached: the invocation ends.
        LimitReached {
            /// Which one.
            reason: StopReason,
            /// What the model was saying, if it was.
            #[serde(default, skip_serializing_if = "String::is_empty")]
            partial: String,
            /// What stands as the assistant's last message if it was not.
            note: String,
            /// Tokens that were used all the same.
            #[serde(default, skip_serializing_if = "is_zero")]
            usage: Usage,
        },
        /// The value was found in the model's text.
        OutputFound {
            /// The value.
            value: Value,
        },
        /// The model ended its turn without the value: it is asked for that and nothing else.
        OutputForced {
            /// What it is told.
            messages: Vec<Message>,
            /// What was wrong with the value that it had given, if it had given one.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            problem: Option<String>,
        },
        /// The invocation ends without the value.
        OutputFailed {
            /// What was wrong last.
            problem: String,
        },
        /// The invocation was cancelled.
        Cancelled {
            /// What stands as the assistant's last message, if the model was answering.
            text: String,
            /// What stands as the assistant's last message behind the results, if tools were running.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            last_word: Option<String>,
            /// Tokens that were used all the same.
            #[serde(default, skip_serializing_if = "is_zero")]
            usage: Usage,
        },
        /// A hook did not let the invocation happen: the text stands as its answer.
        Denied {
            /// The text.
            text: String,
        },
        /// The history was edited: messages were left out, or others stand in their place.
        HistoryEdited {
            /// What changed.
            #[serde(default, skip_serializing_if = "TranscriptEdit::is_empty")]
            edit: TranscriptEdit,
            /// What the conversation manager keeps from here on, if that changed.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            manager: Option<Box<ManagerState>>,
            /// Tokens that the manager used for it.
            #[serde(default, skip_serializing_if = "is_zero")]
            usage: Usage,
        },
        /// The prompt does not fit the model's window: it was taken back, so that the conversation can go
        /// on without it. What was left out to make room for it is there again.
        PromptWithdrawn,
        /// Work that was cut off was given up, because something else was asked.
        Abandoned,
        /// The end of the invocation was announced.
        InvocationEnded,
    }
}

/// How a tool use came to its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Finish {
    /// The tool ran.
    Ran,
    /// It did not run: unknown, invalid, cancelled or denied.
    NotRun,
    /// It did not run, because the limit of tool calls was reached.
    OverLimit,
    /// It did not run, because a wrap hook gave a result in its place.
    Replaced,
    /// Nobody knows whether it ran.
    Unknown,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(usage: &Usage) -> bool {
    *usage == Usage::default()
}
