//! Filling the arguments of the chosen tool.
//!
//! The tool's examples are shown as requests with their arguments, one on a line; the request follows, and each
//! argument is written by the model under what its schema allows. The JSON is then built here, so that it always
//! is JSON, and always fits.

mod text;

use std::collections::{HashMap, HashSet};

use ropewalk_core::ToolSpec;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::argument::{Argument, NONE, arguments, examples, in_a_line};
use super::constrained::write_one;
use super::schema::{as_number, enumerated, types, within};
use super::{choices, numbers};
use crate::engine::{Engine, Sampling, Session};
use crate::error::Result;

/// The arguments for a request.
pub(super) fn fill(
    engine: &Engine,
    request: &str,
    tool: &ToolSpec,
    cancel: &CancellationToken,
) -> Result<Value> {
    let arguments = arguments(tool);
    let mut input = Map::new();
    if arguments.is_empty() {
        return Ok(Value::Object(input));
    }
    let shown: Vec<&Argument<'_>> = arguments.iter().filter(|a| a.is_asked(request)).collect();
    let mut prompt = engine.begin(&examples(tool, &shown));
    let line = request.split_whitespace().collect::<Vec<_>>().join(" ");
    prompt.extend(engine.vocabulary.encode(&format!("Request: {line}\n")));
    let mut filler =
        Filler { engine, session: None, prompt, request, line: &line, used: Vec::new(), cancel };
    let settled = filler.together(tool, &shown)?;
    for argument in shown {
        if let Some((number, text)) = settled.get(argument.key) {
            filler.say(argument.key, text)?;
            input.insert(argument.key.to_owned(), number.clone());
        } else if let Some(value) = filler.argument(tool, argument)? {
            input.insert(argument.key.to_owned(), value);
        }
    }
    Ok(Value::Object(input))
}

/// Arguments that are settled: their values, and as they are written.
type Settled = HashMap<String, (Value, String)>;

struct Filler<'a> {
    engine: &'a Engine,
    session: Option<Session<'a>>,
    prompt: Vec<u32>,
    request: &'a str,
    /// The request on one line.
    line: &'a str,
    /// Pieces of the line that are the value of an argument already.
    used: Vec<(usize, usize)>,
    cancel: &'a CancellationToken,
}

