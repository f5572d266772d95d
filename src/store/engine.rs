//! The database underneath: opened to stay small, closed for good or reopened after a full disk.

use crate::error::StoreError;
use crate::identity::make_folder;
use crate::keys::{FORMAT_KEY, number};
use crate::records::FORMAT;
use rocksdb::{
    BlockBasedOptions, Cache, DB, DBCompressionType, DBRawIterator, DBRecoveryMode, LogLevel, Options,
    ReadOptions, WriteBatch, WriteOptions, properties,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

/// A memory table: flushed when it is full. There are at most two, one filling and one being written.
const MEMTABLE_BYTES: usize = 4 << 20;
/// Cached blocks, with the indexes of all table files.
const CACHE_BYTES: usize = 4 << 20;
/// A block: large enough that the like rows of a service compress well together.
const BLOCK_BYTES: usize = 16 << 10;
/// Table files of a settled level; a day of 100 results/s makes about ten.
const TABLE_BYTES: u64 = 32 << 20;
/// Read ahead and write buffers of a compaction, per file; the defaults of 2 and 1 MiB would take
/// tens of MiB while one runs.
const COMPACTION_BUFFER_BYTES: usize = 256 << 10;
/// Table files held open.
const OPEN_FILES: i32 = 64;
/// The write-ahead log is cut off at this size, whatever else happens.
const WAL_BYTES: u64 = 16 << 20;
/// RocksDB's own log: two files of this size.
const INFO_LOG_BYTES: usize = 512 << 10;

/// The database, as long as it is open.
#[derive(Debug)]
pub(crate) struct Engine {
    path: PathBuf,
    db: RwLock<Option<DB>>,
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
        Ok(Self {
            path,
            db: RwLock::new(Some(db)),
        })
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
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        let db = db.as_ref().ok_or(StoreError::Closed)?;
        ask(&View { db, path: &self.path })
    }

    /// Writes a batch as one; it has reached the operating system when this returns.
    pub(crate) fn write(&self, batch: WriteBatch) -> Result<(), StoreError> {
        self.read(|view| {
            view.db
                .write_opt(batch, &WriteOptions::default())
                .map_err(|e| view.error(&e))
        })
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
        drop(self.db.write().unwrap_or_else(PoisonError::into_inner).take());
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
        Walk {
            rows: self.db.raw_iterator_opt(options),
            view: self,
        }
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
        StoreError::Corrupt {
            path: self.path.to_path_buf(),
            detail: detail.into(),
        }
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

fn options() -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(&Cache::new_lru_cache(CACHE_BYTES));
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_block_size(BLOCK_BYTES);
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_block_based_table_factory(&blocks);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size(MEMTABLE_BYTES);
    options.set_max_write_buffer_number(2);
    options.set_target_file_size_base(TABLE_BYTES);
    options.set_max_bytes_for_level_base(4 * TABLE_BYTES);
    options.set_level_compaction_dynamic_level_bytes(true);
    options.set_compaction_readahead_size(COMPACTION_BUFFER_BYTES);
    options.set_writable_file_max_buffer_size(COMPACTION_BUFFER_BYTES as u64);
    options.set_max_open_files(OPEN_FILES);
    // one thread for flushes, one for compactions
    options.set_max_background_jobs(2);
    options.set_max_total_wal_size(WAL_BYTES);
    // after a loss of power the log may end in half a record: what is before it counts
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    options.set_bytes_per_sync(1 << 20);
    options.set_log_level(LogLevel::Warn);
    options.set_max_log_file_size(INFO_LOG_BYTES);
    options.set_keep_log_file_num(2);
    // no thread that wakes up to write statistics nobody reads
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options
}

/// RocksDB would take table files without the file that lists them for rubbish and delete them.
fn refuse_remains(path: &Path) -> Result<(), StoreError> {
    let folder = |e: std::io::Error| StoreError::Folder {
        path: path.to_path_buf(),
        detail: e.to_string(),
    };
    if path.join("CURRENT").exists() {
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(folder)? {
        let file = entry.map_err(folder)?.path();
        if file
            .extension()
            .is_some_and(|kind| kind == "sst" || kind == "log")
        {
            let detail = format!("its file `CURRENT` is missing, but `{}` is there", file.display());
            return Err(StoreError::Corrupt {
                path: path.to_path_buf(),
                detail,
            });
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
            newer if newer > FORMAT => Err(StoreError::Newer {
                path,
                found: newer.to_string(),
                known: FORMAT,
            }),
            unknown => Err(StoreError::Corrupt {
                path,
                detail: format!("it says to be of format {unknown}"),
            }),
        };
    }
    let mut rows = db.raw_iterator();
    rows.seek_to_first();
    if rows.valid() {
        return Err(StoreError::Corrupt {
            path,
            detail: "it does not say its format".to_owned(),
        });
    }
    rows.status().map_err(fail)?;
    db.put(FORMAT_KEY, FORMAT.to_be_bytes()).map_err(fail)
}
