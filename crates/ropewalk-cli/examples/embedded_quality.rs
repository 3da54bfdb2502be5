//! How good the embedded model is with the tools that ship: 20 prompts, each in a conversation of
//! its own, in a table. `cargo run --release --example embedded_quality [-- --model local:FILE]`
//!
//! No prompt is one of the tools' own examples. "Tool" is right if exactly the expected tool was
//! called (or none), "arguments" if they are these and mean the same, "answer" if it holds what it
//! must; of small talk only that there is an answer is checked.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ropewalk_core::{Agent, BeforeToolCallEvent, Tool, ToolUse};
use ropewalk_local::{LocalModel, LocalOptions, ModelSource};
use serde_json::{Value, json};

/// One prompt and what is right for it.
struct Case {
    prompt: &'static str,
    /// The tool and its arguments; none: no tool.
    call: Option<(&'static str, Value)>,
    /// What the answer must contain, one of each group.
    says: &'static [&'static [&'static str]],
}

fn case(
    prompt: &'static str,
    call: Option<(&'static str, Value)>,
    says: &'static [&'static [&'static str]],
) -> Case {
    Case { prompt, call, says }
}

fn cases() -> Vec<Case> {
    let calculate = |expression| Some(("calculator", json!({"expression": expression})));
    let time = |zone| Some(("current_time", json!({"timezone": zone})));
    let read = |path| Some(("file_read", json!({"path": path})));
    let write = |path, content| Some(("file_write", json!({"path": path, "content": content})));
    vec![
        case("What is 1234 * 5678?", calculate("1234 * 5678"), &[&["7006652", "7,006,652"]]),
        case("How much is 17 plus 25?", calculate("17 + 25"), &[&["42"]]),
        case("Please compute (8 - 3) * 12", calculate("(8 - 3) * 12"), &[&["60"]]),
        case("Can you divide 144 by 12 for me?", calculate("144 / 12"), &[&["12"]]),
        case("What's 99.5 minus 0.75?", calculate("99.5 - 0.75"), &[&["98.75"]]),
        case("I need 2 to the power of 10.", calculate("2 ^ 10"), &[&["1024", "1,024"]]),
        case("What time is it in Lisbon?", time("Lisbon"), &[&["+00:00", "Lisbon"]]),
        case(
            "Tell me the current time in Buenos Aires.",
            time("Buenos Aires"),
            &[&["-03:00", "Buenos"]],
        ),
        case(
            "What's the clock saying in Zurich right now?",
            time("Zurich"),
            &[&["Zurich", "+01:00"]],
        ),
        case("Read the file shopping.txt", read("shopping.txt"), &[&["milk"]]),
        case("Show me what is in notes/plan.md", read("notes/plan.md"), &[&["ship"]]),
        case("What does the file missing.txt say?", read("missing.txt"), &[&["there is no file"]]),
        case(
            "Write the text good morning to hello.txt",
            write("hello.txt", "good morning"),
            &[&["hello.txt"]],
        ),
        case(
            "Save \"buy more rope\" in todo.txt",
            write("todo.txt", "buy more rope"),
            &[&["todo.txt"]],
        ),
        case(
            "Run the command echo hemp",
            Some(("shell", json!({"command": "echo hemp"}))),
            &[&["hemp"]],
        ),
        case(
            "Fetch http://127.0.0.1:9/status",
            Some(("http_request", json!({"url": "http://127.0.0.1:9/status"}))),
            &[&["can't be reached"]],
        ),
        case("Hello! How are you today?", None, &[]),
        case("Thank you, that was helpful.", None, &[]),
        case("What is the capital of France?", None, &[&["Paris"]]),
        case("Tell me a short story about a sailor.", None, &[]),
    ]
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--model").skip(1);
    let source = ModelSource::parse(&arguments.next().unwrap_or_else(|| "local".to_owned()))?;
    let options = LocalOptions::new().with_progress(|progress| {
        if progress.done == 0 {
            eprintln!("{}", progress.stage.as_str());
        }
    });
    let model = LocalModel::load(&source, options).await?;

    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("shopping.txt"), "milk\nbread\n")?;
    std::fs::create_dir(folder.path().join("notes"))?;
    std::fs::write(folder.path().join("notes/plan.md"), "# Plan\nship it\n")?;
    std::env::set_current_dir(folder.path())?;

    let (mut tools, mut arguments, mut answers) = (0, 0, 0);
    println!("| # | prompt | tool | arguments | answer | seconds | called; said |");
    println!("|--:|---|:-:|:-:|:-:|--:|---|");
    let cases = cases();
    for (number, case) in cases.iter().enumerate() {
        let began = Instant::now();
        let (calls, answer) = ask(&model, case.prompt).await?;
        let seconds = began.elapsed().as_secs_f64();
        let tool = right_tool(case, &calls);
        let input = tool && right_input(case, &calls);
        let said = says(case, &answer);
        tools += u32::from(tool);
        arguments += u32::from(input);
        answers += u32::from(said);
        let mark = |right| if right { "✓" } else { "✗" };
        let called: Vec<String> =
            calls.iter().map(|call| format!("{} {}", call.name, call.input)).collect();
        println!(
            "| {} | {} | {} | {} | {} | {seconds:.1} | {}; {} |",
            number + 1,
            case.prompt,
            mark(tool),
            mark(input),
            mark(said),
            if called.is_empty() { "nothing".to_owned() } else { called.join(", ") },
            short(&answer),
        );
    }
    let all = cases.len();
    println!(
        "\nright tool {tools}/{all}, right tool and arguments {arguments}/{all}, sensible answer {answers}/{all}"
    );
    Ok(())
}

/// Asks in a new conversation; gives the calls and the answer.
async fn ask(model: &LocalModel, prompt: &str) -> Result<(Vec<ToolUse>, String), Box<dyn Error>> {
    let calls: Arc<Mutex<Vec<ToolUse>>> = Arc::default();
    let seen = Arc::clone(&calls);
    let tools: Vec<Arc<dyn Tool>> = ropewalk_tools::all();
    let mut agent = Agent::builder()
        .model(model.clone())
        .tools(tools)
        .hook(move |event: &BeforeToolCallEvent| {
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(event.tool_use().clone());
        })
        .build()
        .await?;
    let result = agent.invoke(prompt).await?;
    let calls = calls.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok((calls, result.text()))
}

fn right_tool(case: &Case, calls: &[ToolUse]) -> bool {
    match (&case.call, calls) {
        (None, []) => true,
        (Some((name, _)), [call]) => call.name == *name,
        _ => false,
    }
}

/// The arguments are the expected ones and mean the same; `method: GET` goes without saying.
fn right_input(case: &Case, calls: &[ToolUse]) -> bool {
    let (Some((_, expected)), [call]) = (&case.call, calls) else { return calls.is_empty() };
    let (Some(expected), Some(given)) = (expected.as_object(), call.input.as_object()) else {
        return false;
    };
    let implied = |key: &str| key == "method" && given[key] == "GET";
    if given.keys().any(|key| !expected.contains_key(key) && !implied(key)) {
        return false;
    }
    expected.iter().all(|(key, value)| {
        call.input.get(key).is_some_and(|given| meaning(given) == meaning(value))
    })
}

/// An argument without what does not matter: spaces, case, the region of a time zone, `**` for `^`.
fn meaning(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let text = text.to_lowercase().replace(['_', ' '], "").replace("**", "^");
    text.rsplit_once('/')
        .filter(|(region, _)| matches!(*region, "asia" | "america" | "europe"))
        .map_or(text.clone(), |(_, city)| city.to_owned())
}

fn says(case: &Case, answer: &str) -> bool {
    let answer = answer.to_lowercase();
    !answer.trim().is_empty()
        && case
            .says
            .iter()
            .all(|group| group.iter().any(|words| answer.contains(&words.to_lowercase())))
}

fn short(text: &str) -> String {
    let line = text.replace('\n', " ⏎ ").replace('|', "\\|");
    let mut cut: String = line.chars().take(80).collect();
    if cut.len() < line.len() {
        cut.push('…');
    }
    cut
}
