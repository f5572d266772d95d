//! `depends_on`: every named service exists, and none needs itself in the end.

use super::services::Entry;
use p7_core::service::Service;
use p7_settings::{Document, suggestion};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most services one service may need.
const NEEDS_LIMIT: usize = 50;
/// Most ids of a circle that are named in a fault.
const CIRCLE_SHOWN: usize = 10;

/// Notes what is wrong with the dependencies, and fills them into the services that are watched.
pub(super) fn connect(document: &mut Document, entries: &mut [Entry], all_ids: &[String]) {
    let known: Vec<&str> = all_ids.iter().map(String::as_str).collect();
    for entry in entries.iter() {
        let id = entry.watched.service.id.as_str();
        if entry.depends_on.len() > NEEDS_LIMIT {
            document.note(&["services", id, "depends_on"], &format!("more than {NEEDS_LIMIT} services"));
        }
        for (index, needed) in entry.depends_on.iter().enumerate() {
            let path = ["services", id, "depends_on", &index.to_string()];
            if needed == id {
                document.note(&path, "a service can't depend on itself");
            } else if known.binary_search(&needed.as_str()).is_err() {
                // with many services their list helps nobody
                let hint = match p7_settings::nearest(needed, known.iter().copied()) {
                    Some(near) => suggestion(needed, &[near]),
                    None => String::from("; name an id, the key of its table"),
                };
                let shown: String = needed.chars().take(64).collect();
                document.note(&path, &format!("there is no service `{shown}`{hint}"));
            }
        }
    }
    for circle in circles(entries) {
        let mut shown: Vec<&str> = circle.iter().copied().take(CIRCLE_SHOWN).collect();
        if circle.len() > CIRCLE_SHOWN {
            shown.push("…");
        }
        shown.extend(circle.first());
        let message = format!("these services depend on each other in a circle: {}", shown.join(" → "));
        if let Some(first) = circle.first() {
            document.note(&["services", first, "depends_on"], &message);
        }
    }
    fill(entries);
}

fn fill(entries: &mut [Entry]) {
    let watched: BTreeMap<String, _> = entries
        .iter()
        .filter(|entry| entry.enabled)
        .map(|entry| (entry.watched.service.id.as_str().to_owned(), entry.watched.service.id.clone()))
        .collect();
    for entry in entries.iter_mut().filter(|entry| !entry.depends_on.is_empty()) {
        let needs = entry.depends_on.iter().filter_map(|id| watched.get(id).cloned()).collect();
        let service = Service { depends_on: needs, ..entry.watched.service.as_ref().clone() };
        entry.watched.service = Arc::new(service);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    Open,
    Done,
}

/// One circle for every way back that a walk through the dependencies finds. Walks with a list of its
/// own, since a chain of 10,000 services would overflow the stack.
fn circles(entries: &[Entry]) -> Vec<Vec<&str>> {
    let ids: BTreeMap<&str, usize> =
        entries.iter().enumerate().map(|(index, entry)| (entry.watched.service.id.as_str(), index)).collect();
    let needs: Vec<Vec<usize>> = entries
        .iter()
        .enumerate()
        .map(|(index, entry)| {
            let known = entry.depends_on.iter().filter_map(|id| ids.get(id.as_str()).copied());
            known.filter(|needed| *needed != index).take(NEEDS_LIMIT).collect()
        })
        .collect();
    let mut marks = vec![Mark::New; entries.len()];
    let mut found = Vec::new();
    for start in 0..entries.len() {
        if marks[start] != Mark::New {
            continue;
        }
        let mut way = vec![(start, 0)];
        marks[start] = Mark::Open;
        while let Some((at, next)) = way.last_mut() {
            let Some(needed) = needs[*at].get(*next).copied() else {
                marks[*at] = Mark::Done;
                way.pop();
                continue;
            };
            *next += 1;
            match marks[needed] {
                Mark::Done => {}
                Mark::New => {
                    marks[needed] = Mark::Open;
                    way.push((needed, 0));
                }
                Mark::Open => {
                    let circle = way.iter().skip_while(|(index, _)| *index != needed);
                    found
                        .push(circle.map(|(index, _)| entries[*index].watched.service.id.as_str()).collect());
                }
            }
        }
    }
    found
}
