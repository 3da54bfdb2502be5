//! Rules that what implements the core's traits must keep, as tests that anybody can run on their own.

mod journal;
mod model;
mod outcome;

pub use journal::{Journals, journal};
pub use model::{Case, Models, conversations, model};
pub use outcome::BrokenRules;
