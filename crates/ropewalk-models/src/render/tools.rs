//! Tools as they were rendered before.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use ropewalk_core::ToolSpec;

/// The piece of the tools that a model was told of last. They are known by where their list stands in memory, as
/// messages are: the weak reference keeps that place from being given to another one.
#[derive(Debug, Default)]
pub(crate) struct Tools(Mutex<Option<Rendered>>);

type Rendered = (Weak<[Arc<ToolSpec>]>, Arc<str>);

impl Tools {
    /// The piece of these tools, rendered once as long as they stay the same.
    pub(crate) fn piece(
        &self,
        tools: &Arc<[Arc<ToolSpec>]>,
        render: impl FnOnce(&[Arc<ToolSpec>]) -> String,
    ) -> Arc<str> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().as_ref().and_then(|(known, piece)| {
            std::ptr::eq(known.as_ptr(), Arc::as_ptr(tools)).then(|| Arc::clone(piece))
        });
        if let Some(piece) = known {
            return piece;
        }
        let piece: Arc<str> = render(tools).into();
        *lock() = Some((Arc::downgrade(tools), Arc::clone(&piece)));
        piece
    }
}
