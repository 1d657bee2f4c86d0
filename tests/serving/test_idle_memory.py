"""What a large request took goes back to the system once a step is idle."""

import json
import os
import subprocess
import sys

from any2caption.serving.server import _MALLOC

GROW_AND_SHRINK = """
import json, time
import numpy as np
from any2caption.serving.steps import idle_memory

start = idle_memory.resident()
memory = idle_memory.IdleMemory(idle=0.1, growth=50_000_000, busy=1.0) if {watched} else None
held = [np.ones(40_000_000, np.uint8) for _ in range(20)]
kept = np.ones(1000)
peak = idle_memory.resident()
del held
if memory:
    memory.busy()
limit = time.monotonic() + {seconds}
while idle_memory.resident() > start + 60_000_000 and time.monotonic() < limit:
    if memory and {asked}:
        memory.busy()
    time.sleep(0.02)
print(json.dumps([start, peak, idle_memory.resident()]))
"""


def sizes(*, watched, seconds, asked=False):
    code = GROW_AND_SHRINK.format(watched=watched, seconds=seconds, asked=asked)
    argv = [sys.executable, "-c", code]
    env = {**os.environ, **_MALLOC}
    output = subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout
    return json.loads(output)


def test_an_idle_step_gives_back_what_a_large_request_took():
    start, peak, after = sizes(watched=True, seconds=30)
    assert peak - start > 700_000_000
    assert after - start < 60_000_000


def test_a_step_that_is_asked_all_the_time_gives_it_back_too():
    start, peak, after = sizes(watched=True, seconds=30, asked=True)
    assert peak - start > 700_000_000
    assert after - start < 60_000_000


def test_the_servers_allocator_settings_alone_would_keep_it():
    start, peak, after = sizes(watched=False, seconds=1)
    assert after - start > 0.9 * (peak - start)
