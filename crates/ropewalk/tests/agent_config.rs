//! §3.11 Agent from config.
#![cfg(all(feature = "config", feature = "tools", feature = "session"))]
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};

use pretty_assertions::assert_eq;
use ropewalk::prelude::*;
use ropewalk::{AgentBuilder, ErrorKind};
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;
use tempfile::TempDir;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// What is wrong with a file.
    fn refused(&self, name: &str, text: &str) -> String {
        let error = AgentConfig::load(self.file(name, text)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        error.to_string()
    }
}

fn scripted() -> ScriptedModel {
    ScriptedModel::new([Reply::text("ok")])
}

async fn built(builder: AgentBuilder) -> Agent {
    builder.model(scripted()).build().await.unwrap()
}

async fn refused(config: AgentConfig) -> Error {
    config.builder().await.map(drop).unwrap_err()
}

/// §3.11 JSON with optional `name`, `model`, `prompt`, `tools`
#[tokio::test]
async fn strands_own_files_are_read() {
    let place = Place::new();
    let text = json!({"name": "n", "prompt": "Be brief.", "tools": ["calculator"], "model": "m"});
    let mut config = AgentConfig::load(place.file("agent.json", &text.to_string())).unwrap();
    assert_eq!(config.model.take().as_deref(), Some("m"));
    let agent = built(config.builder().await.unwrap()).await;
    assert_eq!(agent.view().name(), "n");
    assert_eq!(agent.view().tool_names(), ["calculator"]);
    let system = agent.view().system_prompt().map(|prompt| serde_json::to_value(prompt).unwrap());
    assert!(system.unwrap().to_string().contains("Be brief."));
}

/// §3.11 all keys are optional; Strands has four of them
#[tokio::test]
async fn nothing_is_needed() {
    for text in ["{}", "", "# only a word\n"] {
        let config = AgentConfig::parse(text).unwrap();
        assert_eq!(config, AgentConfig::default());
        let agent = built(config.builder().await.unwrap()).await;
        assert_eq!((agent.view().name(), agent.view().agent_id()), ("Strands Agents", "default"));
    }
}

#[tokio::test]
async fn toml_says_the_same() {
    let place = Place::new();
    let text = r#"
name = "n"
description = "Does it."
agent_id = "a1"
system_prompt = """
Two
lines."""
tools = ["current_time", "calculator"]
"#;
    // By its extension, and by what it holds.
    for name in ["agent.toml", "agent"] {
        let config = AgentConfig::load(place.file(name, text)).unwrap();
        assert_eq!(config.system_prompt.as_deref(), Some("Two\nlines."));
        let view = built(config.builder().await.unwrap()).await.view();
        assert_eq!((view.agent_id(), view.description()), ("a1", Some("Does it.")));
        assert_eq!(view.tool_names(), ["current_time", "calculator"]);
    }
    let json = place.file("other", "  {\"name\": \"j\"}");
    assert_eq!(AgentConfig::load(json).unwrap().name.as_deref(), Some("j"));
}

/// §3.11 `file://…`; missing file → an error that names it
#[test]
fn a_file_is_named_by_its_path_or_as_file_url() {
    let place = Place::new();
    let path = place.file("agent.toml", "name = 'n'");
    let url = format!("file://{}", path.display());
    assert_eq!(AgentConfig::load(&url).unwrap(), AgentConfig::load(&path).unwrap());
    let error = AgentConfig::load("no/such.json").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("`no/such.json` can't be read"), "{error}");
}

/// §3.11 unknown keys are rejected: with file, place, key and the nearest known one
#[test]
fn an_unknown_key_is_refused_with_its_place_and_the_nearest() {
    let place = Place::new();
    let toml = place.refused("agent.toml", "name = 'n'\n\nsystem_promt = 'x'\n");
    let file = place.0.path().join("agent.toml");
    let start = format!("`{}`, line 3, column 1: there is no key `system_promt`: ", file.display());
    assert!(toml.starts_with(&start), "{toml}");
    assert!(toml.contains("did you mean `system_prompt`? There are name, description,"), "{toml}");
    let json = place.refused("agent.json", "{\n  \"nmae\": \"x\"\n}");
    assert!(json.contains("agent.json`, line 2, ") && json.contains("mean `name`?"), "{json}");
    let far = place.refused("agent.toml", "zzz = 1");
    assert!(far.contains("there is no key `zzz`: There are name,"), "{far}");
    let deep = place.refused("agent.toml", "[session]\nname = 'x'\nfoldr = 'y'\n");
    assert!(deep.contains("line 3, column 1") && deep.contains("mean `folder`?"), "{deep}");
}

