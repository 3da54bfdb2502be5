//! Agents of Ropewalk for the workloads: as the builder gives them, with what a shape adds to that.

mod agents;
mod noted;
mod scripted;
mod shape;
mod tools;

pub use agents::{Agents, Bare, Shape};
pub use noted::note;
pub use shape::builder;
