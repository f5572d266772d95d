//! The database underneath: opened to stay small, closed for good or reopened after a full disk.

use crate::error::StoreError;
use crate::identity::make_folder;
use crate::keys::{FORMAT_KEY, number};
use crate::records::FORMAT;
use crate::tuning::options;
use rocksdb::{DB, DBRawIterator, ReadOptions, WriteBatch, WriteOptions, properties};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Between two tries to open a failed database again.
const MEND_PAUSE: Duration = Duration::from_secs(5);
/// Room there must be before that is tried: a memory table may have to be written, and a log begun.
const MEND_BYTES: usize = 8 << 20;

/// The database, as long as it is open.
#[derive(Debug)]
pub(crate) struct Engine {
    path: PathBuf,
    db: RwLock<State>,
    /// When writing failed last, or mending was tried last; none while all is well.
    failed: Mutex<Option<Instant>>,
}

#[derive(Debug)]
enum State {
    Open(DB),
    /// It could be opened for reading only, after writing failed.
    ReadOnly(DB),
    /// It could not be opened again after writing failed.
    Broken,
    Closed,
}

impl Engine {
    /// Opens or makes the database `store` in the data folder `dir`.
    pub(crate) fn open(dir: &Path) -> Result<Self, StoreError> {
        make_folder(dir)?;
        let path = dir.join("store");
        make_folder(&path)?;
        refuse_remains(&path)?;
        let db = DB::open(&options(), &path).map_err(|e| StoreError::of(&path, &e))?;
        check_format(&db, &path)?;
        Ok(Self { path, db: RwLock::new(State::Open(db)), failed: Mutex::new(None) })
    }

    /// The database's folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads. The database stays open meanwhile.
    pub(crate) fn read<T>(
        &self,
        ask: impl FnOnce(&View<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match &*self.db.read().unwrap_or_else(PoisonError::into_inner) {
            State::Open(db) | State::ReadOnly(db) => ask(&View { db, path: &self.path }),
            State::Broken => Err(StoreError::Io {
                path: self.path.clone(),
                detail: "it could not be opened again after writing failed".to_owned(),
            }),
            State::Closed => Err(StoreError::Closed),
        }
    }

    /// Writes a batch as one; it has reached the operating system when this returns.
    pub(crate) fn write(&self, batch: WriteBatch) -> Result<(), StoreError> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let overdue = failed.is_some_and(|since| since.elapsed() >= MEND_PAUSE);
        if overdue {
            *failed = Some(Instant::now());
        }
        // RocksDB recovers by itself from a full disk, but not from a quota, a limit or a bad cable
        let spare = overdue.then(|| WriteBatch::from_data(batch.data()));
        let written = match (self.write_once(batch), spare) {
            (Err(_failing), Some(spare)) if self.mend() => self.write_once(spare),
            (written, _spare) => written,
        };
        match &written {
            Ok(()) => *failed = None,
            Err(_failing) => *failed = failed.or_else(|| Some(Instant::now())),
        }
        written
    }

    fn write_once(&self, batch: WriteBatch) -> Result<(), StoreError> {
        self.read(|view| view.db.write_opt(batch, &WriteOptions::default()).map_err(|e| view.error(&e)))
    }

    /// Opens the database again, once there is room to write. False when it could not be.
    fn mend(&self) -> bool {
        if !has_room(&self.path) {
            return false;
        }
        let mut state = self.db.write().unwrap_or_else(PoisonError::into_inner);
        match *state {
            State::Closed => return false,
            // it has to let go of its lock first
            State::Open(_) | State::ReadOnly(_) | State::Broken => *state = State::Broken,
        }
        *state = match DB::open(&options(), &self.path) {
            Ok(db) => State::Open(db),
            Err(error) => {
                tracing::warn!(%error, "store not opened again for writing");
                DB::open_for_read_only(&options(), &self.path, false).map_or(State::Broken, State::ReadOnly)
            }
        };
        matches!(*state, State::Open(_))
    }

    /// Brings the write-ahead log to the disk itself.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.read(|view| view.db.flush_wal(true).map_err(|e| view.error(&e)))
    }

    /// Frees the space of table files that lie wholly between two keys whose rows are deleted.
    pub(crate) fn drop_files(&self, from: &[u8], to: &[u8]) -> Result<(), StoreError> {
        self.read(|view| view.db.delete_file_in_range(from, to).map_err(|e| view.error(&e)))
    }

    /// Writes the memory table to a file.
    pub(crate) fn flush(&self) -> Result<(), StoreError> {
        self.read(|view| view.db.flush().map_err(|e| view.error(&e)))
    }

    /// Closes it, once every reader has finished.
    pub(crate) fn close(&self) {
        *self.db.write().unwrap_or_else(PoisonError::into_inner) = State::Closed;
    }
}

/// The open database, for one read.
pub(crate) struct View<'a> {
    db: &'a DB,
    path: &'a Path,
}

