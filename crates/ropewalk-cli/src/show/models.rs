//! Models and who offers them, for people and programs.

use std::io::{self, Write as _};

use ropewalk::Provider;
use ropewalk::models::ModelInfo;
use serde_json::json;

use super::plain::one_line;
use super::style;
use crate::providers::State;

/// The embedded model, in one line.
pub(crate) fn embedded(as_json: bool) -> io::Result<()> {
    let can = "tools, JSON Schemas";
    if as_json {
        return line(&json!({"provider": "local", "state": "ready", "can": can}).to_string());
    }
    row("local", true, "in this program, fetched at its first use", can)
}

/// A provider, in one line.
pub(crate) fn provider(provider: Provider, state: &State, as_json: bool) -> io::Result<()> {
    if as_json {
        let models = match state {
            State::Ready(models) => Some(models.len()),
            _ => None,
        };
        let value = json!({
            "provider": provider.prefix(),
            "state": state.word(provider),
            "told": state.told(provider),
            "models": models,
            "can": provider.abilities(),
            "key_variable": provider.key_variable(),
            "url_variable": provider.url_variable(),
        });
        return line(&value.to_string());
    }
    let told = one_line(&state.told(provider), usize::MAX);
    row(provider.prefix(), state.is_usable(), &told, provider.abilities())
}

/// One model of a provider, in one line: its name as `--model` takes it.
pub(crate) fn model(provider: Provider, model: &ModelInfo, as_json: bool) -> io::Result<()> {
    let name = format!("{}:{}", provider.prefix(), model.id);
    if as_json {
        let value = json!({"model": name, "context_limit": model.context_limit});
        return line(&value.to_string());
    }
    let window = model.context_limit.map(|tokens| format!("  {tokens} tokens"));
    line(&format!("{}{}", one_line(&name, usize::MAX), window.unwrap_or_default()))
}

fn row(name: &str, is_usable: bool, told: &str, can: &str) -> io::Result<()> {
    let colour = if is_usable { style::ADDED } else { style::DIM };
    let (on, off) = (colour.render(), colour.render_reset());
    let (dim, end) = (style::DIM.render(), style::DIM.render_reset());
    line(&format!("{name:<17} {on}{told}{off}\n{:17} {dim}{can}{end}", ""))
}

fn line(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
