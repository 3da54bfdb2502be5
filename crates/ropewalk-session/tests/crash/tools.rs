//! Tools whose effect is a line in a file that outlives the process.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use ropewalk_core::*;
use serde_json::{Value, json};

use super::kill::Switch;

pub(crate) struct Effect {
    spec: ToolSpec,
    replay: Replay,
    file: PathBuf,
    switch: Switch,
}

/// All of them.
pub(crate) fn all(folder: &Path, switch: &Switch) -> Vec<Effect> {
    let tool = |name: &str, replay| Effect {
        spec: ToolSpec::new(name, "Has an effect.", json!({"type": "object"})),
        replay,
        file: folder.join("effects"),
        switch: switch.clone(),
    };
    vec![
        tool("pay", Replay::Never),
        tool("wire", Replay::Never),
        tool("post", Replay::Idempotent),
        tool("look", Replay::Pure),
    ]
}

impl Tool for Effect {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn replay(&self) -> Replay {
        self.replay
    }

    fn call(&self, _: Value, context: ToolContext) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        Box::pin(async move {
            self.switch.point();
            // Others run meanwhile: it is killed in the middle of several.
            tokio::task::yield_now().await;
            let call = &context.tool_use().tool_use_id;
            let line = format!("{} {call} {}\n", self.spec.name, context.idempotency_key());
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(&self.file)?
                .write_all(line.as_bytes())?;
            self.switch.point();
            tokio::task::yield_now().await;
            Ok(ToolOutput::text(format!("{} had its effect", self.spec.name)))
        })
    }
}
