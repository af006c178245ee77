//! Texts in many languages, and any text at all.

use proptest::prelude::*;

use super::*;

fn cut(text: &str) -> String {
    tokens(text).into_iter().map(|token| token.text).collect::<Vec<_>>().join("|")
}

#[test]
fn words_of_many_languages_meet_their_other_spellings() {
    for (text, expected) in [
        ("The Harbour's ice-free, isn't it?", "the|harbour|s|ice|free|isn|t|it"),
        ("À l’été, l'Œuvre naïve", "a|l|ete|l|oeuvre|naive"),
        ("Ёлка и ещё Йод", "елка|и|еще|иод"),
        ("П’ять п'ять пʼять їжак ґанок", "п|ять|п|ять|п|ять|іжак|ґанок"),
        ("Straße STRASSE Łódź Søren Ærø", "strasse|strasse|lodz|soren|aero"),
        ("Ὀδυσσεύς ΟΔΥΣΣΕΥΣ", "οδυσσευσ|οδυσσευσ"),
        ("می\u{200c}رود كتاب علي ۱۴۰۵", "میرود|کتاب|علی|1405"),
        ("أَهْلًا وَسَهْلًا مرحبـــا ٢٠٢٦", "اهلا|وسهلا|مرحبا|2026"),
        ("İstanbul ISPARTA ılık", "istanbul|isparta|ilik"),
        ("中国人民", "中国|国人|人民"),
        ("東京タワー 京", "東京|京タ|タワ|ワー|京"),
        ("ｶﾞｿﾘﾝ", "ガソ|ソリ|リン"),
        ("한국어 말", "한국|국어|말"),
        ("中国harbour国", "中国|harbour|国"),
        ("中。国", "中|国"),
        ("हिन्दी में", "हिन्दी|में"),
        ("צה\"ל שָׁלוֹם", "צה|ל|שלום"),
        ("zero\u{200b}width so\u{ad}ft", "zerowidth|soft"),
        ("① ﬁne ㎞", "1|fine|km"),
        ("3.14 1,000 COVID-19", "3|14|1|000|covid|19"),
        ("🇨🇦 ❤️ 👍🏽 ok", "🇨🇦|❤|👍|ok"),
    ] {
        assert_eq!(cut(text), expected, "{text}");
    }
}

#[test]
fn addresses_names_and_tags_are_words() {
    assert_eq!(cut("see https://News.example.org/a-b?x=1#top"), "see|news|example|org|a|b|x|1|top");
    assert_eq!(cut("@harbour_news@example.net #IceFree"), "harbour|news|example|net|icefree");
    assert_eq!(cut("https and http:"), "https|and|http");
}

#[test]
fn a_single_character_is_the_beginning_of_a_pair_or_the_end_of_a_run() {
    let kept: Vec<String> = index_tokens("中国 ok").into_iter().map(|token| token.text).collect();
    assert_eq!(kept, ["中国", "国", "ok"]);
    assert_eq!(phrase("国", false), Phrase { tokens: vec!["国".into()], is_prefix: true });
    assert_eq!(phrase("中国", false), Phrase { tokens: vec!["中国".into()], is_prefix: false });
    assert_eq!(phrase("中国 ok", false).tokens, ["中国", "国", "ok"]);
    assert_eq!(phrase("—", false).tokens, [""; 0]);
}

#[test]
fn places_point_into_the_text_that_was_given() {
    let text = "L\u{ad}’É\u{200b}té à 中国, ﬁne";
    let found: Vec<&str> = tokens(text).iter().map(|token| &text[token.start..token.end]).collect();
    assert_eq!(found, ["L", "É\u{200b}té", "à", "中国", "ﬁne"]);
}

#[test]
fn long_words_are_cut_off() {
    assert_eq!(cut(&"x".repeat(1000)).len(), MAX_TOKEN_CHARS);
    assert_eq!(cut(&"ж".repeat(1000)).chars().count(), MAX_TOKEN_CHARS);
}

#[test]
fn short_values_fold_to_one_spelling() {
    assert_eq!(fold("  Élan   VITAL "), "elan vital");
    assert_eq!(fold("ё-ك"), "е-ک");
}

fn check_stable(text: &str) -> Result<(), TestCaseError> {
    let once: Vec<String> = tokens(text).into_iter().map(|token| token.text).collect();
    let twice: Vec<String> = tokens(&once.join(" ")).into_iter().map(|token| token.text).collect();
    prop_assert_eq!(&once, &twice);
    for token in tokens(text) {
        prop_assert!(text.get(token.start..token.end).is_some_and(|part| !part.is_empty()), "{:?}", token);
        prop_assert!(token.text.chars().all(|c| !c.is_whitespace() && !c.is_ascii_punctuation()), "{:?}", token);
        prop_assert!(!token.text.is_empty());
    }
    Ok(())
}

/// Written in a row they are the words that the index is asked for.
fn check_written(text: &str) -> Result<(), TestCaseError> {
    let words: Vec<String> = index_tokens(text).into_iter().map(|token| token.text).collect();
    let mut row = String::new();
    write(text, None, &mut row);
    prop_assert_eq!(&row, &words.join(" "), "{:?}", text);
    write(text, Some("_"), &mut row);
    let twice = if words.is_empty() { String::new() } else { format!("{0} _ {0}", words.join(" ")) };
    prop_assert_eq!(row, twice, "{:?}", text);
    Ok(())
}

#[test]
fn each_character_is_written_as_it_is_cut_whatever_stands_beside_it() {
    let all = (0..=0x2_ffff_u32).filter_map(char::from_u32);
    for c in all.filter(|c| *c < '\u{3400}' || *c >= '\u{f900}' || u32::from(*c) % 97 == 0) {
        for text in [format!("a{c}b"), format!("国{c}国{c}{c}"), format!("1{c}ж{c}'{c}.x")] {
            check_written(&text).unwrap();
        }
    }
    check_written("see http://a.example/x https:// x_http://y 'https://z a:https://q").unwrap();
    check_written(&format!("{}国{}", "x".repeat(70), "é".repeat(70))).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn words_are_written_as_they_are_cut(
        any in any::<String>(),
        mixed in "[a-zßéœİ'’_\\-. :/,。，中国人カガｶﾞ한가ㄱㅏا-يكىёйЇกำल्दि0-9٠-٩🇦-🇿👍²ªʼ\u{200b}\u{301}\u{3099}\u{640}\r\n]{0,32}",
        near in "[\u{0}-\u{700}\u{2010}-\u{2040}\u{3000}-\u{3020}\u{ff00}-\u{ff20} ]{0,24}",
    ) {
        check_written(&any)?;
        check_written(&mixed)?;
        check_written(&near)?;
    }

    #[test]
    fn cutting_again_changes_nothing(text in "\\PC{0,40}") {
        check_stable(&text)?;
    }

    #[test]
    fn cutting_any_characters_again_changes_nothing(text in any::<String>()) {
        check_stable(&text)?;
    }

    #[test]
    fn mixed_scripts_are_stable(text in "[a-zßéœİ'’_\\-. 中国人カガｶﾞ한가ㄱㅏا-يكىёйЇกำल्दि0-9٠-٩🇦-🇿👍\u{200b}\u{301}\u{3099}]{0,24}") {
        check_stable(&text)?;
    }
}
