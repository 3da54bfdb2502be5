//! What every model must do, models made of models do too.

use std::time::Duration;

use ropewalk_core::Model;
use ropewalk_models::{
    CachedModel, FallbackModel, RateLimit, RateLimitedModel, RoundRobinModel, RouterModel,
};
use ropewalk_testkit::ScriptedModel;
use ropewalk_testkit::conformance::{self, Case, Models};

/// Makes a model of one that answers as the case says.
struct Around<F>(F);

impl<M: Model, F: Fn(ScriptedModel) -> M> Models for Around<F> {
    type Model = M;

    async fn answering(&self, case: Case) -> Option<M> {
        Some((self.0)(ScriptedModel::new(std::iter::repeat_n(case.reply(), 100))))
    }
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
