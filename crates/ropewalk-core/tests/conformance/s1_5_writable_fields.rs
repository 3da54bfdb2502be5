//! §1.5 What the writable fields do.

mod after_tools;
mod before_tools;
mod invocation;
mod model_call;
