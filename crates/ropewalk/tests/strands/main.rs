//! One session, led in turns by Strands Agents itself and by Ropewalk, against one OpenAI-compatible
//! server.
//!
//! `ROPEWALK_STRANDS` names a folder with a Python environment for each version, as `scripts/strands-interop`
//! makes it. Without it the tests say that they were left out.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod sides;

use std::time::Duration;

use ropewalk::{
    BeforeModelCallEvent, ContentBlock, SlidingWindowConversationManager,
    SummarizingConversationManager,
};
use serde_json::json;
use sides::{Sides, each_version, history};

#[tokio::test]
async fn strands_asks_and_ropewalk_is_answered_and_strands_goes_on() {
    each_version(async |sides: Sides| {
        let strands = sides.strands(json!(["prompt", "delete a"]));
        assert_eq!(strands.asked[0].reason, "a");

        let mut agent = sides.ropewalk().await;
        assert_eq!(agent.interrupts(), strands.asked);
        let result = agent.invoke(vec![strands.asked[0].answer("yes")]).await.unwrap();
        assert_eq!(result.text(), "Done: a is gone, 3");
        let ours = history(&agent.messages());
        drop(agent);

        let strands = sides.strands(json!(["look"]));
        assert_eq!((strands.history(), strands.asked), (ours, vec![]));
        let strands = sides.strands(json!(["prompt", "hello"]));
        assert_eq!(strands.last_text(), "You said: hello");
        assert_eq!(history(&sides.ropewalk().await.messages()), strands.history());
        assert_eq!(sides.ran(), ["strands add", "ropewalk delete a"]);
    })
    .await;
}

#[tokio::test]
async fn ropewalk_asks_and_strands_is_answered_and_ropewalk_goes_on() {
    each_version(async |sides: Sides| {
        let mut agent = sides.ropewalk().await;
        agent.invoke("delete a").await.unwrap();
        let asked = agent.interrupts();
        drop(agent);

        assert_eq!(sides.strands(json!(["look"])).asked, asked);
        let strands = sides.strands(json!(["answer", ["yes"]]));
        assert_eq!(strands.last_text(), "Done: 3, a is gone", "in the order in which they ended");

        let mut agent = sides.ropewalk().await;
        assert_eq!(history(&agent.messages()), strands.history());
        let result = agent.invoke("hello").await.unwrap();
        assert_eq!(result.text(), "You said: hello");
        let ours = history(&agent.messages());
        drop(agent);
        assert_eq!(sides.strands(json!(["look"])).history(), ours);
        assert_eq!(sides.ran(), ["ropewalk add", "strands delete a"]);
    })
    .await;
}

