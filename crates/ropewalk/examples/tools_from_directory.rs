//! Programs in a folder as tools, in any language: they come, change and go while the agent lives.
//! `cargo run --example tools_from_directory` (Unix)
//!
//! The model is scripted, so that it runs without a key.

use std::path::Path;
use std::time::Duration;

use ropewalk::prelude::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

/// A tool in the shell: it prints what it is, or reads its input and prints its result.
const GREET: &str = r#"#!/bin/sh
if [ "$1" = --tool-spec ]; then
    echo '{"name": "greet", "description": "Greets everybody.", "replay": "pure"}'
else
    echo "Good day from $0"
fi
"#;

/// A tool in Python. It prints a result as in Strands, with `status` and `content`.
const WORDS: &str = r#"#!/usr/bin/env python3
import json, sys

SPEC = {
    "name": "word_count",
    "description": "Counts the words of a text.",
    "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
}

if sys.argv[1:] == ["--tool-spec"]:
    print(json.dumps(SPEC))
else:
    words = json.load(sys.stdin)["text"].split()
    print(json.dumps({"status": "success", "content": [{"text": f"{len(words)} words"}]}))
"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("ropewalk-tools-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let ended = talk(&folder).await;
    std::fs::remove_dir_all(&folder)?;
    ended
}

async fn talk(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    program(&folder.join("greet.sh"), GREET)?;
    program(&folder.join("broken.sh"), "#!/bin/sh\necho 'this is no spec'\n")?;

    let directory = ToolDirectory::open(folder).await?;
    for problem in &*directory.problems() {
        println!("{problem}");
    }

    let model = ScriptedModel::new([
        Reply::tool("greet", json!({})),
        Reply::text("I greeted them."),
        Reply::tool("word_count", json!({"text": "as long as a rope"})),
        Reply::text("There are 5."),
    ]);
    // `.load_tools_from_directory(folder).await?` is the short way. Whoever reaches such a folder can run
    // programs: for a folder that others may write to, put a guard before its tools.
    let mut agent = Agent::builder()
        .model(model)
        .no_callback_handler()
        .tool_provider(directory.clone())
        .hook(|event: &AfterToolCallEvent| {
            println!("  {} gave {}", event.tool_use().name, event.result().text());
        })
        .build()
        .await?;
    println!("{}", agent.invoke("Greet them.").await?.text());

    // A new program is a tool a moment later.
    program(&folder.join("word_count.py"), WORDS)?;
    while directory.tools().len() < 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("{}", agent.invoke("How many words has `as long as a rope`?").await?.text());
    Ok(())
}

/// Writes an executable file.
fn program(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::write(path, text)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}
