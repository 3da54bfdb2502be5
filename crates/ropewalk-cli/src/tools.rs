//! Which tools `--tools` names.

use std::collections::BTreeSet;

/// What `--tools` names, each once.
pub(crate) fn chosen(names: &[String]) -> Vec<String> {
    let mut chosen: Vec<String> = Vec::new();
    for name in names.iter().map(|name| name.trim()) {
        if !matches!(name, "" | "none") && !chosen.iter().any(|other| other == name) {
            chosen.push(name.to_owned());
        }
    }
    chosen
}

/// The names of all tools that ship.
pub(crate) fn shipped() -> Vec<String> {
    ropewalk_tools::names().into_iter().map(str::to_owned).collect()
}

/// Those of the chosen tools that may run without asking: shipped ones that do no harm. What else there
/// is are programs, which may do anything. A name is taken once: no program can have one of these.
pub(crate) fn unasked(chosen: &[String]) -> BTreeSet<String> {
    let shipped = ropewalk_tools::names();
    let harmless =
        |name: &&String| shipped.contains(&name.as_str()) && !ropewalk_tools::asks_first(name);
    chosen.iter().filter(harmless).cloned().collect()
}
