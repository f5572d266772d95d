//! RocksDB's settings: small in memory, few threads, little of its own log.

use rocksdb::{BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, LogLevel, Options};

/// A memory table: flushed when it is full. There are at most two, one filling and one being written.
const MEMTABLE_BYTES: usize = 2 << 20;
/// Flushed tables that are compacted into the settled ones at once: each time some of these are
/// written again, so that more at a time write less in all.
const FLUSHED_TABLES: i32 = 8;
/// Cached blocks, with the indexes of all table files.
const CACHE_BYTES: usize = 3 << 20;
/// A block: large enough that the like rows of a service compress well together.
const BLOCK_BYTES: usize = 16 << 10;
/// Table files of a settled level; a day of 100 results/s makes about 70.
const TABLE_BYTES: u64 = 4 << 20;
/// Read ahead and write buffers of a compaction, per file; the defaults of 2 and 1 MiB would take
/// tens of MiB while one runs.
const COMPACTION_BUFFER_BYTES: usize = 256 << 10;
/// Table files held open.
const OPEN_FILES: i32 = 64;
/// The write-ahead log is cut off at this size, whatever else happens.
const WAL_BYTES: u64 = 16 << 20;
/// RocksDB's own log: two files of this size.
const INFO_LOG_BYTES: usize = 512 << 10;

/// What the database is opened with.
pub(crate) fn options() -> Options {
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
    options.set_level_zero_file_num_compaction_trigger(FLUSHED_TABLES);
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
