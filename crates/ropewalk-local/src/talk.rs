//! Answers without tools: conversation, and JSON that follows a schema.

use std::collections::HashMap;

use ropewalk_core::{ModelRequest, StopReason};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::conversation::chat;
use crate::emit::Emitter;
use crate::engine::{Ending, Engine, Sampling, Session};
use crate::error::Result;
use crate::template::spaced;

/// Tokens after which an answer ends with its sentence, and at which it ends at the latest, where no limit was set.
const ENOUGH: usize = 160;
const MOST: usize = 256;

/// Writes an answer, piece by piece. Without a limit of the caller's it is kept short.
pub(crate) fn talk(
    engine: &Engine,
    request: &ModelRequest,
    sampling: &Sampling,
    emitter: &mut Emitter,
    cancel: &CancellationToken,
) -> Result<StopReason> {
    let messages = chat(request, &engine.vocabulary, None, false);
    let prompt = engine.begin_chat(&engine.template.render(&messages, &[])?);
    let mut session = Session::open(engine, &prompt, cancel)?;
    let bounded = sampling.max_tokens.is_none();
    let sampling = sampling.clone().with_max_tokens(sampling.max_tokens.unwrap_or(MOST));
    let mut pace = Pace::default();
    let mut rounded = false;
    let ending = session.write(&sampling, |text| {
        let heard = emitter.text(text);
        rounded = bounded && pace.ends_with(text);
        heard && !rounded
    })?;
    session.keep();
    emitter.count(session.counts());
    match ending {
        Ending::Enough if rounded => Ok(StopReason::EndTurn),
        Ending::Length if bounded && session.counts().2 >= MOST => {
            emitter.text(" …");
            Ok(StopReason::EndTurn)
        }
        other => Ok(reason(other)),
    }
}

/// How long an answer is so far, and whether it says the same again and again.
#[derive(Debug, Default)]
struct Pace {
    pieces: usize,
    sentence: String,
    said: HashMap<String, usize>,
}

impl Pace {
    /// Takes the next piece; whether the answer is to end with it.
    fn ends_with(&mut self, piece: &str) -> bool {
        const TIMES: usize = 3;
        self.pieces += 1;
        self.sentence.push_str(piece);
        let end = |c: char| ".!?\n".contains(c);
        if !piece.trim_end_matches(['"', ')', '*']).ends_with(end) {
            return false;
        }
        let sentence = self.sentence.trim().to_lowercase();
        self.sentence.clear();
        if sentence.len() < 3 {
            return false;
        }
        // "1." only numbers what follows.
        let numbering = sentence.trim_end_matches('.').chars().all(|c| c.is_ascii_digit());
        let times = self.said.entry(sentence).or_default();
        *times += 1;
        !numbering && (self.pieces >= ENOUGH || *times >= TIMES)
    }
}

/// What the model is told when JSON is wanted.
pub(crate) fn instruction(schema: &Value) -> String {
    format!("Answer only with JSON that follows this schema: {}", spaced(schema))
}

/// Writes JSON that follows `schema`. `messages` are those of the chat, with the instruction in them.
pub(crate) fn structured(
    engine: &Engine,
    messages: &[Value],
    tools: &[Value],
    schema: &Value,
    sampling: &Sampling,
    emitter: &mut Emitter,
    cancel: &CancellationToken,
) -> Result<StopReason> {
    let mut grammar = engine.grammars()?.json(schema, "the output")?;
    let prompt = engine.begin_chat(&engine.template.render(messages, tools)?);
    let mut session = Session::open(engine, &prompt, cancel)?;
    let ending = session.write_grammar(&mut grammar, sampling, |text| emitter.text(text))?;
    session.keep();
    emitter.count(session.counts());
    Ok(reason(ending))
}

/// The core's word for why a text ended.
pub(crate) fn reason(ending: Ending) -> StopReason {
    match ending {
        Ending::Done => StopReason::EndTurn,
        Ending::Length => StopReason::MaxTokens,
        Ending::Enough => StopReason::Cancelled,
    }
}

#[cfg(test)]
mod tests {
    use super::{ENOUGH, Pace};

    #[test]
    fn answers_end_with_a_sentence_and_do_not_go_round() {
        let mut pace = Pace::default();
        assert!((0..ENOUGH).all(|_| !pace.ends_with(" word")));
        assert!(!pace.ends_with(" last") && pace.ends_with("."));

        let mut pace = Pace::default();
        let mut said = |piece| pace.ends_with(piece);
        assert!(!said("I can help.") && !said(" So it is.") && !said(" I can help."));
        assert!(!said(" It is good.") && said(" I can help."));

        let mut pace = Pace::default();
        assert!((0..9).all(|_| !pace.ends_with("1.")));
    }
}
