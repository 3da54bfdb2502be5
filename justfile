# Tasks for people who work on Ropewalk. `just` lists them.

default:
    @just --list

# All tests: the README's command.
test:
    cargo test --workspace

# Formatting, lints, docs: what CI checks besides the tests.
check:
    scripts/check

# Exactly what CI runs.
ci:
    .ci/run

# How good the embedded model is with the shipped tools: 20 prompts, a table.
quality:
    cargo run --release --example embedded_quality

# Kills a process at every step of a scenario, and the one that goes on at every step of its own (ten minutes; in memory, with TMPDIR=/dev/shm, five).
crash:
    ROPEWALK_CRASH=all cargo test -p ropewalk-session --test crash -- --nocapture

# Fuzzes the decoders of event streams, of AWS frames and of lines for some seconds each (needs cargo-fuzz and a nightly-like compiler).
fuzz-streams seconds="60":
    cd crates/ropewalk-models && for target in sse frames lines; do \
        RUSTC_BOOTSTRAP=1 cargo fuzz run "$target" -- -max_total_time={{seconds}} || exit 1; \
    done

# Fuzzes the reading of Strands' session files for some seconds (as above), beginning with those of the tests.
fuzz-strands seconds="60":
    scripts/strands-corpus
    cd crates/ropewalk-session && RUSTC_BOOTSTRAP=1 cargo fuzz run strands -- -max_total_time={{seconds}}

# Fuzzes the reading of sessions for some seconds each: records, snapshots, exports (as above).
fuzz-session seconds="60":
    scripts/session-corpus
    cd crates/ropewalk-session && for target in records snapshot export; do \
        RUSTC_BOOTSTRAP=1 cargo fuzz run "$target" -- -max_total_time={{seconds}} -rss_limit_mb=512 -timeout=10 || exit 1; \
    done

# What agents cost, beside other libraries and a loop by hand (not a part of this workspace): `just bench --help`.
bench *options:
    bench/run {{options}}

# Counts the instructions of what is done most often, and compares them with what is stored (needs valgrind): `just instructions --save` stores them.
instructions *options:
    bench/instructions/run {{options}}

# What reading a streamed answer costs, beside the library rig-core (not a part of this workspace), in one run.
bench-models:
    cd bench && cargo bench -p ropewalk-bench-models

# Lets Strands itself and Ropewalk lead one session in turns (needs Python 3.10 with pip).
strands-interop:
    scripts/strands-interop

# Lets the models speak to servers that others wrote: aimock, LLMock and litellm (needs npm, Python 3.10 with pip, 850 MB).
foreign-models:
    scripts/foreign-models
