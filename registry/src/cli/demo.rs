//! `vigie up --demo`: what would a visitor want to see in the first minute, and where?
//!
//! The exhibit plays newsrooms; an agent collects from them under a signed permission; this tells what happens as it happens, each thing once, with
//! the page that shows it. Nothing is staged here: every line is read from the registry's own tables.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use jiff::{SignedDuration, Timestamp};

use super::{
    Say,
    serve::{Running, Up, beside, bind, logging, run, start_agents},
    trial,
};
use crate::{
    api::Desk,
    core::store::Store as _,
    desk::{self, Card, DenialFilter, RecordId},
    search::{Answer, Options, Query, Search},
};

/// Every post of the exhibit's planted wave refers to this host.
const WAVE: &str = "link:coast-facts.example.net";

/// Outlets that make a wave: all that take part.
const WAVE_OUTLETS: usize = 3;

/// The newsrooms begin so many days ago and tell a day a round, so that the timeline has days to show.
const DAYS_TOLD: i64 = 12;

/// Makes a trial unit, starts newsrooms, registry and agents, and tells what they come to until stopped.
///
/// # Errors
///
/// Where a program is missing, the address is taken or not of this machine, or no record comes within a minute.
pub fn demo(args: &Up, say: &Say) -> Result<()> {
    logging();
    let began = Instant::now();
    let listener = bind(args.listen)?;
    let listen = listener.local_addr()?;
    if !listen.ip().is_loopback() {
        bail!("a demonstration listens on loopback only, not on {listen}");
    }
    say.line("Vigie demonstration: TRIAL. Invented newsrooms on this machine; it proves nothing about the world.\n")?;
    let epoch = Timestamp::from_second(Timestamp::now().as_second())?
        .checked_sub(SignedDuration::from_hours(24 * DAYS_TOLD))?;
    let mut exhibit = Command::new(beside("exhibit")?)
        .args([
            "--tick",
            &args.tick.to_string(),
            "--epoch",
            &epoch.to_string(),
            "--step",
            "86400",
            "--until-stdin-closes",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("the exhibit could not be started")?;
    let mut first = String::new();
    let output = exhibit.stdout.take().context("the exhibit has no output")?;
    let exhibit = Running(exhibit);
    BufReader::new(output).read_line(&mut first)?;
    let newsrooms: trial::Exhibit =
        serde_json::from_str(&first).context("the exhibit's first line is not understood")?;
    let unit = trial::make(&args.folder, &newsrooms, listen, "every 10s", say)?;
    let names: Vec<_> = unit
        .root()?
        .people
        .iter()
        .filter_map(|person| tlog::VerifierKey::parse(&person.key).ok())
        .map(|key| key.name().to_owned())
        .collect();
    run(&unit, listener, args.secs, say, |desk| {
        let agents = start_agents(&unit, desk, true)?;
        let teller = Teller { desk: desk.clone(), say: *say, began, listen, folder: args.folder.clone() };
        teller.line(
            "permitted",
            &format!("{} sources, asked for by {}", newsrooms.newsrooms.len(), names.join(", approved by ")),
            "/sources",
        )?;
        teller.first_record(Duration::from_secs(60))?;
        std::thread::spawn(move || {
            // Only a lost terminal ends it early; the registry serves on.
            let _ = teller.tell();
        });
        Ok(agents)
    })?;
    drop(exhibit);
    Ok(())
}

/// Watches the registry and tells.
struct Teller {
    desk: Desk,
    say: Say,
    began: Instant,
    listen: SocketAddr,
    folder: PathBuf,
}

impl Teller {
    fn line(&self, what: &str, words: &str, page: &str) -> Result<()> {
        let secs = self.began.elapsed().as_secs();
        let (minutes, secs) = (secs / 60, secs % 60);
        self.say
            .line(&format!("{minutes}:{secs:02}  {what:<10} {words}\n                 http://{}{page}", self.listen))
    }

    fn find(&self, query: &str) -> Result<(Answer, Vec<Card>)> {
        let query = Query::parse(query).map_err(|why| anyhow::anyhow!("{why}"))?;
        let options = Options { limit: 1, facets: true, ..Options::at(Timestamp::now()) };
        let read = self.desk.store().read(|db| {
            Ok(Search::run(db, &query, &options)
                .map(|answer| desk::cards(db, &query, &answer.hits).map(|cards| (answer, cards))))
        })?;
        Ok(read.map_err(|why| anyhow::anyhow!("{why}"))??)
    }

    /// Waits for something new in the log, or a little.
    fn wait(&self) -> Result<()> {
        let size = self.desk.store().leaf_count()?;
        let _ = self.desk.registry().wait_followed(size + 1, Duration::from_millis(500));
        Ok(())
    }

    fn first_record(&self, patience: Duration) -> Result<()> {
        let until = Instant::now() + patience;
        loop {
            let (answer, _) = self.find("")?;
            if answer.total > 0 {
                return self.line("collecting", "the first records are found", "/");
            }
            if Instant::now() > until {
                bail!(
                    "no record came within {} s; `vigie denials` and `vigie coverage` say what happened",
                    patience.as_secs()
                );
            }
            self.wait()?;
        }
    }

    fn tell(&self) -> Result<()> {
        type Chapter = (&'static str, fn(&Teller) -> Result<Option<(String, String)>>);
        let mut chapters: Vec<Chapter> = vec![
            ("refused", Teller::refusal),
            ("gap", Teller::gap),
            ("edited", Teller::edit),
            ("wave", Teller::wave),
            ("withdrawn", Teller::withdrawal),
        ];
        let mut counted = Instant::now();
        let mut is_told = false;
        loop {
            let mut open = Vec::with_capacity(chapters.len());
            for (what, ask) in chapters {
                match ask(self)? {
                    Some((words, page)) => self.line(what, &words, &page)?,
                    None => open.push((what, ask)),
                }
            }
            chapters = open;
            if chapters.is_empty() && !is_told {
                is_told = true;
                self.proof()?;
            }
            if counted.elapsed() >= Duration::from_secs(30) {
                counted = Instant::now();
                let (all, _) = self.find("")?;
                self.say.line(&format!(
                    "      {} records; log size {}",
                    all.total,
                    self.desk.registry().checkpoint().size
                ))?;
            }
            self.wait()?;
        }
    }

    fn refusal(&self) -> Result<Option<(String, String)>> {
        let filter = DenialFilter { limit: 1, ..DenialFilter::default() };
        let denials = self.desk.store().read(|db| desk::denials(db, &filter))?;
        Ok(denials.first().map(|one| {
            let entry = one.entry.as_deref().unwrap_or("an entry");
            (format!("`{entry}`: {}", one.because), "/denials".to_owned())
        }))
    }

    /// A source that was looked at and could not be seen whole.
    fn gap(&self) -> Result<Option<(String, String)>> {
        let found: Option<(String, String, Option<String>)> = self.desk.store().read(|db| {
            db.query_row(
                "SELECT entry, state, why FROM coverage WHERE complete = 1 AND state = 'partial' ORDER BY id LIMIT 1",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .map(Some)
            .or_else(|why| if why == rusqlite::Error::QueryReturnedNoRows { Ok(None) } else { Err(why) })
        })?;
        Ok(found.map(|(entry, state, why)| {
            (format!("`{entry}` is {state}: {}", why.unwrap_or_default()), format!("/sources/{entry}"))
        }))
    }

    fn edit(&self) -> Result<Option<(String, String)>> {
        self.one("is:revised -is:gone", "its source changed it; both versions are kept")
    }

    fn withdrawal(&self) -> Result<Option<(String, String)>> {
        self.one("is:gone", "its source withdrew it; what it said is kept")
    }

    fn one(&self, query: &str, words: &str) -> Result<Option<(String, String)>> {
        let (_, cards) = self.find(query)?;
        Ok(cards.first().map(|card| (format!("“{}”: {words}", card.title), format!("/record/{}", card.id))))
    }

    fn wave(&self) -> Result<Option<(String, String)>> {
        let (answer, cards) = self.find(WAVE)?;
        let (Some(card), Some(facets)) = (cards.first(), &answer.facets) else { return Ok(None) };
        Ok((facets.source.len() >= WAVE_OUTLETS).then(|| {
            let words = format!(
                "{} copies of one story, {} sources, {} languages: “{}”",
                answer.total,
                facets.source.len(),
                facets.language.len(),
                card.title
            );
            (words, format!("/?q={WAVE}"))
        }))
    }

    /// One link that proves a record, and the commands that prove it without this program.
    fn proof(&self) -> Result<()> {
        let (_, cards) = self.find(WAVE)?;
        let Some(card) = cards.first() else { return Ok(()) };
        self.line(
            "proof",
            "one record: who allowed it, what robots.txt said, the bytes, the reader, the log",
            &format!("/record/{}", card.id),
        )?;
        self.say.line(&commands(&self.folder, card.id))
    }
}

fn commands(folder: &Path, record: RecordId) -> String {
    let folder = folder.display();
    format!(
        "\nIn another terminal (programs lie beside this one; pages in French: ?lang=fr):
  find       vigie --unit {folder} search harbour
  follow     vigie --unit {folder} trace {record} --bundle record.vigie-bundle
  prove      vigie-verify record.vigie-bundle --root {folder}/trust.toml
  refusals   vigie --unit {folder} denials

After Ctrl-C, on the data folder alone:
  prove all  vigie-verify {folder}/data --root {folder}/trust.toml
  derive     vigie --unit {folder} rederive --all
  erase one  vigie --unit {folder} erase {record} --authority demo-1 --reason request --key {folder}/keys/alice.key --key {folder}/keys/bob.key\n"
    )
}
