//! Whatever is in Strands' files: they are read or refused; and what is read can be gone on with, and is read
//! again as it was.
//!
//! `cargo +nightly fuzz run strands -- -max_total_time=60`, in `crates/ropewalk-session`. With a stable
//! compiler, `RUSTC_BOOTSTRAP=1 cargo fuzz run strands …` does as well. `TMPDIR` in memory makes it faster.
#![no_main]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use futures_executor::block_on;
use libfuzzer_sys::fuzz_target;
use ropewalk_core::{Journal, Message, Record, Run};
use ropewalk_session::{FileSessionManager, StrandsSession};

fn open(folder: &Path) -> Option<Arc<StrandsSession>> {
    block_on(FileSessionManager::new("s").storage_dir(folder).agent("a")).ok()
}

// Files are apart by a zero byte: `agent.json`, then the messages.
fuzz_target!(|input: &[u8]| {
    let mut files = input.split(|byte| *byte == 0);
    let agent = files.next().unwrap_or_default();
    let folder = tempfile::tempdir().expect("there is no folder for temporary files");
    let at = folder.path().join("session_s/agents/agent_a");
    fs::create_dir_all(at.join("messages")).expect("the folder can't be made");
    fs::write(at.join("agent.json"), agent).expect("the file can't be written");
    for (number, message) in files.enumerate() {
        let path = at.join(format!("messages/message_{number}.json"));
        fs::write(path, message).expect("the file can't be written");
    }
    let Some(session) = open(folder.path()) else { return };
    let mut run: Run = block_on(session.restore()).expect("what was opened can be read");
    let next = [
        Record::Abandoned,
        Record::InvocationStarted {
            messages: vec![Message::user("next")],
            state: Default::default(),
        },
    ];
    for record in next {
        if run.apply(record.clone()).is_ok() {
            block_on(session.append(&[record])).expect("a record that fits is kept");
        }
    }
    drop(session);
    let session = open(folder.path()).expect("what was written can be opened");
    assert_eq!(block_on(session.restore()).expect("and read"), run);
});
