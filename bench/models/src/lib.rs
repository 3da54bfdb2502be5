//! Only benches: `just bench-models`.
