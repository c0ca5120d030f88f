//! The queue of builds: which run, and in which order the others wait. Without I/O.

use std::collections::VecDeque;

/// Builds that wait, in order, and those that run.
#[derive(Debug)]
pub(super) struct Queue<T> {
    jobs: usize,
    running: Vec<T>,
    waiting: VecDeque<Waiting<T>>,
}

#[derive(Debug)]
struct Waiting<T> {
    build: T,
    /// The position that was announced last, 0 for none.
    told: u64,
}

impl<T: Clone + PartialEq> Queue<T> {
    /// A queue for `jobs` builds at a time.
    pub fn new(jobs: usize) -> Self {
        Self { jobs, running: Vec::new(), waiting: VecDeque::new() }
    }

    /// Puts a build at the end.
    pub fn push(&mut self, build: T) {
        self.waiting.push_back(Waiting { build, told: 0 });
    }

    /// Takes the next build that may run; it counts as running from now on.
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

    /// Removes a waiting build. True if there was one.
    pub fn remove(&mut self, is_it: impl Fn(&T) -> bool) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|waiting| !is_it(&waiting.build));
        self.waiting.len() < before
    }

    /// Builds whose position has changed since the last announcement, with the new one; 1 starts next.
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

    /// All builds, running ones first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.running.iter().chain(self.waiting.iter().map(|waiting| &waiting.build))
    }

    /// The builds that run, in the order in which they started.
    pub fn running(&self) -> &[T] {
        &self.running
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_run_as_may_and_the_rest_learn_their_places_once() {
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