#[tokio::test]
async fn answers_are_given_one_by_one_on_both_sides() {
    each_version(async |sides: Sides| {
        sides.strands(json!(["prompt", "delete a b c"]));
        let strands = sides.strands(json!(["answer", ["yes", null, null]]));

        let mut agent = sides.ropewalk().await;
        let open = agent.interrupts();
        assert_eq!(open, strands.asked);
        assert_eq!(open.iter().map(|asked| &asked.reason).collect::<Vec<_>>(), ["b", "c"]);
        let result = agent.invoke(vec![open[0].answer("no")]).await.unwrap();
        let open = result.interrupts().unwrap().to_vec();
        drop(agent);

        assert_eq!(sides.strands(json!(["look"])).asked, open);
        sides.strands(json!(["answer", ["yes"]]));
        assert_eq!(sides.ran(), ["strands add", "strands delete a", "strands delete c"]);
        let agent = sides.ropewalk().await;
        let results: Vec<String> = agent.messages()[2].results().map(|one| one.text()).collect();
        assert_eq!(results.len(), 4);
        for text in ["a is gone", "not approved", "c is gone", "3"] {
            assert!(results.iter().any(|result| result == text), "{text} is not in {results:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_question_before_the_model_call_is_answered_where_strands_knows_such_questions() {
    each_version(async |sides: Sides| {
        if sides.version() == "1.21.0" {
            return;
        }
        let ask =
            |event: &mut BeforeModelCallEvent| event.interrupt("spend", "money?").map(drop::<bool>);
        let mut agent = sides.builder("scripted").hook(ask).build().await.unwrap();
        agent.invoke("hello").await.unwrap();
        let asked = agent.interrupts();
        drop(agent);
        assert_eq!(sides.strands(json!(["look"])).asked, asked);
        let strands = sides.strands(json!(["answer", [true]]));
        assert_eq!(strands.last_text(), "You said: hello");
        assert_eq!(history(&sides.ropewalk().await.messages()), strands.history());
    })
    .await;
}

#[tokio::test]
async fn they_take_turns_and_share_the_state() {
    each_version(async |sides: Sides| {
        for turn in 1..=3 {
            let strands = sides.strands(json!(["prompt", "from strands"]));
            assert_eq!(strands.state["strands"], turn);
            let mut agent = sides.ropewalk().await;
            assert_eq!(agent.state().get::<usize>("strands"), Some(turn));
            agent.state().set("ropewalk", turn).unwrap();
            agent.invoke("from ropewalk").await.unwrap();
            let ours = history(&agent.messages());
            assert_eq!(ours.len(), 4 * turn);
            drop(agent);
            let strands = sides.strands(json!(["look"]));
            assert_eq!(strands.state["ropewalk"], turn);
            assert_eq!(strands.history(), ours);
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_cut_off_here_is_not_made_again_there() {
    each_version(async |sides: Sides| {
        let mut agent = sides.ropewalk().await;
        agent.invoke("delete a b").await.unwrap();
        let open = agent.interrupts();
        // One of the tools is at work, and the process dies.
        let answers = vec![open[0].answer("stuck"), open[1].answer("yes")];
        let work = tokio::time::timeout(Duration::from_secs(2), agent.invoke(answers));
        assert!(work.await.is_err());
        drop(agent);

        let strands = sides.strands(json!(["answer", []]));
        assert!(strands.last_text().contains("unknown"), "{}", strands.last_text());
        assert!(strands.last_text().contains("b is gone"), "{}", strands.last_text());
        let mut ran = sides.ran();
        ran.sort();
        assert_eq!(ran, ["ropewalk add", "ropewalk delete a", "ropewalk delete b"]);
        let mut agent = sides.ropewalk().await;
        assert_eq!(agent.invoke("hello").await.unwrap().text(), "You said: hello");
    })
    .await;
}

#[tokio::test]
async fn strands_restores_pictures_and_what_is_left_of_a_long_conversation() {
    each_version(async |sides: Sides| {
        let manager = SlidingWindowConversationManager::new().window_size(4).pin_first(1);
        let builder = sides.builder("scripted").conversation_manager(manager);
        let mut agent = builder.build().await.unwrap();
        let picture = json!({"image": {"format": "png", "source": {
            "bytes": {"__bytes_encoded__": true, "data": "iVBORw0KGgo="},
        }}});
        let picture: ContentBlock = serde_json::from_value(picture).unwrap();
        agent.invoke(vec!["what is it?".into(), picture]).await.unwrap();
        for prompt in ["one", "two", "three", "four"] {
            agent.invoke(prompt).await.unwrap();
        }
        let ours = history(&agent.messages());
        assert_eq!((ours.len(), ours[0].content.len()), (5, 2));
        drop(agent);
        assert_eq!(sides.strands(json!(["look"])).history(), ours);
    })
    .await;
}

#[tokio::test]
async fn strands_restores_a_summary() {
    each_version(async |sides: Sides| {
        let manager =
            SummarizingConversationManager::new().summary_ratio(0.8).preserve_recent_messages(2);
        let builder = sides.builder("small").conversation_manager(manager);
        let mut agent = builder.build().await.unwrap();
        for prompt in ["one", "two", "three", "four"] {
            agent.invoke(prompt.repeat(100)).await.unwrap();
        }
        let ours = history(&agent.messages());
        assert!(ours.len() < 8 && ours[0].text().starts_with("You said: "), "{ours:?}");
        drop(agent);
        let strands = sides.strands(json!(["look", "SummarizingConversationManager"]));
        assert_eq!(strands.history(), ours);
    })
    .await;
}
