//! The store itself: opening, writing and closing it.

use crate::config::{Config, Retention};
use crate::engine::{Engine, View};
use crate::error::StoreError;
use crate::keys::{
    ACKNOWLEDGEMENTS, DEPLOYMENTS, FLOOR_KEY, HOLDS, INCIDENTS, INCIDENTS_BY_SERVICE, LATE, NAMES,
    OPEN_INCIDENTS, Place, RESULTS, ROLLED_KEY, by_service, by_text, by_time, hour_of, number, of_service,
    read_by_service, time,
};
use crate::log::{LogIndex, log_index};
use crate::names::Names;
use crate::upkeep::Work;
use crate::{records, scan};
use p7_core::facts::{Acknowledgement, Deployment, Hold, NOTE_LIMIT};
use p7_core::incident::{Incident, IncidentId};
use p7_core::result::ProbeResult;
use p7_core::vocabulary::{Cycle, MeshTime, shortened};
use rocksdb::{WriteBatch, properties};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// What is remembered for good once [`Store::commit`] has returned.
#[derive(Debug, Clone)]
pub enum Fact {
    /// A result. Of two with the same key the one stands that [`ProbeResult::precedence`] says; one that
    /// is older than the oldest day kept is not taken.
    Result(Arc<ProbeResult>),
    /// An incident as it now stands; replaces what was known of it.
    Incident(Arc<Incident>),
    /// Late results have shown that there was no such incident.
    NoIncident(IncidentId),
    /// Somebody has acknowledged an incident; of several the latest counts.
    Acknowledgement(Acknowledgement),
    /// A silence or maintenance; of several versions the latest stated counts.
    Hold(Hold),
    /// A deployment; the latest of a service counts.
    Deployment(Deployment),
}

/// Whether [`Store::upkeep`] has more to do right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upkeep {
    /// Call it again soon.
    More,
    /// All done; call it again in a minute.
    Done,
}

/// What the store takes, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Bytes of its files.
    pub disk_bytes: u64,
    /// Rows, estimated.
    pub rows: u64,
    /// Bytes it holds in memory: what is not yet in a table file, cached blocks and open files.
    pub memory_bytes: u64,
}

/// The node's memory. Cheap to clone; reads from any thread, writes one after the other.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) retention: Retention,
    pub(crate) names: RwLock<Names>,
    /// Held over every write, so that what is decided from reads still holds when it is written.
    pub(crate) writer: Mutex<Writer>,
    /// Changed by the holder of the writer only.
    pub(crate) rolling: RwLock<Rolling>,
    pub(crate) work: Mutex<Work>,
    /// Changed by the holder of the writer only.
    pub(crate) log: RwLock<LogIndex>,
}

/// What the writer knows without reading.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    /// The newest cycle that may be stored, by service and node: a later one can't be there yet, so
    /// it is written without looking.
    newest: HashMap<(u32, u32), Option<u64>>,
    /// The first day whose results are kept.
    pub(crate) floor: u32,
}

/// How far results are rolled up.
#[derive(Debug, Default)]
pub(crate) struct Rolling {
    /// Every hour before this is rolled up.
    pub(crate) rolled: u64,
    /// A result of an hour before this is late: its hour is, or is just being, rolled up.
    pub(crate) closing: u64,
    /// Service and hour of late results, with the number of the last one.
    pub(crate) late: BTreeMap<(u32, u64), u64>,
    generation: u64,
}

