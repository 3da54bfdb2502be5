//! One agent can't be invoked twice at once.
use ropewalk_core::Agent;

async fn twice(agent: &mut Agent) {
    let one = agent.invoke("one");
    let two = agent.invoke("two");
    let _ = (one.await, two.await);
}

fn main() {}