impl View<'_> {
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.get(key).map_err(|e| self.error(&e))
    }

    /// Walks over the keys from `from` on and below `to`.
    pub(crate) fn walk(&self, from: Vec<u8>, to: Vec<u8>) -> Walk<'_> {
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(from);
        options.set_iterate_upper_bound(to);
        Walk { rows: self.db.raw_iterator_opt(options), view: self }
    }

    /// Walks over a whole table.
    pub(crate) fn walk_table(&self, table: u8) -> Walk<'_> {
        self.walk(vec![table], vec![table + 1])
    }

    /// A number the database knows of itself; 0 when it does not.
    pub(crate) fn property(&self, name: &properties::PropName) -> u64 {
        self.db.property_int_value(name).ok().flatten().unwrap_or(0)
    }

    pub(crate) fn error(&self, error: &rocksdb::Error) -> StoreError {
        StoreError::of(self.path, error)
    }

    /// A row that can't be what was written.
    pub(crate) fn damaged(&self, detail: impl Into<String>) -> StoreError {
        StoreError::Corrupt { path: self.path.to_path_buf(), detail: detail.into() }
    }
}

/// Key and value of a row.
pub(crate) type Row = (Box<[u8]>, Box<[u8]>);

/// A place among the rows of a range. Errors end it and are told by [`Walk::end`].
pub(crate) struct Walk<'a> {
    rows: DBRawIterator<'a>,
    view: &'a View<'a>,
}

impl Walk<'_> {
    pub(crate) fn at_first(&mut self) {
        self.rows.seek_to_first();
    }

    pub(crate) fn at_last(&mut self) {
        self.rows.seek_to_last();
    }

    /// To the first row at `key` or after.
    pub(crate) fn to(&mut self, key: &[u8]) {
        self.rows.seek(key);
    }

    /// To the last row at `key` or before.
    pub(crate) fn back_to(&mut self, key: &[u8]) {
        self.rows.seek_for_prev(key);
    }

    pub(crate) fn forward(&mut self) {
        self.rows.next();
    }

    pub(crate) fn back(&mut self) {
        self.rows.prev();
    }

    /// Key and value of the row here; none after the last.
    pub(crate) fn row(&self) -> Option<(&[u8], &[u8])> {
        self.rows.item()
    }

    /// Whether it came to the end of the rows, not to an error.
    pub(crate) fn end(&self) -> Result<(), StoreError> {
        self.rows.status().map_err(|e| self.view.error(&e))
    }

    /// All rows from here on, at most `limit`.
    pub(crate) fn rest(&mut self, limit: usize) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        while let Some((key, value)) = self.row().filter(|_row| rows.len() < limit) {
            rows.push((key.into(), value.into()));
            self.forward();
        }
        self.end().map(|()| rows)
    }
}

/// Whether a file of some size can be written beside the database's.
fn has_room(path: &Path) -> bool {
    let probe = path.join("room.probe");
    let written = File::create(&probe).and_then(|mut file| {
        let chunk = vec![0x5a; 64 << 10];
        for _chunk in 0..MEND_BYTES / chunk.len() {
            file.write_all(&chunk)?;
        }
        file.sync_data()
    });
    let removed = fs::remove_file(&probe);
    written.and(removed).is_ok()
}

/// RocksDB would take table files without the file that lists them for rubbish and delete them.
fn refuse_remains(path: &Path) -> Result<(), StoreError> {
    let folder = |e: std::io::Error| StoreError::Folder { path: path.to_path_buf(), detail: e.to_string() };
    if path.join("CURRENT").exists() {
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(folder)? {
        let file = entry.map_err(folder)?.path();
        if file.extension().is_some_and(|kind| kind == "sst" || kind == "log") {
            let detail = format!("its file `CURRENT` is missing, but `{}` is there", file.display());
            return Err(StoreError::Corrupt { path: path.to_path_buf(), detail });
        }
    }
    Ok(())
}

/// Marks a new database with our format; refuses one of a format we do not know.
fn check_format(db: &DB, path: &Path) -> Result<(), StoreError> {
    let fail = |e: rocksdb::Error| StoreError::of(path, &e);
    let path = path.to_path_buf();
    if let Some(row) = db.get(FORMAT_KEY).map_err(fail)? {
        return match number(&row) {
            FORMAT => Ok(()),
            newer if newer > FORMAT => {
                Err(StoreError::Newer { path, found: newer.to_string(), known: FORMAT })
            }
            unknown => {
                Err(StoreError::Corrupt { path, detail: format!("it says to be of format {unknown}") })
            }
        };
    }
    let mut rows = db.raw_iterator();
    rows.seek_to_first();
    if rows.valid() {
        return Err(StoreError::Corrupt { path, detail: "it does not say its format".to_owned() });
    }
    rows.status().map_err(fail)?;
    db.put(FORMAT_KEY, FORMAT.to_be_bytes()).map_err(fail)
}
