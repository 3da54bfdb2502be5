#![allow(clippy::unwrap_used)]

use candle_core::quantized::GgmlDType;

use super::{Decoder, Part, Threads, Want};
use crate::gguf::Gguf;
use crate::testing::{FAMILIES, tiny};

fn close(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    let most = a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
    let size = a.iter().map(|x| x.abs()).fold(0.0, f32::max);
    assert!(size > 0.01 && most <= size * 1e-3, "differ by {most} at a size of {size}");
}

#[test]
fn however_a_text_is_cut_the_logits_are_the_same() {
    for family in FAMILIES {
        let model = tiny(family, GgmlDType::Q8_0);
        let decoder = Decoder::load(&Gguf::open(&model.path).unwrap(), Threads::One).unwrap();
        let width = decoder.config().vocabulary;
        let tokens: Vec<u32> = (0..70).map(|i| 5 + i * 37 % 250).collect();

        let mut whole = decoder.new_cache();
        let all = decoder.evaluate(&tokens, &mut whole, Want::All).unwrap();
        assert_eq!(all.len(), tokens.len() * width, "{family}");

        let mut single = decoder.new_cache();
        for (place, token) in tokens.iter().enumerate() {
            let row = decoder.evaluate(&[*token], &mut single, Want::Last).unwrap();
            close(&row, &all[place * width..][..width]);
        }

        // Cut, gone on differently, cut again.
        let mut cut = whole.clone();
        cut.truncate(33);
        decoder.evaluate(&[9, 9, 9], &mut cut, Want::Nothing).unwrap();
        cut.truncate(33);
        let rest = decoder.evaluate(&tokens[33..], &mut cut, Want::All).unwrap();
        close(&rest, &all[33 * width..]);
        assert_eq!(whole.len(), 70, "the clone's changes are its own");
        let mut after = whole.clone();
        after.truncate(69);
        let last = decoder.evaluate(&tokens[69..], &mut after, Want::Last).unwrap();
        close(&last, &all[69 * width..]);

        // Two at once.
        let (mut a, mut b) = (whole.clone(), decoder.new_cache());
        a.truncate(40);
        let mut parts = [
            Part { tokens: &tokens[40..], cache: &mut a },
            Part { tokens: &tokens[..20], cache: &mut b },
        ];
        let both = decoder.evaluate_many(&mut parts, Want::All).unwrap();
        close(&both[..30 * width], &all[40 * width..]);
        close(&both[30 * width..], &all[..20 * width]);
    }
}

#[test]
fn one_thread_and_all_agree() {
    let model = tiny("qwen3", GgmlDType::Q8_0);
    let gguf = Gguf::open(&model.path).unwrap();
    let tokens = [7, 8, 9, 10];
    let mut results = Vec::new();
    for threads in [Threads::One, Threads::All] {
        let decoder = Decoder::load(&gguf, threads).unwrap();
        results.push(decoder.evaluate(&tokens, &mut decoder.new_cache(), Want::All).unwrap());
    }
    close(&results[0], &results[1]);
}

#[test]
fn a_token_beyond_the_vocabulary_is_an_error() {
    let model = tiny("llama", GgmlDType::Q8_0);
    let decoder = Decoder::load(&Gguf::open(&model.path).unwrap(), Threads::One).unwrap();
    assert!(decoder.evaluate(&[100_000], &mut decoder.new_cache(), Want::Last).is_err());
}

#[test]
fn an_unknown_architecture_names_the_known_ones() {
    let model = tiny("mamba", GgmlDType::Q8_0);
    let error = Decoder::load(&Gguf::open(&model.path).unwrap(), Threads::One).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("`mamba`") && text.contains("qwen3"), "{text}");
}
