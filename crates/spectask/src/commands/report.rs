//! The report of a task, on standard output.

use super::client;
use crate::cli::{Cli, Report, ReportFormat};
use engine::visible::{visible, visible_json};

pub(crate) async fn report(cli: &Cli, command: &Report) -> anyhow::Result<()> {
    let client = client(cli)?;
    let id = client.task_id(&command.task).await?;
    let format = match command.format {
        Some(ReportFormat::Csv) => "csv",
        Some(ReportFormat::Json) => "json",
        None if cli.json => "json",
        Some(ReportFormat::Md) | None => "md",
    };
    let text = client.text(&format!("/spec-tasks/{id}/report"), &[("format", format.to_owned())]).await?;
    let text = if format == "json" { visible_json(&text) } else { visible(&text) };
    print!("{text}");
    if !text.ends_with('\n') {
        println!();
    }
    Ok(())
}
