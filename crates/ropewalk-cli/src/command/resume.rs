//! `ropewalk resume NAME`: goes on with a session.

use ropewalk_core::{Interrupt, InterruptResponse, Prompt, Record};
use serde_json::Value;

use super::drive::Session;
use crate::args::Options;
use crate::exit::{Failure, Status};
use crate::interrupt_key::InterruptKey;
use crate::setup::{no_session, sessions, usage_if_input};
use crate::show;

/// Gives the answers of the command line, asks for those that are missing, and goes on.
pub(crate) async fn run(
    options: &Options,
    name: &str,
    answers: &[String],
    key: InterruptKey,
) -> Result<Status, Failure> {
    let kept = sessions(options).await?;
    if !kept.exists(name).await.map_err(usage_if_input)? {
        return Err(no_session(&kept, name).await);
    }
    let mut session = Session::open(options, Some(name), key).await?;
    let open = session.agent.interrupts();
    let answers = answers
        .iter()
        .map(|answer| parse(answer, &open))
        .collect::<Result<Vec<InterruptResponse>, Failure>>()?;
    if !answers.is_empty() {
        let record = Record::Answered { responses: answers.clone(), by: None };
        session.agent.run().check(&record).map_err(|error| Failure::usage(error.report()))?;
        return session.drive(Prompt::Answers(answers)).await;
    }
    if !session.agent.is_unfinished() {
        show::note(&format!("the session `{name}` has nothing open: there is nothing to resume"));
        return Ok(Status::Done);
    }
    session.finish_earlier(false).await
}

/// `ID=JSON`, where the id may be the question's number, from 1.
fn parse(answer: &str, open: &[Interrupt]) -> Result<InterruptResponse, Failure> {
    let Some((id, json)) = answer.split_once('=') else {
        return Err(Failure::usage(format!("--answer `{answer}` is not of the form ID=JSON")));
    };
    let response: Value = serde_json::from_str(json).map_err(|error| {
        Failure::usage(format!(
            "--answer `{answer}`: `{json}` is no JSON ({error}); use true, false or '\"always\"'"
        ))
    })?;
    let by_number = id.parse::<usize>().ok().and_then(|number| open.get(number.checked_sub(1)?));
    let known = by_number.or_else(|| open.iter().find(|question| question.id == id));
    match known {
        Some(question) => Ok(question.answer(response)),
        None if open.is_empty() => {
            Err(Failure::usage(format!("--answer `{answer}`: the session has no open question")))
        }
        None => {
            let ids: Vec<&str> = open.iter().map(|question| question.id.as_str()).collect();
            let ids = ids.join(", ");
            Err(Failure::usage(format!("--answer `{answer}`: no such question; open are: {ids}")))
        }
    }
}
