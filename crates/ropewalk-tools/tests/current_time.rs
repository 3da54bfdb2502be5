//! Date and time.
#![allow(clippy::unwrap_used)]

use pretty_assertions::assert_eq;
use ropewalk_core::ToolStatus;
use ropewalk_tools::current_time;
use serde_json::{Value, json};

async fn ask(input: Value) -> (ToolStatus, String) {
    let result = current_time().try_out(input).await;
    let text = serde_json::to_value(&result.content).unwrap();
    (result.status, text[0]["text"].as_str().unwrap().to_owned())
}

async fn zone(name: &str) -> String {
    let (status, text) = ask(json!({"timezone": name})).await;
    assert_eq!(status, ToolStatus::Success, "{name}: {text}");
    let (time, rest) = text.split_once(" (").unwrap();
    let (zone, weekday) = rest.trim_end_matches(')').split_once(", ").unwrap();
    assert_eq!(time.len(), "2026-11-20T16:20:05+09:00".len(), "{time}");
    assert!(weekday.ends_with("day"), "{weekday}");
    format!("{} {zone}", &time[19..])
}

#[tokio::test]
async fn zones_are_found_by_name_city_place_and_offset() {
    for (name, found) in [
        ("Asia/Tokyo", "+09:00 Asia/Tokyo"),
        ("asia/tokyo", "+09:00 Asia/Tokyo"),
        ("Tokyo", "+09:00 Asia/Tokyo"),
        ("Tokyo, Japan", "+09:00 Asia/Tokyo"),
        (" tokyo ", "+09:00 Asia/Tokyo"),
        ("Mumbai", "+05:30 Asia/Kolkata"),
        ("SÃO PAULO", "-03:00 America/Sao_Paulo"),
        ("Phoenix", "-07:00 America/Phoenix"),
        ("Beijing", "+08:00 Asia/Shanghai"),
        ("UTC", "+00:00 UTC"),
        ("gmt", "+00:00 UTC"),
        ("+02:00", "+02:00 UTC+02:00"),
        ("UTC-5", "-05:00 UTC-05:00"),
        ("GMT+05:30", "+05:30 UTC+05:30"),
        ("-0330", "-03:30 UTC-03:30"),
    ] {
        assert_eq!(zone(name).await, found, "{name}");
    }
    for (name, found) in [
        ("New York", "America/New_York"),
        ("zurich", "Europe/Zurich"),
        ("Zürich", "Europe/Zurich"),
        ("St. Petersburg", "Europe/Moscow"),
        ("Washington, D.C.", "America/New_York"),
        ("Los Angeles", "America/Los_Angeles"),
        ("Buenos Aires", "America/Argentina/Buenos_Aires"),
    ] {
        let zone = zone(name).await;
        assert!(zone.ends_with(found), "{name}: {zone}");
    }
}

#[tokio::test]
async fn nothing_said_is_the_local_zone() {
    for input in [json!({}), json!({"timezone": null}), json!({"timezone": " "})] {
        assert_eq!(ask(input).await.0, ToolStatus::Success);
    }
}

#[tokio::test]
async fn unknown_zones_say_what_is_near() {
    let fails = async |name: &str, problem: &str| {
        let expected = (ToolStatus::Error, format!("Error: {problem}"));
        assert_eq!(ask(json!({"timezone": name})).await, expected);
    };
    let (_, text) = ask(json!({"timezone": "Tokio"})).await;
    assert!(
        text.starts_with("Error: the time zone `Tokio` is not known: perhaps `Tokyo`"),
        "{text}"
    );
    let (_, text) = ask(json!({"timezone": "Europe/Zürch"})).await;
    assert!(text.contains("`Europe/Zurich`"), "{text}");
    fails(
        "qqqqq",
        "the time zone `qqqqq` is not known: give a city like `Tokyo`, a name like \
         `Europe/Zurich` or an offset like `+02:00`",
    )
    .await;
    fails("+99:00", "the offset `+99:00` is not possible: give one from -25:59 to +25:59").await;
    fails("-1é", "the offset `-1é` is not possible: give one from -25:59 to +25:59").await;
}
