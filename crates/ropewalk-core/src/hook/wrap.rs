//! Wrap hooks: code around a model call or a tool call.

mod clock;
mod model;
mod tool;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::{HookHandle, Tier, WrapInfo, panic_error, raised_by};
use crate::error::{BoxError, Error};
use crate::interrupt::InterruptException;

use clock::Inside;
pub use clock::{Limited, limited};
pub(crate) use model::ModelBase;
pub use model::{AsyncModelWrap, AsyncModelWrapMethod, ModelCallRequest, ModelNext, WrapModelCall};
pub(crate) use tool::ToolBase;
pub use tool::{AsyncToolWrap, AsyncToolWrapMethod, ToolCallRequest, ToolNext, WrapToolCall};

/// The error that leads through the wrap hooks when the step has to stop for another reason.
#[derive(Debug, thiserror::Error)]
#[error("the step has to stop: pass this error on")]
pub(crate) struct Stopped;

/// A wrap hook that failed.
#[derive(Debug, thiserror::Error)]
#[error("the wrap hook `{name}` around {around} failed: {source}")]
struct WrapFailed {
    name: String,
    /// What it stands around.
    around: &'static str,
    source: BoxError,
}

/// What one wrap hook gave: a failure that is its own has its name. A panic is one, and so is to take
/// too long.
async fn named<T>(
    (name, around): (&str, &'static str),
    (limit, inside): (Option<Duration>, &Inside),
    wrap: impl Future<Output = Result<T, BoxError>>,
) -> Result<T, BoxError> {
    let guarded = async {
        let outcome = AssertUnwindSafe(wrap).catch_unwind().await;
        Ok(outcome.unwrap_or_else(|panic| Err(panic_error(&*panic))))
    };
    let error = match inside.within(limit, guarded).await {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error,
        Err(source) => return Err(WrapFailed { name: name.to_owned(), around, source }.into()),
    };
    // Those that come from further in, and questions, are passed on as they are.
    if error.is::<Stopped>() || error.is::<WrapFailed>() || error.is::<Error>() {
        return Err(error);
    }
    match raised_by(error) {
        Ok(interrupt) => Err(InterruptException::new(interrupt).into()),
        Err(source) => Err(WrapFailed { name: name.to_owned(), around, source }.into()),
    }
}

/// The wrap hooks of a registry.
#[derive(Clone, Default)]
pub(super) struct Wraps {
    pub(super) tools: Layers<dyn WrapToolCall>,
    pub(super) models: Layers<dyn WrapModelCall>,
}

impl Wraps {
    pub(super) fn is_empty(&self) -> bool {
        self.tools.as_slice().is_empty() && self.models.as_slice().is_empty()
    }

    pub(super) fn any(&self, test: &dyn Fn(HookHandle, Tier) -> bool) -> bool {
        self.tools.any(test) || self.models.any(test)
    }

    pub(super) fn filtered(&self, keep: &dyn Fn(HookHandle, Tier) -> bool) -> Self {
        Self { tools: self.tools.filtered(keep), models: self.models.filtered(keep) }
    }

    pub(super) fn appended(&self, others: &Self) -> Self {
        Self {
            tools: self.tools.appended(&others.tools),
            models: self.models.appended(&others.models),
        }
    }

    pub(super) fn as_host(&self) -> Self {
        Self { tools: self.tools.as_host(), models: self.models.as_host() }
    }
}

/// Wrap hooks of one kind, the outermost first: those of the host stand around all others.
pub(super) struct Layers<W: ?Sized> {
    wraps: Vec<Arc<W>>,
    handles: Vec<HookHandle>,
    /// How many of them are the host's.
    host: usize,
}

impl<W: ?Sized> Layers<W> {
    pub(super) fn as_slice(&self) -> &[Arc<W>] {
        &self.wraps
    }

    pub(super) fn push(&mut self, wrap: Arc<W>) -> HookHandle {
        let handle = HookHandle::next();
        self.wraps.push(wrap);
        self.handles.push(handle);
        handle
    }

    /// Each with its handle and its tier.
    fn iter(&self) -> impl Iterator<Item = (&Arc<W>, HookHandle, Tier)> {
        let tier = |at| if at < self.host { Tier::Host } else { Tier::User };
        let wraps = self.wraps.iter().zip(&self.handles).enumerate();
        wraps.map(move |(at, (wrap, handle))| (wrap, *handle, tier(at)))
    }

    pub(super) fn infos(&self, info: impl Fn(&W) -> (&str, Option<Duration>)) -> Vec<WrapInfo> {
        let info = |(wrap, _, tier): (&Arc<W>, _, _)| {
            let (name, timeout) = info(wrap);
            WrapInfo { name: name.to_owned(), tier, timeout }
        };
        self.iter().map(info).collect()
    }

    fn any(&self, test: &dyn Fn(HookHandle, Tier) -> bool) -> bool {
        self.iter().any(|(_, handle, tier)| test(handle, tier))
    }

    fn filtered(&self, keep: &dyn Fn(HookHandle, Tier) -> bool) -> Self {
        let kept = self.iter().filter(|(_, handle, tier)| keep(*handle, *tier));
        let mut layers = Self::default();
        for (wrap, handle, tier) in kept {
            layers.wraps.push(Arc::clone(wrap));
            layers.handles.push(handle);
            layers.host += usize::from(tier == Tier::Host);
        }
        layers
    }

    fn appended(&self, others: &Self) -> Self {
        let all = || self.iter().chain(others.iter());
        let mut layers = Self::default();
        for wanted in [Tier::Host, Tier::User] {
            for (wrap, handle, _) in all().filter(|(_, _, tier)| *tier == wanted) {
                layers.wraps.push(Arc::clone(wrap));
                layers.handles.push(handle);
            }
        }
        layers.host = self.host + others.host;
        layers
    }

    fn as_host(&self) -> Self {
        Self { host: self.wraps.len(), ..self.clone() }
    }
}

impl<W: ?Sized> Clone for Layers<W> {
    fn clone(&self) -> Self {
        Self { wraps: self.wraps.clone(), handles: self.handles.clone(), host: self.host }
    }
}

impl<W: ?Sized> Default for Layers<W> {
    fn default() -> Self {
        Self { wraps: Vec::new(), handles: Vec::new(), host: 0 }
    }
}
