//! One agent can't be invoked while it streams.
use ropewalk_core::Agent;

async fn both(agent: &mut Agent) {
    let stream = agent.stream("one");
    let _ = agent.invoke("two").await;
    drop(stream);
}

fn main() {}
