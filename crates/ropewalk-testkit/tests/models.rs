//! The conformance kit for models: a good one passes, and each rule can be broken.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use ropewalk_core::{
    ContentBlock, ErrorKind, Message, ReasoningContent, ReasoningText, Role, StopReason, ToolUse,
    Usage,
};
use ropewalk_testkit::conformance::{self, Case, Models, conversations};
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

/// A model that answers as it should, but for one case, in which it answers as in another.
struct Scripted {
    wrong: Option<(Case, Reply)>,
}

impl Models for Scripted {
    type Model = ScriptedModel;

    async fn answering(&self, case: Case) -> Option<ScriptedModel> {
        let reply = match &self.wrong {
            Some((wrong, reply)) if *wrong == case => reply.clone(),
            _ => good(case)?,
        };
        Some(ScriptedModel::new((0..100).map(|_| reply.clone())))
    }
}

fn good(case: Case) -> Option<Reply> {
    let text =
        || Reply::text(Case::TEXT).using(Usage::new(Case::INPUT_TOKENS, Case::OUTPUT_TOKENS));
    let look = |id: &str, place: &str, times: u32| {
        ContentBlock::ToolUse(ToolUse::new(id, "look", json!({"place": place, "times": times})))
    };
    let said = |blocks: Vec<ContentBlock>| Reply::message(Message::new(Role::Assistant, blocks));
    let failing = |kind| Reply::error(kind, "no");
    Some(match case {
        Case::Text => text(),
        Case::Reasoning => {
            let thought = ReasoningText { text: Case::THOUGHT.into(), ..ReasoningText::default() };
            let thought = ContentBlock::ReasoningContent(ReasoningContent::ReasoningText(thought));
            said(vec![thought, Case::TEXT.into()])
        }
        Case::ToolCall => said(vec![Case::TEXT.into(), look("t1", "Säntis", 3)]),
        Case::ToolCalls => said(vec![look("t1", "Säntis", 1), look("t2", "Eiger", 2)]),
        Case::MalformedArguments => Reply::raw_tool("look", "{\"place\": \"Sän"),
        Case::MaxTokens => text().stopping_with(StopReason::MaxTokens),
        Case::BreaksOff | Case::FailsMidway => {
            text().failing_after(3, ErrorKind::Unavailable, "the line is dead")
        }
        Case::OnlyAlive => failing(ErrorKind::Timeout),
        Case::Hangs => text().silent_after(3),
        Case::Throttled => failing(ErrorKind::Throttled).retry_after(Case::RETRY_AFTER),
        Case::TooLong => failing(ErrorKind::ContextOverflow),
        Case::Unauthorized => failing(ErrorKind::Authentication),
        Case::Rejected => failing(ErrorKind::InvalidRequest),
        Case::Unavailable => failing(ErrorKind::Unavailable),
        _ => return None,
    })
}

#[test]
fn a_good_model_keeps_all_rules() {
    futures_executor::block_on(conformance::model(&Scripted { wrong: None })).unwrap();
}

#[test]
fn each_case_answered_wrong_breaks_a_rule() {
    let text = || Reply::text("Something else.");
    for case in Case::ALL {
        let wrong = match case {
            // Nothing comes before the silence.
            Case::Hangs => text().failing_after(0, ErrorKind::Other, "no"),
            Case::Throttled => Reply::error(ErrorKind::Throttled, "no").retry_after(Duration::ZERO),
            _ => text(),
        };
        let kit = Scripted { wrong: Some((case, wrong)) };
        let broken =
            futures_executor::block_on(conformance::model(&kit)).expect_err(&format!("{case:?}"));
        assert!(broken.rules().count() > 0);
    }
}

#[test]
fn a_stream_that_only_ends_is_no_answer() {
    let kit =
        Scripted { wrong: Some((Case::BreaksOff, Reply::text(Case::TEXT).breaking_off_after(3))) };
    let broken = futures_executor::block_on(conformance::model(&kit)).unwrap_err();
    let rule = "an answer that broke off is an error that may be tried again";
    assert_eq!(broken.rules().collect::<Vec<_>>(), [rule]);
}

/// The kit leaves out none of its conversations because it could not be read.
#[test]
fn all_conversations_of_the_kit_are_valid() {
    assert_eq!(conversations().len(), 15);
}
