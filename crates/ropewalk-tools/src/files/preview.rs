//! What a writing would change, for whoever is asked to approve it.

use ropewalk_core::Preview;
use similar::TextDiff;

use super::error::FileError;
use super::{path, read};
use crate::folder::WorkingFolder;

/// The longest diff, in bytes: a person reads it.
const LIMIT: usize = 64 * 1024;

/// The change as a unified diff; a file that is new or no text is described.
pub(super) fn preview(
    folder: &WorkingFolder,
    path: &str,
    content: &str,
) -> Result<Preview, FileError> {
    let name = path::within(folder, path)?;
    match read::content(folder, path) {
        Ok(old) if old == content => Ok(Preview::Text(format!("{name} stays as it is."))),
        Ok(old) => Ok(Preview::Diff(diff(&name, &name, &old, content))),
        Err(FileError::Missing { .. }) => Ok(Preview::Diff(diff("/dev/null", &name, "", content))),
        Err(FileError::NotText(..)) => {
            let size = content.len();
            Ok(Preview::Text(format!("{name}, which is no text, is replaced by {size} bytes.")))
        }
        Err(error) => Err(error),
    }
}

fn diff(from: &str, to: &str, old: &str, new: &str) -> String {
    let mut text = TextDiff::from_lines(old, new).unified_diff().header(from, to).to_string();
    if text.len() > LIMIT {
        let cut = (0..=LIMIT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let rest = text.len() - cut;
        text.truncate(cut);
        text.push_str(&format!("\n… and {rest} bytes more"));
    }
    text
}
