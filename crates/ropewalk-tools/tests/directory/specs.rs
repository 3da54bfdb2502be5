//! What programs say of themselves.

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use ropewalk_core::Replay;
use serde_json::json;

use crate::support::{Place, names, problems, tool};

fn printing(spec: &str) -> String {
    format!("#!/bin/sh\ncat <<'END'\n{spec}\nEND\n")
}

#[tokio::test]
async fn a_spec_is_that_of_strands() {
    let place = Place::new();
    let spec = json!({
        "name": "weather",
        "description": "Tells the weather.",
        "inputSchema": {"json": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
        "outputSchema": {"json": {"type": "string"}},
        "annotations": {"readOnlyHint": true},
        "replay": "pure",
    });
    place.program("w", &printing(&spec.to_string()));
    let directory = place.open().await;
    let tool = tool(&directory, "weather");
    assert_eq!(tool.replay(), Replay::Pure);
    let mut printed = serde_json::to_value(tool.spec()).unwrap();
    printed["replay"] = "pure".into();
    assert_eq!(printed, spec);
}

#[tokio::test]
async fn a_spec_may_be_short() {
    let place = Place::new();
    let schema = json!({"type": "object", "properties": {"json": {"type": "string"}}});
    let spec = json!({"description": "Short.", "inputSchema": schema});
    place.program("short.py", &printing(&spec.to_string()));
    place.program("shortest", &printing(r#"{"description": "None."}"#));
    let directory = place.open().await;
    assert_eq!(names(&directory), ["short", "shortest"]);
    let short = tool(&directory, "short");
    assert_eq!(short.spec().input_schema, schema, "the schema may stand without `json`");
    assert_eq!(short.replay(), Replay::Never);
    let none = tool(&directory, "shortest").spec().input_schema.clone();
    assert_eq!(none, json!({"type": "object", "properties": {}}));
}

/// §7.6 what can't be loaded is a warning, and the others stay
#[tokio::test]
async fn a_broken_program_is_reported_and_left_out() {
    let place = Place::new();
    place.sh("works", "cat");
    for (name, text, _) in BROKEN {
        place.program(name, text);
    }
    let directory = place.open().await;
    assert_eq!(names(&directory), ["works"]);
    let problems = problems(&directory);
    assert_eq!(problems.len(), BROKEN.len(), "{problems:#?}");
    for ((name, _, said), problem) in BROKEN.iter().zip(problems) {
        assert!(problem.starts_with(&format!("{name}: ")) && problem.contains(said), "{problem}");
    }
    let shown = directory.problems()[0].to_string();
    let file = place.tools().join("empty");
    assert!(shown.starts_with(&format!("the tool `{}` is left out: ", file.display())), "{shown}");
}

const BROKEN: &[(&str, &str, &str)] = &[
    ("empty", "#!/bin/sh\n", "is no JSON object: EOF"),
    (
        "exits",
        "#!/bin/sh\necho out of hemp >&2\nexit 3\n",
        "failed (exit status: 3); it printed: out of hemp",
    ),
    ("gone", "#!/no/such/interpreter\n", "it can't be run"),
    ("list", "#!/bin/sh\necho '[1]'\n", "is no JSON object"),
    ("loud", "#!/bin/sh\nhead -c 300000 /dev/zero | tr '\\0' x\n", "longer than 262144 bytes"),
    (
        "name",
        "#!/bin/sh\necho '{\"name\": \"a b\", \"description\": \"x\"}'\n",
        "invalid tool name pattern",
    ),
    ("quiet", "#!/bin/sh\necho '{\"description\": \" \"}'\n", "its `description` is empty"),
    (
        "replay",
        "#!/bin/sh\necho '{\"description\": \"x\", \"replay\": \"often\"}'\n",
        "give `never`, `idempotent` or `pure`",
    ),
    (
        "schema",
        "#!/bin/sh\necho '{\"description\": \"x\", \"inputSchema\": 5}'\n",
        "no JSON Schema: 5",
    ),
    ("text", "#!/bin/sh\necho Usage: text FILE\n", "it printed: Usage: text FILE"),
    ("typo", "#!/bin/sh\necho '{\"discription\": \"x\"}'\n", "missing field `description`"),
    ("wants_input", "#!/bin/sh\nread line\necho '{'\n", "is no JSON object"),
];

#[tokio::test]
async fn a_program_that_never_prints_its_spec_is_ended() {
    let place = Place::new();
    place.program("hangs", "#!/bin/sh\nsh -c 'while :; do printf x >> alive; sleep 0.05; done'\n");
    place.sh("works", "cat");
    let started = Instant::now();
    let options = place.options().with_watch(false).with_spec_timeout(Duration::from_millis(500));
    let directory = place.open_with(options).await;
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(names(&directory), ["works"]);
    assert_eq!(
        problems(&directory),
        ["hangs: with `--tool-spec` it printed no spec within 0.5 seconds"]
    );
    let size = || std::fs::metadata(place.work().join("alive")).map_or(0, |file| file.len());
    let before = size();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(before > 0 && size() == before, "what it started goes on");
}

#[tokio::test]
async fn many_programs_are_asked_at_once() {
    let place = Place::new();
    for number in 0..8 {
        place.program(
            &format!("slow{number}"),
            "#!/bin/sh\nsleep 0.5\necho '{\"description\": \"Slow.\"}'\n",
        );
    }
    let started = Instant::now();
    let directory = place.open().await;
    assert_eq!(names(&directory).len(), 8);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}
