//! The scripted agent alone, with the process shim beside it: `scripted-agent [--scenarios DIR]` and
//! `scripted-agent exec-agent COMMAND…`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "exec-agent") {
        let command: Vec<OsString> =
            arguments.into_iter().skip(1).skip_while(|argument| argument == "--").collect();
        return agent::exec_agent(&command);
    }
    let scenarios = match arguments.as_slice() {
        [] => None,
        [flag, folder] if flag == "--scenarios" => Some(PathBuf::from(folder)),
        _ => {
            eprintln!("usage: scripted-agent [--scenarios DIR]");
            return ExitCode::from(2);
        }
    };
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(agent::scripted::serve(scenarios)),
        Err(error) => {
            eprintln!("scripted-agent: could not start: {error}");
            ExitCode::FAILURE
        }
    }
}
