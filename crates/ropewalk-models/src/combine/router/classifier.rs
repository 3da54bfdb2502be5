//! A model that chooses.

use std::sync::Arc;

use futures_util::StreamExt as _;
use ropewalk_core::{
    Error, ErrorKind, Message, MessageAssembler, Model, ModelRequest, Role, Transcript, Usage,
};

use super::Route;

/// As many characters of what was asked are shown, of its beginning and of its end: of which kind a question is, less
/// than all of it tells.
const SHOWN: usize = 2_000;

/// Asks a model for the route of a request. The first one is taken if it gives none.
///
/// # Errors
/// There are no routes.
pub(super) async fn choose<'a>(
    model: &Arc<dyn Model>,
    routes: &'a [Route],
    request: &ModelRequest,
) -> Result<(&'a Route, Usage), Error> {
    let Some(first) = routes.first() else {
        return Err(Error::new(ErrorKind::InvalidInput, "the router has no routes"));
    };
    let mut spent = Usage::default();
    let problem = match ask(model, question(routes, request)?, &mut spent).await {
        Ok(said) => match named(routes, &said) {
            Some(route) => return Ok((route, spent)),
            None => "it named no route".to_owned(),
        },
        Err(error) => error.report(),
    };
    tracing::warn!(model = model.id(), "the route `{}` is taken: {problem}", first.name);
    Ok((first, spent))
}

fn question(routes: &[Route], request: &ModelRequest) -> Result<ModelRequest, Error> {
    let mut system = String::from("Requests go to one of these routes:\n");
    for Route { name, purpose, .. } in routes {
        let purpose = purpose.as_deref().unwrap_or("no description");
        system.push_str(&format!("- {name}: {purpose}\n"));
    }
    system.push_str(
        "Do not answer the request. Say the name of the route that suits it, and nothing else.",
    );
    let users = request.messages.iter().rev().filter(|message| message.role == Role::User);
    let asked = users.map(|message| message.text()).find(|text| !text.is_empty());
    let message = Message::user(shortened(asked.unwrap_or_default()));
    let messages = Transcript::from_messages([message]).map_err(|error| {
        Error::new(ErrorKind::InvalidInput, error.to_string()).with_source(error)
    })?;
    let mut question = ModelRequest::new(messages).with_system(system);
    question.cancel = request.cancel.child_token();
    Ok(question)
}

async fn ask(
    model: &Arc<dyn Model>,
    question: ModelRequest,
    spent: &mut Usage,
) -> Result<String, Error> {
    // What runs apart from the stream ends with it.
    let _stop = question.cancel.clone().drop_guard();
    let mut assembler = MessageAssembler::new();
    let mut answer = model.stream(question);
    while let Some(chunk) = answer.next().await {
        assembler.push(&chunk?);
        *spent = assembler.usage();
    }
    assembler.finish().map(|turn| turn.message.text())
}

/// The route that an answer names: alone, or as the only one of them in a sentence.
fn named<'a>(routes: &'a [Route], said: &str) -> Option<&'a Route> {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-');
    let alone = said.trim_matches(|character| !is_part(character));
    let exact = routes.iter().find(|route| route.name.eq_ignore_ascii_case(alone));
    exact.or_else(|| {
        let words: Vec<&str> = said.split(|character| !is_part(character)).collect();
        let is_said =
            |route: &&Route| words.iter().any(|word| route.name.eq_ignore_ascii_case(word));
        let mut all = routes.iter().filter(is_said);
        all.next().filter(|_| all.next().is_none())
    })
}

fn shortened(text: String) -> String {
    let count = text.chars().count();
    if count <= 2 * SHOWN {
        return text;
    }
    let beginning: String = text.chars().take(SHOWN).collect();
    let end: String = text.chars().skip(count - SHOWN).collect();
    format!("{beginning}\n[…]\n{end}")
}
