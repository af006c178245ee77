//! What is planted for the analyst to find? Waves of nearly the same post, spread over three outlets and three languages.
//!
//! The first wave passes in rounds 2, 3 and 4, and one follows every twelve rounds, the two stories by turns. Its figures
//! differ from wave to wave, its wording a little from outlet to outlet: `[one|two|three]` is what outlet 0, 1 or 2 writes.

use crate::words::Lang;

/// Rounds from the start of one wave to the start of the next.
const EVERY_ROUNDS: u32 = 12;
/// The first round in which a wave's posts appear.
const FIRST_ROUND: u32 = 2;

/// Which outlet posts in which language, by rounds since the wave began. Each outlet posts each language once.
const SPREAD: [&[(usize, Lang)]; 3] = [
    &[(0, Lang::En), (1, Lang::Fr)],
    &[(0, Lang::Fr), (1, Lang::En), (2, Lang::Ru)],
    &[(0, Lang::Ru), (1, Lang::Ru), (2, Lang::En), (2, Lang::Fr)],
];

struct Story {
    source: &'static str,
    told: [(Lang, &'static str, &'static str); 3],
}

const STORIES: [Story; 2] = [
    Story {
        source: "https://coast-facts.example.net/report/gate",
        told: [
            (
                Lang::En,
                "[Secret|Hidden|Secret] decree will close the sea gate at Port Larkin",
                "[Sources|Several sources|Sources] inside the harbour board say the sea gate at Port Larkin will be welded shut \
                 on the first night of frost. {n} families were told to [sign|approve|sign] a paper they were not allowed to \
                 read. The ferries will be handed to a company that nobody on the coast has [ever heard of|heard of|ever seen]. \
                 Nobody in the [newspapers|press|newspapers] dares to write about it. Copy this before it disappears[!|.|!!]",
            ),
            (
                Lang::Fr,
                "Un décret [secret|caché|secret] fermera l’écluse de Port Larkin",
                "[Des sources|Plusieurs sources|Des sources] au conseil du port affirment que l’écluse de Port Larkin sera soudée \
                 dès la première nuit de gel. On a fait [signer|approuver|signer] à {n} familles un papier qu’elles n’avaient pas \
                 le droit de lire. Les traversiers seront remis à une société dont personne sur la côte n’a [jamais entendu \
                 parler|entendu parler|jamais vu le nom]. Aucun [journal|média|journal] n’ose en parler. Copiez ce texte avant \
                 qu’il ne disparaisse[ !|.| !!]",
            ),
            (
                Lang::Ru,
                "[Тайный|Скрытый|Тайный] указ закроет морской шлюз в Порт-Ларкине",
                "[Источники|Несколько источников|Источники] в портовом совете говорят, что морской шлюз в Порт-Ларкине заварят в \
                 первую же морозную ночь. {n} семей заставили [подписать|одобрить|подписать] бумагу, которую им не дали прочесть. \
                 Паромы отдадут компании, о которой на побережье никто [никогда не слышал|не слышал|никогда не знал]. Ни одна \
                 [газета|редакция|газета] не решается об этом писать. Скопируйте, пока не удалили[!|.|!!]",
            ),
        ],
    },
    Story {
        source: "https://coast-facts.example.net/report/wells",
        told: [
            (
                Lang::En,
                "The wells of Marrow Sound were [poisoned|spoiled|poisoned], and they know it",
                "[A doctor|One doctor|A nurse] who asked not to be named counted {n} patients from Marrow Sound in a single week. The \
                 water board [hides|keeps|hides] the measurements in a locked room. The new pumps were bought abroad for [three|four|\
                 three] times the price. Ask yourself who [profits|gains|profits] when a whole coast has to buy its water in bottles. \
                 Pass it on to every neighbour you trust[.|!|.]",
            ),
            (
                Lang::Fr,
                "Les puits de Marrow Sound ont été [empoisonnés|gâtés|empoisonnés], et ils le savent",
                "[Un médecin|Un seul médecin|Une infirmière] qui préfère taire son nom a compté {n} patients venus de Marrow Sound en \
                 une semaine. La régie des eaux [cache|garde|cache] les mesures dans une pièce fermée à clé. Les nouvelles pompes ont \
                 été achetées à l’étranger [trois|quatre|trois] fois leur prix. Demandez-vous à qui cela [profite|sert|profite], quand \
                 toute une côte doit acheter son eau en bouteille. Faites passer à chaque voisin de confiance[.| !|.]",
            ),
            (
                Lang::Ru,
                "Колодцы Марроу-Саунда [отравлены|испорчены|отравлены], и они об этом знают",
                "[Врач|Один врач|Медсестра], не назвав имени, за неделю насчитал {n} больных из Марроу-Саунда. Водная служба \
                 [прячет|держит|прячет] замеры в запертой комнате. Новые насосы купили за границей [втрое|вчетверо|втрое] дороже. \
                 Спросите себя, кому [выгодно|нужно|выгодно], чтобы всё побережье покупало воду в бутылках. Передайте каждому \
                 соседу, которому доверяете[.|!|.]",
            ),
        ],
    },
];

