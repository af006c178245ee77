//! Which known name did a person mean?

/// The known name that a misspelt one most likely means: at most a third of its letters differ.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = name.chars().take(64).collect();
    known
        .map(|one| (distance(&name, &one.chars().collect::<Vec<_>>()), one))
        .min()
        .filter(|(edits, one)| *edits <= one.len().max(name.len()).div_ceil(3))
        .map(|(_, one)| one)
}

/// Levenshtein's.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            left = (above + 1).min(left + 1).min(corner + usize::from(x != y));
            corner = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