impl Store {
    /// Opens the store in the data folder `dir`, making both if needed.
    pub fn open(dir: &Path, config: &Config) -> Result<Self, StoreError> {
        let engine = Engine::open(dir)?;
        let (names, floor, rolling, log) =
            engine.read(|view| Ok((load_names(view)?, floor(view)?, rolling(view)?, log_index(view)?)))?;
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                retention: config.retention(),
                names: RwLock::new(names),
                writer: Mutex::new(Writer { floor, ..Writer::default() }),
                rolling: RwLock::new(rolling),
                work: Mutex::new(Work::default()),
                log: RwLock::new(log),
            }),
        })
    }

    /// Writes all of `facts` or, when it fails, none. Once it has returned, no kill of the process
    /// loses them; a loss of power may, until [`Store::sync`]. After a failure the same facts can be
    /// committed again, and again: repeating one changes nothing.
    pub fn commit(&self, facts: &[Fact]) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let mut writer = locked(&inner.writer);
        let mut batch = WriteBatch::default();
        let numbered = inner.number_all(facts);
        let late = inner.engine.read(|view| {
            put_statements(view, &numbered.statements, &mut batch)?;
            let mut late = Vec::new();
            let closing = inner.rolling.read().unwrap_or_else(PoisonError::into_inner).closing;
            for (place, result) in &numbered.results {
                let taken = writer.take(view, *place, result, &mut batch)?;
                if taken && hour_of(place.time) < closing {
                    late.push((place.service, hour_of(place.time)));
                }
            }
            Ok(late)
        })?;
        put_incidents(&numbered.incidents, &mut batch);
        for (service, hour) in &late {
            batch.put(by_service(LATE, *service, *hour), []);
        }
        inner.write(batch)?;
        let mut rolling = inner.rolling.write().unwrap_or_else(PoisonError::into_inner);
        for hour in late {
            rolling.generation += 1;
            let generation = rolling.generation;
            rolling.late.insert(hour, generation);
        }
        Ok(())
    }

    /// Brings everything committed so far to the disk itself. Call it about once a second.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.inner.engine.sync()
    }

    /// What the store takes.
    pub fn figures(&self) -> Figures {
        let engine = &self.inner.engine;
        let asked = engine.read(|view| {
            Ok(Figures {
                disk_bytes: size_of_files(engine.path()),
                rows: view.property(properties::ESTIMATE_NUM_KEYS),
                memory_bytes: view.property(properties::CUR_SIZE_ALL_MEM_TABLES)
                    + view.property(properties::BLOCK_CACHE_USAGE)
                    + view.property(properties::ESTIMATE_TABLE_READERS_MEM),
            })
        });
        asked.unwrap_or_default()
    }

    /// Writes everything to table files, so that the next start is quick.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.inner.engine.flush()
    }

    /// Brings everything to the disk and closes the store; whoever still holds it is told so.
    pub fn close(&self) -> Result<(), StoreError> {
        let _nobody_writes = locked(&self.inner.writer);
        let flushed = self.flush();
        let synced = self.sync();
        self.inner.engine.close();
        flushed.and(synced)
    }
}

/// Facts with the numbers of their services and nodes.
#[derive(Default)]
struct Numbered<'a> {
    /// In the order of their keys, one a key.
    results: Vec<(Place, &'a ProbeResult)>,
    /// By key: when it was stated, and its row.
    statements: BTreeMap<Vec<u8>, (u64, Vec<u8>)>,
    incidents: Vec<(u32, Cycle, Option<&'a Incident>)>,
}

impl Inner {
    /// Writes a batch, with the numbers it uses.
    pub(crate) fn write(&self, mut batch: WriteBatch) -> Result<(), StoreError> {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        for (key, number) in names.unsaved() {
            batch.put(key, number.to_be_bytes());
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.engine.write(batch)?;
        names.saved();
        Ok(())
    }

    fn number_all<'a>(&self, facts: &'a [Fact]) -> Numbered<'a> {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        let mut all = Numbered::default();
        for fact in facts {
            match fact {
                Fact::Result(result) => {
                    let (service, node) = (names.service(&result.service), names.node(&result.node));
                    all.results.push((RESULTS.place(service, result.cycle.start().0, node), result));
                }
                Fact::Incident(incident) => {
                    let service = names.service(&incident.id.service);
                    all.incidents.push((service, incident.id.first, Some(incident)));
                }
                Fact::NoIncident(id) => {
                    all.incidents.push((names.service(&id.service), id.first, None));
                }
                Fact::Acknowledgement(stated) => {
                    let service = names.service(&stated.incident.service);
                    let key = by_time(ACKNOWLEDGEMENTS, stated.incident.first.start().0, service);
                    all.state(key.into(), stated.at, records::acknowledgement_row(stated));
                }
                Fact::Hold(stated) => {
                    let key = by_text(HOLDS, shortened(&stated.id, NOTE_LIMIT));
                    all.state(key, stated.stated, records::hold_row(stated));
                }
                Fact::Deployment(stated) => {
                    let key = of_service(DEPLOYMENTS, names.service(&stated.service));
                    all.state(key.into(), stated.at, records::deployment_row(stated));
                }
            }
        }
        all.results.sort_unstable_by(|(a, left), (b, right)| a.cmp(b).then_with(|| left.precedence(right)));
        all.results.dedup_by_key(|(place, _result)| *place);
        all
    }
}

impl Numbered<'_> {
    /// Keeps the latest statement of a key; of two at once the greater row, so that order is nothing.
    fn state(&mut self, key: Vec<u8>, at: MeshTime, row: Vec<u8>) {
        let new = (at.0, row);
        match self.statements.get_mut(&key) {
            Some(known) if *known >= new => {}
            Some(known) => *known = new,
            None => {
                self.statements.insert(key, new);
            }
        }
    }
}

