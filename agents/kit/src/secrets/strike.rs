//! How is a secret taken out of bytes, in whatever form it stands there?
//!
//! Each byte of the secret may stand raw or in any of the escapes below, mixed at will; and the whole may stand in base64, at any
//! alignment, in either alphabet, itself escaped. What is found is overwritten with `*`, so lengths and offsets stay.

/// Finds one credential's secrets. Has no `Debug` form.
pub struct Striker {
    name: String,
    patterns: Vec<Pattern>,
}

/// A sequence of bytes, each one of two (the alphabets of base64 differ in two letters).
struct Pattern {
    bytes: Vec<[u8; 2]>,
    /// Base64 letters before and after that hold some bits of the secret.
    edges: (bool, bool),
}

/// How much of a secret must stand at the end of what was cut short for it to be struck there: fewer bytes say little, and would strike many an end.
const MIN_BEGINNING: usize = 4;

/// Longest escape of one byte that may itself be cut in two: `&#x0041;`.
const LONGEST_ESCAPE: usize = 10;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl Striker {
    pub(super) fn new(name: &str, secrets: &[&str]) -> Self {
        let mut patterns = Vec::new();
        for secret in secrets {
            let raw = secret.bytes().map(|byte| [byte, byte]).collect();
            patterns.push(Pattern { bytes: raw, edges: (false, false) });
            patterns.extend((0..3).map(|before| base64_inside(secret.as_bytes(), before)));
        }
        Self { name: name.to_owned(), patterns }
    }

    /// Name of the credential.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Overwrites every form with `*`. Of a block that was `cut` short, the beginning of a form at its end as well, from 4 bytes on. Returns first byte and
    /// length of each stretch, ascending and apart.
    pub fn strike(&self, block: &mut [u8], cut: bool) -> Vec<(u64, u64)> {
        let mut found: Vec<(usize, usize)> = Vec::new();
        for pattern in &self.patterns {
            // At every byte, because two occurrences may overlap.
            found.extend((0..block.len()).filter_map(|at| pattern.find_at(block, at, cut)));
        }
        found.sort_unstable();
        let mut apart: Vec<(usize, usize)> = Vec::new();
        for (from, to) in found {
            match apart.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => apart.push((from, to)),
            }
        }
        for (from, to) in &apart {
            if let Some(stretch) = block.get_mut(*from..*to) {
                stretch.fill(b'*');
            }
        }
        apart.into_iter().map(|(from, to)| (from as u64, (to - from) as u64)).collect()
    }

    /// The text with every form overwritten.
    #[must_use]
    pub fn struck(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.strike(&mut bytes, false);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Pattern {
    /// The stretch that begins at `at`, edges included; where the block was `cut`, also one that runs into its end.
    fn find_at(&self, block: &[u8], at: usize, cut: bool) -> Option<(usize, usize)> {
        let first = self.bytes.first()?;
        if !readings(block, at).any(|(byte, _)| first.contains(&byte)) {
            return None;
        }
        let mut ends = vec![at];
        for (met, wanted) in self.bytes.iter().enumerate() {
            if cut && met >= MIN_BEGINNING && ends.iter().any(|&end| is_cut_off(block, end)) {
                return Some((self.from(block, at), block.len()));
            }
            let mut next = Vec::new();
            for &end in &ends {
                for (byte, len) in readings(block, end) {
                    if wanted.contains(&byte) && !next.contains(&(end + len)) {
                        next.push(end + len);
                    }
                }
            }
            if next.is_empty() {
                return None;
            }
            ends = next;
        }
        let mut to = ends.into_iter().max()?;
        if self.edges.1 {
            to = if cut && is_cut_off(block, to) { block.len() } else { to + letter(block, to).unwrap_or(0) };
        }
        Some((self.from(block, at), to))
    }

    /// Where a stretch begins whose first whole byte or letter stands at `at`.
    fn from(&self, block: &[u8], at: usize) -> usize {
        // The letter before may be an escape of up to six bytes, whose last digit would pass for a letter: the longest counts.
        let before =
            (1..=6).rev().filter_map(|back| at.checked_sub(back)).find(|&from| letter(block, from) == Some(at - from));
        before.filter(|_| self.edges.0).unwrap_or(at)
    }
}

/// Length of the letter of base64 that stands here, escaped or not.
fn letter(block: &[u8], at: usize) -> Option<usize> {
    readings(block, at).find(|(byte, _)| is_base64(*byte)).map(|(_, len)| len)
}

/// Whether nothing more stands here, or half an escape.
fn is_cut_off(block: &[u8], at: usize) -> bool {
    match block.get(at..).unwrap_or_default() {
        [] => true,
        [first, ..] => block.len() - at < LONGEST_ESCAPE && matches!(first, b'%' | b'\\' | b'&'),
    }
}

/// The letters of base64 that the secret alone decides when `before` bytes stand before it in a group of three.
fn base64_inside(secret: &[u8], before: usize) -> Pattern {
    let mut bits = vec![0_u8; before * 8];
    bits.extend(secret.iter().flat_map(|byte| (0..8).rev().map(move |shift| byte >> shift & 1)));
    let skip = (before * 8).div_ceil(6) * 6;
    let decided = bits.get(skip..).unwrap_or_default();
    let groups = decided.chunks_exact(6);
    let edges = (!(before * 8).is_multiple_of(6), !groups.remainder().is_empty());
    let bytes = groups
        .map(|six| {
            let value = six.iter().fold(0_usize, |value, bit| value << 1 | usize::from(*bit));
            match ALPHABET.get(value).copied().unwrap_or(b'A') {
                b'+' => [b'+', b'-'],
                b'/' => [b'/', b'_'],
                letter => [letter, letter],
            }
        })
        .collect();
    Pattern { bytes, edges }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
}

/// What may stand at a place: the byte itself, or what an escape that begins there means. With the length of each.
fn readings(block: &[u8], at: usize) -> impl Iterator<Item = (u8, usize)> {
    let rest = block.get(at..).unwrap_or_default();
    let raw = rest.first().map(|byte| (*byte, 1));
    let escaped = match rest {
        [b'%', b'2', b'5', high, low, ..] if hex(*high, *low).is_some() => hex(*high, *low).map(|byte| (byte, 5)),
        [b'%', high, low, ..] => hex(*high, *low).map(|byte| (byte, 3)),
        [b'+', ..] => Some((b' ', 1)),
        [b'\\', b'\\', b'u', b'0', b'0', high, low, ..] => hex(*high, *low).map(|byte| (byte, 7)),
        [b'\\', b'u', b'0', b'0', high, low, ..] => hex(*high, *low).map(|byte| (byte, 6)),
        [b'\\', b'x', high, low, ..] => hex(*high, *low).map(|byte| (byte, 4)),
        [b'\\', b'\\', mark @ (b'/' | b'"'), ..] => Some((*mark, 3)),
        [b'\\', mark @ (b'/' | b'"' | b'\'' | b'\\'), ..] => Some((*mark, 2)),
        [b'&', ..] => entity(rest),
        _ => None,
    };
    // What begins a doubled escape may also be an escaped `%` or backslash alone.
    let alone = if rest.starts_with(b"%25") {
        Some((b'%', 3))
    } else if rest.starts_with(b"\\\\") {
        Some((b'\\', 2))
    } else {
        None
    };
    raw.into_iter().chain(escaped).chain(alone)
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some(value(high)? << 4 | value(low)?)
}

/// HTML's names and numbers for one ASCII character.
fn entity(rest: &[u8]) -> Option<(u8, usize)> {
    let end = rest.iter().take(10).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(rest.get(1..end)?).ok()?;
    let byte = match name {
        "amp" => b'&',
        "lt" => b'<',
        "gt" => b'>',
        "quot" => b'"',
        "apos" => b'\'',
        _ => {
            let number = name.strip_prefix('#')?;
            match number.strip_prefix(['x', 'X']) {
                Some(digits) => u8::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            }
        }
    };
    Some((byte, end + 1))
}
