//! Which nodes do the blocks of a page hold, well-formed or not?

use serde_json::{Map, Value};

/// Longest block read, in bytes.
const MAX_BLOCK_BYTES: usize = 1 << 20;

/// Most blocks, and most nodes of all of them, looked at.
const MAX_BLOCKS: usize = 32;
const MAX_NODES: usize = 5_000;

/// The nodes of all blocks.
pub(super) fn nodes(blocks: &[String]) -> Vec<Map<String, Value>> {
    let mut nodes = Vec::new();
    for block in blocks.iter().filter(|block| block.len() <= MAX_BLOCK_BYTES).take(MAX_BLOCKS) {
        for value in tolerant(block) {
            gather(value, &mut nodes);
        }
    }
    nodes
}

/// All nodes with a type or an `@id`, in document order, if their context is schema.org's or none is said.
fn gather(value: Value, nodes: &mut Vec<Map<String, Value>>) {
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Array(values) => waiting.extend(values.into_iter().rev()),
            Value::Object(node) => {
                if nodes.len() >= MAX_NODES || !node.get("@context").is_none_or(is_schema) {
                    continue;
                }
                // The graph, and the article that a page is about. Lists of other pages' articles are left alone.
                let inside = ["hasPart", "mainEntityOfPage", "mainEntity", "@graph"]
                    .iter()
                    .filter_map(|key| node.get(*key))
                    .filter(|inside| inside.is_array() || inside.is_object());
                waiting.extend(inside.cloned());
                // Author and publisher can be referred to by `@id` elsewhere once they were described here.
                let described =
                    ["author", "publisher", "image"].iter().filter_map(|key| node.get(*key)).filter(|inside| {
                        inside.get("@id").is_some() && inside.get("name").or_else(|| inside.get("url")).is_some()
                    });
                waiting.extend(described.cloned());
                if node.contains_key("@type") || node.contains_key("@id") {
                    nodes.push(node);
                }
            }
            _ => {}
        }
    }
}

/// `http` or `https`, with or without `www.` and slash; in a list or as `@vocab` too.
fn is_schema(context: &Value) -> bool {
    let is = |text: &str| {
        let text = text.trim().trim_end_matches(['/', '#']);
        let text = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
        text.trim_start_matches("www.").eq_ignore_ascii_case("schema.org")
    };
    match context {
        Value::String(text) => is(text),
        Value::Array(values) => values.iter().any(|value| match value {
            Value::String(text) => is(text),
            Value::Object(terms) => terms.values().filter_map(Value::as_str).any(is),
            _ => false,
        }),
        Value::Object(terms) => terms.values().filter_map(Value::as_str).any(is),
        _ => true,
    }
}

/// The values in a block: as JSON, or as JSON once what people put around and into it is mended. Nothing if that does not help.
fn tolerant(block: &str) -> Vec<Value> {
    if let Ok(value) = serde_json::from_str(block) {
        return vec![value];
    }
    let mended = mend(block);
    let values = stream(&mended);
    if !values.is_empty() || !block.contains("&quot;") {
        return values;
    }
    stream(&mend(&html_escape::decode_html_entities(block)))
}

/// The values up to the first that cannot be read.
fn stream(text: &str) -> Vec<Value> {
    serde_json::Deserializer::from_str(text).into_iter::<Value>().map_while(Result::ok).take(MAX_BLOCKS).collect()
}

