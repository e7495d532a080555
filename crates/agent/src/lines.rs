//! Lines of bounded length: a line without an end costs a fixed amount of memory, not the machine.

use std::io;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// How much of a line that is too long is kept, to tell what it was.
const HEAD: usize = 4096;

/// One line of an agent's output.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Whole(Vec<u8>),
    /// A line longer than the limit: its first bytes and its whole length.
    TooLong {
        head: Vec<u8>,
        length: u64,
    },
}

/// Reads lines and forgets the rest of those that are too long.
pub(crate) struct BoundedLines<R> {
    reader: BufReader<R>,
    limit: usize,
    line: Vec<u8>,
    length: u64,
}

impl<R: AsyncRead + Unpin> BoundedLines<R> {
    pub(crate) fn new(reader: R, limit: usize) -> BoundedLines<R> {
        let reader = BufReader::with_capacity(64 * 1024, reader);
        BoundedLines { reader, limit: limit.max(HEAD), line: Vec::new(), length: 0 }
    }

    /// Returns the next line without its end; the last one need not have an end. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let chunk = self.reader.fill_buf().await?;
            if chunk.is_empty() {
                return Ok((self.length > 0).then(|| self.take()));
            }
            // `contains` is a vectorised search even in an unoptimised build, `position` is not.
            let end = chunk.contains(&b'\n').then(|| chunk.iter().position(|byte| *byte == b'\n')).flatten();
            let piece = &chunk[..end.unwrap_or(chunk.len())];
            self.length += piece.len() as u64;
            if self.length > self.limit as u64 {
                self.line.extend_from_slice(&piece[..piece.len().min(HEAD.saturating_sub(self.line.len()))]);
                self.line.truncate(HEAD);
                self.line.shrink_to(HEAD);
            } else {
                self.line.extend_from_slice(piece);
            }
            let consumed = piece.len() + usize::from(end.is_some());
            self.reader.consume(consumed);
            if end.is_some() {
                return Ok(Some(self.take()));
            }
        }
    }

    fn take(&mut self) -> Line {
        let line = std::mem::take(&mut self.line);
        let length = std::mem::take(&mut self.length);
        if length > self.limit as u64 { Line::TooLong { head: line, length } } else { Line::Whole(line) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_whole_up_to_the_limit() {
        let long = "x".repeat(5000);
        let text = format!("one\n\n{long}\ntwo");
        let mut lines = BoundedLines::new(text.as_bytes(), 4096);
        assert_eq!(lines.next().await.unwrap(), Some(Line::Whole(b"one".to_vec())));
        assert_eq!(lines.next().await.unwrap(), Some(Line::Whole(Vec::new())));
        assert_eq!(lines.next().await.unwrap(), Some(Line::TooLong { head: vec![b'x'; 4096], length: 5000 }));
        assert_eq!(lines.next().await.unwrap(), Some(Line::Whole(b"two".to_vec())));
        assert_eq!(lines.next().await.unwrap(), None);
    }
}
