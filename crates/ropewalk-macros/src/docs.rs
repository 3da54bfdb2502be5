//! What a doc comment says: the description, and the parameters under `# Arguments`.

use proc_macro2::Span;
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// A doc comment, taken apart.
#[derive(Default)]
pub(crate) struct Docs {
    /// All but the `# Arguments` section.
    pub(crate) description: String,
    /// The entries of that section.
    pub(crate) arguments: Vec<Argument>,
}

/// What is said of one parameter.
pub(crate) struct Argument {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Docs {
    pub(crate) fn of(attributes: &[Attribute]) -> Self {
        let mut docs = Self::default();
        let (mut body, mut in_arguments, mut in_code) = (Vec::new(), false, false);
        for (line, span) in lines(attributes) {
            let trimmed = line.trim();
            in_code ^= trimmed.starts_with("```");
            if trimmed.starts_with('#') && !in_code {
                in_arguments = is_arguments_heading(trimmed);
                if in_arguments {
                    continue;
                }
            }
            if !in_arguments {
                body.push(line);
            } else if let Some((name, text)) = entry(trimmed) {
                docs.arguments.push(Argument { name, text, span });
            } else if let Some(last) = docs.arguments.last_mut().filter(|_| !trimmed.is_empty()) {
                last.text.push(' ');
                last.text.push_str(trimmed);
            }
        }
        docs.description = flow(&body);
        docs
    }
}

/// The text of a doc comment on a parameter; none if there is no such comment.
pub(crate) fn text_of(attributes: &[Attribute]) -> Option<String> {
    let lines: Vec<String> = lines(attributes).map(|(line, _)| line).collect();
    Some(flow(&lines)).filter(|text| !text.is_empty())
}

/// The lines of all doc comments, without the blank that follows the slashes.
fn lines(attributes: &[Attribute]) -> impl Iterator<Item = (String, Span)> {
    attributes.iter().filter_map(literal).flat_map(|literal| {
        let (text, span) = (literal.value(), literal.span());
        let strip = |line: &str| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned();
        text.split('\n').map(|line| (strip(line), span)).collect::<Vec<_>>()
    })
}

fn literal(attribute: &Attribute) -> Option<&syn::LitStr> {
    match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn is_arguments_heading(line: &str) -> bool {
    let title = line.trim_start_matches('#').trim().trim_end_matches(':').to_ascii_lowercase();
    matches!(title.as_str(), "args" | "arguments" | "params" | "parameters")
}

/// Takes ``* `name` - text`` apart; the dash may be a colon or longer, the quotes may be left out.
fn entry(line: &str) -> Option<(String, String)> {
    let rest = line.strip_prefix("* ").or_else(|| line.strip_prefix("- "))?.trim_start();
    let (name, rest) = match rest.strip_prefix('`') {
        Some(rest) => rest.split_once('`')?,
        None => rest.split_at(rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))?),
    };
    let text = rest.trim_start().trim_start_matches(['-', ':', '–', '—']).trim();
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_name.then(|| (name.to_owned(), text.to_owned()))
}

/// Joins the lines of a paragraph, because where a comment is wrapped says nothing to a model.
/// Lists, headings, tables and code keep their lines.
fn flow(lines: &[String]) -> String {
    let (mut text, mut in_code, mut joinable) = (String::new(), false, false);
    for line in lines {
        let fence = line.trim().starts_with("```");
        let own_line = in_code
            || fence
            || line.trim().is_empty()
            || line.starts_with(['#', '*', '-', '+', '|', '>', ' ', '\t'])
            || line.starts_with(|c: char| c.is_ascii_digit());
        if !text.is_empty() {
            text.push(if joinable && !own_line { ' ' } else { '\n' });
        }
        text.push_str(line);
        in_code ^= fence;
        joinable = !in_code && !fence && !line.trim().is_empty() && !line.starts_with(['#', '|']);
    }
    text.trim().to_owned()
}
