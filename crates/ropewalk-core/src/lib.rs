//! The core of Ropewalk: an agent's run as a durable value, the hooks every step of it passes,
//! the interrupts that put a question to a person, and the agent that drives it.
//!
//! Most people use this crate through the `ropewalk` facade. The folders, lowest first; each may
//! use those above it in this list and none below:
//!
//! | folder | what it holds |
//! |---|---|
//! | `message` | content blocks, messages, the [`Transcript`], the [`Prompt`] |
//! | `interrupt` | the question put to a person, and its answer; approvals |
//! | `metrics` | what invocations took |
//! | `decision` | what was decided about a step, for a log |
//! | `model` | the [`Model`] trait, the chunks a model streams, and their assembly |
//! | `retry` | what happens after a model call that failed |
//! | `limits` | what an invocation may use at most, and prices |
//! | `view` | what hooks and tools may see of an agent |
//! | `tool` | the [`Tool`] trait, specs, the registry, what a call takes and gives |
//! | `telemetry` | the `tracing` spans of an agent's steps |
//! | `conversation` | what is left out of a conversation: the [`ConversationManager`] trait, windows, summaries |
//! | `output` | the form that an answer must have |
//! | `hook` | events, callbacks, the [`HookRegistry`] |
//! | `intervention` | policies over hooks: the [`Intervention`] trait, typed verdicts |
//! | `run` | the state machine: [`Run`], [`Step`], [`Record`] |
//! | `journal` | how a record becomes durable |
//! | `agent` | [`Blueprint`], [`Agent`], the driver, the stream and the result |
//! | [`blocking`] | agents for code without async |
//!
//! The core opens no socket and no file, and knows no provider.

#[macro_use]
mod tagged;
mod agent;
pub mod blocking;
mod clock;
mod conversation;
mod decision;
mod error;
mod hook;
mod id;
mod interrupt;
mod intervention;
mod journal;
mod limits;
mod message;
mod metrics;
mod model;
mod output;
mod retry;
mod run;
mod session;
mod telemetry;
mod tool;
mod validate;
mod view;

pub use agent::{
    Agent, AgentBuilder, AgentEvent, AgentStream, Blueprint, CallbackHandler, CancelHandle,
    CompositeCallbackHandler, CurrentToolUse, DirectTool, Invocation, Plugin,
    PrintingCallbackHandler, RollbackReason, Snapshot, SnapshotField, SnapshotOptions,
    StructuredInvocation,
};
pub use conversation::{
    Conversation, ConversationChange, ConversationManager, DEFAULT_COMPRESSION_THRESHOLD,
    DEFAULT_CONTEXT_LIMIT, EditReason, Managed, ManagerState, NullConversationManager,
    SlidingWindowConversationManager, SummarizingConversationManager,
};
pub use decision::DecisionRecord;
pub use error::{BoxError, Error, ErrorKind};
pub use hook::{
    AfterInvocationEvent, AfterModelCallEvent, AfterToolCallEvent, AfterToolsEvent,
    AgentInitializedEvent, AnyEvent, AsyncCallback, AsyncMethod, AsyncMethodObserver,
    AsyncModelWrap, AsyncModelWrapMethod, AsyncObserver, AsyncToolWrap, AsyncToolWrapMethod,
    BaseHookEvent, BeforeInvocationEvent, BeforeModelCallEvent, BeforeToolCallEvent,
    BeforeToolsEvent, Bound, CallbackInfo, CallbackKind, Cancel, DEFAULT_TIMEOUT, DecisionEvent,
    EndTurn, ErasedEvent, EventOutcome, EventPipeline, EventTypes, HistoryEditedEvent,
    HookCallback, HookEvent, HookHandle, HookProvider, HookRegistry, HookResult,
    InterruptExpiringEvent, IntoCallback, IntoHookResult, Limited, MessageAddedEvent,
    ModelCallRequest, ModelNext, ModelStreamEvent, ObservedEvent, Pipeline, Tier,
    ToolCallGuardEvent, ToolCallRequest, ToolNext, WrapInfo, WrapModelCall, WrapToolCall, bind,
    callback, limited, order,
};
pub use interrupt::{
    Approval, ApprovalRequest, ApprovalScope, Decision, Interrupt, InterruptException,
    InterruptScope, Interrupts, Preview, Risk, Terms, input_hash,
};
pub use intervention::{
    AsyncJudge, Confirm, Intervention, Interventions, IntoJudge, IntoVerdict, MayConfirm, MayDeny,
    MayGuide, MayTransform, OnError, Policy, Stage, Verdict, VerdictResult,
};
pub use journal::{Effect, Journal, MemoryJournal, StepId};
pub use limits::{Limits, Money, Price, Prices, Used};
pub use message::{
    AudioBlock, Blob, CachePoint, Citation, CitationsContent, ContentBlock, DocumentBlock, Extra,
    GuardContent, GuardText, ImageBlock, InterruptResponse, Message, MessageMetadata, Metrics,
    Prompt, ReasoningContent, ReasoningText, Repair, Role, Source, Splice, SystemBlock,
    SystemPrompt, TextBlock, ToolResult, ToolResultContent, ToolStatus, ToolUse, Transcript,
    TranscriptEdit, TranscriptError, Usage, VideoBlock,
};
pub use metrics::{CycleMetrics, EventLoopMetrics, InvocationMetrics, ToolMetrics, Trace};
pub use model::{
    BlockDelta, BlockDeltaChunk, BlockStart, BlockStartChunk, BlockStopChunk, BoxStream,
    MalformedInput, MessageAssembler, MessageStartChunk, MessageStopChunk, MetadataChunk, Model,
    ModelChunk, ModelRequest, ModelTimeouts, ModelTurn, NativeOutput, ReasoningDelta, RedactChunk,
    StopReason, ToolChoice, ToolExample, ToolSpec, ToolUseDelta, ToolUseStart,
};
pub use output::{
    DEFAULT_OUTPUT_CORRECTIONS, DEFAULT_OUTPUT_PROMPT, Output, OutputError, OutputSchema,
    OutputSpec, StructuredOutput, partial_json,
};
pub use retry::RetryStrategy;
pub use run::{
    CallState, Claim, FORMAT_VERSION, Finish, HeldAnswer, HeldReport, Outcome, OutputState,
    Question, Record, Restored, Run, Site, Step, ToolCall,
};
pub use session::{SessionAgent, SessionManager};
pub use telemetry::TraceAttribute;
pub use tool::{
    BoxFuture, DynamicTools, FunctionTool, IntoTool, IntoToolOutput, MethodTool, Replay, Tool,
    ToolContext, ToolExecutor, ToolFailure, ToolInput, ToolOutput, ToolProvider, ToolRegistry,
    tool_name_problem,
};
pub use view::{AgentResult, AgentState, AgentView, InvocationState};

pub use schemars;

#[doc(hidden)]
pub use tool::macro_support as __macro_support;
