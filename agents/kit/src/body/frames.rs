//! How is a WebSocket connection written down?
//!
//! One frame after the other: a line `<arrival, RFC 3339> <text|binary> <bytes>`, the payload, a line feed. Control frames are not recorded.

use std::io::{self, BufReader, Read, Write};

use jiff::Timestamp;

use super::{SpoolReader, lines::short_line};
use crate::contract::{Place, Unreadable};

/// Media type of a recorded chunk.
pub const FRAMES_TYPE: &str = "application/vnd.vigie.frames";

/// Largest payload of one frame, in bytes.
const MAX_FRAME_BYTES: u64 = 16 << 20;

/// One recorded frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// When it arrived.
    pub at: Timestamp,
    /// What it carried.
    pub data: FrameData,
}

/// Payload of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameData {
    /// Text (RFC 6455, opcode 1).
    Text(String),
    /// Bytes (opcode 2).
    Binary(Vec<u8>),
}

/// Writes one frame as [`Frames`] reads it.
///
/// # Errors
///
/// Whatever `out` returns.
pub fn write_frame(out: &mut impl Write, frame: &Frame) -> io::Result<()> {
    let (kind, payload) = match &frame.data {
        FrameData::Text(text) => ("text", text.as_bytes()),
        FrameData::Binary(bytes) => ("binary", bytes.as_slice()),
    };
    writeln!(out, "{} {kind} {}", frame.at, payload.len())?;
    out.write_all(payload)?;
    out.write_all(b"\n")
}

/// Recorded frames with their places, in constant memory.
pub struct Frames {
    from: BufReader<SpoolReader>,
    cut: bool,
    frame: u64,
    done: bool,
}

impl Frames {
    pub(super) const fn new(from: BufReader<SpoolReader>, cut: bool) -> Self {
        Self { from, cut, frame: 0, done: false }
    }

    fn frame(&mut self) -> Result<Option<Frame>, Unreadable> {
        let at = Place::Frame(self.frame);
        let failed = |error: io::Error| Unreadable::new(at, error);
        let head = short_line(&mut self.from, 80).map_err(failed)?;
        if head.is_empty() {
            return Ok(None);
        }
        let parsed = std::str::from_utf8(&head).ok().and_then(|head| head.strip_suffix('\n')).and_then(|head| {
            let mut words = head.split(' ');
            let found = (words.next()?.parse::<Timestamp>().ok()?, words.next()?, words.next()?.parse::<u64>().ok()?);
            words.next().is_none().then_some(found)
        });
        let Some((arrived, kind, len)) = parsed else {
            return if self.cut { Ok(None) } else { Err(Unreadable::new(at, "is not the head of a recorded frame")) };
        };
        if len > MAX_FRAME_BYTES {
            return Err(Unreadable::new(at, format_args!("{len} bytes; a frame may have {MAX_FRAME_BYTES}")));
        }
        let mut payload = Vec::new();
        (&mut self.from).take(len + 1).read_to_end(&mut payload).map_err(failed)?;
        if payload.len() as u64 != len + 1 || payload.pop() != Some(b'\n') {
            return if self.cut { Ok(None) } else { Err(Unreadable::new(at, "ends early")) };
        }
        let data = match kind {
            "text" => FrameData::Text(String::from_utf8(payload).map_err(|_| Unreadable::new(at, "is not UTF-8"))?),
            "binary" => FrameData::Binary(payload),
            other => return Err(Unreadable::unknown_value(at, other)),
        };
        Ok(Some(Frame { at: arrived, data }))
    }
}

impl Iterator for Frames {
    type Item = Result<(Place<'static>, Frame), Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let place = Place::Frame(self.frame);
        let frame = self.frame().transpose();
        self.done = !matches!(frame, Some(Ok(_)));
        self.frame += 1;
        Some(frame?.map(|frame| (place, frame)))
    }
}
