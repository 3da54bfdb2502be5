//! The tools.

use bench_common::called;
use ropewalk::prelude::*;

/// Add two integers.
#[tool]
pub(crate) async fn add(
    /// first operand
    a: i64,
    /// second operand
    b: i64,
) -> i64 {
    called();
    a + b
}

macro_rules! idle {
    ($($name:ident)*) => {
        $(
            /// Add two integers.
            #[tool]
            async fn $name(
                /// first operand
                a: i64,
                /// second operand
                b: i64,
            ) -> i64 {
                a + b
            }
        )*

        /// The tools of an agent that does nothing.
        pub(crate) fn idle() -> [ropewalk::FunctionTool; 5] {
            [$($name()),*]
        }
    };
}

idle!(tool0 tool1 tool2 tool3 tool4);
