"""How the C library's allocator keeps memory. `process` sets it before there is a second thread."""

import ctypes

HEAPS = 2
_ARENA_MAX = -8
"""`M_ARENA_MAX` of glibc's `mallopt(3)`."""


def share_heaps() -> None:
    """Let all threads share HEAPS heaps; does nothing where the C library knows no such thing (musl, macOS).

    By default glibc gives each thread a heap of its own, up to eight for each processor. Pages are made on some ten
    threads and leave in another order than they came: then each heap keeps gaps of its own, that no other thread fills.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_ARENA_MAX, HEAPS)
