//! `ropewalk models` and `ropewalk doctor`.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use common::{Bench, Ran};

/// A server that lists two models, whoever asks.
fn lists_two() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let body = r#"{"data": [{"id": "small", "context_window": 8192}, {"id": "large"}]}"#;
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all((head + body).as_bytes()).unwrap();
        }
    });
    url
}

/// Runs the command where nothing is set up but OpenAI's interface at `url`.
fn run(bench: &Bench, url: &str, arguments: &[&str]) -> Ran {
    let mut command = bench.command(arguments);
    for (name, _) in std::env::vars() {
        if name.ends_with("_API_KEY") || name.ends_with("_BASE_URL") || name.starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    // Nobody listens there.
    let closed = "http://127.0.0.1:9";
    command
        .env("OLLAMA_HOST", closed)
        .env("LLAMACPP_BASE_URL", closed)
        .env("VLLM_BASE_URL", closed);
    command.env("OPENAI_BASE_URL", url).env_remove("OPENAI_API_KEY");
    Ran::from(command.output().unwrap())
}

#[test]
fn each_provider_says_whether_it_can_be_used_and_what_is_missing() {
    let bench = Bench::new(vec![]);
    let ran = run(&bench, &lists_two(), &["models"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    for line in [
        "local             in this program, fetched at its first use",
        "openai            ready, 2 models",
        "anthropic         no key: set ANTHROPIC_API_KEY",
        "mistral           no key: set MISTRAL_API_KEY",
        "ollama            nobody listens at http://127.0.0.1:9/api/tags: start it, or set OLLAMA_HOST",
        // Credentials, or, if this build is without it, the feature.
        "bedrock           no",
    ] {
        assert!(ran.stdout.contains(line), "{line}\n{}", ran.stdout);
    }
    let json = run(&bench, &lists_two(), &["--json", "models"]).stdout;
    let lines: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 14);
    let openai = lines.iter().find(|line| line["provider"] == "openai").unwrap();
    assert_eq!((&openai["state"], &openai["models"]), (&"ready".into(), &2.into()));
}

#[test]
fn the_models_of_a_provider_are_listed_as_they_are_named() {
    let bench = Bench::new(vec![]);
    let ran = run(&bench, &lists_two(), &["models", "openai"]);
    assert_eq!(ran.stdout, "openai:small  8192 tokens\nopenai:large\n");
    let ran = run(&bench, &lists_two(), &["models", "anthropic"]);
    assert_eq!(
        (ran.status, ran.stderr.as_str()),
        (Some(2), "error: Anthropic: no key: set ANTHROPIC_API_KEY\n")
    );
    let ran = run(&bench, &lists_two(), &["models", "teleport"]);
    assert!(
        ran.status == Some(2) && ran.stderr.contains("there are local, anthropic, bedrock"),
        "{ran:?}"
    );
}

#[test]
fn the_doctor_says_what_a_prompt_needs_and_what_else_there_is() {
    let bench = Bench::new(vec![]);
    let url = lists_two();
    let ran = run(&bench, &url, &["--model", "openai:small", "doctor"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    for line in [
        "ok model             `openai:small`: ready, 2 models",
        "ok sessions          0 sessions in",
        "-  anthropic         no key",
    ] {
        assert!(ran.stdout.contains(line), "{line}\n{}", ran.stdout);
    }
    let ran = run(&bench, &url, &["--model", "openai:other", "doctor"]);
    assert!(ran.stdout.contains("`other` is not among them"), "{}", ran.stdout);
    for (model, said) in [
        ("anthropic:claude", "no key: set ANTHROPIC_API_KEY"),
        ("local:/no/such.gguf", "there is no such file"),
        ("teleport:x", "there is no model `teleport:x`"),
    ] {
        let ran = run(&bench, &url, &["--model", model, "doctor"]);
        assert_eq!(ran.status, Some(1), "{ran:?}");
        assert!(ran.stdout.contains("!! model") && ran.stdout.contains(said), "{}", ran.stdout);
    }
}

/// The variables that are named are those that are looked at.
#[test]
fn each_provider_is_asked_where_its_variable_says() {
    let bench = Bench::new(vec![]);
    let url = lists_two();
    let all = run(&bench, &url, &["--json", "models"]).stdout;
    let mut asked = 0;
    for line in all.lines() {
        let told: serde_json::Value = serde_json::from_str(line).unwrap();
        let Some(variable) = told["url_variable"].as_str() else { continue };
        let mut command = bench.command(&["models", told["provider"].as_str().unwrap()]);
        command.env(variable, &url);
        if let Some(key) = told["key_variable"].as_str() {
            command.env(key, "a-key");
        }
        let Ran { stdout, stderr, .. } = Ran::from(command.output().unwrap());
        // Lists of some look otherwise: what matters is where they were looked for.
        assert!(
            stdout.contains(":small") || stderr.contains("http://127.0.0.1"),
            "{line}: {stderr}"
        );
        asked += 1;
    }
    assert_eq!(asked, 12);
}
