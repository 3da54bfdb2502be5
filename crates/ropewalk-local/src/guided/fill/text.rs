//! Arguments that are texts: copied from the request, or written as the examples show.

use ropewalk_core::ToolSpec;
use serde_json::{Value, json};

use super::super::argument::{Argument, NONE, arguments, keys};
use super::super::arithmetic;
use super::super::candidates::{Span, is_dangling, spans};
use super::super::constrained::write_line;
use super::super::schema::{fits_length, pattern, types};
use super::Filler;
use crate::error::Result;

/// Letters of a value that is a name rather than a sentence.
const SHORT: usize = 16;

impl Filler<'_> {
    pub(super) fn text(
        &mut self,
        tool: &ToolSpec,
        argument: &Argument<'_>,
    ) -> Result<Option<Value>> {
        let pattern = pattern(argument.schema);
        let fits = |text: &str| {
            pattern.as_ref().is_none_or(|p| p.is_match(text).unwrap_or(false))
                && fits_length(argument.schema, text)
        };
        if argument.shape.arithmetic {
            let mut found = arithmetic::expressions(self.line);
            found.retain(|expression| fits(expression));
            if let [only] = &found[..] {
                return Ok(Some(json!(only)));
            }
            if !found.is_empty() {
                let chosen = self.pick(argument.key, found.clone(), false)?;
                return Ok(chosen.and_then(|i| found.get(i)).map(|text| json!(text)));
            }
        }
        let derived = argument.shape.given > 0 && argument.shape.copied == 0;
        if derived && !argument.shape.arithmetic {
            return self.derived(tool, argument, &fits);
        }
        let found = self.spans(tool, argument, &fits);
        if found.is_empty() {
            return if argument.required { self.derived(tool, argument, &fits) } else { Ok(None) };
        }
        let texts = found.iter().map(|span| span.text.clone()).collect();
        let optional = !argument.required;
        let Some(chosen) = self.pick(argument.key, texts, optional)? else {
            return if optional { Ok(None) } else { self.derived(tool, argument, &fits) };
        };
        let span = &found[chosen];
        self.used.push((span.start, span.end));
        let text = if argument.shape.lower { span.text.to_lowercase() } else { span.text.clone() };
        Ok(Some(json!(text)))
    }

    /// Pieces of the request that may be this argument: free, allowed, and if there are such, of the look that
    /// the examples have.
    fn spans(
        &self,
        tool: &ToolSpec,
        argument: &Argument<'_>,
        fits: &dyn Fn(&str) -> bool,
    ) -> Vec<Span> {
        let used = &self.used;
        let mut found = spans(self.line);
        found.retain(|s| !used.iter().any(|(start, end)| s.start < *end && s.end > *start));
        found.retain(|span| fits(&span.text));
        // Half of what stands in quotation marks is no value.
        found.retain(|span| span.text.matches('"').count() % 2 == 0);
        if !argument.required {
            // Words that say which tool is meant are no value of an argument that may be absent; nor are those of an
            // example in which it is.
            let without = tool.examples.iter().filter(|e| e.input.get(argument.key).is_none());
            let without: Vec<&str> = without.map(|e| e.request.as_str()).collect();
            let (name, description) = (&tool.name, &tool.description);
            let about =
                format!("{name} {description} {} {}", keys(tool), without.join(" ")).to_lowercase();
            let about: Vec<&str> = about.split(|c: char| !c.is_alphanumeric()).collect();
            let telling = |word: &str| {
                let word = word.to_lowercase();
                let word = word.trim_matches(|c: char| !c.is_alphanumeric());
                is_dangling(word)
                    || about.iter().any(|a| {
                        a.len() > 2
                            && (a.starts_with(word) || word.starts_with(a))
                            && word.len() > 2
                    })
            };
            found.retain(|span| !span.text.split_whitespace().all(telling));
        }
        let narrow = |found: &mut Vec<Span>, keep: &dyn Fn(&Span) -> bool| {
            if found.iter().any(keep) {
                found.retain(keep);
            }
        };
        if argument.shape.is_marked() {
            narrow(&mut found, &|span| argument.shape.fits_loosely(&span.text));
            narrow(&mut found, &|span| argument.shape.fits(&span.text));
        } else {
            // Quotation marks go with the argument that has them in the examples, else with the longest text; one
            // that its marks tell, such as a path, needs none.
            let texts = arguments(tool);
            let free = |a: &&Argument<'_>| types(a.schema) == ["string"] && !a.shape.is_marked();
            let texts = || texts.iter().filter(free);
            let shown = texts().any(|a| a.shape.quoted);
            let longest = texts().map(|a| a.shape.length).max().unwrap_or(0);
            let takes =
                if shown { argument.shape.quoted } else { argument.shape.length >= longest };
            narrow(&mut found, &|span| span.quoted == takes);
            let (edges, line) = (&argument.shape.edges, self.line);
            narrow(&mut found, &|s| {
                s.quoted || edges.fit(argument.key, &line[..s.start], &s.text, &line[s.end..])
            });
            narrow(&mut found, &|s| s.quoted || edges.closes(&line[s.end..]));
            // "…, please" is no part of a short value.
            let tail = courtesy(line);
            if argument.shape.length <= SHORT {
                narrow(&mut found, &|s| s.quoted || s.end <= tail);
            }
            let follows = |s: &Span| argument.shape.follows(&line[..s.start]);
            if !found.iter().any(|span| span.quoted) && found.iter().any(follows) {
                found.retain(follows);
                if argument.shape.reaches_end() {
                    narrow(&mut found, &|s| is_end(&line[s.end..tail.max(s.end)]));
                }
            }
        }
        found
    }

    /// A text that is not in the request: the model writes it as the examples show.
    fn derived(
        &mut self,
        tool: &ToolSpec,
        argument: &Argument<'_>,
        fits: &dyn Fn(&str) -> bool,
    ) -> Result<Option<Value>> {
        let (engine, line) = (self.engine, self.line);
        let session = self.ask(argument.key)?;
        let before = session.clone();
        let mut text = write_line(engine, session, 48, &[])?;
        // A value of an example that this request has nothing in common with is only parroted.
        if parroted(tool, argument.key, &text, line) {
            let values = tool.examples.iter().filter_map(|e| e.input.get(argument.key)?.as_str());
            let starts: Vec<String> = values.map(|v| v.chars().take(3).collect()).collect();
            *session = before;
            text = write_line(engine, session, 48, &starts)?;
        }
        let absent = text.is_empty() || (text == NONE && !argument.required);
        if absent && !argument.required {
            return Ok(None);
        }
        if fits(&text) {
            return Ok(Some(json!(text)));
        }
        if argument.required { self.any(argument) } else { Ok(None) }
    }
}

