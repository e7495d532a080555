//! The end of a stream, bounded: what an agent wrote to standard error.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The last bytes of a stream. Cheap to clone; all clones are the same tail.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    limit: usize,
    bytes: Arc<Mutex<VecDeque<u8>>>,
}

impl Tail {
    pub(crate) fn new(limit: usize) -> Tail {
        Tail { limit, bytes: Arc::default() }
    }

    pub(crate) fn push(&self, chunk: &[u8]) {
        let chunk = &chunk[chunk.len().saturating_sub(self.limit)..];
        let mut bytes = self.bytes.lock();
        let excess = (bytes.len() + chunk.len()).saturating_sub(self.limit);
        bytes.drain(..excess);
        bytes.extend(chunk);
    }

    /// Returns the tail as text; a character cut in two shows as a replacement.
    pub(crate) fn text(&self) -> String {
        let bytes: Vec<u8> = self.bytes.lock().iter().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Reads a stream to its end and keeps the tail of it.
    pub(crate) async fn follow(self, mut stream: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; 8192];
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            self.push(&buffer[..length]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_bytes_only() {
        let tail = Tail::new(5);
        tail.push(b"abc");
        tail.push(b"defg");
        assert_eq!(tail.text(), "cdefg");
        tail.push(b"0123456789");
        assert_eq!(tail.text(), "56789");
    }
}
