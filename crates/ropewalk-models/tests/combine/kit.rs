//! What every model must do, models made of models do too.

use std::time::Duration;

use ropewalk_core::{
    ContentBlock, ErrorKind, Message, Model, ReasoningContent, ReasoningText, Role, StopReason,
    ToolUse, Usage,
};
use ropewalk_models::{
    CachedModel, FallbackModel, RateLimit, RateLimitedModel, RoundRobinModel, RouterModel,
};
use ropewalk_testkit::conformance::{self, Case, Models};
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

/// Makes a model of one that answers as the case says.
struct Around<F>(F);

impl<M: Model, F: Fn(ScriptedModel) -> M> Models for Around<F> {
    type Model = M;

    async fn answering(&self, case: Case) -> Option<M> {
        let reply = reply(case)?;
        Some((self.0)(ScriptedModel::new(std::iter::repeat_n(reply, 100))))
    }
}

fn reply(case: Case) -> Option<Reply> {
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

#[tokio::test(start_paused = true)]
async fn all_of_them_keep_the_rules_for_models() {
    let limit = || {
        RateLimit::builder()
            .requests_per_minute(600)
            .tokens_per_minute(600_000)
            .longest_wait(Duration::ZERO)
            .build()
            .unwrap()
    };
    conformance::model(&Around(FallbackModel::new)).await.unwrap();
    let two = |model: ScriptedModel| FallbackModel::new(model.clone()).or(model);
    conformance::model(&Around(two)).await.unwrap();
    let two = |model: ScriptedModel| RoundRobinModel::new().with(model.clone()).with(model);
    conformance::model(&Around(two)).await.unwrap();
    let routed = |model| RouterModel::new(|_| "all").route("all", model);
    conformance::model(&Around(routed)).await.unwrap();
    conformance::model(&Around(CachedModel::new)).await.unwrap();
    let limited = |model| RateLimitedModel::new(model, &limit());
    conformance::model(&Around(limited)).await.unwrap();
    let all = |model: ScriptedModel| {
        let limited = RateLimitedModel::new(CachedModel::new(model.clone()), &limit());
        FallbackModel::new(limited).or(RoundRobinModel::new().with(model))
    };
    conformance::model(&Around(all)).await.unwrap();
}
