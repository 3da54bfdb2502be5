//! Cache points: a mark on the block before each, and no more marks than a request may have.

use std::borrow::Cow;

use ropewalk_core::CachePoint;

/// Stands before and behind each mark in what is rendered, so that marks can be left out of it later. JSON holds no
/// such character: in texts it is escaped.
const FENCE: char = '\u{1}';

/// The most marks that the interface takes in a request.
pub(super) const MOST: usize = 4;

const SHORT: &str = ",\"cache_control\":{\"type\":\"ephemeral\"}";
const LONG: &str = ",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}";

/// Marks a block, a JSON object. Of two marks the later counts.
pub(super) fn mark(block: &mut String, point: &CachePoint) {
    if let Some(at) = block.find(FENCE) {
        block.truncate(at);
    } else {
        block.pop();
    }
    let mark = match point.ttl.as_deref() {
        Some("1h") => LONG,
        None | Some("5m") => SHORT,
        Some(other) => {
            tracing::warn!(
                "a cache point is sent without its time: the interface knows no `{other}`"
            );
            SHORT
        }
    };
    block.push(FENCE);
    block.push_str(mark);
    block.push(FENCE);
    block.push('}');
}

/// The parts of a request in its order (tools, system prompt, messages), with as many of their marks as a request may
/// have. The first to be left out are those of old messages, whose place a later one takes.
pub(super) fn fit<'a>(parts: [Vec<&'a str>; 3], most: usize) -> [Vec<Cow<'a, str>>; 3] {
    let count = |piece: &&str| piece.matches(FENCE).count() / 2;
    let counts = parts.each_ref().map(|part| part.iter().map(count).collect::<Vec<_>>());
    let mut over = counts.iter().flatten().sum::<usize>().saturating_sub(most);
    if over > 0 {
        tracing::warn!("{over} cache points are not sent: a request may have {MOST}");
    }
    let mut left_out = counts;
    for count in left_out.iter_mut().rev().flatten() {
        let fewer = over.min(*count);
        over -= fewer;
        *count = fewer;
    }
    let mut is_short = false;
    let mut counts = left_out.into_iter();
    parts.map(|part| {
        let counts = counts.next().unwrap_or_default();
        part.into_iter()
            .zip(counts)
            .map(|(piece, fewer)| with(piece, fewer, &mut is_short))
            .collect()
    })
}

/// A piece without its first marks. Behind a mark that lasts for a short time the interface takes none that lasts
/// longer.
fn with<'a>(piece: &'a str, left_out: usize, is_short: &mut bool) -> Cow<'a, str> {
    if !piece.contains(FENCE) {
        return Cow::Borrowed(piece);
    }
    let mut text = String::with_capacity(piece.len());
    // Every second part is a mark.
    for (at, part) in piece.split(FENCE).enumerate() {
        if at % 2 == 0 {
            text.push_str(part);
        } else if at / 2 >= left_out {
            *is_short |= part == SHORT;
            text.push_str(if *is_short { SHORT } else { part });
        }
    }
    Cow::Owned(text)
}
