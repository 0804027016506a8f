#pragma once

namespace ecrelay::heap {

/// Large bodies are mapped by themselves, so that the system has them back when they go. Left to
/// itself glibc learns from the first of them to take the next from the heap, which then keeps what
/// a burst of large mail needed once (300 of 10 MiB: 1.7 GiB where limits.memory was 1 GiB). What
/// one thread gave back, another may use: an arena for each costs 3 MiB and saves no time (measured
/// on two cores). Before the first thread.
void prepare();

/// Gives the system what a burst has left free in the heap, where that is much: up to 0.1 s then,
/// else microseconds.
void tidy_up();

}  // namespace ecrelay::heap
