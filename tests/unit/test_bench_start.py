"""The benchmark of the start runs without a cluster, and measures each part of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "simulations" / "bench_start.py"
MOST_MIB = 400.0


def test_import_policies_and_first_answer_are_measured() -> None:
    arguments = ("--policies", "3", "--repeat", "1", "--format", "json")
    done = subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    parts = {one["what"]: one for one in json.loads(done.stdout)}
    assert set(parts) == {"import of the controller", "3 policies read and checked", "start to the first answer"}
    for one in parts.values():
        assert one["processor_s"] > 0.0
        assert one["wall_s"] > 0.0
        assert 20.0 < one["peak_mib"] < MOST_MIB
