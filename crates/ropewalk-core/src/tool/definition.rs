//! What `#[tool]` knows of a function.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;

use super::{BoxFuture, Replay};
use crate::error::BoxError;
use crate::interrupt::Preview;
use crate::model::ToolSpec;

/// What `#[tool]` knows of a function. Not part of the interface.
pub struct ToolDefinition {
    spec: LazyLock<ToolSpec>,
    replay: Replay,
    timeout: Option<Duration>,
    exclusive: Option<&'static str>,
    preview: Option<FunctionPreview>,
}

/// What says what a call would do.
type FunctionPreview = fn(Value) -> BoxFuture<'static, Result<Option<Preview>, BoxError>>;

impl ToolDefinition {
    /// What `#[tool]` writes down of a function. The spec is made when it is first asked for.
    pub const fn new(spec: fn() -> ToolSpec) -> Self {
        Self {
            spec: LazyLock::new(spec),
            replay: Replay::Never,
            timeout: None,
            exclusive: None,
            preview: None,
        }
    }

    /// Says what may be done with a call of which nobody knows whether it ran.
    #[must_use]
    pub const fn with_replay(mut self, replay: Replay) -> Self {
        self.replay = replay;
        self
    }

    /// Says how long a call may take.
    #[must_use]
    pub const fn with_timeout_ms(mut self, millis: u64) -> Self {
        self.timeout = Some(Duration::from_millis(millis));
        self
    }

    /// Lets no two calls with this key run at once.
    #[must_use]
    pub const fn with_exclusive(mut self, key: &'static str) -> Self {
        self.exclusive = Some(key);
        self
    }

    /// Adds what says what a call would do.
    #[must_use]
    pub const fn with_preview(mut self, preview: FunctionPreview) -> Self {
        self.preview = Some(preview);
        self
    }

    /// What the model is told.
    pub fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    pub(super) fn replay(&self) -> Replay {
        self.replay
    }

    pub(super) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    pub(super) fn exclusive_key(&self) -> Option<Cow<'static, str>> {
        self.exclusive.map(Cow::Borrowed)
    }

    pub(super) fn preview(
        &self,
        input: &Value,
    ) -> BoxFuture<'static, Result<Option<Preview>, BoxError>> {
        match self.preview {
            Some(preview) => preview(input.clone()),
            None => Box::pin(std::future::ready(Ok(None))),
        }
    }
}

impl fmt::Debug for ToolDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolDefinition").field("name", &self.spec.name).finish_non_exhaustive()
    }
}

/// The methods of [`Tool`](super::Tool) that a definition knows the answers to.
macro_rules! defined_tool {
    () => {
        fn spec(&self) -> &ToolSpec {
            self.definition().spec()
        }

        fn replay(&self) -> Replay {
            self.definition().replay()
        }

        fn timeout(&self) -> Option<Duration> {
            self.definition().timeout()
        }

        fn exclusive_key<'a>(&'a self, _: &'a Value) -> Option<Cow<'a, str>> {
            self.definition().exclusive_key()
        }

        fn checks_input(&self) -> bool {
            true
        }

        fn preview<'a>(
            &'a self,
            input: &'a Value,
        ) -> BoxFuture<'a, Result<Option<Preview>, BoxError>> {
            self.definition().preview(input)
        }
    };
}
pub(super) use defined_tool;
