//! How does the text of a page become a tree?
//!
//! By html5ever's tree builder. Its tokens come from here: html5ever's own tokenizer looks at each letter and makes a token of each line feed, which
//! takes longer than all that is made of them. What pages are mostly written of is told apart here: text, tags, comments, scripts and styles. For
//! what is odd, html5ever's tokenizer is given the one text or tag it stands in; where that has no certain end, the rest of the page. Both ways make
//! the same tree, to the last node, and tests hold them against each other.

use std::{borrow::Cow, cell::RefCell};

use ego_tree::{NodeId, Tree};
use html5ever::{
    Attribute, LocalName, QualName, TokenizerResult, ns,
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, CharacterTokens, CommentToken, DoctypeToken, EOFToken, EndTag, ParseError, StartTag, Tag, TagKind,
        TagToken, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::{Data, Plaintext, RawData, RawKind, Rcdata, ScriptData, State},
    },
    tree_builder::{QuirksMode, TreeBuilder, TreeBuilderOpts, TreeSink},
};
use memchr::{memchr, memchr_iter, memmem};
use scraper::{Html, HtmlTreeSink, Node};

use super::bound::scan_tag;

/// How many names of tags and attributes are kept at hand.
const NAMES: usize = 64;

/// A byte order mark, which html5ever drops wherever it begins to read.
const MARK: char = '\u{feff}';

/// The tree of a page: the one that `Html::parse_document` makes.
pub(super) fn document(text: &str) -> Html {
    if memchr(0, text.as_bytes()).is_some() {
        return Html::parse_document(text);
    }
    let text = text.strip_prefix(MARK).unwrap_or(text);
    // Before anything else, all ends of lines become one (HTML Living Standard, section 13.2.3.5).
    let text = match memchr(b'\r', text.as_bytes()) {
        Some(_) => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        None => Cow::Borrowed(text),
    };
    // For two tags an element, a text in it and one after it.
    let nodes = memchr_iter(b'<', text.as_bytes()).count() * 3 / 2 + 8;
    let html = Html { quirks_mode: QuirksMode::NoQuirks, tree: Tree::with_capacity(Node::Document, nodes) };
    let builder = TreeBuilder::new(HtmlTreeSink::new(html), TreeBuilderOpts::default());
    let names = [const { None }; NAMES];
    Parser { text: &text, source: StrTendril::from_slice(&text), builder: &builder, names }.run();
    builder.sink.finish()
}

type Builder = TreeBuilder<NodeId, HtmlTreeSink>;

