//! The queue of builds: which ones run, and in which order the others wait. It does no I/O.

use std::collections::VecDeque;

/// The running builds, and the waiting ones in order.
#[derive(Debug)]
pub(super) struct Queue<T> {
    jobs: usize,
    running: Vec<T>,
    waiting: VecDeque<Waiting<T>>,
}

#[derive(Debug)]
struct Waiting<T> {
    build: T,
    /// The position that was last announced; 0 for none.
    told: u64,
}

impl<T: Clone + PartialEq> Queue<T> {
    /// Creates a queue that runs at most `jobs` builds at a time.
    pub fn new(jobs: usize) -> Self {
        Self { jobs, running: Vec::new(), waiting: VecDeque::new() }
    }

    /// Adds a build at the end of the queue.
    pub fn push(&mut self, build: T) {
        self.waiting.push_back(Waiting { build, told: 0 });
    }

    /// Takes the next build that may run and marks it as running. None if all places are taken or no build waits.
    pub fn start(&mut self) -> Option<T> {
        if self.running.len() >= self.jobs {
            return None;
        }
        let next = self.waiting.pop_front()?.build;
        self.running.push(next.clone());
        Some(next)
    }

    /// Marks a build as no longer running.
    pub fn done(&mut self, build: &T) {
        self.running.retain(|running| running != build);
    }

    /// Removes the waiting build that `is_it` matches. True if there was one.
    pub fn remove(&mut self, is_it: impl Fn(&T) -> bool) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|waiting| !is_it(&waiting.build));
        self.waiting.len() < before
    }

    /// Builds whose position has changed since the last announcement, each with its new position. Position 1 starts
    /// next.
    pub fn changed_places(&mut self) -> Vec<(T, u64)> {
        let mut changed = Vec::new();
        for (waiting, place) in self.waiting.iter_mut().zip(1..) {
            if waiting.told != place {
                waiting.told = place;
                changed.push((waiting.build.clone(), place));
            }
        }
        changed
    }

    /// All builds of the queue, running ones first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.running.iter().chain(self.waiting.iter().map(|waiting| &waiting.build))
    }

    /// The running builds, in the order in which they started.
    pub fn running(&self) -> &[T] {
        &self.running
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_runs_up_to_its_limit_and_announces_each_position_once() {
        let mut queue = Queue::new(2);
        for build in ["a", "b", "c", "d", "e"] {
            queue.push(build);
        }
        assert_eq!((queue.start(), queue.start(), queue.start()), (Some("a"), Some("b"), None));
        assert_eq!(queue.changed_places(), [("c", 1), ("d", 2), ("e", 3)]);
        assert_eq!(queue.changed_places(), []);
        assert!(queue.remove(|build| *build == "c"));
        assert!(!queue.remove(|build| *build == "a"));
        assert_eq!(queue.changed_places(), [("d", 1), ("e", 2)]);
        queue.done(&"a");
        assert_eq!(queue.start(), Some("d"));
        assert_eq!(queue.running(), ["b", "d"]);
        assert_eq!(queue.changed_places(), [("e", 1)]);
        assert_eq!(queue.iter().collect::<Vec<_>>(), [&"b", &"d", &"e"]);
    }
}
