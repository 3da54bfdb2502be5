//! The held-out set, written after all changes that the other two led to. `main.rs` says what its first run gave.

use ropewalk_core::ToolSpec;
use serde_json::json;

use super::{Case, case, example, talk, tool};

pub(super) fn tools() -> Vec<ToolSpec> {
    vec![
        tool("book_table", "Books a table in a restaurant.",
            json!({"restaurant": {"type": "string"}, "people": {"type": "integer", "minimum": 1}}), &["restaurant", "people"])
            .with_example(example("Book a table for 4 people at the Golden Lion", json!({"restaurant": "the Golden Lion", "people": 4})))
            .with_example(example("Reserve a table at Chez Louis for two", json!({"restaurant": "Chez Louis", "people": 2}))),
        tool("add_to_list", "Adds an item to one of the person's lists.",
            json!({"item": {"type": "string"}, "list": {"type": "string"}}), &["item", "list"])
            .with_example(example("Add oat milk to my shopping list", json!({"item": "oat milk", "list": "shopping"})))
            .with_example(example("Put 'call the dentist' on the to-do list", json!({"item": "call the dentist", "list": "to-do"}))),
        tool("track_parcel", "Tells where a parcel is.",
            json!({"code": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"}}), &["code"])
            .with_example(example("Where is my parcel XK-20391?", json!({"code": "XK-20391"})))
            .with_example(example("Track the package DE-7745", json!({"code": "DE-7745"}))),
        tool("set_heating", "Sets the temperature of the heating in a room.",
            json!({"room": {"type": "string"}, "degrees": {"type": "number", "minimum": 5, "maximum": 30}}), &["room", "degrees"])
            .with_example(example("Heat the office to 21 degrees", json!({"room": "office", "degrees": 21})))
            .with_example(example("Make it 18.5 degrees in the hall", json!({"room": "hall", "degrees": 18.5}))),
        tool("define_word", "Looks a word up in the dictionary.", json!({"word": {"type": "string"}}), &["word"])
            .with_example(example("What does serendipity mean?", json!({"word": "serendipity"})))
            .with_example(example("Look up the word 'gregarious'", json!({"word": "gregarious"}))),
        tool("convert_length", "Converts a length from one unit to another.",
            json!({"value": {"type": "number"}, "from": {"enum": ["metres", "feet", "miles", "kilometres"]}, "to": {"enum": ["metres", "feet", "miles", "kilometres"]}}), &["value", "from", "to"])
            .with_example(example("How many feet are 12 metres?", json!({"value": 12, "from": "metres", "to": "feet"})))
            .with_example(example("Convert 26.2 miles to kilometres", json!({"value": 26.2, "from": "miles", "to": "kilometres"}))),
        tool("resize_image", "Changes the size of a picture.",
            json!({"file": {"type": "string"}, "width": {"type": "integer"}, "height": {"type": "integer"}}), &["file", "width", "height"])
            .with_example(example("Resize photo.jpg to 800 by 600", json!({"file": "photo.jpg", "width": 800, "height": 600})))
            .with_example(example("Make logo.png 64 x 64 pixels", json!({"file": "logo.png", "width": 64, "height": 64}))),
        tool("find_route", "Finds the way from one place to another.",
            json!({"start": {"type": "string"}, "destination": {"type": "string"}}), &["start", "destination"])
            .with_example(example("How do I get from Vienna to Graz?", json!({"start": "Vienna", "destination": "Graz"})))
            .with_example(example("Find a route from the main station to the old harbour", json!({"start": "the main station", "destination": "the old harbour"}))),
    ]
}

pub(super) fn cases() -> Vec<Case> {
    let book = |request, restaurant: &str, people: i64| {
        case(request, "book_table", json!({"restaurant": restaurant, "people": people}))
    };
    let add = |request, item: &str, list: &str| {
        case(request, "add_to_list", json!({"item": item, "list": list}))
    };
    let track = |request, code: &str| case(request, "track_parcel", json!({"code": code}));
    let heat = |request, room: &str, degrees: serde_json::Value| {
        case(request, "set_heating", json!({"room": room, "degrees": degrees}))
    };
    let define = |request, word: &str| case(request, "define_word", json!({"word": word}));
    let convert = |request, value: serde_json::Value, from: &str, to: &str| {
        case(request, "convert_length", json!({"value": value, "from": from, "to": to}))
    };
    let resize = |request, file: &str, width: i64, height: i64| {
        case(request, "resize_image", json!({"file": file, "width": width, "height": height}))
    };
    let route = |request, start: &str, destination: &str| {
        case(request, "find_route", json!({"start": start, "destination": destination}))
    };
    vec![
        book("Get us a table for 6 at Mario's Kitchen", "Mario's Kitchen", 6),
        book("I'd like to reserve a table for three people at the Blue Door", "the Blue Door", 3),
        book("Please book the Old Mill for 2 people", "the Old Mill", 2),
        add("Add a new toothbrush to my shopping list", "a new toothbrush", "shopping"),
        add("Put tent pegs on the camping list", "tent pegs", "camping"),
        add("Add 'water the plants' to the weekend list", "water the plants", "weekend"),
        track("Has the parcel PL-90210 arrived?", "PL-90210"),
        track("Where's package QQ-1?", "QQ-1"),
        heat("Set the bedroom to 17 degrees", "bedroom", json!(17)),
        heat("I want 22.5 degrees in the dining room", "dining room", json!(22.5)),
        define("What is the meaning of ephemeral?", "ephemeral"),
        define("Define the word 'quixotic'", "quixotic"),
        convert("What are 5 miles in kilometres?", json!(5), "miles", "kilometres"),
        convert("Convert 300 feet to metres", json!(300), "feet", "metres"),
        convert("How many miles is 42.195 kilometres?", json!(42.195), "kilometres", "miles"),
        resize("Resize holiday/beach.png to 1024 by 768", "holiday/beach.png", 1024, 768),
        resize("Shrink icon.gif to 32 x 16", "icon.gif", 32, 16),
        route("How do I get from Lisbon to Porto?", "Lisbon", "Porto"),
        route(
            "Show me the way from the airport to the Grand Hotel",
            "the airport",
            "the Grand Hotel",
        ),
        route("What's the best route to Zurich from Basel?", "Basel", "Zurich"),
        talk("Hi, nice to meet you"),
        talk("What is the largest planet?"),
        talk("Tell me something funny"),
        talk("I am really tired today"),
        talk("How do plants make oxygen?"),
        talk("Write a short poem about rain"),
        talk("What's your name?"),
        talk("Great job, thanks a lot!"),
    ]
}
