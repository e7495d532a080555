//! Lines of standard input, however long.

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// How long a line may be, in bytes; the rest of a longer one is passed over.
const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;

/// A line of the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Text(Vec<u8>),
    TooLong,
}

/// Reads the next line, without its end; none at the end of the input.
pub(super) async fn next_line(input: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<Line>> {
    read_line(input, MAX_LINE_BYTES).await
}

async fn read_line(input: &mut (impl AsyncBufRead + Unpin), most: usize) -> std::io::Result<Option<Line>> {
    let (mut line, mut is_too_long) = (Vec::new(), false);
    loop {
        let read = input.fill_buf().await?;
        if read.is_empty() {
            return Ok(match (is_too_long, line.is_empty()) {
                (true, _) => Some(Line::TooLong),
                (false, true) => None,
                (false, false) => Some(Line::Text(line)),
            });
        }
        let end = read.iter().position(|byte| *byte == b'\n');
        let piece = &read[..end.unwrap_or(read.len())];
        is_too_long |= line.len() + piece.len() > most;
        if is_too_long {
            line = Vec::new();
        } else {
            line.extend_from_slice(piece);
        }
        let taken = end.map_or(read.len(), |end| end + 1);
        input.consume(taken);
        if end.is_some() {
            return Ok(Some(if is_too_long { Line::TooLong } else { Line::Text(line) }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_that_is_too_long_is_passed_over() {
        let mut input = tokio::io::BufReader::with_capacity(3, &b"one\nmuch too long\n\ntwo"[..]);
        let mut lines = Vec::new();
        while let Some(line) = read_line(&mut input, 8).await.expect("bytes") {
            lines.push(line);
        }
        let text = |text: &str| Line::Text(text.as_bytes().to_vec());
        assert_eq!(lines, [text("one"), Line::TooLong, text(""), text("two")]);
    }
}
