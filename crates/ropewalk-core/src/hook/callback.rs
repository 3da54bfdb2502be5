//! The shapes of callbacks, what can be said about one, and how one `add_callback` takes them all.

mod bound;
mod call;
mod function;
mod later;

use std::borrow::Cow;
use std::fmt;
use std::task::Context;
use std::time::Duration;

use serde::Serialize;

use super::{AnyEvent, BaseHookEvent, order};
use crate::error::BoxError;

use call::{CallLater, CallNow, Narrowed};

pub use bound::{Bound, bind};
pub(super) use call::{Call, Later, Started};
pub use later::{AsyncCallback, AsyncMethod, AsyncMethodObserver, AsyncObserver};

/// How long an async callback may take if nothing else is said of it.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// What a callback gives: nothing, or why its step must not go on. `?` works on every error.
pub type HookResult = Result<(), BoxError>;

/// What a callback may return: nothing, or a result with any error.
pub trait IntoHookResult {
    /// Makes it a [`HookResult`].
    ///
    /// # Errors
    /// The callback's own.
    fn into_hook_result(self) -> HookResult;
}

impl IntoHookResult for () {
    fn into_hook_result(self) -> HookResult {
        Ok(())
    }
}

impl<E: Into<BoxError>> IntoHookResult for Result<(), E> {
    fn into_hook_result(self) -> HookResult {
        self.map_err(Into::into)
    }
}

/// A callback for events of type `E`, of whatever shape, with what was said about it: its order, its
/// name, and how long it may take. Made by [`callback`]. Cheap to clone.
pub struct HookCallback<E: ?Sized> {
    name: Cow<'static, str>,
    order: i32,
    timeout: Option<Duration>,
    kind: CallbackKind,
    is_async: bool,
    pub(super) call: Box<dyn Call<E>>,
}

/// What a callback may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackKind {
    /// Only look. If it fails, that is reported, and nothing stops.
    Observer,
    /// Change the event, stop its step, ask. If it fails, the step stops.
    Changer,
}

/// Makes a callback of anything that can be one, so that its order, its name and its time limit can
/// be said. What comes out goes wherever the function itself would go.
///
/// ```
/// use std::time::Duration;
/// use ropewalk_core::{BeforeToolCallEvent, HookRegistry, HookResult, callback, order};
///
/// async fn check(event: &mut BeforeToolCallEvent) -> HookResult {
///     if event.tool_use().name == "shell" {
///         event.cancel_tool("no shell here");
///     }
///     Ok(())
/// }
///
/// let mut registry = HookRegistry::new();
/// registry.add_callback(
///     callback(check).order(order::SDK_FIRST).timeout(Duration::from_secs(5)).named("no shell"),
/// );
/// ```
pub fn callback<E: ?Sized, Kind>(callback: impl IntoCallback<E, Kind>) -> HookCallback<E> {
    callback.into_callback()
}

impl<E: ?Sized> HookCallback<E> {
    fn new<F>(kind: CallbackKind, is_async: bool, call: impl Call<E> + 'static) -> Self {
        let name = Cow::Borrowed(std::any::type_name::<F>());
        let (timeout, call) = (Some(DEFAULT_TIMEOUT), Box::new(call));
        Self { name, order: order::DEFAULT, timeout, kind, is_async, call }
    }

    fn now<F>(
        kind: CallbackKind,
        call: impl Fn(&mut E) -> HookResult + Send + Sync + 'static,
    ) -> Self {
        Self::new::<F>(kind, false, CallNow::new(call))
    }

    fn later<F>(
        kind: CallbackKind,
        call: impl for<'a> Fn(&'a mut E, &mut Context<'_>) -> Started<'a> + Send + Sync + 'static,
    ) -> Self {
        Self::new::<F>(kind, true, CallLater::new(call))
    }

    /// Says when it is called: those with a lower number first. See [`order`] for the levels that
    /// have a name. Without it: [`order::DEFAULT`].
    #[must_use]
    pub fn order(self, order: i32) -> Self {
        Self { order, ..self }
    }

    /// Says how long it may take, if it is async; without it: [`DEFAULT_TIMEOUT`]. A callback that
    /// takes longer is dropped and has failed.
    ///
    /// The clock is tokio's: outside a tokio runtime nothing is timed. A callback that is not async
    /// can't be left before it returns, whatever is said here: what may take long should be async.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Lets it take as long as it likes.
    #[must_use]
    pub fn without_timeout(self) -> Self {
        Self { timeout: None, ..self }
    }

    /// Says what it is called in errors, logs and the [`Pipeline`](crate::Pipeline). Without it: the
    /// Rust name of the function, method or closure.
    #[must_use]
    pub fn named(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// What it is called: see [`named`](Self::named).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it may do.
    pub fn kind(&self) -> CallbackKind {
        self.kind
    }

    /// True if it must be awaited.
    pub fn is_async(&self) -> bool {
        self.is_async
    }

    pub(super) fn order_number(&self) -> i32 {
        self.order
    }

    /// How long it may take; none if it may take as long as it likes, or can't be timed.
    pub(super) fn limit(&self) -> Option<Duration> {
        if self.is_async() { self.timeout } else { None }
    }
}

impl HookCallback<AnyEvent> {
    /// The same callback, for one of the types that it takes.
    pub(super) fn narrowed<E: BaseHookEvent>(&self) -> HookCallback<E> {
        let Self { name, order, timeout, kind, is_async, call } = self;
        let (name, call) = (name.clone(), Box::new(Narrowed(call.share())));
        let (order, timeout, kind, is_async) = (*order, *timeout, *kind, *is_async);
        HookCallback { name, order, timeout, kind, is_async, call }
    }
}

impl<E: ?Sized> Clone for HookCallback<E> {
    fn clone(&self) -> Self {
        let Self { name, order, timeout, kind, is_async, call } = self;
        let (name, call) = (name.clone(), call.share());
        let (order, timeout, kind, is_async) = (*order, *timeout, *kind, *is_async);
        Self { name, order, timeout, kind, is_async, call }
    }
}

impl<E: ?Sized> fmt::Debug for HookCallback<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookCallback")
            .field("name", &self.name)
            .field("kind", &self.kind())
            .field("is_async", &self.is_async())
            .field("order", &self.order)
            .field("timeout", &self.limit())
            .finish()
    }
}

/// What can be registered as a callback for `E`. The closure's or function's own signature says
/// what it may do; `Kind` is found by the compiler and never written.
///
/// | shape | may |
/// |---|---|
/// | `\|event: &E\|`, `fn(&E)` | look |
/// | `\|event: &mut E\|`, `fn(&mut E)` | look, change, stop, ask |
/// | `async fn(&E)`, `async \|event: &E\|` | look, and await |
/// | `async fn(&mut E)`, `async \|event: &mut E\|` | all of it |
/// | [`bind`]`(state, Type::method)` | the same, with a value of its own |
/// | [`callback`]`(any of these)` | the same, with an order, a name, a time limit |
pub trait IntoCallback<E: ?Sized, Kind>: Send + Sync + 'static {
    /// Makes it one.
    fn into_callback(self) -> HookCallback<E>;
}

/// Marks the shapes of [`IntoCallback`].
mod kinds {
    macro_rules! kinds {
        ($($name:ident),+) => { $(
            #[derive(Debug)]
            #[allow(unreachable_pub)]
            pub enum $name {}
        )+ };
    }
    kinds!(
        Observing,
        Changing,
        ObservingLater,
        ChangingLater,
        MethodChanging,
        MethodObserving,
        MethodLater,
        MethodObservingLater,
        Made
    );
}
