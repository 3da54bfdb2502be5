//! Who is called for what, to be read by people and by code.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::list::Entry;
use super::{CallbackKind, Tier};

/// Who is called for which event, in which order, and what each may do; made by
/// [`HookRegistry::pipeline`](crate::HookRegistry::pipeline). Printed, it is a table per event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pipeline {
    /// The events that have callbacks of their own, by name.
    pub events: Vec<EventPipeline>,
    /// Those that see every event after its own callbacks, in the order of the call. (Events that
    /// end something call them the other way round, as they do their own.)
    pub observers: Vec<CallbackInfo>,
    /// Those that see what models stream.
    pub stream_observers: Vec<CallbackInfo>,
    /// What stands around every model call, the outermost first.
    pub model_wraps: Vec<WrapInfo>,
    /// What stands around every tool call, the outermost first.
    pub tool_wraps: Vec<WrapInfo>,
}

/// One wrap hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WrapInfo {
    /// What it is called.
    pub name: String,
    /// Whose it is.
    pub tier: Tier,
    /// How long it may take itself; none if that is not limited.
    pub timeout: Option<Duration>,
}

/// The callbacks of one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventPipeline {
    /// The event's type, without its path.
    pub event: &'static str,
    /// What of it callbacks may change.
    pub writable: &'static [&'static str],
    /// True if callbacks may put questions.
    pub interruptible: bool,
    /// True if equals are called in reverse order of their registration.
    pub reverse: bool,
    /// They, in the order of the call.
    pub callbacks: Vec<CallbackInfo>,
}

/// One callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallbackInfo {
    /// What it is called.
    pub name: String,
    /// Whose it is.
    pub tier: Tier,
    /// Its order number.
    pub order: i32,
    /// What it may do.
    pub kind: CallbackKind,
    /// True if it is awaited.
    pub is_async: bool,
    /// How long it may take; none if that is not limited.
    pub timeout: Option<Duration>,
}

impl CallbackInfo {
    pub(super) fn of<T: ?Sized>(entry: &Entry<T>) -> Self {
        let callback = &entry.callback;
        Self {
            name: callback.name().to_owned(),
            tier: entry.tier,
            order: callback.order_number(),
            kind: callback.kind(),
            is_async: callback.is_async(),
            timeout: callback.limit(),
        }
    }

    fn cells(&self, number: usize) -> [String; COLUMNS] {
        let tier = tier_name(self.tier);
        let may = match self.kind {
            CallbackKind::Observer => "look",
            CallbackKind::Changer => "change",
        };
        let called = if self.is_async { "async" } else { "sync" };
        let timeout = self.timeout.map_or_else(|| "-".to_owned(), seconds);
        let cells = [&number.to_string(), tier, &self.order.to_string(), may, called, &timeout];
        let [number, tier, order, may, called, timeout] = cells.map(str::to_owned);
        [number, tier, order, may, called, timeout, self.name.clone()]
    }
}

fn tier_name(tier: Tier) -> &'static str {
    match tier {
        Tier::Host => "host",
        Tier::User => "user",
    }
}

/// A duration as people read it.
pub(super) fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

const COLUMNS: usize = 7;
const HEADS: [&str; COLUMNS] = ["#", "tier", "order", "may", "called", "timeout", "callback"];

impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = self.events.iter().map(ToString::to_string).collect();
        for (title, callbacks) in [
            ("every event, after its own callbacks", &self.observers),
            ("every chunk that a model streams", &self.stream_observers),
        ] {
            if !callbacks.is_empty() {
                parts.push(format!("{title}\n{}", table(callbacks)));
            }
        }
        for (title, wraps) in [
            ("around every model call, the outermost first", &self.model_wraps),
            ("around every tool call and its guards, the outermost first", &self.tool_wraps),
        ] {
            if !wraps.is_empty() {
                let lines = wraps.iter().zip(1..).map(|(wrap, number)| {
                    let timeout = wrap.timeout.map_or_else(|| "-".to_owned(), seconds);
                    format!("  {number}  {}  {timeout}  {}\n", tier_name(wrap.tier), wrap.name)
                });
                parts.push(format!("{title}\n{}", lines.collect::<String>()));
            }
        }
        if parts.is_empty() {
            return f.write_str("no callbacks\n");
        }
        f.write_str(&parts.join("\n"))
    }
}

impl fmt::Display for EventPipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.event)?;
        let mut notes = Vec::new();
        if !self.writable.is_empty() {
            notes.push(format!("may be changed: {}", self.writable.join(", ")));
        }
        if self.interruptible {
            notes.push("may be asked from".to_owned());
        }
        if self.reverse {
            notes.push("equals in reverse".to_owned());
        }
        if !notes.is_empty() {
            write!(f, " ({})", notes.join("; "))?;
        }
        write!(f, "\n{}", table(&self.callbacks))
    }
}

fn table(callbacks: &[CallbackInfo]) -> String {
    let rows = callbacks.iter().enumerate().map(|(at, callback)| callback.cells(at + 1));
    let rows: Vec<_> = std::iter::once(HEADS.map(str::to_owned)).chain(rows).collect();
    let mut widths = [0; COLUMNS];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let [w_number, w_tier, w_order, w_may, w_called, w_timeout, _] = widths;
    let line = |[number, tier, order, may, called, timeout, name]: &[String; COLUMNS]| {
        format!(
            "  {number:>w_number$}  {tier:w_tier$}  {order:>w_order$}  {may:w_may$}  \
             {called:w_called$}  {timeout:>w_timeout$}  {name}\n"
        )
    };
    rows.iter().map(line).collect()
}
