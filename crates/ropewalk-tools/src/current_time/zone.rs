//! From what people call a time zone to the time zone.

use std::sync::LazyLock;

use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use super::places;
use crate::near::{listed, near};

/// The time zones, as built in: the same on every machine.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone, and what it is called.
#[derive(Debug)]
pub(super) struct Zone {
    pub(super) name: String,
    pub(super) time_zone: TimeZone,
}

/// Why there is no such time zone.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ZoneError {
    #[error(
        "the time zone `{0}` is not known: give a city like `Tokyo`, a name like `Europe/Zurich` \
         or an offset like `+02:00`"
    )]
    Unknown(String),
    #[error("the time zone `{0}` is not known: perhaps {1}?")]
    Misspelt(String, String),
    #[error("the offset `{0}` is not possible: give one from -25:59 to +25:59")]
    Offset(String),
}

/// The time zone of this machine; UTC if it does not say.
pub(super) fn local() -> Zone {
    let time_zone = TimeZone::try_system().unwrap_or(TimeZone::UTC);
    let name = time_zone.iana_name().unwrap_or("local time").to_owned();
    // Containers call it by its file.
    let name = if name == "Etc/UTC" { "UTC".to_owned() } else { name };
    Zone { name, time_zone }
}

/// The time zone that people call so.
pub(super) fn find(name: &str) -> Result<Zone, ZoneError> {
    if let Some(zone) = offset(name) {
        return zone;
    }
    // `Zurich, Switzerland` is Zurich.
    let first = name.split(',').next().unwrap_or(name);
    for wanted in [plain(name), plain(first)] {
        if let Some(zone) = exact(&wanted).or_else(|| place(&wanted)) {
            return Ok(zone);
        }
    }
    Err(unknown(name))
}

/// `+02:00`, `-5`, `UTC+2`, `GMT-03:30`
fn offset(name: &str) -> Option<Result<Zone, ZoneError>> {
    let upper = name.to_ascii_uppercase();
    let rest = upper.strip_prefix("UTC").or_else(|| upper.strip_prefix("GMT")).unwrap_or(&upper);
    let rest = rest.trim_start();
    let negative = rest.starts_with(['-', '\u{2212}']);
    let digits = rest.strip_prefix(['+', '-', '\u{2212}'])?.trim();
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        None => (digits, "0"),
    };
    let impossible = || ZoneError::Offset(name.to_owned());
    let (Ok(hours), Ok(minutes)) = (hours.parse::<i32>(), minutes.parse::<i32>()) else {
        return Some(Err(impossible()));
    };
    if !(0..=25).contains(&hours) || !(0..60).contains(&minutes) {
        return Some(Err(impossible()));
    }
    let sign = if negative { -1 } else { 1 };
    let offset = match Offset::from_seconds(sign * (hours * 3600 + minutes * 60)) {
        Ok(offset) => offset,
        Err(_) => return Some(Err(impossible())),
    };
    let shown = format!("UTC{}{hours:02}:{minutes:02}", if negative { '-' } else { '+' });
    Some(Ok(Zone { name: shown, time_zone: TimeZone::fixed(offset) }))
}

/// An IANA name, in whatever case.
fn exact(wanted: &str) -> Option<Zone> {
    if matches!(wanted, "utc" | "gmt" | "z" | "zulu") {
        return Some(Zone { name: "UTC".to_owned(), time_zone: TimeZone::UTC });
    }
    let name = ZONES.available().find(|name| plain(name.as_str()) == wanted)?;
    of_iana(name.as_str())
}

/// A city, country or state: the last part of an IANA name, or one of the places besides.
fn place(wanted: &str) -> Option<Zone> {
    let is_it = |name: &str| name.rsplit_once('/').is_some_and(|(_, city)| plain(city) == wanted);
    let city = ZONES.available().map(|name| name.as_str().to_owned()).find(|name| is_it(name));
    match city {
        Some(name) => of_iana(&name),
        None => places::zone_of(wanted).and_then(of_iana),
    }
}

fn of_iana(name: &str) -> Option<Zone> {
    let time_zone = ZONES.get(name).ok()?;
    Some(Zone { name: name.to_owned(), time_zone })
}

fn unknown(name: &str) -> ZoneError {
    let wanted = plain(name);
    let names: Vec<String> = ZONES.available().map(|name| name.as_str().to_owned()).collect();
    let cities = names.iter().map(|name| name.rsplit('/').next().unwrap_or(name));
    let whole = wanted.contains('/');
    let similar = if whole {
        near(&wanted, names.iter().map(String::as_str))
    } else {
        near(&wanted.replace(' ', "_"), cities.chain(places::names()))
    };
    if similar.is_empty() {
        return ZoneError::Unknown(name.to_owned());
    }
    ZoneError::Misspelt(name.to_owned(), listed(&similar))
}

/// A name without what people write differently: case, `_` for a blank, accents, dots.
fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for character in name.trim().to_lowercase().chars() {
        plain.push(match character {
            '_' | '-' => ' ',
            'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' => 'a',
            'é' | 'è' | 'ê' | 'ë' => 'e',
            'í' | 'ì' | 'î' | 'ï' => 'i',
            'ó' | 'ò' | 'ô' | 'õ' | 'ö' | 'ø' => 'o',
            'ú' | 'ù' | 'û' | 'ü' => 'u',
            'ç' => 'c',
            'ñ' => 'n',
            '.' | '\'' => continue,
            other => other,
        });
    }
    plain
}