/// Whether a value is that of an example whose telling words don't occur in the request.
fn parroted(tool: &ToolSpec, key: &str, text: &str, request: &str) -> bool {
    let lower = request.to_lowercase();
    let from =
        tool.examples.iter().find(|e| e.input.get(key).and_then(Value::as_str) == Some(text));
    from.is_some_and(|example| {
        let said = example.request.to_lowercase();
        let parts = text.to_lowercase();
        // Words of the value that the example's request says: "Tokyo" in "Asia/Tokyo".
        let mut telling = parts
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.len() > 2 && said.contains(*word))
            .peekable();
        telling.peek().is_some() && telling.all(|word| !lower.contains(word))
    })
}

/// Where the words at the end of a request begin that only make it polite or urgent.
fn courtesy(line: &str) -> usize {
    const WORDS: [&str; 5] = ["please", "right now", "now", "for me", "thanks"];
    let mut end = line.len();
    loop {
        let rest = line[..end].trim_end_matches(|c: char| !c.is_alphanumeric());
        let cut = WORDS.iter().find_map(|word| {
            let start = rest.len().checked_sub(word.len())?;
            let same = rest.get(start..)?.eq_ignore_ascii_case(word);
            (same && rest[..start].ends_with([' ', ','])).then_some(start)
        });
        match cut {
            Some(start) => end = start,
            None => return end,
        }
    }
}

/// Whether nothing follows but marks and a "please".
fn is_end(rest: &str) -> bool {
    let rest = rest.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    rest.is_empty() || rest == "please"
}
