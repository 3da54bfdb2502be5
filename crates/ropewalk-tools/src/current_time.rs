//! Date and time.

mod places;
mod zone;

use jiff::{Timestamp, Zoned};
use ropewalk_macros::tool;

use zone::ZoneError;

/// The tool `current_time`: tells date, time and weekday.
///
/// It takes `timezone`, which may be left out: a city, many a country, a name of the IANA time zone
/// database, or an offset; it gives `2026-11-20T16:20:05+09:00 (Asia/Tokyo, Friday)`. The database
/// is built in. A zone that is not known is an error result that names similar ones.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use ropewalk_core::ToolResult;
/// use ropewalk_tools::current_time;
///
/// let result = current_time().try_out(serde_json::json!({"timezone": "+26:00"})).await;
/// assert_eq!(result, ToolResult::error("try_out", "Error: the offset `+26:00` is not possible: give one from -25:59 to +25:59"));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[tool(
    description = "Tells the current date, time and weekday in a city or time zone.",
    replay = "pure",
    example(
        request = "What time is it in Tokyo?",
        input = {"timezone": "Tokyo"},
        result = "2025-03-14T23:05:12+09:00 (Asia/Tokyo, Friday)",
        answer = "It is 23:05 in Tokyo.",
    ),
    example(
        request = "Which day is it today?",
        input = {},
        result = "2025-06-02T08:40:00+00:00 (UTC, Monday)",
        answer = "Today is Monday, 2025-06-02.",
    ),
    example(
        request = "Tell me the time in New York",
        input = {"timezone": "New York"},
        result = "2025-01-21T17:30:45-05:00 (America/New_York, Tuesday)",
        answer = "It is 17:30 in New York.",
    )
)]
pub fn current_time(
    /// a city ("Zurich"), a time zone ("Europe/Zurich") or an offset ("+02:00"); the local time zone
    /// if left out
    #[schemars(length(max = 100))]
    timezone: Option<String>,
) -> Result<String, ZoneError> {
    let zone = match timezone.as_deref().map(str::trim) {
        None | Some("") => zone::local(),
        Some(name) => zone::find(name)?,
    };
    let now = Timestamp::now().to_zoned(zone.time_zone);
    Ok(text(&now, &zone.name))
}

/// `2026-11-20T16:20:05+09:00 (Asia/Tokyo, Friday)`
fn text(time: &Zoned, zone: &str) -> String {
    format!("{} ({zone}, {})", time.strftime("%Y-%m-%dT%H:%M:%S%:z"), time.strftime("%A"))
}