impl Writer {
    /// Adds a result to the batch if it stands; says whether it does.
    fn take(
        &mut self,
        view: &View<'_>,
        place: Place,
        result: &ProbeResult,
        batch: &mut WriteBatch,
    ) -> Result<bool, StoreError> {
        if place.bucket < self.floor {
            return Ok(false);
        }
        let key = RESULTS.key(place);
        let newest = match self.newest.get(&(place.service, place.node)) {
            Some(known) => *known,
            None => newest_cycle(view, place.service)?,
        };
        let is_new = newest.is_none_or(|newest| place.time > newest);
        if !is_new && let Some(row) = view.get(&key)? {
            let known = records::read_result(result.service.clone(), result.cycle, result.node.clone(), &row);
            if result.precedence(&known.map_err(|bad| view.damaged(bad))?) != Ordering::Less {
                return Ok(false);
            }
        }
        self.newest.insert((place.service, place.node), newest.max(Some(place.time)));
        batch.put(key, records::result_row(result));
        Ok(true)
    }
}

/// The newest cycle stored of a service, from whatever node.
fn newest_cycle(view: &View<'_>, service: u32) -> Result<Option<u64>, StoreError> {
    let last = Place { bucket: u32::MAX, service, time: u64::MAX, node: u32::MAX };
    scan::down(view, RESULTS, last, 0, |place, _row| Ok(ControlFlow::Break(place.time)))
}

/// Adds those statements to the batch that are later than what is stored.
fn put_statements(
    view: &View<'_>,
    statements: &BTreeMap<Vec<u8>, (u64, Vec<u8>)>,
    batch: &mut WriteBatch,
) -> Result<(), StoreError> {
    for (key, (at, row)) in statements {
        if let (Some(known), Some(table)) = (view.get(key)?, key.first()) {
            let known_at = records::stated_at(*table, &known).map_err(|bad| view.damaged(bad))?;
            if (known_at, &known) >= (*at, row) {
                continue;
            }
        }
        batch.put(key, row);
    }
    Ok(())
}

fn put_incidents(incidents: &[(u32, Cycle, Option<&Incident>)], batch: &mut WriteBatch) {
    for (service, first, incident) in incidents {
        let first = first.start().0;
        let open = incident.is_some_and(|incident| incident.recovered.is_none());
        match incident {
            Some(incident) => {
                batch.put(by_time(INCIDENTS, first, *service), records::incident_row(incident));
                batch.put(by_service(INCIDENTS_BY_SERVICE, *service, first), []);
            }
            None => delete_incident(*service, first, batch),
        }
        if open {
            batch.put(by_time(OPEN_INCIDENTS, first, *service), []);
        } else {
            batch.delete(by_time(OPEN_INCIDENTS, first, *service));
        }
    }
}

/// Deletes an incident with all that belongs to it.
pub(crate) fn delete_incident(service: u32, first: u64, batch: &mut WriteBatch) {
    batch.delete(by_time(INCIDENTS, first, service));
    batch.delete(by_service(INCIDENTS_BY_SERVICE, service, first));
    batch.delete(by_time(OPEN_INCIDENTS, first, service));
    batch.delete(by_time(ACKNOWLEDGEMENTS, first, service));
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // what is behind our locks is whole after every statement: a panic of another thread breaks nothing
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn load_names(view: &View<'_>) -> Result<Names, StoreError> {
    let mut walk = view.walk_table(NAMES);
    walk.at_first();
    let rows = walk.rest(usize::MAX)?;
    Names::load(&rows).ok_or_else(|| view.damaged("the numbers of services and nodes are not whole"))
}

fn floor(view: &View<'_>) -> Result<u32, StoreError> {
    Ok(view.get(FLOOR_KEY)?.map_or(0, |row| number(&row)))
}

fn rolling(view: &View<'_>) -> Result<Rolling, StoreError> {
    let rolled = view.get(ROLLED_KEY)?.map_or(0, |row| time(&row));
    let mut rolling = Rolling { rolled, closing: rolled, ..Rolling::default() };
    let mut walk = view.walk_table(LATE);
    walk.at_first();
    for (key, _nothing) in walk.rest(usize::MAX)? {
        let hour = read_by_service(&key).ok_or_else(|| view.damaged("a key of no known form"))?;
        rolling.late.insert(hour, 0);
    }
    Ok(rolling)
}

/// The files of a folder without folders below it, which RocksDB makes none of.
fn size_of_files(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    // a file may be gone by the time it is asked for its size
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum()
}
