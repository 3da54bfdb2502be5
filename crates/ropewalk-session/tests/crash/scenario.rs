//! What is done: cycles, tools that run together, hooks, a question, a window that fills, a value of a
//! form; and the next turn after all of it.

use std::path::Path;
use std::time::SystemTime;

use ropewalk_core::*;
use ropewalk_session::{FileStore, SessionStore, Sessions};
use schemars::JsonSchema;
use serde::Deserialize;

use super::kill::Switch;
use super::model::Follows;
use super::tools;
use super::watched::Watched;

#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Total {
    pub(crate) total: u32,
}

/// Goes on from wherever the last process stopped, to the end.
pub(crate) async fn run(folder: &Path, sessions: &str, switch: Switch) -> Result<(), Error> {
    let place = folder.join(sessions);
    #[cfg(feature = "sqlite")]
    if sessions.ends_with(".db") {
        let store = ropewalk_session::SqliteStore::open(place).await?;
        return run_on(folder, switch, store, SystemTime::now).await;
    }
    let store = FileStore::new(place);
    run_on(folder, switch, store, SystemTime::now).await
}

pub(crate) async fn run_on(
    folder: &Path,
    switch: Switch,
    store: impl SessionStore,
    clock: fn() -> SystemTime,
) -> Result<(), Error> {
    let sessions = Sessions::new(Watched { store, watch: switch.clone() });
    let before = switch.clone();
    let wires = move |event: &mut BeforeToolCallEvent| -> HookResult {
        before.point();
        if event.tool_use().name == "wire" && !event.interrupt::<bool>("approve", "wire it?")? {
            event.cancel_tool("no");
        }
        Ok(())
    };
    let after = switch.clone();
    let mut agent = Agent::builder()
        .model(Follows::new(switch.clone()))
        .tools(tools::all(folder, &switch))
        .hook(wires)
        .hook(move |_: &mut AfterToolCallEvent| after.point())
        .conversation_manager(SlidingWindowConversationManager::new().window_size(6))
        .clock(clock)
        .no_callback_handler()
        .session(sessions.session("s").await?)
        .build()
        .await?;
    loop {
        let run = agent.run();
        let answers: Vec<_> = agent.interrupts().iter().map(|open| open.answer(true)).collect();
        // That of the invocation that is under way, or comes next.
        let number = run.invocation();
        let prompt = match (answers.is_empty(), run.is_idle(), number) {
            (false, ..) => Prompt::Answers(answers),
            (_, false, _) => Prompt::Nothing,
            (.., 1) => Prompt::from("one"),
            (.., 2) => Prompt::from("two"),
            (.., 3) => Prompt::from("three"),
            _ => return Ok(()),
        };
        if number == 2 {
            assert_eq!(agent.invoke_as::<Total>(prompt).await?.total, 7);
        } else {
            agent.invoke(prompt).await?;
        }
    }
}
