//! The second set: other tools, other requests. Held out at first; its errors have led to changes since.

use ropewalk_core::ToolSpec;
use serde_json::json;

use super::{Case, case, example, talk, tool};

pub(super) fn tools() -> Vec<ToolSpec> {
    vec![
        tool("send_message", "Sends a text message to a person.",
            json!({"to": {"type": "string"}, "message": {"type": "string"}}), &["to", "message"])
            .with_example(example("Tell Anna that I will be late", json!({"to": "Anna", "message": "I will be late"})))
            .with_example(example("Send 'happy birthday' to Uncle Bob", json!({"to": "Uncle Bob", "message": "happy birthday"}))),
        tool("convert_currency", "Converts an amount of money from one currency to another.",
            json!({"amount": {"type": "number"}, "from": {"enum": ["EUR", "USD", "GBP", "JPY"]}, "to": {"enum": ["EUR", "USD", "GBP", "JPY"]}}), &["amount", "from", "to"])
            .with_example(example("How much is 50 USD in EUR?", json!({"amount": 50, "from": "USD", "to": "EUR"})))
            .with_example(example("Convert 2000 yen to pounds", json!({"amount": 2000, "from": "JPY", "to": "GBP"}))),
        tool("switch_light", "Turns the light in a room on or off.",
            json!({"room": {"type": "string"}, "on": {"type": "boolean"}}), &["room", "on"])
            .with_example(example("Turn on the light in the kitchen", json!({"room": "kitchen", "on": true})))
            .with_example(example("Switch the bedroom lamp off", json!({"room": "bedroom", "on": false}))),
        tool("play_music", "Plays a song or the music of an artist.", json!({"what": {"type": "string"}}), &["what"])
            .with_example(example("Play Yesterday by the Beatles", json!({"what": "Yesterday by the Beatles"})))
            .with_example(example("I want to hear some Mozart", json!({"what": "Mozart"}))),
        tool("search_web", "Searches the web.", json!({"query": {"type": "string"}}), &["query"])
            .with_example(example("Search the web for cheap flights to Oslo", json!({"query": "cheap flights to Oslo"})))
            .with_example(example("Google the best pizza recipe", json!({"query": "the best pizza recipe"}))),
        tool("evaluate", "Works out a sum.", json!({"formula": {"type": "string", "pattern": "^[0-9+*/(). -]+$"}}), &["formula"])
            .with_example(example("What is 3 + 9?", json!({"formula": "3 + 9"})))
            .with_example(example("Work out 8 times 15", json!({"formula": "8 * 15"}))),
        tool("delete_file", "Deletes a file.", json!({"file": {"type": "string"}}), &["file"])
            .with_example(example("Delete old.log", json!({"file": "old.log"})))
            .with_example(example("Please remove the file tmp/cache.bin", json!({"file": "tmp/cache.bin"}))),
    ]
}

pub(super) fn cases() -> Vec<Case> {
    let send = |request, to: &str, message: &str| {
        case(request, "send_message", json!({"to": to, "message": message}))
    };
    let convert = |request, amount: f64, from: &str, to: &str| {
        let amount = if amount.fract() == 0.0 { json!(amount as i64) } else { json!(amount) };
        case(request, "convert_currency", json!({"amount": amount, "from": from, "to": to}))
    };
    let light = |request, room: &str, on: bool| {
        case(request, "switch_light", json!({"room": room, "on": on}))
    };
    let play = |request, what: &str| case(request, "play_music", json!({"what": what}));
    let search = |request, query: &str| case(request, "search_web", json!({"query": query}));
    let sum = |request, formula: &str| case(request, "evaluate", json!({"formula": formula}));
    let delete = |request, file: &str| case(request, "delete_file", json!({"file": file}));
    vec![
        send("Tell Peter that dinner is ready", "Peter", "dinner is ready"),
        send("Send 'see you tomorrow' to Maria", "Maria", "see you tomorrow"),
        send("Message my boss that I am sick today", "my boss", "I am sick today"),
        convert("What is 120 EUR in USD?", 120.0, "EUR", "USD"),
        convert("Convert 75.5 pounds to yen", 75.5, "GBP", "JPY"),
        convert("How many euros are 300 dollars?", 300.0, "USD", "EUR"),
        light("Turn the light in the garage on", "garage", true),
        light("Lights off in the living room", "living room", false),
        light("Please switch off the bathroom light", "bathroom", false),
        play("Play Bohemian Rhapsody", "Bohemian Rhapsody"),
        play("Put on some Miles Davis", "Miles Davis"),
        play("I'd like to listen to Hey Jude by the Beatles", "Hey Jude by the Beatles"),
        search("Search for hotels in Lisbon", "hotels in Lisbon"),
        search("Look up the history of the bicycle online", "the history of the bicycle"),
        sum("What is 45 + 67?", "45 + 67"),
        sum("Calculate 2 * (10 - 4)", "2 * (10 - 4)"),
        sum("What's 81 divided by 9?", "81 / 9"),
        delete("Delete draft.docx", "draft.docx"),
        delete("Get rid of the file backup/old.zip", "backup/old.zip"),
        delete("Remove test.py please", "test.py"),
        talk("Good morning!"),
        talk("Who painted the Mona Lisa?"),
        talk("What's your favourite colour?"),
        talk("Why do cats purr?"),
        talk("Thank you, that was great"),
        talk("Make up a short story about a dragon"),
        talk("I feel a bit sad today"),
        talk("What can you do?"),
    ]
}