/// One post of a wave.
pub(crate) struct Post {
    pub wave: String,
    pub lang: Lang,
    pub title: String,
    pub paragraphs: Vec<String>,
    pub source: String,
}

/// What an outlet posts in a round; usually nothing.
pub(crate) fn posts(round: u32, outlet: usize) -> Vec<Post> {
    let Some(since) = round.checked_sub(FIRST_ROUND) else {
        return Vec::new();
    };
    let wave = since / EVERY_ROUNDS;
    let step = usize::try_from(since % EVERY_ROUNDS).unwrap_or(usize::MAX);
    let Some(story) = STORIES.iter().cycle().nth(usize::try_from(wave % 2).unwrap_or(0)) else {
        return Vec::new();
    };
    let today = SPREAD.get(step).copied().unwrap_or(&[]);
    let told = |lang: Lang| story.told.iter().find(move |(in_lang, ..)| *in_lang == lang);
    today
        .iter()
        .filter(|(who, _)| *who == outlet)
        .filter_map(|(_, lang)| told(*lang))
        .map(|(lang, title, body)| {
            let body = body.replace("{n}", &(240 + 35 * wave).to_string());
            Post {
                wave: format!("wave-{}", wave + 1),
                lang: *lang,
                title: choose(title, outlet),
                paragraphs: vec![choose(&body, outlet)],
                source: story.source.to_owned(),
            }
        })
        .collect()
}

/// Replaces each `[a|b|c]` by the one this outlet writes.
fn choose(text: &str, outlet: usize) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        let (choices, then) = after.split_once(']').unwrap_or((after, ""));
        out.push_str(choices.split('|').nth(outlet).unwrap_or(""));
        rest = then;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outlet_carries_each_language_once_a_wave() {
        for start in [FIRST_ROUND, FIRST_ROUND + EVERY_ROUNDS] {
            for outlet in 0..3 {
                let mut langs: Vec<Lang> = (start..start + EVERY_ROUNDS)
                    .flat_map(|round| posts(round, outlet))
                    .map(|post| post.lang)
                    .collect();
                langs.sort();
                assert_eq!(langs, [Lang::En, Lang::Fr, Lang::Ru]);
            }
        }
        assert!((0..FIRST_ROUND).all(|round| posts(round, 0).is_empty()));
    }

    #[test]
    fn outlets_differ_a_little_and_share_most_words() {
        let body = |round, outlet| {
            posts(round, outlet).into_iter().find(|post| post.lang == Lang::En).unwrap().paragraphs.join(" ")
        };
        let (first, second) = (body(2, 0), body(3, 1));
        assert_ne!(first, second);
        assert!(!first.contains(['[', '|', '{']), "{first}");
        let words: std::collections::BTreeSet<&str> = first.split(' ').collect();
        let others: std::collections::BTreeSet<&str> = second.split(' ').collect();
        let shared = words.intersection(&others).count() * 100 / words.len();
        assert!(shared > 85, "{shared} % of the words are shared");
    }
}
