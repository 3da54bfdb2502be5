//! Tokens a second, for prompts and for answers. Run it with
//! `cargo run --release -p ropewalk-local --example speed [-- MODEL]`.

use std::time::Instant;

use futures_util::StreamExt;
use ropewalk_core::{Error, Message, MessageAssembler, Model, ModelRequest, Transcript};
use ropewalk_local::{LocalModel, LocalOptions, ModelSource, Sampling};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let source = ModelSource::parse(&std::env::args().nth(1).unwrap_or_else(|| "local".into()))?;
    let started = Instant::now();
    let options = LocalOptions::new().with_sampling(Sampling::greedy().with_max_tokens(64));
    let model = LocalModel::load(&source, options).await?;
    println!("{}, loaded in {:.1?}", model.name(), started.elapsed());
    for words in [16, 80, 160] {
        // Another beginning each time: nothing is known already.
        let counted: Vec<String> = (words..2 * words).map(|n| format!("rope {}", n % 7)).collect();
        let text = format!("{words} ropes: {}. Tell a long story about them.", counted.join(" "));
        let messages = Transcript::from_messages([Message::user(text)]).unwrap_or_default();
        let mut assembler = MessageAssembler::new();
        let mut stream = model.stream(ModelRequest::new(messages));
        let (started, mut first, mut pieces) = (Instant::now(), None, 0);
        while let Some(chunk) = stream.next().await {
            assembler.push(&chunk?);
            pieces += 1;
            if pieces == 3 {
                // The start of the message and of its text, then the first piece of it.
                first = Some(started.elapsed());
            }
        }
        let all = started.elapsed();
        let usage = assembler.finish()?.usage;
        let first = first.unwrap_or(all);
        let fresh = usage.input_tokens - usage.cache_read_input_tokens.unwrap_or(0);
        println!(
            "{fresh} prompt tokens: {:.0}/s; {} written: {:.0}/s",
            fresh as f64 / first.as_secs_f64(),
            usage.output_tokens,
            usage.output_tokens.saturating_sub(1) as f64 / (all - first).as_secs_f64().max(1e-9),
        );
    }
    Ok(())
}
