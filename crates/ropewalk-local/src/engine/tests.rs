#![allow(clippy::unwrap_used)]

use candle_core::quantized::GgmlDType;
use tokio_util::sync::CancellationToken;

use super::{Ending, Engine, Sampling, Session};
use crate::decoder::Threads;
use crate::error::LocalError;
use crate::gguf::Gguf;
use crate::testing::tiny;

#[test]
fn only_what_is_new_is_evaluated() {
    let engine = tiny("llama", GgmlDType::Q8_0).engine();
    let cancel = CancellationToken::new();
    let first = engine.begin("the quick brown fox jumps");
    let mut session = Session::open(&engine, &first, &cancel).unwrap();
    let sampling = Sampling::greedy().with_max_tokens(5);
    session.write(&sampling, |_| true).unwrap();
    session.keep();
    assert_eq!(engine.evaluated() as usize, first.len() + session.counts().2);

    let before = engine.evaluated();
    let longer = engine.begin("the quick brown fox jumps over");
    let again = Session::open(&engine, &longer, &cancel).unwrap();
    assert_eq!((engine.evaluated() - before) as usize, longer.len() - again.counts().1);
    assert!(again.counts().1 >= first.len() - 1, "{:?}", again.counts());

    let before = engine.evaluated();
    Session::open(&engine, &longer, &cancel).unwrap();
    assert_eq!(engine.evaluated() - before, 1, "the last token only");
}

#[test]
fn kept_prompts_change_nothing() {
    let model = tiny("gemma3", GgmlDType::Q8_0);
    let (warm, cold) = (model.engine(), model.engine());
    let sampling = Sampling::greedy().with_max_tokens(12);
    let write = |engine: &Engine, text: &str| {
        let mut session =
            Session::open(engine, &engine.begin(text), &CancellationToken::new()).unwrap();
        let mut out = String::new();
        session
            .write(&sampling, |piece| {
                out.push_str(piece);
                true
            })
            .unwrap();
        out
    };
    write(&warm, "hello hello abc");
    assert_eq!(write(&warm, "hello hello acb"), write(&cold, "hello hello acb"));
}

#[test]
fn a_prompt_longer_than_the_window_is_told_before_anything_is_computed() {
    let model = tiny("llama", GgmlDType::Q8_0);
    let engine = Engine::load(&Gguf::open(&model.path).unwrap(), Threads::One, Some(16)).unwrap();
    let prompt = engine.begin("a text of more than sixteen letters");
    let error = Session::open(&engine, &prompt, &CancellationToken::new()).unwrap_err();
    assert!(matches!(error, LocalError::Overflow { limit: 16, .. }), "{error}");
    assert_eq!(engine.evaluated(), 0);
    let error: ropewalk_core::Error = error.into();
    assert!(error.is_context_overflow());
}

#[test]
fn the_windows_end_ends_the_text() {
    let model = tiny("llama", GgmlDType::Q8_0);
    let engine = Engine::load(&Gguf::open(&model.path).unwrap(), Threads::One, Some(16)).unwrap();
    let mut session =
        Session::open(&engine, &engine.begin("12345678"), &CancellationToken::new()).unwrap();
    let sampling = Sampling::greedy().with_temperature(3.0).with_seed(1);
    let ending = session.write(&sampling, |_| true).unwrap();
    assert!(ending == Ending::Length || session.counts().2 < 8);
}

#[test]
fn it_stops_in_the_middle() {
    let engine = tiny("llama", GgmlDType::Q8_0).engine();
    let cancel = CancellationToken::new();
    let mut session = Session::open(&engine, &engine.begin("abc"), &cancel).unwrap();
    let mut pieces = 0;
    let sampling = Sampling::greedy().with_temperature(2.0).with_seed(3);
    let outcome = session.write(&sampling, |_| {
        pieces += 1;
        if pieces == 2 {
            cancel.cancel();
        }
        true
    });
    assert!(matches!(outcome, Err(LocalError::Cancelled)));
    let long: Vec<u32> = (0..300).map(|i| 5 + i % 200).collect();
    let before = engine.evaluated();
    assert!(matches!(Session::open(&engine, &long, &cancel), Err(LocalError::Cancelled)));
    assert_eq!(engine.evaluated(), before);
}

#[test]
fn chance_repeats_with_its_seed() {
    let engine = tiny("qwen2", GgmlDType::Q8_0).engine();
    let write = |seed| {
        let prompt = engine.begin("hello");
        let mut session = Session::open(&engine, &prompt, &CancellationToken::new()).unwrap();
        let sampling = Sampling::greedy()
            .with_temperature(1.0)
            .with_top_p(0.9)
            .with_seed(seed)
            .with_max_tokens(20);
        let mut out = String::new();
        session
            .write(&sampling, |piece| {
                out.push_str(piece);
                true
            })
            .unwrap();
        out
    };
    assert_eq!(write(5), write(5));
    assert_ne!(write(5), write(6));
}