struct Parser<'a> {
    text: &'a str,
    /// The same once more: what tokens are pieces of.
    source: StrTendril,
    builder: &'a Builder,
    names: [Option<(&'a str, LocalName)>; NAMES],
}

/// Where it goes on.
enum Next {
    At(usize),
    /// From here to the end with html5ever's tokenizer: its state, and the last start tag.
    Rest(usize, State, Option<LocalName>),
}

impl<'a> Parser<'a> {
    fn run(mut self) {
        let mut at = 0;
        loop {
            let open = memchr(b'<', self.bytes(at)).map(|found| at + found);
            self.characters(at, open.unwrap_or(self.text.len()), Data);
            let Some(open) = open else { break };
            match self.markup(open).unwrap_or(Next::Rest(open, Data, None)) {
                Next::At(next) => at = next,
                Next::Rest(from, state, name) => return self.rest(from, state, name),
            }
        }
        self.put(EOFToken);
        self.builder.end();
    }

    fn bytes(&self, from: usize) -> &'a [u8] {
        self.text.as_bytes().get(from..).unwrap_or_default()
    }

    #[expect(clippy::cast_possible_truncation, reason = "pages are cut at 32 MiB before they are parsed")]
    fn piece(&self, from: usize, to: usize) -> StrTendril {
        self.source.subtendril(from as u32, (to - from) as u32)
    }

    /// A token after which reading goes on as before.
    fn put(&self, token: Token) {
        let _goes_on = self.builder.process_token(token, 1);
    }

    /// Text up to a `<` or the end.
    fn characters(&self, from: usize, to: usize, state: State) {
        if from == to {
            return;
        }
        let piece = self.piece(from, to);
        if memchr(b'&', piece.as_bytes()).is_none() {
            return self.put(CharacterTokens(piece));
        }
        let tokenizer = Tokenizer::new(Shared(self.builder), options(state, None));
        let input = BufferQueue::default();
        input.push_back(piece);
        // A reference may end here, and where it does depends on what follows.
        input.push_back(StrTendril::from_char('<'));
        let _suspended = tokenizer.feed(&input);
    }

    /// What begins with a `<`; nothing where html5ever has to say what it is.
    fn markup(&mut self, open: usize) -> Option<Next> {
        match self.bytes(open + 1) {
            [letter, ..] if letter.is_ascii_alphabetic() => self.tag(open, StartTag),
            [b'/', letter, ..] if letter.is_ascii_alphabetic() => self.tag(open, EndTag),
            [b'!', b'-', b'-', rest @ ..] => {
                let comment = rest.get(..memmem::find(rest, b"-->")?)?;
                if rest.starts_with(b">") || rest.starts_with(b"->") || memmem::find(comment, b"--!").is_some() {
                    return None;
                }
                let (from, end) = (open + 4, open + 4 + comment.len());
                self.put(CommentToken(self.piece(from, end)));
                Some(Next::At(end + 3))
            }
            [b'!', b'D' | b'd', ..] => {
                let end = open + memchr(b'>', self.bytes(open))? + 1;
                let doctype = self.alone(open, end).filter(|token| matches!(token, DoctypeToken(_)))?;
                self.put(doctype);
                Some(Next::At(end))
            }
            [b'!' | b'?' | b'/', ..] => None,
            _ => {
                self.put(CharacterTokens(StrTendril::from_char('<')));
                Some(Next::At(open + 1))
            }
        }
    }

    fn tag(&mut self, open: usize, kind: TagKind) -> Option<Next> {
        let (tag, end) = match self.plain_tag(open, kind) {
            Some(plain) => plain,
            None => {
                let end = scan_tag(self.text.as_bytes(), open + 1).end;
                match self.alone(open, end)? {
                    TagToken(tag) => (tag, end),
                    _ => return None,
                }
            }
        };
        let name = tag.name.clone();
        Some(match self.builder.process_token(TagToken(tag), 1) {
            TokenSinkResult::Continue => Next::At(end),
            // html5ever pauses here, and begins to read again.
            TokenSinkResult::Script(_) | TokenSinkResult::EncodingIndicator(_) => {
                let marked = self.text.get(end..).is_some_and(|rest| rest.starts_with(MARK));
                Next::At(if marked { end + MARK.len_utf8() } else { end })
            }
            TokenSinkResult::Plaintext => Next::Rest(end, Plaintext, None),
            TokenSinkResult::RawData(kind) => self.raw(end, kind, name),
        })
    }

    /// A tag without odd signs and references, and where it ends.
    fn plain_tag(&mut self, open: usize, kind: TagKind) -> Option<(Tag, usize)> {
        let start = open + if kind == EndTag { 2 } else { 1 };
        let (name, mut at) = self.name(start)?;
        let mut tag = Tag { kind, name, self_closing: false, attrs: Vec::new(), had_duplicate_attributes: false };
        loop {
            let before = at;
            at += space(self.bytes(at));
            match self.bytes(at) {
                [b'>', ..] => return Some((tag, at + 1)),
                [b'/', b'>', ..] => {
                    tag.self_closing = true;
                    return Some((tag, at + 2));
                }
                _ if before == at => return None,
                _ => {}
            }
            let (name, end) = self.name(at)?;
            at = end;
            let mut value = StrTendril::new();
            let equals = at + space(self.bytes(at));
            if self.bytes(equals).first() == Some(&b'=') {
                let from = equals + 1 + space(self.bytes(equals + 1));
                (value, at) = self.value(from)?;
            }
            if tag.attrs.iter().any(|other| other.name.local == name) {
                tag.had_duplicate_attributes = true;
            } else {
                tag.attrs.push(Attribute { name: QualName::new(None, ns!(), name), value });
            }
        }
    }

    /// A value without references, and where it ends.
    fn value(&self, from: usize) -> Option<(StrTendril, usize)> {
        let (from, to, end) = match self.bytes(from) {
            [quote @ (b'"' | b'\''), rest @ ..] => {
                let to = from + 1 + memchr(*quote, rest)?;
                (from + 1, to, to + 1)
            }
            rest => {
                let length = rest.iter().position(|byte| matches!(byte, b' ' | b'\n' | b'\t' | 0x0c | b'>'))?;
                let bare = rest.get(..length).filter(|bare| !bare.is_empty())?;
                if bare.iter().any(|byte| matches!(byte, b'"' | b'\'' | b'<' | b'=' | b'`')) {
                    return None;
                }
                (from, from + length, from + length)
            }
        };
        let value = self.piece(from, to);
        memchr(b'&', value.as_bytes()).is_none().then_some((value, end))
    }

    /// A name without odd signs, in lower case, and where it ends.
    fn name(&mut self, from: usize) -> Option<(LocalName, usize)> {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.');
        let length = self.bytes(from).iter().position(|byte| !is_plain(byte))?;
        let name = self.text.get(from..from + length).filter(|name| !name.is_empty())?;
        let (first, last) = (name.as_bytes().first()?, name.as_bytes().last()?);
        let place = (usize::from(*first) * 5 + usize::from(*last) * 3 + length) % NAMES;
        let local = match self.names.get_mut(place)? {
            Some((known, local)) if *known == name => local.clone(),
            other => {
                let lower = match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    true => Cow::Owned(name.to_ascii_lowercase()),
                    false => Cow::Borrowed(name),
                };
                other.insert((name, LocalName::from(lower))).1.clone()
            }
        };
        Some((local, from + length))
    }

    /// The text of an element in which tags do not count.
    fn raw(&self, from: usize, kind: RawKind, name: LocalName) -> Next {
        let Some(length) = raw_end(self.bytes(from), &name) else {
            return Next::Rest(from, RawData(kind), Some(name));
        };
        let text = self.bytes(from).get(..length).unwrap_or_default();
        // In a comment of a script another script may begin, and then `</script>` ends that one.
        if kind == ScriptData && memmem::find(text, b"<!--").is_some_and(|at| opens_script(text.get(at..))) {
            return Next::Rest(from, RawData(kind), Some(name));
        }
        if kind == Rcdata {
            self.characters(from, from + length, RawData(kind));
        } else if length > 0 {
            self.put(CharacterTokens(self.piece(from, from + length)));
        }
        Next::At(from + length)
    }

    /// The one token that this piece is; nothing where it is none, several, or ends before the piece does.
    fn alone(&self, from: usize, to: usize) -> Option<Token> {
        let all_but_end = self.text.get(from..to)?.strip_suffix('>')?;
        let tokenizer = Tokenizer::new(Kept::default(), options(Data, None));
        let input = BufferQueue::default();
        input.push_back(self.piece(from, from + all_but_end.len()));
        let _suspended = tokenizer.feed(&input);
        if !tokenizer.sink.0.borrow().is_empty() {
            return None;
        }
        input.push_back(StrTendril::from_char('>'));
        let _suspended = tokenizer.feed(&input);
        let mut tokens = tokenizer.sink.0.take();
        tokens.pop().filter(|_| tokens.is_empty())
    }

    /// Everything from here on.
    fn rest(self, from: usize, state: State, name: Option<LocalName>) {
        let mut from = from;
        while self.text.get(from..).is_some_and(|rest| rest.starts_with(MARK)) {
            // Here reading goes on and does not begin: the mark stays.
            self.put(CharacterTokens(StrTendril::from_char(MARK)));
            from += MARK.len_utf8();
        }
        let mut options = options(state, name);
        options.discard_bom = true;
        let tokenizer = Tokenizer::new(Shared(self.builder), options);
        let input = BufferQueue::default();
        input.push_back(self.piece(from, self.text.len()));
        while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
        tokenizer.end();
    }
}

