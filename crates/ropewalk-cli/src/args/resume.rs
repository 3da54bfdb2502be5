//! The command line that goes on with a session.

use super::Options;

impl Options {
    /// The command that goes on with a session as this one would: with the same model, tools and
    /// system prompt. What the environment says is left out, because it says so next time too.
    pub(crate) fn resume_command(&self, name: &str) -> String {
        let given = |variable: &str, value: &str| std::env::var(variable).as_deref() == Ok(value);
        let mut words = vec!["ropewalk".to_owned()];
        let mut add = |option: &str, value: &str| words.extend([option.to_owned(), quoted(value)]);
        if let Some(file) = &self.config {
            add("--config", &file.display().to_string());
        }
        if let Some(model) = self.model.as_ref().filter(|model| !given("ROPEWALK_MODEL", model)) {
            add("--model", model);
        }
        if let Some(folder) = self.sessions.as_ref().map(|folder| folder.display().to_string())
            && !given("ROPEWALK_SESSIONS", &folder)
        {
            add("--sessions", &folder);
        }
        if let Some(system) = &self.system {
            add("--system", system);
        }
        if let Some(tools) = &self.tools {
            add("--tools", &tools.join(","));
        }
        if let Some(folder) = &self.tools_dir {
            add("--tools-dir", &folder.display().to_string());
        }
        words.extend(["resume".to_owned(), name.to_owned()]);
        words.join(" ")
    }
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
