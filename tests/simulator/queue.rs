//! What is still to happen, in the order of its time; what is due at once happens in the order it was put in.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A moment of the simulated world: true milliseconds since 1970.
pub type At = u64;

struct Entry<T> {
    at: At,
    number: u64,
    what: T,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        // the heap gives the greatest first
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

/// The queue of a run.
pub struct Queue<T> {
    heap: BinaryHeap<Entry<T>>,
    count: u64,
}

impl<T> Queue<T> {
    /// Nothing is to happen.
    pub fn new() -> Self {
        Self { heap: BinaryHeap::with_capacity(1024), count: 0 }
    }

    /// Something is to happen.
    pub fn put(&mut self, at: At, what: T) {
        self.count += 1;
        self.heap.push(Entry { at, number: self.count, what });
    }

    /// What happens next.
    pub fn take_next(&mut self) -> Option<(At, T)> {
        self.heap.pop().map(|entry| (entry.at, entry.what))
    }

    /// How much has been put in so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How much waits.
    pub fn waiting(&self) -> usize {
        self.heap.len()
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_at_once_happens_in_the_order_it_was_put_in() {
        let mut queue = Queue::new();
        for (at, what) in [(3, "d"), (1, "a"), (2, "b"), (2, "c")] {
            queue.put(at, what);
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.take_next()).collect();
        assert_eq!(order, [(1, "a"), (2, "b"), (2, "c"), (3, "d")]);
    }
}
