//! Where a history comes to stand among the messages on the disk.

use std::sync::Arc;

use ropewalk_core::Message;

/// The place, among all messages on the disk, at which a history is to begin. Strands shows the messages from
/// one place on to the last one; so a history can grow at its end, and lose messages at its beginning, and
/// what else changes in it has to be written.
///
/// Of the disk's messages, the first `removed` are not shown now, and `shown` are. Either what stays is
/// where it is and the end moves, or the end stays and the beginning moves: whichever writes less.
pub(super) fn place(removed: usize, shown: &[Arc<Message>], wanted: &[Arc<Message>]) -> usize {
    let begins = |(there, message)| same(there, message);
    if wanted.len() >= shown.len() && shown.iter().zip(wanted).all(begins) {
        return removed;
    }
    let at = |place: usize| place.checked_sub(removed).and_then(|place| shown.get(place));
    let all = removed + shown.len();
    let cost = |first: usize| {
        let stays = |place, message| at(place).is_some_and(|there| same(there, message));
        let written = (first..).zip(wanted).filter(|(place, message)| !stays(*place, message));
        written.count() + all.saturating_sub(first + wanted.len())
    };
    let end_stays = all.checked_sub(wanted.len()).filter(|first| *first != removed);
    match end_stays {
        Some(first) if cost(first) < cost(removed) => first,
        _ => removed,
    }
}

/// True for equal messages; those that are one are not compared.
pub(super) fn same(one: &Arc<Message>, other: &Arc<Message>) -> bool {
    Arc::ptr_eq(one, other) || one == other
}
