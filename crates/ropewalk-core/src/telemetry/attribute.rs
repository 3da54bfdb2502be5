//! What a trace attribute may be.

use serde::Serialize;

/// The value of a trace attribute: a text, a number, a truth value, or a list of one of them, as
/// OpenTelemetry has them. Strands drops what is none of these; here it does not compile.
///
/// ```
/// use ropewalk_core::TraceAttribute;
///
/// assert_eq!(TraceAttribute::from("eu"), TraceAttribute::Text("eu".into()));
/// assert_eq!(TraceAttribute::from(vec![1, 2]), TraceAttribute::Integers(vec![1, 2]));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum TraceAttribute {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A truth value.
    Bool(bool),
    /// Texts.
    Texts(Vec<String>),
    /// Whole numbers.
    Integers(Vec<i64>),
    /// Numbers.
    Numbers(Vec<f64>),
    /// Truth values.
    Bools(Vec<bool>),
}

macro_rules! from {
    ($($kind:ty => $variant:ident),* $(,)?) => {
        $(impl From<$kind> for TraceAttribute {
            fn from(value: $kind) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

from! {
    &str => Text,
    String => Text,
    i32 => Integer,
    u32 => Integer,
    i64 => Integer,
    f64 => Number,
    bool => Bool,
    Vec<String> => Texts,
    Vec<i64> => Integers,
    Vec<f64> => Numbers,
    Vec<bool> => Bools,
}
