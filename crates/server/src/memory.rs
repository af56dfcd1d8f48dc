//! How much free memory the system's allocator keeps.

/// Lets as many threads allocate at once as there are cores, at least two. glibc makes eight arenas
/// a core by itself, and what is free in one is not used by the others: with some forty threads
/// that take turns, the server grew with the number of mails that it had ever taken
/// (mallopt(3), `M_ARENA_MAX`). Must be called before other threads exist. Nothing on other systems.
pub fn bound() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let arenas = libc::c_int::try_from(cores.max(2)).unwrap_or(2);
        // SAFETY: sets one number of the allocator; no other thread runs yet.
        #[allow(unsafe_code)]
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, arenas);
        }
    }
}
