//! The chat template that comes with a model.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{Environment, Error, ErrorKind, context};
use serde_json::json;

use crate::error::{LocalError, Result};
use crate::gguf::Gguf;
use crate::vocabulary::Vocabulary;

/// A compiled template.
#[derive(Debug)]
pub(crate) struct ChatTemplate {
    environment: Environment<'static>,
    source: String,
    model: String,
    bos: String,
    eos: String,
}

/// For a file without a template of its own.
const CHAT_ML: &str = "{% for message in messages %}<|im_start|>{{ message.role }}\n\
    {{ message.content }}<|im_end|>\n{% endfor %}\
    {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

impl ChatTemplate {
    pub(crate) fn read(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<Self> {
        let meta = &gguf.metadata;
        let model = meta.string("general.name").unwrap_or("the model");
        let source = meta.string("tokenizer.chat_template").unwrap_or(CHAT_ML);
        Self::compile(source, model, vocabulary)
    }

    pub(crate) fn compile(source: &str, model: &str, vocabulary: &Vocabulary) -> Result<Self> {
        let (source, model) = (source.to_owned(), model.to_owned());
        let failed = |e: Error| LocalError::Template { model: model.clone(), what: e.to_string() };
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(&failed)?);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", raise_exception);
        environment.add_function("strftime_now", strftime_now);
        environment.add_filter("tojson", tojson);
        environment.add_template_owned("chat", source.clone()).map_err(failed)?;
        let (bos, eos) = (vocabulary.name(vocabulary.bos), vocabulary.name(Some(vocabulary.eos)));
        Ok(Self { environment, source, model, bos, eos })
    }

    /// Whether the template has a way of its own to show tools to the model.
    pub(crate) fn knows_tools(&self) -> bool {
        self.source.contains("tool_call") || self.source.contains("tools")
    }

    /// Whether the model marks a call with `<tool_call>`.
    pub(crate) fn marks_tool_calls(&self) -> bool {
        self.source.contains("<tool_call>")
    }

    /// Whether calls give their arguments as `parameters`.
    pub(crate) fn says_parameters(&self) -> bool {
        self.source.contains("\"parameters\"") && !self.source.contains("\"arguments\"")
    }

    /// Renders messages (and tools) up to where the model's turn begins.
    pub(crate) fn render(
        &self,
        messages: &[serde_json::Value],
        tools: &[serde_json::Value],
    ) -> Result<String> {
        let failed = |e: Error| {
            let what = e.detail().map_or_else(|| e.to_string(), ToOwned::to_owned);
            LocalError::Template { model: self.model.clone(), what }
        };
        let tools = if tools.is_empty() { json!(null) } else { json!(tools) };
        let template = self.environment.get_template("chat").map_err(failed)?;
        template
            .render(context! {
                messages => Serde(messages),
                tools => Serde(&tools),
                bos_token => self.bos.as_str(),
                eos_token => self.eos.as_str(),
                add_generation_prompt => true,
                enable_thinking => false,
            })
            .map_err(failed)
    }
}

fn raise_exception(message: String) -> Result<String, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// The date or time that it is here now, in a format of C's `strftime`: templates tell the model which day it is.
fn strftime_now(format: String) -> Result<String, Error> {
    jiff::fmt::strtime::format(&format, &jiff::Zoned::now()).map_err(|e| {
        Error::new(ErrorKind::InvalidOperation, format!("strftime_now(\"{format}\"): {e}"))
    })
}

/// JSON without the HTML escapes of the built-in filter.
fn tojson(value: Value, options: Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = options.get("indent")?;
    options.assert_all_used().or_else(|_| {
        let _ = options.get::<Option<bool>>("ensure_ascii")?;
        options.assert_all_used()
    })?;
    let bad = |e: serde_json::Error| Error::new(ErrorKind::BadSerialization, e.to_string());
    let text = match indent {
        Some(_) => serde_json::to_string_pretty(&value).map_err(bad)?,
        None => spaced(&serde_json::to_value(&value).map_err(bad)?),
    };
    Ok(Value::from_safe_string(text))
}

/// JSON on one line with a space after commas and colons, as models saw it in training.
pub(crate) fn spaced(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Array(all) => {
            format!("[{}]", all.iter().map(spaced).collect::<Vec<_>>().join(", "))
        }
        serde_json::Value::Object(all) => {
            let pair = |(key, value): (&String, &serde_json::Value)| {
                format!("{}: {}", json!(key), spaced(value))
            };
            format!("{{{}}}", all.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
