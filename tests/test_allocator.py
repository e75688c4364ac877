"""How many heaps the C library makes for many threads."""

import ctypes
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, sys, threading
from service import allocator

c = ctypes.CDLL(None)
if sys.argv[1] == "shared":
    allocator.share_heaps()
everybody = threading.Barrier(12)

def take():
    everybody.wait()
    c.free(ctypes.c_void_p(c.malloc(10_000)))
    everybody.wait()

c.malloc.restype = ctypes.c_void_p
threads = [threading.Thread(target=take) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
c.fopen.restype = ctypes.c_void_p
out = c.fopen(b"/dev/stdout", b"w")
c.malloc_info(0, ctypes.c_void_p(out))
c.fclose(ctypes.c_void_p(out))
"""


def _heaps(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], check=True, capture_output=True, text=True)
    return done.stdout.count("<heap nr=")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="glibc's allocator")
def test_twelve_threads_share_two_heaps() -> None:
    assert _heaps("by default") > 2
    assert _heaps("shared") <= 2
