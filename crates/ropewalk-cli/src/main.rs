//! The `ropewalk` command: an agent with tools in the terminal, with no key and no server.

mod approval;
mod args;
mod command;
mod exit;
mod interrupt_key;
mod model;
mod providers;
mod setup;
mod show;
mod terminal;
mod tools;

use std::process::ExitCode;

use clap::Parser as _;

use args::Args;
use interrupt_key::InterruptKey;

fn main() -> ExitCode {
    let args = Args::parse();
    show::log::start();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            show::error(&format!("can't start: {error}"));
            return exit::Status::Failed.into();
        }
    };
    let status = runtime.block_on(async {
        let key = InterruptKey::listen();
        tokio::select! {
            status = command::run(args, key.clone()) => status,
            () = key.left() => Ok(exit::Status::Stopped),
        }
    });
    let status = status.unwrap_or_else(|failure| {
        if !failure.message.is_empty() {
            show::error(&failure.message);
        }
        failure.status
    });
    // A line that was asked for on standard input may still be waited for; nobody wants it now.
    runtime.shutdown_background();
    status.into()
}
