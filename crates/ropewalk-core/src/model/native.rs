//! Whether a model can hold to a JSON Schema.

/// How far a model can hold to a JSON Schema by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NativeOutput {
    /// It can't, or nobody knows.
    #[default]
    No,
    /// It can where no tools are offered with it.
    WithoutTools,
    /// It can, and may call tools all the same before it answers.
    WithTools,
}