#[test]
fn what_is_wrong_says_where() {
    let place = Place::new();
    for (name, text, parts) in [
        ("a.toml", "name = 'n'\ntools = 'x'", &["line 2, column 9", "`tools`", "invalid type"][..]),
        ("a.toml", "name = 'n'\ntools = [", &["line 2", "array"]),
        ("a.toml", "name = 'n'\nname = 'm'", &["line 2", "duplicate key"]),
        ("a.toml", "prompt = 'n'\nsystem_prompt = 'm'", &["duplicate field `system_prompt`"]),
        ("a.json", "{\"tools\": [\n1]}", &["line 2, column 1", "`tools[0]`", "expected a string"]),
        ("a.json", "{\"name\": \"n\"", &["line 1, column 12", "EOF"]),
        ("a.json", "{} {}", &["line 1, column 4", "trailing characters"]),
        ("a.json", "[]", &["a.json", "line 1"]),
        ("a.json", "", &["line 1, column 0", "EOF"]),
    ] {
        let said = place.refused(name, text);
        for part in parts {
            assert!(said.contains(part), "{text:?}: {part}: {said}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_refused_when_the_agent_is_built() {
    let parse = |text: &str| AgentConfig::parse(text).unwrap();
    let error = refused(parse("tools = ['teleport']")).await;
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(
        error.to_string().contains("there is no tool `teleport`: there are calculator,"),
        "{error}"
    );
    let error = refused(parse("tools = ['./teleport']")).await;
    assert!(error.to_string().contains("`./teleport` can't be loaded: No such file"), "{error}");
    let error = refused(parse("model = 'teleport:x'")).await;
    assert!(error.to_string().contains("there is no model `teleport:x`"), "{error}");
    let error = refused(parse("model = 'openai:'")).await;
    assert!(error.to_string().contains("needs the id of a model"), "{error}");
    let no_model = parse("name = 'n'").builder().await.unwrap().build().await.unwrap_err();
    assert!(no_model.to_string().contains("needs a model"), "{no_model}");
}

/// §3.11 **overrides: what the builder is told afterwards counts
#[tokio::test]
async fn the_builder_may_be_told_more() {
    let config = AgentConfig::parse("name = 'n'\ntools = ['calculator']").unwrap();
    let builder = config.builder().await.unwrap().name("m").system_prompt("s");
    let view = built(builder).await.view();
    assert_eq!((view.name(), view.tool_names().len()), ("m", 1));
    assert!(view.system_prompt().is_some());
}

#[tokio::test]
async fn a_session_stands_where_the_file_does() {
    let place = Place::new();
    let text = "[session]\nname = 'alice'\nfolder = 'kept'\n";
    let path = place.file("deep/agent.toml", text);
    let open = async || built(AgentConfig::load(&path).unwrap().builder().await.unwrap()).await;
    open().await.invoke("q").await.unwrap();
    assert!(place.0.path().join("deep/kept").is_dir());
    assert_eq!(open().await.messages().len(), 2);
}

#[cfg(unix)]
mod programs {
    use std::os::unix::fs::PermissionsExt as _;

    use pretty_assertions::assert_eq;

    use super::*;

    fn program(path: &Path) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let spec = json!({"name": name, "description": "Does it."});
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("#!/bin/sh\necho '{spec}'\n")).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// §7.6 a path to a file, `~` expanded; §3.1 `load_tools_from_directory`: `./tools`
    #[tokio::test]
    async fn tools_may_be_programs_and_folders_of_programs() {
        let place = Place::new();
        for name in ["one", "more/two", "tools/three"] {
            program(&place.0.path().join(name));
        }
        let text = "tools = ['./one', 'more/', 'calculator']\nload_tools_from_directory = true";
        let path = place.file("agent.toml", text);
        let agent = built(AgentConfig::load(path).unwrap().builder().await.unwrap()).await;
        let mut names = agent.view().tool_names().to_vec();
        names.sort();
        assert_eq!(names, ["calculator", "one", "three", "two"]);
    }

    /// §7.6 any failure names the tool and the cause
    #[tokio::test]
    async fn what_cant_be_loaded_is_named() {
        let place = Place::new();
        let refused = async |text: &str| {
            let config = AgentConfig::load(place.file("agent.toml", text)).unwrap();
            super::refused(config).await.to_string()
        };
        place.file("plain", "no program");
        let said = refused("tools = ['./plain']").await;
        assert!(said.contains("plain` can't be loaded: it is no executable file"), "{said}");
        let said = refused("load_tools_from_directory = true").await;
        assert!(said.contains("tools` can't be opened: No such file"), "{said}");
        let said = refused("tools = ['~/no/such/tool']").await;
        assert!(said.contains("/no/such/tool") && !said.contains('~'), "{said}");
    }
}
