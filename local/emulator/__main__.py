"""MiniStack's own process, as a person's machine needs it: `python -I local/emulator/__main__.py`, by .venv/ministack.

What it does that `python -m ministack` does not is in the modules beside this one. Besides:

- It ends when the process that started it ends, however that ended.
- Python's garbage collector stops everything while it looks at every object there is: a third of a second with 6,000
  contacts. Here it looks at each object once.
"""

import gc
import os
import signal
import sys
import threading
from pathlib import Path

import ministack.app as ministack
from ministack.core.persistence import STATE_DIR

# `-I` leaves the repository out of the path.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from local.emulator import application, layers, permissions, queries, sources, state, transforms


def look_at_each_object_once() -> None:
    """Keep what survived a full collection out of the next.

    Items have no cycles: whatever their number, the collector finds nothing in them. What it misses is a cycle that
    was in use at that moment: a few requests' worth.
    """
    gc.callbacks.append(
        lambda phase, info: gc.freeze() if phase == "stop" and info["generation"] == 2 else None
    )


def end_with_parent() -> None:
    """Ends this process in good order as soon as its standard input, the parent's pipe, is closed."""
    # Not sys.stdin: the interpreter could not end while a thread reads that.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    look_at_each_object_once()
    layers.unpack_layers_once()
    sources.repeat_failed_batches()
    sources.read_streams_side_by_side()
    sources.know_absent_attributes()
    sources.read_concurrency_as_number()
    state.keep_queue_names()
    state.write_queues_as_they_are()
    permissions.know_leading_keys()
    permissions.parse_policies_once()
    permissions.know_schedule_groups()
    permissions.know_batches_of_messages()
    queries.begin_queries_at_their_place()
    queries.read_projections_once()
    transforms.put_parameters_in_place()
    application.match_names_of_several_lines()
    # `main` looks its application up by this name.
    ministack.app = application.Emulator(ministack.app, state.KeptTables(Path(STATE_DIR)))
    sys.argv = ["ministack"]
    ministack.main()