impl<'a> Filler<'a> {
    /// The session behind `key:`.
    fn ask(&mut self, key: &str) -> Result<&mut Session<'a>> {
        let question = self.engine.vocabulary.encode(&format!("{key}:"));
        let session = match self.session.take() {
            Some(mut session) => {
                session.push(&question)?;
                session
            }
            None => {
                self.prompt.extend(question);
                Session::open(self.engine, &self.prompt, self.cancel)?
            }
        };
        Ok(self.session.insert(session))
    }

    /// Lets the model take one of the texts; with `optional`, it may take none.
    fn pick(&mut self, key: &str, mut texts: Vec<String>, optional: bool) -> Result<Option<usize>> {
        let count = texts.len();
        if optional {
            texts.push(NONE.to_owned());
        }
        let session = self.ask(key)?;
        Ok(write_one(session, &texts)?.filter(|chosen| *chosen < count))
    }

    /// Writes an argument that is settled.
    fn say(&mut self, key: &str, text: &str) -> Result<()> {
        let line = self.engine.vocabulary.encode(&format!(" {text}\n"));
        self.ask(key)?.push(&line)
    }

    /// Several required numbers and choices are settled together: which is which is seen from all of them at once.
    fn together(&mut self, tool: &ToolSpec, shown: &[&Argument<'_>]) -> Result<Settled> {
        let wanted: Vec<&Argument<'_>> = shown
            .iter()
            .copied()
            .take_while(|a| a.required && choices::is_choice(a.schema))
            .collect();
        let combinations = choices::combinations(tool, &wanted, self.line);
        if wanted.len() < 2 || combinations.is_empty() {
            return Ok(Settled::new());
        }
        let lines: Vec<Vec<u32>> = combinations
            .iter()
            .map(|chosen| {
                let line =
                    |(a, c): (&&Argument<'_>, &choices::Choice)| format!("{}: {}\n", a.key, c.text);
                let text: String = wanted.iter().zip(chosen).map(line).collect();
                self.engine.vocabulary.encode(&text)
            })
            .collect();
        let pairs: Vec<_> = lines.iter().map(|l| (self.prompt.as_slice(), l.as_slice())).collect();
        let scores = self.engine.score(&pairs, self.cancel)?;
        let total = |score: &Vec<f64>| score.iter().sum::<f64>();
        let best =
            combinations.iter().zip(&scores).max_by(|a, b| total(a.1).total_cmp(&total(b.1)));
        let Some((chosen, _)) = best else { return Ok(Settled::new()) };
        let settled = wanted.iter().zip(chosen);
        Ok(settled.map(|(a, c)| (a.key.to_owned(), (c.value.clone(), c.text.clone()))).collect())
    }

    fn argument(&mut self, tool: &ToolSpec, argument: &Argument<'_>) -> Result<Option<Value>> {
        let schema = argument.schema;
        if let Some(only) = schema.get("const") {
            return Ok(Some(only.clone()));
        }
        if let Some(values) = enumerated(schema) {
            return self.one_of(argument, &values);
        }
        let types = types(schema);
        match types[..] {
            ["boolean"] => self.one_of(argument, &choices::booleans(tool, argument, self.line)),
            ["integer"] | ["number"] => self.number(tool, argument, types[0] == "integer"),
            ["string"] => self.text(tool, argument),
            _ => self.any(argument),
        }
    }

    fn one_of(&mut self, argument: &Argument<'_>, values: &[Value]) -> Result<Option<Value>> {
        let texts = values.iter().map(in_a_line).collect();
        let chosen = self.pick(argument.key, texts, !argument.required)?;
        let fallback = || argument.required.then(|| values.first().cloned()).flatten();
        Ok(chosen.and_then(|i| values.get(i).cloned()).or_else(fallback))
    }

    fn number(
        &mut self,
        tool: &ToolSpec,
        argument: &Argument<'_>,
        integer: bool,
    ) -> Result<Option<Value>> {
        let schema = argument.schema;
        let used = &self.used;
        let all = numbers::find_counts(self.line);
        let fits = |number: &&numbers::Number| {
            let free = !used.iter().any(|(start, end)| number.start < *end && number.end > *start);
            let value = number.value();
            free && value.is_some_and(|v| within(schema, v) && (!integer || v.fract() == 0.0))
        };
        let mut found: Vec<&numbers::Number> = all.iter().filter(fits).collect();
        let mut seen = HashSet::new();
        found.retain(|number| seen.insert(number.text.clone()));
        let mut texts: Vec<String> = found.iter().map(|n| n.text.clone()).collect();
        if texts.is_empty() {
            if !argument.required {
                return Ok(None);
            }
            if let Some(default) = schema.get("default").filter(|d| d.is_number()) {
                return Ok(Some(default.clone()));
            }
            // The examples' numbers are better than none.
            let shown = tool.examples.iter().filter_map(|e| e.input.get(argument.key));
            texts = shown.filter(|v| v.is_number()).map(Value::to_string).collect();
            if texts.is_empty() {
                return self.any(argument);
            }
        }
        let Some(chosen) = self.pick(argument.key, texts.clone(), !argument.required)? else {
            return Ok(None);
        };
        if let Some(number) = found.get(chosen) {
            self.used.push((number.start, number.end));
        }
        Ok(texts.get(chosen).and_then(|text| as_number(text, integer)))
    }

    /// Anything else: JSON under a grammar made of the schema.
    fn any(&mut self, argument: &Argument<'_>) -> Result<Option<Value>> {
        if !argument.required && argument.shape.given == 0 {
            return Ok(None);
        }
        let engine = self.engine;
        let mut grammar = engine.grammars()?.json(argument.schema, argument.key)?;
        let session = self.ask(&format!("{} (JSON)", argument.key))?;
        session.push(&engine.vocabulary.encode(" "))?;
        let mut text = String::new();
        let sampling = Sampling::greedy().with_max_tokens(256);
        session.write_grammar(&mut grammar, &sampling, |piece| {
            text.push_str(piece);
            true
        })?;
        session.push(&engine.vocabulary.encode("\n"))?;
        tracing::debug!(request = self.request, text, "filled under a grammar");
        Ok(serde_json::from_str(&text).ok())
    }
}
