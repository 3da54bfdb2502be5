//! What an agent can be asked: a text, blocks, whole messages, or nothing, which lets it go on from
//! its history. `cargo run --example prompts`

use ropewalk::prelude::*;
use ropewalk::{Blob, ContentBlock, Extra, ImageBlock, Role, Source};
use ropewalk_testkit::{Reply, ScriptedModel};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let model =
        ScriptedModel::new(["Hello!", "A red dot.", "Yes?", "As I said: yes?"].map(Reply::text));
    let mut agent = Agent::builder().model(model).no_callback_handler().build().await?;

    // A text.
    agent.invoke("hello!").await?;

    // Blocks: one message of the user's.
    let source = Source::Bytes(Blob::new(RED_DOT));
    let image = ImageBlock { format: "png".to_owned(), source, extra: Extra::new() };
    agent.invoke(vec![ContentBlock::from("What is this?"), ContentBlock::Image(image)]).await?;

    // Whole messages, with their roles.
    let earlier = Message::new(Role::Assistant, vec![ContentBlock::from("How can I help?")]);
    agent.invoke(vec![earlier, Message::user("Are you there?")]).await?;

    // Nothing: the model is asked on the history as it is.
    let result = agent.invoke(()).await?;

    println!("{result}");
    for message in agent.messages().iter() {
        println!("{:?}: {} blocks, {:?}", message.role, message.content.len(), message.text());
    }
    Ok(())
}

/// The smallest red picture.
const RED_DOT: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00, 0x00, 0x90, 0x77, 0x53,
    0xde, 0x00, 0x00, 0x00, 0x0c, 0x49, 0x44, 0x41, 0x54, 0x08, 0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0x00,
    0x00, 0x03, 0x01, 0x01, 0x00, 0x18, 0xdd, 0x8d, 0xb0, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e,
    0x44, 0xae, 0x42, 0x60, 0x82,
];