fn options(state: State, last: Option<LocalName>) -> TokenizerOpts {
    TokenizerOpts {
        discard_bom: false,
        initial_state: Some(state),
        last_start_tag_name: last.map(|name| name.to_string()),
        ..TokenizerOpts::default()
    }
}

/// How much white space stands at the beginning.
fn space(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\t' | 0x0c)).count()
}

/// Where the closing tag of a raw text element begins.
fn raw_end(text: &[u8], name: &str) -> Option<usize> {
    memchr_iter(b'<', text).find(|at| {
        let close = text.get(at + 1..).and_then(|rest| rest.strip_prefix(b"/")).unwrap_or_default();
        close.get(..name.len()).is_some_and(|other| other.eq_ignore_ascii_case(name.as_bytes()))
            && matches!(close.get(name.len()), Some(b' ' | b'\n' | b'\t' | 0x0c | b'/' | b'>'))
    })
}

fn opens_script(text: Option<&[u8]>) -> bool {
    text.is_some_and(|text| text.windows(7).any(|window| window.eq_ignore_ascii_case(b"<script")))
}

/// The tree builder, for a tokenizer that reads a part of the page.
struct Shared<'a>(&'a Builder);

impl TokenSink for Shared<'_> {
    type Handle = NodeId;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<NodeId> {
        // Lines are counted for messages, which nobody reads.
        let _ = line;
        self.0.process_token(token, 1)
    }

    fn end(&self) {
        self.0.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.0.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// Tokens as they come, complaints left out.
#[derive(Default)]
struct Kept(RefCell<Vec<Token>>);

impl TokenSink for Kept {
    type Handle = NodeId;

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<NodeId> {
        if !matches!(token, ParseError(_)) {
            self.0.borrow_mut().push(token);
        }
        TokenSinkResult::Continue
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str) {
        let (ours, theirs) = (document(text), Html::parse_document(text));
        if ours != theirs {
            panic!("{text:?}\n ours {:?}\nhtml5ever {:?}", ours.tree, theirs.tree);
        }
    }

    #[test]
    fn odd_pages_have_the_tree_that_html5ever_gives_them() {
        for text in [
            "",
            "\u{feff}<!doctype html><title>\u{feff}a</title>",
            "<p>a\r\nb\rc<pre>\r\n\nd</pre><textarea>\ne</textarea>",
            "<p>a &amp b&nbsp;c &am&#38;&#x26<b>d</b>&#",
            "<p title='&amp;copy=1&copy'>a<p title=&lt;b&gt x=1/>b<a href=/x/>c</a>",
            "<P CLASS=A id='b'ID=c / disabled x = y>d</P x><br/><br / ><img a=1 a=2 a='3'/>",
            "<a =x='y>z'>b</a><b \"c>d</b \"e>f<i\u{e9}>g",
            "a < b <3 <> </> </ p> <?php x ?> <!x> <![CDATA[y]]><svg><![CDATA[z<b>]]></svg>",
            "<!--a--><!-- b <!-- c --><!--><!---><!-- d --!> e --><!----><!-- - -- --->f<!-- g",
            "<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \"http://www.w3.org/TR/html4/strict.dtd\"><table><p>a",
            "<!doctype html SYSTEM 'a>b'>c<!doctype>",
            "<script>a<b \n</scripty></SCRIPT >c<script><!-- <script> </script> --></script>d",
            "<script><!-- a </script>b<script><!-- <scrip> --> <!--</script>c<script><!-- <SCRIPT/></script> --> d</script>e",
            "<script>x</script>\u{feff}y<meta charset=utf-8>\u{feff}z<style>\u{feff}<!-- </style>",
            "<title>a &lt; <b></title><textarea>&amp<\n</textarea>b<xmp>&amp;</xmp><noscript><p>c</noscript>",
            "<svg><style>a<b>c</b></style><title>d<i>e</i></title></svg><math><mi>f",
            "<plaintext>a<b>c</plaintext>",
            "<table>a<tr>b<td>c</table><template><td>d</template><select><option>e<p>f",
            "<b><p>a<i>b</b>c</p>d<a>e<a>f<nobr>g<nobr>h</a><form><form></form>",
            "<frameset><frame></frameset><noframes>a</noframes>",
            "<p",
            "<p a",
            "<p a=",
            "<p a='b",
            "</p",
            "<script>a",
            "<title>a</tit",
            "<!",
            "<!-",
            "<style></style",
            "<",
            "a\0b<p \0>\0",
        ] {
            check(text);
        }
    }

    proptest! {
        #[test]
        fn any_page_has_the_tree_that_html5ever_gives_it(parts in prop::collection::vec(prop::sample::select(vec![
            "<", ">", "/", "!", "--", "-", "=", "\"", "'", "&", ";", "#", "?", " ", "\n", "\r", "\t", "\u{c}", "\u{feff}", "\0", "\u{e9}", "x", "7",
            "<p>", "</p>", "<div class=\"a b\" id='c'>", "</div>", "<br/>", "<b>", "</b>", "<a href='?x&amp;y'>", "</a>", "<i", "<table>", "<tr>", "<td>",
            "</table>", "<li>", "<script>", "</script>", "</script", "<!--", "-->", "--!>", "<!doctype html>", "<style>", "</style>", "<title>", "</title>",
            "<textarea>", "</textarea>", "<svg>", "</svg>", "<![CDATA[", "]]>", "<math>", "<template>", "</template>", "<select>", "<option>", "&amp;",
            "&not", "&#x26;", "<meta charset='x'>", "<pre>", "<P Q=r>", " a=", " b='c'", "<body>", "</html>", "<head>", "<noscript>", "</noscript>",
        ]), 0..24)) {
            check(&parts.concat());
        }
    }
}
