//! The token by which an invocation is known when it is asked for again.

use serde_json::Value;

use super::Driver;
use crate::error::{Error, ErrorKind};
use crate::interrupt::input_hash;
use crate::message::{Message, Prompt, Role};
use crate::run::{Fate, Record};
use crate::view::AgentResult;

/// The token of an invocation, with what it was given for.
pub(super) struct Token {
    token: String,
    prompt: String,
}

/// What is to be done for a prompt that came with a token.
pub(super) enum Due {
    /// This: the prompt, or nothing but to go on with what it began.
    Ask(Prompt, Option<Token>),
    /// Nothing any more: it was done, and came to this.
    Done(Box<AgentResult>),
}

impl Driver<'_> {
    /// What is to be done for a prompt: one that came with a token that the run knows is not asked
    /// again.
    pub(super) fn due(&self, prompt: Prompt, token: Option<String>) -> Result<Due, Error> {
        let Some(token) = token else { return Ok(Due::Ask(prompt, None)) };
        let refuse = |text: String| Err(Error::new(ErrorKind::InvalidInput, text));
        if token.trim().is_empty() {
            return refuse("an idempotency token can't be blank: name it, or give none".to_owned());
        }
        let hash = prompt_hash(&prompt)?;
        let run = self.run();
        let Some(known) = run.tokened(&token) else {
            return Ok(Due::Ask(prompt, Some(Token { token, prompt: hash })));
        };
        // Its questions may be answered under its token, and `()` asks what became of it.
        let same = match &prompt {
            Prompt::Nothing | Prompt::Answers(_) => true,
            _ => known.prompt == hash,
        };
        if !same {
            return refuse(format!(
                "idempotency_token=<{token}> | was given for another prompt: use a new token for a new prompt"
            ));
        }
        match &known.fate {
            Fate::UnderWay { .. } => {
                // Answers that were given already are behind: what they began goes on.
                let answers = matches!(prompt, Prompt::Answers(_))
                    && known.prompt != hash
                    && !run.open_interrupts().is_empty();
                let prompt = if answers { prompt } else { Prompt::Nothing };
                // Noted again for the passes that may follow.
                let token = Token { token, prompt: known.prompt.clone() };
                Ok(Due::Ask(prompt, Some(token)))
            }
            Fate::Ended { outcome, state, output, spent } => {
                let mut result = AgentResult::new(
                    outcome.stop_reason.clone(),
                    outcome.message.clone(),
                    spent.usage,
                    spent.cycles,
                );
                result.state.clone_from(state);
                result.cost = (!self.blueprint.prices.is_empty()).then_some(spent.cost);
                if let Some(output) = output {
                    result.set_output(output.value.clone(), output.problem.clone());
                }
                Ok(Due::Done(Box::new(result)))
            }
            Fate::GivenUp => {
                let text = format!(
                    "idempotency_token=<{token}> | its invocation was given up before its end: use a new token to ask again"
                );
                Err(Error::new(ErrorKind::Cancelled, text))
            }
        }
    }

    /// The record that the invocation under way has the token, unless the run knows it.
    pub(super) fn token_record(&self) -> Option<Record> {
        let Token { token, prompt } = self.token.as_ref()?;
        let run = self.run();
        let known = run.tokened(token).map(|tokened| &tokened.fate);
        let noted = matches!(known, Some(Fate::UnderWay { .. }));
        let record = Record::TokenGiven { token: token.clone(), prompt: prompt.clone() };
        (!noted).then_some(record)
    }

    /// Notes the token for an invocation that goes on, and had none of this name before.
    pub(super) async fn note_token(&self) -> Result<(), Error> {
        match self.token_record().filter(|_| !self.run().is_idle()) {
            Some(record) => self.commit(record).await,
            None => Ok(()),
        }
    }
}

/// What tells one prompt from another.
fn prompt_hash(prompt: &Prompt) -> Result<String, Error> {
    let asked = match prompt {
        Prompt::Nothing => Ok(Value::Null),
        Prompt::Text(text) => serde_json::to_value([Message::user(text)]),
        Prompt::Blocks(blocks) => serde_json::to_value([Message::new(Role::User, blocks.clone())]),
        Prompt::Messages(messages) => serde_json::to_value(messages),
        Prompt::Answers(answers) => serde_json::to_value(answers),
    };
    asked.map(|asked| input_hash(&asked)).map_err(|error| {
        let text = format!("the prompt can't be stored: {error}");
        Error::new(ErrorKind::InvalidInput, text).with_source(error)
    })
}
