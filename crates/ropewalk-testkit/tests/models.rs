//! The conformance kit for models: a good one passes, and each rule can be broken.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use ropewalk_core::ErrorKind;
use ropewalk_testkit::conformance::{self, Case, Models, conversations};
use ropewalk_testkit::{Reply, ScriptedModel};

/// A model that answers as it should, but for one case, in which it answers as in another.
struct Scripted {
    wrong: Option<(Case, Reply)>,
}

impl Models for Scripted {
    type Model = ScriptedModel;

    async fn answering(&self, case: Case) -> Option<ScriptedModel> {
        let reply = match &self.wrong {
            Some((wrong, reply)) if *wrong == case => reply.clone(),
            _ => case.reply(),
        };
        Some(ScriptedModel::new((0..100).map(|_| reply.clone())))
    }
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
