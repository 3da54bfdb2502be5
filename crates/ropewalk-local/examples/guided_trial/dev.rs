//! The set that the recipe was made on.

use ropewalk_core::ToolSpec;
use serde_json::json;

use super::{Case, case, example, talk, tool};

pub(super) fn tools() -> Vec<ToolSpec> {
    vec![
        tool("calculator", "Evaluates an arithmetic expression and gives the result.",
            json!({"expression": {"type": "string", "description": "The expression."}}), &["expression"])
            .with_example(example("What is 12 times 7?", json!({"expression": "12 * 7"})))
            .with_example(example("How much is 100 - 58?", json!({"expression": "100 - 58"}))),
        tool("get_weather", "Gives the current weather in a city.",
            json!({"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}}), &["city"])
            .with_example(example("What's the weather like in Rome?", json!({"city": "Rome"})))
            .with_example(example("Is it raining in New York, in fahrenheit?", json!({"city": "New York", "unit": "fahrenheit"}))),
        tool("current_time", "Gives the current time in a time zone.",
            json!({"timezone": {"type": "string", "description": "An IANA time zone such as Europe/Paris."}}), &[])
            .with_example(example("What time is it?", json!({})))
            .with_example(example("What time is it in Tokyo?", json!({"timezone": "Asia/Tokyo"}))),
        tool("file_read", "Reads a text file and gives its content.", json!({"path": {"type": "string"}}), &["path"])
            .with_example(example("Show me what is in notes.txt", json!({"path": "notes.txt"})))
            .with_example(example("Read the file src/main.rs", json!({"path": "src/main.rs"}))),
        tool("file_write", "Writes a text into a file.",
            json!({"path": {"type": "string"}, "content": {"type": "string"}}), &["path", "content"])
            .with_example(example("Write 'buy milk' to todo.txt", json!({"path": "todo.txt", "content": "buy milk"})))
            .with_example(example("Create a file hello.md that says good morning everyone", json!({"path": "hello.md", "content": "good morning everyone"}))),
        tool("set_timer", "Starts a timer.",
            json!({"minutes": {"type": "integer", "minimum": 1}, "label": {"type": "string"}}), &["minutes"])
            .with_example(example("Set a timer for 10 minutes", json!({"minutes": 10})))
            .with_example(example("Remind me in 25 minutes about the laundry", json!({"minutes": 25, "label": "the laundry"}))),
        tool("translate", "Translates a text into another language.",
            json!({"text": {"type": "string"}, "language": {"type": "string"}}), &["text", "language"])
            .with_example(example("Translate good evening into French", json!({"text": "good evening", "language": "French"})))
            .with_example(example("How do you say 'thank you very much' in Spanish?", json!({"text": "thank you very much", "language": "Spanish"}))),
        tool("roll_dice", "Rolls dice.",
            json!({"count": {"type": "integer", "minimum": 1}, "sides": {"type": "integer", "minimum": 2}}), &["count", "sides"])
            .with_example(example("Roll 2 dice with 6 sides", json!({"count": 2, "sides": 6})))
            .with_example(example("Throw three 20-sided dice", json!({"count": 3, "sides": 20}))),
    ]
}

pub(super) fn cases() -> Vec<Case> {
    let sum =
        |request, expression: &str| case(request, "calculator", json!({"expression": expression}));
    let weather = |request, city: &str| case(request, "get_weather", json!({"city": city}));
    let zone = |request, zone: &str| case(request, "current_time", json!({"timezone": zone}));
    let read = |request, path: &str| case(request, "file_read", json!({"path": path}));
    let write = |request, path: &str, content: &str| {
        case(request, "file_write", json!({"path": path, "content": content}))
    };
    vec![
        sum("What is 1234 * 5678?", "1234 * 5678"),
        sum("Compute (3 + 4) * 12", "(3 + 4) * 12"),
        sum("How much is 15% of 80?", "80 * 15 / 100"),
        sum("What's 144 divided by 12?", "144 / 12"),
        sum("Add 17 and 25", "17 + 25"),
        sum("subtract 8 from 20 please", "20 - 8"),
        sum("What is seven times eight?", "7 * 8"),
        weather("What's the weather in Paris?", "Paris"),
        weather("Is it cold in Buenos Aires right now?", "Buenos Aires"),
        weather("Do I need an umbrella in London today?", "London"),
        zone("What time is it in Paris?", "Europe/Paris"),
        case("Tell me the current time.", "current_time", json!({})),
        zone("What's the time in New York right now?", "America/New_York"),
        read("Read README.md", "README.md"),
        read("What does config.toml contain?", "config.toml"),
        read("Open /etc/hosts and show it to me", "/etc/hosts"),
        write("Save the text 'hello world' in greeting.txt", "greeting.txt", "hello world"),
        write(
            "Write a shopping list with eggs and bread to list.txt",
            "list.txt",
            "eggs and bread",
        ),
        write("Put the sentence I love Rust into rust.txt", "rust.txt", "I love Rust"),
        case("Start a 5 minute timer", "set_timer", json!({"minutes": 5})),
        case("Wake me in 40 minutes", "set_timer", json!({"minutes": 40})),
        case(
            "Timer for 3 minutes for the eggs",
            "set_timer",
            json!({"minutes": 3, "label": "the eggs"}),
        ),
        case(
            "Translate 'where is the station' to German",
            "translate",
            json!({"text": "where is the station", "language": "German"}),
        ),
        case(
            "What is hello in Italian?",
            "translate",
            json!({"text": "hello", "language": "Italian"}),
        ),
        case("Roll 4 dice with 8 sides", "roll_dice", json!({"count": 4, "sides": 8})),
        case("Roll a 12-sided die twice", "roll_dice", json!({"count": 2, "sides": 12})),
        talk("Hello!"),
        talk("How are you?"),
        talk("Tell me a joke"),
        talk("What is the capital of Italy?"),
        talk("Thanks, bye"),
        talk("Who are you?"),
        talk("Write a haiku about autumn"),
    ]
}
