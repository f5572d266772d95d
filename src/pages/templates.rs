//! Reads the templates: embedded in the binary, replaceable file by file by those in a folder.

use super::assets::{self, Asset, Lasting, hashed_name};
use rust_embed::RustEmbed;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tera::{ErrorKind, Tera};

/// Largest file taken from a folder: a page is some kilobytes, a logo some tens.
const FILE_LIMIT: u64 = 1 << 20;
/// Most files taken from a folder.
const FILES_LIMIT: usize = 200;

#[derive(RustEmbed)]
#[folder = "../../dashboards/templates/"]
struct Embedded;

/// Why pages can't be made.
#[derive(Debug, thiserror::Error)]
pub enum PagesError {
    /// A template is wrong.
    #[error(
        "template {template}, line {line}: {what}; correct it, or delete the file to use the built-in one"
    )]
    Template {
        /// Which.
        template: String,
        /// Where, counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// The templates do not fit together.
    #[error("templates: {what}; see dashboards/README.md for what there is")]
    Together {
        /// What is wrong.
        what: String,
    },
    /// A file or folder of replacements can't be read.
    #[error("cannot read {path}: {source}; correct the folder of templates or its access rights")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file replaces nothing.
    #[error(
        "{path} replaces no template; there are {known}. Correct its name, or let it begin with `_` if your own \
         templates include it"
    )]
    Unknown {
        /// Which.
        path: PathBuf,
        /// Those that can be replaced.
        known: String,
    },
    /// A file is of no use or too big.
    #[error("{path} is not usable: {what}")]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        what: String,
    },
}

impl From<tera::Error> for PagesError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum that may grow; all else has no place")]
    fn from(error: tera::Error) -> Self {
        match error.kind() {
            ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => Self::Template {
                template: report.filename().to_owned(),
                line: report.span().start_line,
                what: report.message().to_owned(),
            },
            _ => Self::Together { what: error.to_string() },
        }
    }
}

/// How assets are called in pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// By their own names, with a version behind a `?`: a node serves them.
    Plain,
    /// By names that change with their contents, wherever a template names one in full: they may be kept
    /// for ever, and a page never meets another release's script.
    Hashed,
}

/// Templates and assets, ready for use.
pub(super) struct Loaded {
    pub(super) tera: Tera,
    pub(super) assets: BTreeMap<String, Asset>,
}

/// Reads what is embedded and, over it, what the folder holds in `templates/` and `assets/`.
pub(super) fn load(overrides: Option<&Path>, naming: Naming) -> Result<Loaded, PagesError> {
    let mut templates: BTreeMap<String, String> = Embedded::iter()
        .filter_map(|name| {
            let file = Embedded::get(&name)?;
            let text = String::from_utf8_lossy(&file.data).into_owned();
            Some((name.into_owned(), text))
        })
        .collect();
    let mut found: BTreeMap<String, Asset> =
        assets::names().filter_map(|name| Some((name.to_string(), assets::asset(&name)?))).collect();
    if let Some(folder) = overrides {
        replace_templates(&mut templates, folder)?;
        replace_assets(&mut found, folder)?;
    }
    if naming == Naming::Hashed {
        rename(&mut templates, &mut found);
    }
    let mut tera = Tera::new();
    tera.autoescape_on([".html", ".svg"]);
    tera.add_raw_templates(templates)?;
    let version = version(&found);
    tera.global_context().insert("assets_version", &version);
    Ok(Loaded { tera, assets: found })
}

/// Calls assets by their hashed names in all templates that name them in full, and takes those names over.
fn rename(templates: &mut BTreeMap<String, String>, found: &mut BTreeMap<String, Asset>) {
    let mut renamed = BTreeMap::new();
    for (name, asset) in &*found {
        let (plain, hashed) = (format!("assets/{name}"), hashed_name(name, asset));
        let mut named = false;
        for text in templates.values_mut().filter(|text| text.contains(&plain)) {
            named = true;
            let versioned = format!("{plain}?v={{{{ assets_version }}}}");
            *text = text.replace(&versioned, &plain).replace(&plain, &format!("assets/{hashed}"));
        }
        if named {
            renamed.insert(name.clone(), (hashed, Asset { lasting: Lasting::Forever, ..asset.clone() }));
        }
    }
    for (name, (hashed, asset)) in renamed {
        found.remove(&name);
        found.insert(hashed, asset);
    }
}

fn replace_templates(templates: &mut BTreeMap<String, String>, folder: &Path) -> Result<(), PagesError> {
    let known = templates.keys().cloned().collect::<Vec<_>>().join(", ");
    for (name, path, bytes) in files(folder, "templates")? {
        if !templates.contains_key(&name) && !name.starts_with('_') {
            return Err(PagesError::Unknown { path, known });
        }
        let text = String::from_utf8(bytes)
            .map_err(|e| PagesError::Unusable { path, what: format!("{e}; save it as UTF-8") })?;
        templates.insert(name, text);
    }
    Ok(())
}

fn replace_assets(found: &mut BTreeMap<String, Asset>, folder: &Path) -> Result<(), PagesError> {
    for (name, path, bytes) in files(folder, "assets")? {
        let asset = Asset::new(&name, Cow::Owned(bytes)).ok_or_else(|| PagesError::Unusable {
            path,
            what: "an asset ends in .css, .js, .svg, .png, .ico or .woff2".to_owned(),
        })?;
        found.insert(name, asset);
    }
    Ok(())
}

/// The files of a subfolder, which need not exist; the folder itself must.
fn files(folder: &Path, part: &str) -> Result<Vec<(String, PathBuf, Vec<u8>)>, PagesError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| PagesError::Read { path, source }
    };
    std::fs::metadata(folder).map_err(unreadable(folder))?;
    let part = folder.join(part);
    if !part.exists() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&part).map_err(unreadable(&part))? {
        let path = entry.map_err(unreadable(&part))?.path();
        let Some(name) = path.file_name().and_then(|n| n.to_str()).map(str::to_owned) else {
            continue;
        };
        // editors leave such files behind
        if name.starts_with('.') || name.ends_with('~') || path.is_dir() {
            continue;
        }
        let size = std::fs::metadata(&path).map_err(unreadable(&path))?.len();
        if size > FILE_LIMIT || files.len() >= FILES_LIMIT {
            let what = format!("at most {FILES_LIMIT} files of {FILE_LIMIT} bytes are taken");
            return Err(PagesError::Unusable { path, what });
        }
        let bytes = std::fs::read(&path).map_err(unreadable(&path))?;
        files.push((name, path, bytes));
    }
    Ok(files)
}

/// Changes with any asset, so that a browser never mixes an old script with a new page.
fn version(assets: &BTreeMap<String, Asset>) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    for asset in assets.values() {
        asset.etag.hash(&mut hasher);
    }
    format!("{:08x}", hasher.finish() >> 32)
}