/// Takes out comments, CDATA marks, commas before closing brackets and semicolons between values; escapes bare control characters in
/// strings; drops backslashes that escape nothing.
fn mend(block: &str) -> String {
    let mut out = String::with_capacity(block.len());
    let mut rest = block.trim_start_matches('\u{FEFF}');
    let mut in_string = false;
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        if in_string {
            match letter {
                '"' => {
                    in_string = false;
                    out.push('"');
                }
                '\\' => match after.chars().next() {
                    Some(next @ ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't')) => {
                        out.push('\\');
                        out.push(next);
                        rest = &after[1..];
                        continue;
                    }
                    Some('u')
                        if after.get(1..5).is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit())) =>
                    {
                        out.push('\\');
                    }
                    _ => {}
                },
                '\n' => out.push_str("\\n"),
                '\r' => {}
                '\t' => out.push_str("\\t"),
                control if control < ' ' => out.push(' '),
                other => out.push(other),
            }
            rest = after;
            continue;
        }
        let skip = if rest.starts_with("<!--") {
            Some(4)
        } else if rest.starts_with("-->") || rest.starts_with("]]>") {
            Some(3)
        } else if rest.starts_with("<![CDATA[") {
            Some(9)
        } else if let Some(comment) = rest.strip_prefix("//") {
            // `//<![CDATA[` and `//]]>` stand on lines with more behind them as well as alone.
            let mark = comment.trim_start_matches([' ', '\t']);
            let marked = ["<![CDATA[", "]]>", "<!--", "-->"].iter().any(|sign| mark.starts_with(sign));
            Some(if marked { rest.len() - mark.len() } else { rest.find('\n').unwrap_or(rest.len()) })
        } else {
            rest.strip_prefix("/*").map(|comment| comment.find("*/").map_or(rest.len(), |end| end + 4))
        };
        if let Some(skip) = skip {
            rest = &rest[skip..];
            continue;
        }
        match letter {
            '"' => {
                in_string = true;
                out.push('"');
            }
            ';' => {}
            '}' | ']' => {
                let kept = out.trim_end_matches(|letter: char| letter == ',' || letter.is_whitespace()).len();
                out.truncate(kept);
                out.push(letter);
            }
            other => out.push(other),
        }
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;

    #[test]
    fn mistakes_that_people_make_are_read() {
        for block in [
            "{\"@type\":\"NewsArticle\",\"headline\":\"An \\\"invented\\\" story\",}",
            "<!-- {\"@type\":\"NewsArticle\",\"headline\":\"An \\\"invented\\\" story\"} -->",
            "//<![CDATA[\n{\"@type\":\"NewsArticle\",\"headline\":\"An \\\"invented\\\" story\"}\n//]]>",
            "<![CDATA[{\"@type\":[\"NewsArticle\",],\"headline\":\"An \\\"invented\\\" story\" , }]]>",
            "/* by hand */ {\"@type\":\"NewsArticle\", // which\n\"headline\":\"An \\\"invented\\\"\nstory\"};",
            "{\"@type\":\"NewsArticle\",\"headline\":\"An \\\"invented\\\" stor\\y\"}",
            "{&quot;@type&quot;:&quot;NewsArticle&quot;,&quot;headline&quot;:&quot;An \\&quot;invented\\&quot; story&quot;}",
            "{\"@type\":\"WebSite\",\"name\":\"x\"}\n{\"@type\":\"NewsArticle\",\"headline\":\"An &quot;invented&quot; story\"}",
            "\u{FEFF}{\"@type\":\"NewsArticle\",\"headline\":\"An \\\"invented\\\"\tstory\"}",
        ] {
            assert_eq!(found(&[block]).title("").as_deref(), Some("An \"invented\" story"), "{block}");
        }
        assert_eq!(
            found(&["{\"@type\":\"NewsArticle\",\"headline\":\"a // b /* c */ , }\"}"]).title("").as_deref(),
            Some("a // b /* c */ , }")
        );
    }

    #[test]
    fn what_cannot_be_mended_is_ignored() {
        for block in [
            "",
            "{",
            "null",
            "{\"@type\":}",
            "\"\\",
            "<!--",
            "//",
            "/*",
            "{\"@type\":\"NewsArticle\",\"headline\":\"cut",
        ] {
            assert_eq!(found(&[block]).title(""), None, "{block}");
        }
        assert_eq!(
            found(&["{", "{\"@type\":\"Article\",\"headline\":\"Second\"}"]).title("").as_deref(),
            Some("Second")
        );
        assert_eq!(found(&[&"[".repeat(100_000)]).title(""), None);
        assert_eq!(found(&[&"{\"a\":".repeat(100_000)]).title(""), None);
    }
}
