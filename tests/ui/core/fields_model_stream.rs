//! Nothing of a ModelStreamEvent can be set: what has streamed has streamed.
use ropewalk_core::ModelStreamEvent;

fn changes(event: &mut ModelStreamEvent) {
    event.agent = todo!();
    event.chunk = todo!();
}

fn main() {
    let _ = changes;
}
