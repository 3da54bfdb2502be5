use clap::Parser as _;

use crate::args::Args;

#[test]
fn the_command_that_goes_on_asks_for_the_same_and_reads_back_the_same() {
    let line = ["ropewalk", "--model", "openai:x", "--sessions", "my folder", "--system"];
    let line = line.into_iter().chain(["It's short.", "--tools", "shell,calculator"]);
    let line = line.chain(["--tools-dir", "./tools", "--config", "a.toml", "hi"]);
    let options = Args::parse_from(line).options;
    let command = options.resume_command("s");
    assert_eq!(
        command,
        r"ropewalk --config a.toml --model openai:x --sessions 'my folder' --system 'It'\''s short.' --tools shell,calculator --tools-dir ./tools resume s"
    );
}
