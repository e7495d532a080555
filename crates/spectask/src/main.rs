//! The `spectask` command: the server, and everything a person does with it from a terminal.

#![expect(clippy::print_stdout, reason = "a command line talks on stdout")]

mod acp;
mod cli;
mod client;
mod commands;
mod config;
mod exhaustion;
mod failure;
mod help;
mod notify;
mod output;
mod pager;
mod telemetry;

use clap::FromArgMatches as _;
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

/// How long blocking work may go on when everything else has ended.
const LAST_WORK: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    // Beside an agent there is no room for threads: this comes before anything else.
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "exec-agent") {
        let command: Vec<OsString> =
            arguments.into_iter().skip(1).skip_while(|argument| argument == "--").collect();
        return agent::exec_agent(&command);
    }
    exhaustion::report_in_a_sentence();
    let cli = cli::Cli::from_arg_matches(&help::command().get_matches());
    let cli = cli.unwrap_or_else(|error| error.exit());
    if !cli.command.as_ref().is_some_and(cli::Command::ignores_broken_pipe) {
        // `spectask log … | head` ends with its reader.
        sigpipe::reset();
    }
    // Only this call installs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let log = output::start_log(&cli);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::tell(&format!("spectask: could not start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let pager = pager::Pager::start(&cli);
    let code = match runtime.block_on(Box::pin(commands::run(cli))) {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    };
    drop(pager);
    // What git is about to finish may do so. What still blocks then, such as a clone from a host that does not answer, is
    // cut off; the next start cleans up after it.
    runtime.shutdown_timeout(LAST_WORK);
    git::end_commands();
    drop(log);
    code
}
