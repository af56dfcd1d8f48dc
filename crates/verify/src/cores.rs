use std::sync::atomic::{AtomicUsize, Ordering};

/// What a core takes at a time: enough that the cores do not wait for each other.
const PORTION: usize = 16;

/// Runs `check` for 0 to `count` on all cores; results in their order.
pub fn on_all_cores<T: Send>(count: usize, check: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut mine = Vec::new();
        loop {
            let start = next.fetch_add(PORTION, Ordering::Relaxed);
            if start >= count {
                return mine;
            }
            let end = count.min(start + PORTION);
            mine.push((start, (start..end).map(&check).collect::<Vec<T>>()));
        }
    };
    let mut portions: Vec<(usize, Vec<T>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        // A worker that panics is a flaw of this program: it must not look like a result.
        workers.into_iter().flat_map(|it| it.join().expect("a worker ends well")).collect()
    });
    portions.sort_unstable_by_key(|(start, _)| *start);
    portions.into_iter().flat_map(|(_, portion)| portion).collect()
}
