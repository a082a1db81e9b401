"""Twenty prompts in five languages through the example's policy: how many land where a person would put them.

    .venv/bin/python bench/explain20.py [FILE.jsonl]

The prompts were written before they were tried, and nothing was tuned on them.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> None:
    cases = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "bench" / "explain20.jsonl"
    right = 0
    rows = [json.loads(line) for line in cases.read_text().splitlines()]
    for row in rows:
        command = [ROOT / ".venv/bin/pointsman", "explain", "--policy", ROOT / "examples/01-one-machine", "--json"]
        done = subprocess.run([*command, row["prompt"]], capture_output=True, text=True, check=True)
        said = json.loads(done.stdout)
        hit = said["route"] == row["route"]
        right += hit
        scores = {name: round(score, 2) for name, score in said["signals"]["routes"].items()}
        print("ok  " if hit else "MISS", row["language"], f"{row['route']:12}", f"{said['route']:12}", scores)
    print(f"{right} of {len(rows)}")


if __name__ == "__main__":
    main()
