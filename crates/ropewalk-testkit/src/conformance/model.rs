//! What every model must do.

mod answers;
mod case;
mod conversations;
mod failures;
mod heard;

use std::pin::Pin;

use ropewalk_core::Model;

use super::BrokenRules;
pub use case::Case;
pub use conversations::conversations;

/// Where the models under test come from: each stands before a provider, or what plays one, that answers as told.
pub trait Models {
    /// The model under test.
    type Model: Model;

    /// A model whose provider answers every call as the case says. None if this provider can't answer so: the rules
    /// that need it are left out.
    fn answering(&self, case: Case) -> impl Future<Output = Option<Self::Model>>;
}

type Rule<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// Tests all that a model promises: chunks in their order, whole or an error at the end; calls that are not mixed up;
/// errors of the right kind; any conversation there can be, whoever led it before.
///
/// ```
/// use ropewalk_testkit::conformance::{self, Case, Models};
/// use ropewalk_testkit::{Reply, ScriptedModel};
///
/// /// Says the same, whatever happens.
/// struct Stubborn;
///
/// impl Models for Stubborn {
///     type Model = ScriptedModel;
///
///     async fn answering(&self, case: Case) -> Option<ScriptedModel> {
///         Some(ScriptedModel::new((0..100).map(|_| Reply::text(Case::TEXT))))
///     }
/// }
///
/// # futures_executor::block_on(async {
/// let broken = conformance::model(&Stubborn).await.unwrap_err();
/// assert!(broken.rules().any(|rule| rule == "an answer that broke off is an error that may be tried again"));
/// # });
/// ```
///
/// # Errors
/// Every rule that was broken, with what was seen.
pub async fn model<M: Models>(models: &M) -> Result<(), BrokenRules> {
    let rules: [(&'static str, Rule<'_>); 18] = [
        ("a text arrives as it was said", Box::pin(answers::text(models))),
        (
            "thoughts come before the text, in a block of their own",
            Box::pin(answers::reasoning(models)),
        ),
        ("what was used is told", Box::pin(answers::usage(models))),
        ("a call arrives with its name and its arguments", Box::pin(answers::call(models))),
        (
            "calls of one answer have ids of their own and are not mixed",
            Box::pin(answers::calls(models)),
        ),
        ("arguments that are no JSON are never made to some", Box::pin(answers::malformed(models))),
        ("an answer that was cut short says so", Box::pin(answers::cut_short(models))),
        ("calls of the model at once do not mix", Box::pin(answers::at_once(models))),
        ("a stream that is dropped leaves the model usable", Box::pin(answers::dropped(models))),
        ("nothing comes after the end", Box::pin(answers::fused(models))),
        ("any conversation is taken, whoever led it", Box::pin(answers::any_conversation(models))),
        ("every wish of a request is taken", Box::pin(answers::wishes(models))),
        (
            "an answer that broke off is an error that may be tried again",
            Box::pin(failures::breaks_off(models)),
        ),
        ("a failure in the middle is an error", Box::pin(failures::fails_midway(models))),
        (
            "signs of life are no answer: silence ends the call",
            Box::pin(failures::only_alive(models)),
        ),
        (
            "a provider that asks to slow down is heard, and how long it asks to wait",
            Box::pin(failures::throttled(models)),
        ),
        (
            "a conversation that is too long is told from other refusals",
            Box::pin(failures::too_long(models)),
        ),
        ("refusals are of the kind that they are", Box::pin(failures::refusals(models))),
    ];
    let mut broken = Vec::new();
    for (rule, check) in rules {
        if let Err(seen) = check.await {
            broken.push((rule, seen));
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(BrokenRules { broken }) }
}
