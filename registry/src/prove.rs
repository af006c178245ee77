//! Where does a record come from, and does it still hold? Bundles and traces out of a data folder, by the reviewers' own library.

use anyhow::{Context, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rusqlite::OptionalExtension as _;
use schemas::Digest;
use verify::{Bundle, CheckOptions, Trace, bundle::LogFacts, check_bundle};
use warc::RecordType;

use crate::{
    core::{Registry, storage::DiskTiles},
    desk::RecordId,
};

/// The segment a record stands in, by its leaf.
///
/// # Errors
///
/// Where there is no such leaf, or it is not a segment's.
pub fn manifest_of(registry: &Registry, id: RecordId) -> Result<Digest> {
    let manifest: Option<String> = registry.store().read(|db| {
        db.query_row("SELECT manifest FROM segments WHERE idx = ?1", [id.leaf_row()], |row| row.get(0)).optional()
    })?;
    let manifest = manifest.with_context(|| format!("there is no record {id}: leaf {} is no segment", id.leaf))?;
    Ok(manifest.parse()?)
}

/// Everything that proves the record: see [`verify::bundle`].
///
/// # Errors
///
/// Where there is no such record, or the evidence cannot be read.
pub fn bundle(registry: &Registry, id: RecordId) -> Result<Bundle> {
    let manifest = manifest_of(registry, id)?;
    let segment = registry.evidence().segment(&manifest)?;
    if id.unit >= segment.manifest.units {
        bail!("there is no record {id}: the segment has {} units", segment.manifest.units);
    }
    let published = registry.checkpoint();
    let tiles: DiskTiles = registry.tiles();
    let statement = |digest: Digest| registry.evidence().statement(&digest).map_err(std::io::Error::other);
    let facts = LogFacts::read(published.note, &tiles, &statement)?;
    Ok(Bundle::of(&facts, &segment, &[id.unit])?)
}

/// The account of a record, with the result of checking its bundle against the newest trust root of the log.
///
/// # Errors
///
/// As [`bundle`].
pub fn trace(registry: &Registry, id: RecordId) -> Result<Trace> {
    let made = bundle(registry, id)?;
    let history = registry.history();
    let root = history.root().context("the log holds no trust root yet")?;
    let verdict = check_bundle(&made, root, &CheckOptions::default());
    Ok(Trace::of(&made, &verdict))
}

/// As [`bundle`], straight from the files of a data folder: works while the registry is being served.
///
/// # Errors
///
/// As [`bundle`].
pub fn bundle_from_folder(data: &std::path::Path, db: &rusqlite::Connection, id: RecordId) -> Result<Bundle> {
    let manifest: Option<String> =
        db.query_row("SELECT manifest FROM segments WHERE idx = ?1", [id.leaf_row()], |row| row.get(0)).optional()?;
    let manifest: Digest =
        manifest.with_context(|| format!("there is no record {id}: leaf {} is no segment", id.leaf))?.parse()?;
    Ok(Bundle::from_folder(data, manifest, &[id.unit])?)
}

/// A part of what a record rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Body of the answer it was read from.
    Body,
    /// That answer whole, head included.
    Answer,
    /// The copy of robots.txt that allowed asking.
    Robots,
}

impl Part {
    /// End of a file name for it.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Answer => "http",
            Self::Robots => "robots.txt",
        }
    }
}

/// The bytes that a record was read from, as they are kept.
///
/// # Errors
///
/// Where there is no such record, nothing was fetched for it, or the part is not kept with it: erased, sealed, or sent once before.
pub fn evidence(registry: &Registry, id: RecordId, part: Part) -> Result<Vec<u8>> {
    let segment = registry.evidence().segment(&manifest_of(registry, id)?)?;
    let view = segment.view()?;
    let capture = view
        .captures
        .iter()
        .find(|capture| capture.units().contains(&id.unit))
        .with_context(|| format!("no capture that is kept holds unit {} of leaf {}", id.unit, id.leaf))?;
    if part == Part::Robots {
        let (_, copy) = capture
            .robots()
            .and_then(|id| view.robots.get(id))
            .context("no copy of robots.txt is kept for this record: it was not asked, or is erased")?;
        return STANDARD.decode(&copy.body_base64).context("the copy of robots.txt is not base64");
    }
    let answer = capture.response.context("the answer is not kept in the clear: it was erased, refused or sealed")?;
    let block = &answer.record.block;
    if part == Part::Answer {
        return Ok(block.to_vec());
    }
    if answer.record.kind() != RecordType::Response {
        bail!("the source answered what it had answered before: the body is kept with the earlier capture");
    }
    let head = warc::http::parse(block).context("the answer's head cannot be read")?;
    Ok(block.get(head.body_offset..).unwrap_or_default().to_vec())
}
