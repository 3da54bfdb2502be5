//! JSON as Cedar values.

use std::time::SystemTime;

use cedar_policy::RestrictedExpression;
use serde_json::{Map, Number, Value};

/// How deep arguments may be nested. What is deeper is refused: both the way here and Cedar's own go
/// down level by level.
const MOST_LEVELS: usize = 64;

/// What `decimal` can hold before the point.
const MOST_DECIMAL: f64 = 922_337_203_685_477.0;

/// Arguments as a record. What is no object stands under `value`.
pub(crate) fn record(input: &Value) -> Result<RestrictedExpression, String> {
    match input {
        Value::Object(map) => of_object(map, MOST_LEVELS),
        Value::Null => of_object(&Map::new(), MOST_LEVELS),
        other => {
            let value = of_value(other, MOST_LEVELS)?;
            let pairs = value.map(|value| ("value".to_owned(), value));
            RestrictedExpression::new_record(pairs).map_err(|error| error.to_string())
        }
    }
}

fn of_object(map: &Map<String, Value>, levels: usize) -> Result<RestrictedExpression, String> {
    let mut pairs = Vec::with_capacity(map.len());
    for (key, value) in map {
        if let Some(value) = of_value(value, levels)? {
            pairs.push((key.clone(), value));
        }
    }
    RestrictedExpression::new_record(pairs).map_err(|error| error.to_string())
}

/// A value; none for null.
fn of_value(value: &Value, levels: usize) -> Result<Option<RestrictedExpression>, String> {
    let Some(below) = levels.checked_sub(1) else {
        return Err(format!("the arguments are nested deeper than {MOST_LEVELS} levels"));
    };
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Bool(yes) => RestrictedExpression::new_bool(*yes),
        Value::String(text) => RestrictedExpression::new_string(text.clone()),
        Value::Number(number) => of_number(number),
        Value::Object(map) => of_object(map, below)?,
        Value::Array(items) => {
            let items = items.iter().filter_map(|item| of_value(item, below).transpose());
            RestrictedExpression::new_set(items.collect::<Result<Vec<_>, _>>()?)
        }
    }))
}

fn of_number(number: &Number) -> RestrictedExpression {
    if let Some(integer) = number.as_i64() {
        return RestrictedExpression::new_long(integer);
    }
    if number.is_f64()
        && let Some(float) = number.as_f64()
        && float.abs() < MOST_DECIMAL
    {
        // Without an exponent, and with as few digits as tell it from its neighbours.
        let text = format!("{float}");
        let digits = text.split_once('.').map_or(0, |(_, digits)| digits.len());
        match digits {
            0 => return RestrictedExpression::new_decimal(format!("{text}.0")),
            1..=4 => return RestrictedExpression::new_decimal(text),
            _ => {}
        }
    }
    RestrictedExpression::new_string(number.to_string())
}

/// A moment as a `datetime`.
pub(crate) fn datetime(time: SystemTime) -> Result<RestrictedExpression, String> {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_err(|_| "the clock stands before 1970".to_owned())?;
    // Cedar's own arithmetic: there is no need for a calendar here.
    let text = format!(r#"datetime("1970-01-01").offset(duration("{}ms"))"#, since.as_millis());
    text.parse().map_err(|error| format!("the time can't be told: {error}"))
}
