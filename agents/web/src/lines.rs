//! How does text become lines?

/// Lines with white space collapsed, empty ones left out.
#[derive(Default)]
pub struct Lines {
    out: String,
    line: String,
}

impl Lines {
    /// More of the current line.
    pub fn push(&mut self, text: &str) {
        if is_even(text.as_bytes()) {
            let words = text.strip_prefix(' ').unwrap_or(text);
            if words.len() < text.len() {
                self.space();
            }
            let end = words.strip_suffix(' ').unwrap_or(words);
            self.line.push_str(end);
            if end.len() < words.len() {
                self.space();
            }
            return;
        }
        if text.bytes().any(|byte| matches!(byte, 0xc2 | 0xe1..=0xe3)) {
            self.push_wide(text);
        } else {
            self.push_narrow(text);
        }
    }

    /// The same without what nobody sees: control characters and soft hyphens. Byte order marks count as spaces.
    pub fn push_visible(&mut self, text: &str) {
        if hides(text.as_bytes()) {
            self.push_letters(text);
        } else {
            self.push(text);
        }
    }

    fn push_letters(&mut self, text: &str) {
        for letter in text.chars() {
            if letter.is_whitespace() || letter == '\u{FEFF}' {
                self.space();
            } else if !letter.is_control() && letter != '\u{AD}' {
                self.line.push(letter);
            }
        }
    }

    fn push_wide(&mut self, text: &str) {
        if text.starts_with(char::is_whitespace) {
            self.space();
        }
        let mut words = text.split_whitespace();
        if let Some(first) = words.next() {
            self.line.push_str(first);
        }
        for word in words {
            self.line.push(' ');
            self.line.push_str(word);
        }
        if text.ends_with(char::is_whitespace) {
            self.space();
        }
    }

    /// As [`push_wide`](Self::push_wide), for text without white space beyond ASCII: all of that begins with one of four bytes. Words with one space between
    /// them are taken together.
    fn push_narrow(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let is_space = |at: usize| matches!(bytes.get(at), Some(b' ' | 0x09..=0x0d));
        let mut from = 0;
        while from < bytes.len() {
            let mut end = from;
            while end < bytes.len()
                && (!is_space(end) || (end > from && bytes.get(end) == Some(&b' ') && !is_space(end + 1)))
            {
                end += 1;
            }
            let words = text.get(from..end).unwrap_or_default();
            // A space at the very end is one between elements.
            let (words, ends) = words.strip_suffix(' ').map_or((words, is_space(end)), |words| (words, true));
            self.line.push_str(words);
            if ends {
                self.space();
            }
            from = end;
            while is_space(from) {
                from += 1;
            }
        }
    }

    fn space(&mut self) {
        if !self.line.is_empty() && !self.line.ends_with(' ') {
            self.line.push(' ');
        }
    }

    /// Ends the current line, if there is something on it.
    pub fn end(&mut self) {
        let line = self.line.trim();
        if !line.is_empty() {
            if !self.out.is_empty() {
                self.out.push('\n');
            }
            self.out.push_str(line);
        }
        self.line.clear();
    }

    /// Their size so far, in bytes.
    pub const fn bytes(&self) -> usize {
        self.out.len() + self.line.len()
    }

    /// All lines.
    pub fn done(mut self) -> String {
        self.end();
        self.out
    }
}

/// Whether a text has no white space but spaces that stand alone, as nearly all texts have: without a branch, so that many bytes are judged at once.
/// Says no to some that are.
fn is_even(text: &[u8]) -> bool {
    const ODD: u8 = 1;
    const WIDE: u8 = 2;
    let odd = |one: u8, two: u8| {
        (one.wrapping_sub(0x09) < 5)
            | ((one == b' ') & (two == b' '))
            | ((one == 0xc2) & ((two == 0x85) | (two == 0xa0)))
    };
    let Some((&last, _)) = text.split_last() else { return true };
    let second = text.get(1..).unwrap_or_default();
    let found = text.iter().zip(second).fold(0, |found, (&one, &two)| {
        found | (u8::from(odd(one, two)) * ODD) | (u8::from(one.wrapping_sub(0xe1) < 3) * WIDE)
    });
    if found & ODD != 0 || odd(last, 0) {
        return false;
    }
    if found == 0 {
        return true;
    }
    // White space of three bytes: U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F, U+3000.
    let third = text.get(2..).unwrap_or_default();
    let found = text.iter().zip(second).zip(third).fold(false, |found, ((&one, &two), &three)| {
        found
            | ((one == 0xe1) & (two == 0x9a))
            | ((one == 0xe2) & (two == 0x80) & ((three < 0x8b) | (three.wrapping_sub(0xa8) < 8)))
            | ((one == 0xe2) & (two == 0x81) & (three == 0x9f))
            | ((one == 0xe3) & (two == 0x80) & (three == 0x80))
    });
    !found
}

/// Whether a text may hold something that nobody sees: a control character, a soft hyphen, a byte order mark. Says yes to some that hold none.
fn hides(text: &[u8]) -> bool {
    let control = |one: u8| (one == 0x7f) | ((one < b' ') & (one.wrapping_sub(0x09) >= 5));
    let pair = |one: u8, two: u8| ((one == 0xc2) & ((two < 0xa0) | (two == 0xad))) | ((one == 0xef) & (two == 0xbb));
    let Some((&last, _)) = text.split_last() else { return false };
    let second = text.get(1..).unwrap_or_default();
    text.iter().zip(second).fold(control(last), |found, (&one, &two)| found | control(one) | pair(one, two))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wide(text: &str) -> String {
        let mut lines = Lines::default();
        lines.line.push('\u{2018}');
        lines.push_wide(text);
        lines.line.trim_start_matches('\u{2018}').to_owned()
    }

    proptest! {
        #[test]
        fn a_text_without_odd_white_space_gives_the_same_line(text in "[a\u{e9}\u{2019}\u{6587}\u{a0}\u{85}\u{3000}\u{3002}\u{2007}\u{200b}\u{2028}\u{202f}\u{205f}\u{1680} \n]{0,6}") {
            prop_assert!(!is_even(text.as_bytes()) || text.chars().all(|letter| letter == ' ' || !letter.is_whitespace()), "not even: {text:?}");
            let mut lines = Lines::default();
            lines.line.push('\u{2018}');
            lines.push(&text);
            prop_assert_eq!(lines.line.trim_start_matches('\u{2018}'), wide(&text));
        }

        #[test]
        fn both_ways_give_the_same_line(text in "[a-d\u{e9} \t\n\u{b}]{0,12}") {
            let mut lines = Lines::default();
            // So that a space at the beginning counts.
            lines.line.push('\u{2018}');
            lines.push_narrow(&text);
            prop_assert_eq!(lines.line.trim_start_matches('\u{2018}'), wide(&text));
        }

        #[test]
        fn what_nobody_sees_is_left_out(text in "[a\u{e9}\u{ab}\u{2019}\u{6587}\u{feff}\u{fefc}\u{ad}\u{a0}\u{85}\u{9f}\u{7f}\u{0}\u{1c}\u{b} \n]{0,6}") {
            let (mut lines, mut letters) = (Lines::default(), Lines::default());
            for lines in [&mut lines, &mut letters] {
                lines.line.push('\u{2018}');
            }
            lines.push_visible(&text);
            letters.push_letters(&text);
            prop_assert_eq!(&lines.line, &letters.line);
            let unseen = |letter: char| letter.is_control() || matches!(letter, '\u{ad}' | '\u{feff}');
            prop_assert!(!lines.line.contains(unseen), "something is left");
        }
    }
}
